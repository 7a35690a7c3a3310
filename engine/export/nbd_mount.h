// SPDX-License-Identifier: Apache-2.0
// Sources as exports of a server for network block devices, on a socket in a folder that only its
// owner can reach: for computers on which nothing can be mounted. Several clients, each with
// several requests at a time; a client that is none harms only its own connection.
#pragma once

#include "engine/export/mount.h"
#include "engine/export/nbd_connection.h"
#include "engine/export/nbd_socket.h"

#include <list>

namespace bitmend {

class NbdMount final : public Mount
{
public:
    // Exports are called as the files, without ".img". CannotMount, FolderInUse.
    static Result<std::unique_ptr<NbdMount>> mount(
        std::vector<ExportedFile> files, const std::filesystem::path& folder);

    ~NbdMount() override;
    NbdMount(const NbdMount&) = delete;
    NbdMount& operator=(const NbdMount&) = delete;

    const std::filesystem::path& folder() const override { return m_socket.folder(); }
    const std::vector<ExportedFile>& files() const override { return m_served.files; }
    std::filesystem::path socket() const override { return m_socket.path(); }
    bool isServing() const override { return m_isServing; }
    int endedDescriptor() const override { return m_ended; }
    unsigned openFiles() const override;
    Result<void> unmount() override;

private:
    NbdMount(NbdSocket socket, std::vector<ExportedFile> files, int ended);
    void accept();
    void end();
    Result<void> flush();

    NbdSocket m_socket;
    mutable NbdServed m_served;
    int m_ended; // an eventfd; wakes the acceptor as well
    std::atomic<bool> m_isServing = true;
    std::list<NbdConnection> m_connections; // the acceptor's, and end()'s after it
    std::thread m_acceptor;
};

} // namespace bitmend
