// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/farewell.h"

#include "app/ctl/console.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

namespace bitmend::ctl {

namespace {

constexpr char kEnd = 'e';
constexpr char kComplaint = 'c';
constexpr char kExit = 'x';
constexpr int kWaiting = 4;
constexpr std::size_t kMostGuests = 16;
constexpr std::size_t kLongest = 8192; // of a sentence, with paths in it

struct Address
{
    sockaddr_un value{};
    socklen_t size = 0;

    explicit Address(pid_t process)
    {
        const std::string name = "bitmendctl-" + std::to_string(process);
        value.sun_family = AF_UNIX;
        std::memcpy(value.sun_path + 1, name.data(), name.size()); // abstract: after a zero byte
        size = socklen_t(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    }
    const sockaddr* get() const { return std::bit_cast<const sockaddr*>(&value); }
};

std::optional<ucred> peerOf(int socket)
{
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return std::nullopt;
    return who;
}

} // namespace

Farewell::Farewell()
{
    const Address address(::getpid());
    m_events = ::epoll_create1(EPOLL_CLOEXEC);
    m_listener = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    epoll_event event{.events = EPOLLIN, .data = {.fd = m_listener}};
    const bool listens = m_events >= 0 && m_listener >= 0 &&
                         ::bind(m_listener, address.get(), address.size) == 0 &&
                         ::listen(m_listener, kWaiting) == 0;
    if (listens)
        ::epoll_ctl(m_events, EPOLL_CTL_ADD, m_listener, &event);
    copyComplaints([this](std::string_view sentence) {
        send(kComplaint, sentence.substr(0, kLongest - 1), true);
    });
}

Farewell::~Farewell()
{
    copyComplaints({});
    for (const auto& guest : m_guests)
        ::close(guest.socket);
    for (const int descriptor : {m_listener, m_events}) {
        if (descriptor >= 0)
            ::close(descriptor);
    }
}

void Farewell::letIn()
{
    const int guest = ::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const auto who = guest >= 0 ? peerOf(guest) : std::nullopt;
    const bool mayAsk = who && (who->uid == ::geteuid() || who->uid == 0);
    epoll_event event{.events = EPOLLIN, .data = {.fd = guest}};
    if (mayAsk && m_guests.size() < kMostGuests &&
        ::epoll_ctl(m_events, EPOLL_CTL_ADD, guest, &event) == 0) {
        m_guests.push_back({guest});
    } else if (guest >= 0) {
        ::close(guest);
    }
}

bool Farewell::isAsked()
{
    bool isAsked = false;
    std::array<epoll_event, kMostGuests + 1> events{};
    const int count = ::epoll_wait(m_events, events.data(), int(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const int socket = events[std::size_t(i)].data.fd;
        if (socket == m_listener) {
            letIn();
            continue;
        }
        const auto guest = std::ranges::find(m_guests, socket, &Guest::socket);
        char word = 0;
        if (::recv(socket, &word, 1, 0) == 1 && word == kEnd) {
            guest->hasAsked = isAsked = true;
        } else {
            ::close(socket);
            m_guests.erase(guest);
        }
    }
    return isAsked;
}

// Who does not take it is not waited for.
void Farewell::send(char kind, std::string_view content, bool toAll)
{
    const auto packet = kind + std::string(content);
    for (const auto& guest : m_guests) {
        if (toAll || guest.hasAsked)
            ::send(guest.socket, packet.data(), packet.size(), MSG_NOSIGNAL);
    }
}

void Farewell::refuse(ExitCode code)
{
    send(kExit, std::string(1, std::bit_cast<char>(code)), false);
    std::erase_if(m_guests, [](const Guest& guest) {
        if (guest.hasAsked)
            ::close(guest.socket);
        return guest.hasAsked;
    });
}

void Farewell::tell(ExitCode code) { send(kExit, std::string(1, std::bit_cast<char>(code)), true); }

FarewellGuest::FarewellGuest(pid_t server)
    : m_socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0))
{
    const Address address(server);
    const bool isAnswered = m_socket >= 0 && ::connect(m_socket, address.get(), address.size) == 0;
    const auto who = isAnswered ? peerOf(m_socket) : std::nullopt;
    if (who && who->pid == server)
        return;
    if (m_socket >= 0)
        ::close(std::exchange(m_socket, -1));
}

FarewellGuest::~FarewellGuest()
{
    if (m_socket >= 0)
        ::close(m_socket);
}

std::optional<ExitCode> FarewellGuest::end()
{
    std::array<char, kLongest> packet{};
    // When it has ended already, what it said can still be heard, after one ECONNRESET.
    ::send(m_socket, &kEnd, 1, MSG_NOSIGNAL);
    for (;;) {
        const auto size = ::recv(m_socket, packet.data(), packet.size(), 0);
        if (size < 0 && (errno == EINTR || errno == ECONNRESET))
            continue;
        if (size < 2)
            return std::nullopt;
        const std::string_view said(packet.data(), std::size_t(size));
        if (said[0] == kExit)
            return ExitCode(std::bit_cast<unsigned char>(said[1]));
        complain(said.substr(1));
    }
}

} // namespace bitmend::ctl
