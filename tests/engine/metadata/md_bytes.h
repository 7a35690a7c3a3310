// SPDX-License-Identifier: Apache-2.0
// Superblocks and bitmaps put together byte by byte from the format's description, so that the
// decoders are not judged by their own encoders. Offsets are numbers here on purpose.
#pragma once

#include "engine/io/block_source.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace bitmend::test {

using Bytes = std::vector<std::byte>;

inline void put(Bytes& bytes, std::size_t offset, std::size_t size, std::uint64_t value)
{
    for (std::size_t i = 0; i < size; ++i)
        bytes.at(offset + i) = static_cast<std::byte>(value >> (8 * i));
}

inline void put16(Bytes& bytes, std::size_t offset, std::uint64_t v) { put(bytes, offset, 2, v); }
inline void put32(Bytes& bytes, std::size_t offset, std::uint64_t v) { put(bytes, offset, 4, v); }
inline void put64(Bytes& bytes, std::size_t offset, std::uint64_t v) { put(bytes, offset, 8, v); }

inline std::uint64_t get(const Bytes& bytes, std::size_t offset, std::size_t size)
{
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;)
        value = value << 8 | static_cast<std::uint64_t>(bytes.at(offset + i));
    return value;
}

inline void putText(Bytes& bytes, std::size_t offset, const std::string& text)
{
    std::memcpy(bytes.data() + offset, text.data(), text.size());
}

// Adds little-endian words, then folds the 64-bit sum once.
inline std::uint32_t wordSum(const Bytes& bytes, std::size_t length)
{
    std::uint64_t total = 0;
    for (std::size_t at = 0; at < length; at += 4)
        total += get(bytes, at, std::min<std::size_t>(4, length - at));
    return static_cast<std::uint32_t>((total & 0xffffffff) + (total >> 32));
}

inline void seal1(Bytes& bytes)
{
    const std::size_t entries = std::min<std::size_t>(get(bytes, 220, 4), (bytes.size() - 256) / 2);
    put32(bytes, 216, 0);
    put32(bytes, 216, wordSum(bytes, 256 + 2 * entries));
}

inline constexpr std::uint64_t kDevice = 16384; // 8 MiB, in sectors

// A clean member of a two-disk RAID 1 with a bitmap at +8 and a bad block log at +16.
inline Bytes superblock1(unsigned minor, std::uint64_t location)
{
    Bytes b(4096);
    put32(b, 0, 0xa92b4efc);
    put32(b, 4, 1);
    put32(b, 8, 1);
    for (std::size_t i = 0; i < 16; ++i)
        put(b, 16 + i, 1, 0x10 + i);
    putText(b, 32, "host:data");
    put64(b, 64, 1700000000 | std::uint64_t{123456} << 40);
    put32(b, 72, 1);
    put64(b, 80, 12288);
    put32(b, 92, 2);
    put32(b, 96, minor == 0 ? std::uint64_t(-16) : 8);
    put64(b, 128, minor == 0 ? 0 : 2048);
    put64(b, 136, minor == 0 ? location - 16 : kDevice - 2048);
    put64(b, 144, location);
    put32(b, 160, 1);
    for (std::size_t i = 0; i < 16; ++i)
        put(b, 168 + i, 1, 0xa0 + i);
    put16(b, 186, 8);
    put32(b, 188, minor == 0 ? std::uint64_t(-8) : 16);
    put64(b, 192, 1700000100);
    put64(b, 200, 17);
    put64(b, 208, ~std::uint64_t{0});
    put32(b, 220, 128);
    for (std::size_t i = 0; i < 128; ++i)
        put16(b, 256 + 2 * i, i < 2 ? i : 0xffff);
    seal1(b);
    return b;
}

inline void seal090(Bytes& bytes)
{
    put32(bytes, 152, 0);
    put32(bytes, 152, wordSum(bytes, 4096));
}

// Location of the superblock of a kDevice member.
inline constexpr std::uint64_t kPlace090 = kDevice - 128;

inline void putDescriptor(
    Bytes& b, std::size_t at, std::uint32_t number, std::uint32_t role, std::uint32_t state)
{
    put32(b, at, number);
    put32(b, at + 4, 7);
    put32(b, at + 8, number + 1);
    put32(b, at + 12, role);
    put32(b, at + 16, state);
}

