// SPDX-License-Identifier: Apache-2.0
// Regular files and block devices. Looking and writing are two functions on purpose: whoever only
// looks cannot get a descriptor that writes.
//
// Read errors: Io with errno and the offset of the first byte that could not be had, ShortRead
// when the file has become shorter than it was when opened, Vanished when the device is gone.
#pragma once

#include "engine/io/block_source.h"
#include "engine/io/holders.h"

#include <string>

namespace bitmend {

// Read-only, always, and without touching the access time where the system lets us. Errors:
// CannotOpen, NotAStorage (a folder, a pipe, a character device), Io when the size cannot be had.
Result<SourcePtr> openFile(const std::string& path);

// For what is ours to change: copies, and members after the user asked for it in so many words. The
// size is that of the file as it is. Nobody else may use it meanwhile: checkUnused() of holders.h,
// a lock on the range that is meant to be written, and block devices are opened exclusively, which
// keeps the kernel from mounting or assembling them. Errors as above and of checkUnused(); InUse.
// Writes past the end are refused with ShortRead, a full disk is NoSpaceInPlace.
Result<DevicePtr> openFileForWriting(const std::string& path, const LockRange& range = {});

// For files of our own, beside what is written to: a full disk is NoSpace. Creates the file when it
// is not there and makes it at least `sizeBytes` long, sparse; what it holds is kept. The folder
// entry is durable on return.
Result<DevicePtr> createFile(const std::string& path, std::uint64_t sizeBytes);

// A file that is not there yet, durable with all of this content or not there at all. CannotOpen
// with EEXIST for one that is.
Result<void> createNewFile(const std::string& path, std::span<const std::byte> content);

} // namespace bitmend
