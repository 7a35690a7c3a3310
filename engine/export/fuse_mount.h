// SPDX-License-Identifier: Apache-2.0
// Sources as files in a folder, for any program on this computer: FUSE's low-level interface,
// served by a few threads. Only the person who mounted it sees what is in it.
//
// What a program writes has reached the device when its write() returns, and stable storage when
// its fsync() does; nothing is held back here.
//
// Threads: one at a time; the files are read and written from threads of the mount's own.
#pragma once

#include "engine/export/file_tree.h"

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace bitmend {

class FuseMount
{
public:
    // `folder` is made when it is not there. `program` names us in the kernel's list of mounts.
    // NoFuse, CannotMount, FolderInUse.
    static Result<std::unique_ptr<FuseMount>> mount(std::vector<ExportedFile> files,
        const std::filesystem::path& folder, const std::string& program);

    // Lazily, when nobody did before: programs that still have a file open get EIO from then on.
    // Every file is flushed, and a folder that was made goes as well.
    ~FuseMount();
    FuseMount(const FuseMount&) = delete;
    FuseMount& operator=(const FuseMount&) = delete;

    const std::filesystem::path& folder() const;
    const std::vector<ExportedFile>& files() const;

    // False when it was unmounted, by us or by anybody else.
    bool isServing() const;

    // Readable when isServing() may have become false; for poll().
    int endedDescriptor() const;

    // How many files programs have open.
    unsigned openFiles() const;

    // MountBusy while a program uses it. Unmounted, it may still come to an error: what programs
    // wrote could not be made durable then.
    Result<void> unmount();

private:
    struct Session;
    explicit FuseMount(std::shared_ptr<Session> session);

    std::shared_ptr<Session> m_session;
    std::thread m_server;
};

} // namespace bitmend
