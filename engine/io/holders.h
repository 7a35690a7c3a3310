// SPDX-License-Identifier: Apache-2.0
// Who else uses a file or a block device. Whatever is about to be written asks first: a mounted
// file system or a running array would not notice that its disk changes under it.
#pragma once

#include "engine/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace bitmend {

// Where the kernel tells it; tests have folders of their own.
struct KernelFolders
{
    std::filesystem::path sys = "/sys";
    std::filesystem::path proc = "/proc";
};

// OK when the kernel has nothing on it: no array or mapped volume on the device, its partitions or
// the disk that it is a partition of (HeldByDevice), no mounted file system there (Mounted), no
// loop device over the file or any of those devices (BacksLoop). Says nothing of programs: those
// lock, or do not.
Result<void> checkUnused(const std::string& path, const KernelFolders& kernel = {});

// Bytes [offset, offset + length) of an open file, locked for as long as it stays open; a length of
// 0 reaches to the end of everything. Readers share with readers. The locks are of the "open file
// description" kind, which no other part of this program can lose by accident.
enum class LockKind : std::uint8_t { Reading, Writing };
struct LockRange
{
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};
// InUse with the program that holds it, where that can be known.
Result<void> lockFile(
    int descriptor, const std::string& name, LockKind kind, const LockRange& range = {});

// "bitmendctl (process 4711)": a program with a lock on this file; empty when none can be seen.
std::string lockHolder(int descriptor, const std::filesystem::path& proc = "/proc");

// The same for whoever merely has the device open.
std::string openedBy(const std::string& path, const std::filesystem::path& proc = "/proc");

} // namespace bitmend
