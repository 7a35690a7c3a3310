// SPDX-License-Identifier: Apache-2.0
// What is answered when the kernel asks about an exported folder and its files: the calls of
// libfuse's low-level table. Used by fuse_mount.cpp only.
#pragma once

#include "engine/export/file_tree.h"

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <shared_mutex>
#include <vector>

struct fuse_lowlevel_ops; // NOLINT(readability-identifier-naming): libfuse's name

namespace bitmend {

// What they answer from: the user data of the session. Programs may keep files open for longer than
// there is anything behind them: then `files` is empty.
struct Served
{
    std::shared_mutex mutex;             // held by each call; alone by whoever takes the files away
    std::atomic<bool> isLeaving = false; // set before that, so that calls do not keep it waiting
    std::vector<ExportedFile> files;
    timespec begun{};
    std::atomic<unsigned> open = 0;

    // By inode: 1 is the folder. Null: there is no such file.
    const ExportedFile* file(std::uint64_t node) const;
    struct stat statusOf(std::uint64_t node) const;
};

fuse_lowlevel_ops fuseCalls();

} // namespace bitmend
