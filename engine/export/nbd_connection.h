// SPDX-License-Identifier: Apache-2.0
// One client of an NBD server, with threads of its own: it may wait, send garbage or go in the
// middle of a word without anybody else noticing. Used by nbd_mount.cpp only.
#pragma once

#include "engine/export/file_tree.h"
#include "engine/export/nbd_decisions.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace bitmend {

// What all connections of a server share.
struct NbdServed
{
    std::vector<ExportedFile> files;
    std::vector<NbdExport> exports; // the same ones

    std::mutex mutex; // guards the counts
    std::condition_variable changed;
    unsigned running = 0;                // connections whose threads have not ended
    unsigned connected = 0;              // of those, that have chosen an export
    std::atomic<bool> isShut = false;    // nobody is let in any more
    std::atomic<bool> isLeaving = false; // and whoever is in is sent away

    bool enter(); // false: it is shut
    void leave();
};

class NbdConnection
{
public:
    // Owns the socket, which is connected.
    NbdConnection(int socket, NbdServed& served);
    ~NbdConnection(); // waits for what is being done
    NbdConnection(const NbdConnection&) = delete;
    NbdConnection& operator=(const NbdConnection&) = delete;

    bool hasEnded() const { return m_hasEnded; }
    void hearNoMore(); // what was asked for is still done and answered
    void hangUp();

private:
    void run();
    bool negotiate();
    void answerRequests();
    bool answerNext(std::span<std::byte> kept);
    std::uint32_t perform(
        const ondisk::Request& request, const NbdDecision& decision, std::span<std::byte> bytes);
    std::uint32_t writeZeroes(std::uint64_t offset, std::uint64_t length);

    bool receive(std::span<std::byte> to) const;
    bool skip(std::uint64_t length, std::span<std::byte> kept) const;
    bool send(std::span<const std::byte> head, std::span<const std::byte> rest) const;

    int m_socket;
    NbdServed& m_served;
    std::size_t m_export = 0;
    std::mutex m_receiving; // a request and its bytes are taken by one thread
    std::mutex m_sending;
    std::atomic<bool> m_isOver = false; // nothing more is received
    std::atomic<bool> m_hasEnded = false;
    std::thread m_thread; // last: it uses all of the above
};

} // namespace bitmend
