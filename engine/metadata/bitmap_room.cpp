// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/bitmap_room.h"

#include "engine/metadata/superblock.h"
#include "engine/metadata/superblock090_format.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <algorithm>
#include <limits>

namespace bitmend {

namespace {

constexpr Sectors kBlock{8};                // mdadm's unit for all of this: 4 KiB
constexpr Sectors kMostUnasked{256};        // of room, when nobody names a chunk size
constexpr std::uint64_t kLeastChunk = 4096; // bytes
constexpr std::uint64_t kUsualChunk = 1U << 26U;
constexpr std::uint64_t kMostChunk = 1U << 31U;
constexpr std::uint64_t kHeaderBytes = 256;

std::uint32_t atMost32(std::uint64_t chunk)
{
    return chunk > kMostChunk ? 0 : static_cast<std::uint32_t>(chunk);
}

// mdadm counts one bit more than are needed when the size is a multiple of the chunk.
std::uint64_t bitsAsMdadmCounts(Sectors syncSize, std::uint64_t chunkBytes)
{
    return syncSize.bytes() / chunkBytes + 1;
}

// Between the end of the data and the bad block log, or where it would be. A superblock with
// nothing before it has some 3 KiB behind it.
BitmapRoom before1_0(const Superblock& superblock)
{
    const auto dataEnd = superblock.dataOffset + superblock.dataSize;
    const auto free = static_cast<std::int64_t>(superblock.location.count) -
                      static_cast<std::int64_t>(dataEnd.count);
    constexpr std::int64_t kBehind = 6;
    constexpr std::size_t kMostRoles = 384;
    if (free < kBehind && superblock.devRoles.size() <= kMostRoles)
        return {{kBehind}, 2, 2 + kBehind};
    const auto& log = superblock.badBlockLog;
    const auto reserved =
        std::max({std::int64_t{kBlock.count}, std::int64_t{log.size}, -std::int64_t{log.offset}});
    const auto length = std::max<std::int64_t>(free - reserved, 0);
    return {{static_cast<std::uint64_t>(length)}, 0, static_cast<std::int32_t>(-reserved)};
}

// Behind the superblock's 4 KiB, up to the bad block log; without one 4 KiB before the data stay
// free for it.
BitmapRoom behind1_1(const Superblock& superblock)
{
    const auto begin = static_cast<std::int64_t>(kBlock.count);
    const auto& log = superblock.badBlockLog;
    const auto data = static_cast<std::int64_t>(superblock.dataOffset.count) -
                      static_cast<std::int64_t>(superblock.location.count);
    const auto end = log.size != 0 ? std::int64_t{log.offset} : data - begin;
    const auto length =
        std::clamp<std::int64_t>(end - begin, 0, std::numeric_limits<std::int32_t>::max() - begin);
    return {{static_cast<std::uint64_t>(length)}, static_cast<std::int32_t>(begin),
        static_cast<std::int32_t>(begin + length)};
}

} // namespace

Sectors roomForBitmap(Sectors componentSize)
{
    constexpr Sectors kTiny{128};
    constexpr Sectors kSmall{std::uint64_t{8} << 21};   // 8 GiB
    constexpr Sectors kLarge{std::uint64_t{200} << 21}; // 200 GiB
    if (componentSize < kTiny)
        return {0};
    if (componentSize >= kLarge)
        return {256};
    return {componentSize > kSmall ? 128U : 8U};
}

BitmapRoom freeBitmapRoom(const Superblock& superblock)
{
    switch (superblock.version) {
    case MetadataVersion::V0_90: {
        constexpr std::int32_t kBegin = ondisk::MD_SB_BITMAP_SECTORS;
        constexpr std::int32_t kEnd = ondisk::MD_RESERVED_SECTORS;
        return {{kEnd - kBegin}, kBegin, kEnd};
    }
    case MetadataVersion::V1_0:
        return before1_0(superblock);
    case MetadataVersion::V1_1:
    case MetadataVersion::V1_2:
        return behind1_1(superblock);
    }
    return {};
}

std::uint32_t smallestBitmapChunk(Sectors syncSize, Sectors length)
{
    if (length.count < 2)
        return 0;
    const auto mostBits = (length.bytes() - kHeaderBytes) * 8;
    auto chunk = kLeastChunk;
    for (auto bits = bitsAsMdadmCounts(syncSize, chunk); bits > mostBits; bits = (bits + 1) / 2)
        chunk *= 2;
    return atMost32(chunk);
}

std::uint32_t usualBitmapChunk(Sectors syncSize, Sectors length)
{
    const auto smallest = smallestBitmapChunk(syncSize, std::min(length, kMostUnasked));
    return smallest == 0 ? 0 : std::max<std::uint32_t>(smallest, kUsualChunk);
}

std::uint32_t usualBitmapFileChunk(Sectors syncSize)
{
    constexpr std::uint64_t kMostChunks = 1U << 20U;
    auto chunk = kLeastChunk;
    while (syncSize.count > chunk / kSectorBytes * kMostChunks)
        chunk *= 2;
    return atMost32(chunk);
}

std::int32_t usualBitmapOffset(const BitmapRoom& room, Sectors syncSize, std::uint32_t chunkBytes)
{
    if (room.begin != 0)
        return room.begin;
    const auto bytes = kHeaderBytes + (bitsAsMdadmCounts(syncSize, chunkBytes) + 7) / 8;
    const auto blocks = (bytes + kBitmapPageBytes - 1) / kBitmapPageBytes;
    return room.end - static_cast<std::int32_t>(blocks * kBlock.count);
}

} // namespace bitmend
