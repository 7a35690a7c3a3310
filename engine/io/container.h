// SPDX-License-Identifier: Apache-2.0
// The kinds of thing a path can be, in one table: a raw image, a split raw set, a block device. A
// new container is one new source and one new row; the file dialog's filter is made from the table.
#pragma once

#include "engine/io/block_source.h"
#include "engine/io/holders.h"

#include <span>
#include <string>
#include <string_view>

namespace bitmend {

struct Container
{
    std::string_view name;     // "split raw image"
    std::string_view patterns; // for file dialogs, "*.001 *.000"; empty: every other file
    bool (*probe)(const std::string& path);
    Result<SourcePtr> (*open)(const std::string& path);
    Result<DevicePtr> (*openForWriting)(const std::string& path, const LockRange& range);
};

std::span<const Container> containers();

// Opens read-only, always. "disk.img#2" opens the second partition of disk.img unless a file of
// that very name exists. Errors: CannotOpen, NotAStorage, Empty, Vanished, or what the container
// says.
Result<SourcePtr> openSource(const std::string& path);

// The same to be written, with nobody else using it; of a partition only its own bytes are locked,
// so that others of the same image may be written at the same time. Errors: those, Unsupported for
// a container that is only read, and those of openFileForWriting.
Result<DevicePtr> openDevice(const std::string& path);

} // namespace bitmend
