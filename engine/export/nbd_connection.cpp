// SPDX-License-Identifier: Apache-2.0
#include "engine/export/nbd_connection.h"

#include "engine/base/aligned_buffer.h"
#include "engine/export/errno_of.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <new>

namespace bitmend {

using namespace ondisk;

namespace {

constexpr unsigned kThreads = 4;                         // requests of one client at a time
constexpr std::size_t kKept = std::size_t{1} << 20U;     // of memory, by each of them
constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0}; // with one that has chosen nothing yet
constexpr timeval kForever{};

template <OnDisk T> std::span<std::byte> writableBytes(T& value)
{
    return std::as_writable_bytes(std::span(&value, 1));
}

// Null when there is not so much memory: then only this request fails.
std::unique_ptr<AlignedBuffer> roomFor(std::size_t size)
{
    try {
        return std::make_unique<AlignedBuffer>(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

std::uint32_t errorOf(const Result<void>& result)
{
    return result ? 0 : nbdErrorOf(errnoOf(result.error()));
}

// The range was looked at before, so all of it or nothing.
std::uint32_t errorOf(const IoResult& result, std::size_t wanted)
{
    if (!result)
        return nbdErrorOf(result.error());
    return *result == wanted ? 0 : NBD_EIO;
}

} // namespace

bool NbdServed::enter()
{
    const std::lock_guard lock(mutex);
    if (isShut)
        return false;
    ++connected;
    return true;
}

void NbdServed::leave()
{
    const std::lock_guard lock(mutex);
    --connected;
    changed.notify_all();
}

NbdConnection::NbdConnection(int socket, NbdServed& served) : m_socket(socket), m_served(served)
{
    {
        const std::lock_guard lock(m_served.mutex);
        ++m_served.running;
    }
    m_thread = std::thread([this] { run(); });
}

NbdConnection::~NbdConnection()
{
    m_thread.join();
    ::close(m_socket);
}

void NbdConnection::hearNoMore() { ::shutdown(m_socket, SHUT_RD); }

void NbdConnection::hangUp() { ::shutdown(m_socket, SHUT_RDWR); }

void NbdConnection::run()
{
    if (negotiate()) {
        std::vector<std::jthread> others;
        for (unsigned i = 1; i < kThreads; ++i)
            others.emplace_back([this] { answerRequests(); });
        answerRequests();
        others.clear();
        m_served.leave();
    }
    hangUp();
    const std::lock_guard lock(m_served.mutex);
    m_hasEnded = true;
    --m_served.running;
    m_served.changed.notify_all();
}

bool NbdConnection::negotiate()
{
    ::setsockopt(m_socket, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    const Greeting greeting;
    be32 flags;
    if (!send(std::as_bytes(std::span(&greeting, 1)), {}) || !receive(writableBytes(flags)) ||
        !isNbdClient(flags))
        return false;
    NbdOffer offer{.exports = m_served.exports};
    offer.sendsZeroes = (flags & NBD_FLAG_NO_ZEROES) == 0;
    for (;;) {
        OptionHead head;
        if (!receive(writableBytes(head)) || !isNbdOption(head))
            return false;
        std::vector<std::byte> content(head.length);
        if (!receive(content))
            return false;
        offer.isLeaving = m_served.isShut;
        const auto answer = answerOption(offer, head.option, content);
        const bool isChosen = answer.next == NbdNext::Transmit;
        if (isChosen && !m_served.enter())
            return false;
        m_export = answer.chosen;
        const bool isSent = send(answer.bytes, {});
        if (isChosen) {
            ::setsockopt(m_socket, SOL_SOCKET, SO_RCVTIMEO, &kForever, sizeof kForever);
            return true; // not sent: the first request does not come either
        }
        if (!isSent || answer.next == NbdNext::Close)
            return false;
    }
}

void NbdConnection::answerRequests()
{
    AlignedBuffer kept(kKept);
    while (answerNext(kept.span())) {
    }
}

// False when there will be no more.
bool NbdConnection::answerNext(std::span<std::byte> kept)
{
    Request request;
    NbdDecision decision;
    std::unique_ptr<AlignedBuffer> large;
    std::span<std::byte> bytes;
    {
        const std::lock_guard alone(m_receiving);
        if (m_isOver)
            return false;
        m_isOver = true; // unless all of it comes
        if (!receive(writableBytes(request)))
            return false;
        decision = decide(request, m_served.exports[m_export]);
        if (decision.act == NbdAct::Leave)
            return false;
        if (decision.act == NbdAct::Read || decision.act == NbdAct::Write) {
            if (request.length > kept.size())
                large = roomFor(request.length);
            if (request.length <= kept.size() || large)
                bytes = (large ? large->span() : kept).first(request.length);
            if (bytes.empty())
                decision = {NbdAct::Refuse, NBD_ENOMEM, decision.payload, false};
        }
        const bool isWhole =
            decision.act == NbdAct::Write ? receive(bytes) : skip(decision.payload, kept);
        if (!isWhole)
            return false;
        m_isOver = false;
    }
    SimpleReply reply{.error = perform(request, decision, bytes), .handle = request.handle};
    const bool hasBytes = reply.error == 0 && decision.act == NbdAct::Read;
    const std::lock_guard alone(m_sending);
    if (send(std::as_bytes(std::span(&reply, 1)), hasBytes ? bytes : std::span<std::byte>()))
        return true;
    hangUp(); // the others wait for a client that does not listen
    return false;
}

std::uint32_t NbdConnection::perform(
    const Request& request, const NbdDecision& decision, std::span<std::byte> bytes)
{
    if (decision.act == NbdAct::Refuse)
        return decision.error;
    if (m_served.isLeaving)
        return NBD_ESHUTDOWN;
    const auto& file = m_served.files[m_export];
    std::uint32_t error = 0;
    if (decision.act == NbdAct::Read) {
        error = errorOf(readFile(file, request.offset, bytes), bytes.size());
    } else if (decision.act == NbdAct::Write) {
        error = errorOf(writeFile(file, request.offset, bytes), bytes.size());
    } else if (decision.act == NbdAct::WriteZeroes) {
        error = writeZeroes(request.offset, request.length);
    }
    const bool flushes = decision.isDurable || decision.act == NbdAct::Flush;
    if (error == 0 && flushes && file.device)
        error = errorOf(file.device->flush());
    return error;
}

// May be most of the array in one request.
std::uint32_t NbdConnection::writeZeroes(std::uint64_t offset, std::uint64_t length)
{
    static const AlignedBuffer kZeroes(kKept);
    while (length != 0) {
        if (m_served.isLeaving)
            return NBD_ESHUTDOWN;
        const auto piece = kZeroes.span().first(std::min<std::uint64_t>(length, kKept));
        const auto error =
            errorOf(writeFile(m_served.files[m_export], offset, piece), piece.size());
        if (error != 0)
            return error;
        offset += piece.size();
        length -= piece.size();
    }
    return 0;
}

bool NbdConnection::receive(std::span<std::byte> to) const
{
    while (!to.empty()) {
        // The other threads of this client have nothing to do before this has come.
        // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection)
        const auto got = ::recv(m_socket, to.data(), to.size(), MSG_WAITALL);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to = to.subspan(std::size_t(got));
    }
    return true;
}

bool NbdConnection::skip(std::uint64_t length, std::span<std::byte> kept) const
{
    while (length != 0) {
        const auto piece = kept.first(std::min<std::uint64_t>(length, kept.size()));
        if (!receive(piece))
            return false;
        length -= piece.size();
    }
    return true;
}

bool NbdConnection::send(std::span<const std::byte> head, std::span<const std::byte> rest) const
{
    while (!head.empty() || !rest.empty()) {
        // sendmsg() only reads what it is given.
        std::array<iovec, 2> parts{{{const_cast<std::byte*>(head.data()), head.size()},
            {const_cast<std::byte*>(rest.data()), rest.size()}}};
        const msghdr message{.msg_name = nullptr,
            .msg_namelen = 0,
            .msg_iov = parts.data(),
            .msg_iovlen = parts.size(),
            .msg_control = nullptr,
            .msg_controllen = 0,
            .msg_flags = 0};
        const auto sent = ::sendmsg(m_socket, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        const auto ofHead = std::min(std::size_t(sent), head.size());
        head = head.subspan(ofHead);
        rest = rest.subspan(std::size_t(sent) - ofHead);
    }
    return true;
}

} // namespace bitmend
