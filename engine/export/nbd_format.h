// SPDX-License-Identifier: Apache-2.0
// What goes over an NBD connection, as proto.md of the network block device project describes it:
// fixed newstyle, simple replies. Every integer is big-endian. Names are the document's own.
//
//   server  Greeting
//   client  be32 client flags
//   client  OptionHead, `length` bytes      } until NBD_OPT_EXPORT_NAME or NBD_OPT_GO
//   server  OptionReply, `length` bytes     } has named an export
//   client  Request, `length` bytes with NBD_CMD_WRITE   } in any number and, the
//   server  SimpleReply, the bytes with NBD_CMD_READ     } replies, in any order
#pragma once

#include "engine/base/endian.h"

#include <bit>
#include <concepts>
#include <cstdint>

namespace bitmend::ondisk {

template <std::integral T> class Be
{
public:
    constexpr Be() = default;
    constexpr Be(T value) : m_value(std::byteswap(value)) {}
    constexpr operator T() const { return m_value.read(std::endian::big); }

private:
    Le<T> m_value;
};

using be16 = Be<std::uint16_t>;
using be32 = Be<std::uint32_t>;
using be64 = Be<std::uint64_t>;

inline constexpr std::uint64_t NBDMAGIC = 0x4e42444d41474943;
inline constexpr std::uint64_t IHAVEOPT = 0x49484156454f5054;
inline constexpr std::uint64_t NBD_REP_MAGIC = 0x3e889045565a9;
inline constexpr std::uint32_t NBD_REQUEST_MAGIC = 0x25609513;
inline constexpr std::uint32_t NBD_SIMPLE_REPLY_MAGIC = 0x67446698;

inline constexpr std::uint16_t NBD_FLAG_FIXED_NEWSTYLE = 1 << 0;
inline constexpr std::uint16_t NBD_FLAG_NO_ZEROES = 1 << 1; // the client may answer with both

inline constexpr std::uint16_t NBD_FLAG_HAS_FLAGS = 1 << 0;
inline constexpr std::uint16_t NBD_FLAG_READ_ONLY = 1 << 1;
inline constexpr std::uint16_t NBD_FLAG_SEND_FLUSH = 1 << 2;
inline constexpr std::uint16_t NBD_FLAG_SEND_FUA = 1 << 3;
inline constexpr std::uint16_t NBD_FLAG_SEND_WRITE_ZEROES = 1 << 6;
inline constexpr std::uint16_t NBD_FLAG_CAN_MULTI_CONN = 1 << 8;

inline constexpr std::uint32_t NBD_OPT_EXPORT_NAME = 1;
inline constexpr std::uint32_t NBD_OPT_ABORT = 2;
inline constexpr std::uint32_t NBD_OPT_LIST = 3;
inline constexpr std::uint32_t NBD_OPT_INFO = 6;
inline constexpr std::uint32_t NBD_OPT_GO = 7;

inline constexpr std::uint32_t NBD_REP_ACK = 1;
inline constexpr std::uint32_t NBD_REP_SERVER = 2;
inline constexpr std::uint32_t NBD_REP_INFO = 3;
inline constexpr std::uint32_t NBD_REP_ERR_UNSUP = 0x80000001;
inline constexpr std::uint32_t NBD_REP_ERR_INVALID = 0x80000003;
inline constexpr std::uint32_t NBD_REP_ERR_UNKNOWN = 0x80000006;
inline constexpr std::uint32_t NBD_REP_ERR_SHUTDOWN = 0x80000007;

inline constexpr std::uint16_t NBD_INFO_EXPORT = 0;
inline constexpr std::uint16_t NBD_INFO_NAME = 1;
inline constexpr std::uint16_t NBD_INFO_BLOCK_SIZE = 3;

inline constexpr std::uint16_t NBD_CMD_READ = 0;
inline constexpr std::uint16_t NBD_CMD_WRITE = 1;
inline constexpr std::uint16_t NBD_CMD_DISC = 2;
inline constexpr std::uint16_t NBD_CMD_FLUSH = 3;
inline constexpr std::uint16_t NBD_CMD_TRIM = 4;
inline constexpr std::uint16_t NBD_CMD_WRITE_ZEROES = 6;

inline constexpr std::uint16_t NBD_CMD_FLAG_FUA = 1 << 0;
inline constexpr std::uint16_t NBD_CMD_FLAG_NO_HOLE = 1 << 1;

// The errors that may be sent; any other errno means nothing there.
inline constexpr std::uint32_t NBD_EPERM = 1;
inline constexpr std::uint32_t NBD_EIO = 5;
inline constexpr std::uint32_t NBD_ENOMEM = 12;
inline constexpr std::uint32_t NBD_EINVAL = 22;
inline constexpr std::uint32_t NBD_ENOSPC = 28;
inline constexpr std::uint32_t NBD_EOVERFLOW = 75;
inline constexpr std::uint32_t NBD_ENOTSUP = 95;
inline constexpr std::uint32_t NBD_ESHUTDOWN = 108;

struct Greeting
{
    be64 magic = NBDMAGIC;
    be64 option_magic = IHAVEOPT;
    be16 flags = std::uint16_t{NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES};
};

struct OptionHead
{
    be64 magic; // IHAVEOPT
    be32 option;
    be32 length;
};

struct OptionReply
{
    be64 magic = NBD_REP_MAGIC;
    be32 option;
    be32 type;
    be32 length;
};

struct Request
{
    be32 magic; // NBD_REQUEST_MAGIC
    be16 flags;
    be16 type;
    be64 handle; // chosen by the client
    be64 offset;
    be32 length;
};

struct SimpleReply
{
    be32 magic = NBD_SIMPLE_REPLY_MAGIC;
    be32 error;
    be64 handle;
};

static_assert(OnDisk<Greeting> && sizeof(Greeting) == 18);
static_assert(OnDisk<OptionHead> && sizeof(OptionHead) == 16);
static_assert(OnDisk<OptionReply> && sizeof(OptionReply) == 20);
static_assert(OnDisk<Request> && sizeof(Request) == 28);
static_assert(OnDisk<SimpleReply> && sizeof(SimpleReply) == 16);

} // namespace bitmend::ondisk
