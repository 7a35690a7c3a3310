// SPDX-License-Identifier: Apache-2.0
// Sources as files in a folder, for any program on this computer: FUSE's low-level interface,
// served by a few threads. Only the person who mounted it sees what is in it.
//
// What a program writes has reached the device when its write() returns, and stable storage when
// its fsync() does; nothing is held back here. The kernel's cache for writes is left off: with it,
// writes behind the end would be accepted, and make the file longer.
//
// Threads: one at a time; the files are read and written from threads of the mount's own.
#pragma once

#include "engine/export/mount.h"

#include <thread>

namespace bitmend {

class FuseMount final : public Mount
{
public:
    // `folder` is made when it is not there. `program` names us in the kernel's list of mounts.
    // NoFuse, CannotMount, FolderInUse.
    static Result<std::unique_ptr<FuseMount>> mount(std::vector<ExportedFile> files,
        const std::filesystem::path& folder, const std::string& program);

    // Lazily: programs that still have a file open get EIO from then on.
    ~FuseMount() override;
    FuseMount(const FuseMount&) = delete;
    FuseMount& operator=(const FuseMount&) = delete;

    const std::filesystem::path& folder() const override;
    const std::vector<ExportedFile>& files() const override;
    std::filesystem::path socket() const override { return {}; }
    bool isServing() const override;
    int endedDescriptor() const override;
    unsigned openFiles() const override;
    Result<void> unmount() override;

private:
    struct Session;
    explicit FuseMount(std::shared_ptr<Session> session);

    std::shared_ptr<Session> m_session;
    std::thread m_server;
};

} // namespace bitmend
