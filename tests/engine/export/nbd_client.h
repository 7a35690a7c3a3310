// SPDX-License-Identifier: Apache-2.0
// A client for network block devices that sends exactly what it is told to, right or wrong.
#pragma once

#include "engine/export/nbd_format.h"
#include "tests/support/expect.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <bit>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace bitmend::test {

using Bytes = std::vector<std::byte>;

class NbdClient
{
public:
    explicit NbdClient(const std::string& path) : m_socket(::socket(AF_UNIX, SOCK_STREAM, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size());
        EXPECT(::connect(m_socket, std::bit_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    NbdClient(const NbdClient&) = delete;
    NbdClient& operator=(const NbdClient&) = delete;
    ~NbdClient() { leave(); }

    void leave()
    {
        if (m_socket >= 0)
            ::close(m_socket);
        m_socket = -1;
    }

    void send(std::span<const std::byte> bytes) const
    {
        while (!bytes.empty()) {
            const auto sent = ::send(m_socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                return; // it was closed; whoever reads next sees that
            bytes = bytes.subspan(std::size_t(sent));
        }
    }
    template <OnDisk T> void send(const T& value) const
    {
        send(std::as_bytes(std::span(&value, 1)));
    }

    // As much as comes before the end.
    Bytes receive(std::size_t size) const
    {
        Bytes bytes(size);
        std::size_t got = 0;
        while (got < size) {
            const auto more = ::recv(m_socket, bytes.data() + got, size - got, 0);
            if (more <= 0)
                break;
            got += std::size_t(more);
        }
        bytes.resize(got);
        return bytes;
    }
    template <OnDisk T> T receive() const
    {
        T value;
        const auto bytes = receive(sizeof value);
        EXPECT(bytes.size() == sizeof value);
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    bool isClosed() const { return receive(1).empty(); }

    void greet(std::uint32_t flags = 3) const
    {
        const auto greeting = receive<ondisk::Greeting>();
        EXPECT(greeting.magic == ondisk::NBDMAGIC && greeting.option_magic == ondisk::IHAVEOPT);
        send(ondisk::be32(flags));
    }

    void option(std::uint32_t option, std::span<const std::byte> content = {}) const
    {
        send(ondisk::OptionHead{ondisk::IHAVEOPT, option, std::uint32_t(content.size())});
        send(content);
    }

    // The types of all replies to one option; the bytes of the last information in `content`.
    std::vector<std::uint32_t> replies(std::uint32_t option, Bytes* content = nullptr) const
    {
        std::vector<std::uint32_t> types;
        do {
            const auto reply = receive<ondisk::OptionReply>();
            EXPECT(reply.magic == ondisk::NBD_REP_MAGIC && reply.option == option);
            const auto bytes = receive(reply.length);
            if (content != nullptr && !bytes.empty())
                *content = bytes;
            types.push_back(reply.type);
        } while (types.back() == ondisk::NBD_REP_SERVER || types.back() == ondisk::NBD_REP_INFO);
        return types;
    }

    static Bytes wish(const std::string& name)
    {
        Bytes content(4);
        const ondisk::be32 size(std::uint32_t(name.size()));
        std::memcpy(content.data(), &size, sizeof size);
        const auto text = std::as_bytes(std::span(name));
        content.insert(content.end(), text.begin(), text.end());
        content.resize(content.size() + 2); // no information is asked for
        return content;
    }

    // Up to where requests are answered.
    void choose(const std::string& name) const
    {
        greet();
        option(ondisk::NBD_OPT_GO, wish(name));
        EXPECT(replies(ondisk::NBD_OPT_GO).back() == ondisk::NBD_REP_ACK);
    }

    void request(std::uint16_t type, std::uint64_t offset, std::uint32_t length,
        std::uint16_t flags = 0, std::uint64_t handle = 1) const
    {
        send(ondisk::Request{ondisk::NBD_REQUEST_MAGIC, flags, type, handle, offset, length});
    }
    std::uint32_t error(std::uint64_t handle = 1) const
    {
        const auto reply = receive<ondisk::SimpleReply>();
        EXPECT(reply.magic == ondisk::NBD_SIMPLE_REPLY_MAGIC && reply.handle == handle);
        return reply.error;
    }

    std::uint32_t write(
        std::uint64_t offset, std::span<const std::byte> bytes, std::uint16_t flags = 0) const
    {
        request(ondisk::NBD_CMD_WRITE, offset, std::uint32_t(bytes.size()), flags);
        send(bytes);
        return error();
    }
    Bytes read(std::uint64_t offset, std::uint32_t length) const
    {
        request(ondisk::NBD_CMD_READ, offset, length);
        EXPECT(error() == 0);
        return receive(length);
    }
    std::uint32_t ask(std::uint16_t type, std::uint64_t offset = 0, std::uint32_t length = 0,
        std::uint16_t flags = 0) const
    {
        request(type, offset, length, flags);
        return error();
    }

private:
    int m_socket;
};

} // namespace bitmend::test