// Clean member 1 of a two-disk RAID 1 with a bitmap.
inline Bytes superblock090()
{
    Bytes b(4096);
    put32(b, 0, 0xa92b4efc);
    put32(b, 8, 90);
    put32(b, 20, 0x01234567);
    put32(b, 24, 1700000000);
    put32(b, 28, 1);
    put32(b, 32, kPlace090 / 2);
    put32(b, 36, 2);
    put32(b, 40, 2);
    put32(b, 44, 3);
    put32(b, 52, 0x89abcdef);
    put32(b, 56, 0xfedcba98);
    put32(b, 60, 0x76543210);
    put32(b, 128, 1700000100);
    put32(b, 132, 0x101);
    put32(b, 136, 2);
    put32(b, 140, 2);
    put64(b, 156, 0x100000002); // both halves, so that their order shows
    put64(b, 164, 0x100000002);
    put32(b, 172, 0xffffffff);
    putDescriptor(b, 512, 0, 0, 6);
    putDescriptor(b, 512 + 128, 1, 1, 6);
    putDescriptor(b, 3968, 1, 1, 6);
    seal090(b);
    return b;
}

// What a big-endian machine would have written: each word turned round, and the halves of the
// 64-bit fields the other way.
inline Bytes bigEndian090(Bytes b)
{
    for (std::size_t at = 0; at < b.size(); at += 4)
        std::reverse(b.begin() + std::ptrdiff_t(at), b.begin() + std::ptrdiff_t(at) + 4);
    for (const std::size_t word : {39u, 41u, 44u}) {
        const auto first = b.begin() + std::ptrdiff_t(word * 4);
        std::swap_ranges(first, first + 4, first + 4);
    }
    return b;
}

// For tests with Qt, where `slots` is a macro. Include this file before Qt's.
inline std::vector<SuperblockSlot> placesOf(MetadataVersion version, std::uint64_t deviceSectors)
{
    return formatOf(version).slotsOn({deviceSectors});
}

// 256 bytes of header for the arrays above.
inline Bytes bitmapHeader(const Bytes& uuid, std::uint64_t syncSize, std::uint64_t events = 17)
{
    Bytes b(256);
    put32(b, 0, 0x6d746962);
    put32(b, 4, 4);
    std::copy_n(uuid.begin(), 16, b.begin() + 8);
    put64(b, 24, events);
    put64(b, 32, events - 1);
    put64(b, 40, syncSize);
    put32(b, 52, 65536);
    put32(b, 56, 5);
    return b;
}

inline Bytes uuidOf1(const Bytes& superblock)
{
    return {superblock.begin() + 16, superblock.begin() + 32};
}

// The four UUID words of a 0.90 superblock as they lie there.
inline Bytes rawUuidOf090(const Bytes& b)
{
    Bytes uuid(b.begin() + 20, b.begin() + 24);
    uuid.insert(uuid.end(), b.begin() + 52, b.begin() + 64);
    return uuid;
}

// A source in memory; reads that touch [badFrom, badTo) fail.
class MemorySource final : public BlockSource
{
public:
    explicit MemorySource(std::uint64_t size) : m_bytes(size) {}

    const std::string& name() const override { return m_name; }
    std::uint64_t sizeBytes() const override { return m_bytes.size(); }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        if (offset > m_bytes.size() || to.size() > m_bytes.size() - offset)
            return fail(ErrorCode::ShortRead, m_name, static_cast<std::int64_t>(offset));
        if (offset < badTo && offset + to.size() > badFrom)
            return fail(ErrorCode::Io, m_name, static_cast<std::int64_t>(offset), 5);
        std::copy_n(m_bytes.begin() + std::ptrdiff_t(offset), to.size(), to.begin());
        return {};
    }

    Bytes& bytes() { return m_bytes; }
    const Bytes& bytes() const { return m_bytes; }
    void place(std::uint64_t offset, const Bytes& what)
    {
        std::ranges::copy(what, m_bytes.begin() + std::ptrdiff_t(offset));
    }

    std::uint64_t badFrom = 0;
    std::uint64_t badTo = 0;

private:
    Bytes m_bytes;
    std::string m_name = "memory";
};

} // namespace bitmend::test
