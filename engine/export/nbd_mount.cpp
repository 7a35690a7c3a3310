// SPDX-License-Identifier: Apache-2.0
#include "engine/export/nbd_mount.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <tuple>
#include <utility>

namespace bitmend {

namespace {

constexpr std::size_t kMostClients = 16;
constexpr std::chrono::seconds kClosing{1}; // a client that has gone is noticed long before
constexpr std::chrono::seconds kPatience{2};
constexpr int kAgainMillis = 100;

} // namespace

Result<std::unique_ptr<NbdMount>> NbdMount::mount(
    std::vector<ExportedFile> files, const std::filesystem::path& folder)
{
    auto socket = NbdSocket::listenIn(folder);
    if (!socket)
        return std::unexpected(socket.error());
    const int ended = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ended < 0)
        return fail(ErrorCode::CannotMount, folder, -1, errno);
    return std::unique_ptr<NbdMount>(new NbdMount(std::move(*socket), std::move(files), ended));
}

NbdMount::NbdMount(NbdSocket socket, std::vector<ExportedFile> files, int ended)
    : m_socket(std::move(socket))
    , m_ended(ended)
{
    m_served.files = std::move(files);
    for (const auto& file : m_served.files) {
        m_served.exports.push_back(
            {exportName(file), file.source->sizeBytes(), file.device != nullptr});
    }
    m_acceptor = std::thread([this] { accept(); });
}

NbdMount::~NbdMount()
{
    end();
    std::ignore = flush(); // what does not work here cannot be told to anybody any more
    ::close(m_ended);
}

void NbdMount::accept()
{
    std::array<pollfd, 2> events{{{m_socket.descriptor(), POLLIN, 0}, {m_ended, POLLIN, 0}}};
    for (;;) {
        if (::poll(events.data(), events.size(), -1) < 0)
            continue;
        if (events[1].revents != 0)
            return;
        const int client = ::accept4(m_socket.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) {
            ::poll(&events[1], 1, kAgainMillis); // too many descriptors: not round and round
            continue;
        }
        m_connections.remove_if([](const NbdConnection& one) { return one.hasEnded(); });
        if (m_connections.size() < kMostClients) {
            m_connections.emplace_back(client, m_served);
        } else {
            ::close(client);
        }
    }
}

unsigned NbdMount::openFiles() const
{
    const std::lock_guard lock(m_served.mutex);
    return m_served.connected;
}

void NbdMount::end()
{
    if (!m_isServing.exchange(false))
        return;
    {
        const std::lock_guard lock(m_served.mutex);
        m_served.isShut = m_served.isLeaving = true;
    }
    ::eventfd_write(m_ended, 1);
    m_acceptor.join();
    for (auto& connection : m_connections)
        connection.hearNoMore();
    {
        // A client that does not take its replies is not waited for.
        std::unique_lock lock(m_served.mutex);
        m_served.changed.wait_for(lock, kPatience, [this] { return m_served.running == 0; });
    }
    for (auto& connection : m_connections)
        connection.hangUp();
    m_connections.clear();
}

Result<void> NbdMount::flush()
{
    for (const auto& file : m_served.files) {
        if (file.device)
            BM_TRY(file.device->flush());
    }
    return {};
}

Result<void> NbdMount::unmount()
{
    if (m_isServing) {
        std::unique_lock lock(m_served.mutex);
        m_served.isShut = true; // nobody comes in between
        const auto isFree = [this] {
            return m_served.connected == 0;
        };
        if (!m_served.changed.wait_for(lock, kClosing, isFree)) {
            m_served.isShut = false;
            return fail(ErrorCode::MountBusy, m_socket.folder());
        }
    }
    end();
    return flush();
}

} // namespace bitmend
