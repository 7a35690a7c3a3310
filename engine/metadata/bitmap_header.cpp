// SPDX-License-Identifier: Apache-2.0
#include "engine/base/assert.h"
#include "engine/metadata/bitmap_format.h"
#include "engine/metadata/field_checks.h"
#include "engine/metadata/superblock.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace bitmend {

namespace {

using ondisk::BitmapSuperblock;

constexpr std::uint32_t kSmallestChunkBytes = 512;
constexpr std::uint32_t kMostWriteBehind = 16383;

std::string_view text(const std::array<char, 64>& field)
{
    return {field.data(), strnlen(field.data(), field.size())};
}

std::uint64_t ceilDivide(std::uint64_t value, std::uint64_t by)
{
    return value / by + (value % by != 0 ? 1 : 0);
}

// The first four bytes of a UUID, enough to tell two arrays apart.
std::uint64_t prefix(const Uuid& uuid)
{
    std::uint64_t value = 0;
    for (int i = 0; i < 4; ++i)
        value = value << 8 | uuid.bytes[static_cast<std::size_t>(i)];
    return value;
}

void checkVersion(FieldChecks& checks, const BitmapHeader& header, const Superblock& superblock)
{
    constexpr Field kVersion = BM_FIELD(BitmapSuperblock, version);
    if (header.version == ondisk::BITMAP_MAJOR_LOCKLESS) {
        checks.kernelRefuses(
            ProblemCode::BitmapLockless, kVersion, header.version, ondisk::BITMAP_MAJOR_HI);
    } else if (header.version < ondisk::BITMAP_MAJOR_HOSTENDIAN ||
               header.version > ondisk::BITMAP_MAJOR_CLUSTERED) {
        checks.kernelRefuses(
            ProblemCode::BitmapBadVersion, kVersion, header.version, ondisk::BITMAP_MAJOR_HI);
    }
    if (header.version == ondisk::BITMAP_MAJOR_CLUSTERED && header.nodes == 0) {
        checks.note(
            ProblemCode::BitmapClusteredWithoutNodes, BM_FIELD(BitmapSuperblock, nodes), 0, 1);
    }
    if (header.version == ondisk::BITMAP_MAJOR_HOSTENDIAN &&
        superblock.byteOrder == std::endian::big) {
        checks.note(
            ProblemCode::BitmapForeignBits, kVersion, header.version, ondisk::BITMAP_MAJOR_HI);
    }
}

void checkNumbers(FieldChecks& checks, const BitmapHeader& header)
{
    if (header.chunkBytes < kSmallestChunkBytes || !std::has_single_bit(header.chunkBytes)) {
        checks.kernelRefuses(ProblemCode::BitmapBadChunk, BM_FIELD(BitmapSuperblock, chunksize),
            header.chunkBytes, kSmallestChunkBytes);
    }
    if (header.daemonSleep == 0) {
        checks.kernelRefuses(
            ProblemCode::BitmapBadDaemonSleep, BM_FIELD(BitmapSuperblock, daemon_sleep), 0, 1);
    }
    if (header.writeBehind > kMostWriteBehind) {
        checks.kernelRefuses(ProblemCode::BitmapBadWriteBehind,
            BM_FIELD(BitmapSuperblock, write_behind), header.writeBehind, kMostWriteBehind);
    }
}

void checkState(FieldChecks& checks, const BitmapHeader& header, const Superblock& superblock)
{
    constexpr Field kState = BM_FIELD(BitmapSuperblock, state);
    if (header.state & ondisk::BITMAP_WRITE_ERROR)
        checks.kernelRefuses(ProblemCode::BitmapWriteError, kState, header.state);
    if (header.state & ondisk::BITMAP_STALE)
        checks.note(ProblemCode::BitmapMarkedStale, kState, header.state);
    // Nodes of a cluster write at different times, so there an older count means nothing.
    if (header.version != ondisk::BITMAP_MAJOR_CLUSTERED && header.events < superblock.events) {
        checks.note(ProblemCode::BitmapEventsBehind, BM_FIELD(BitmapSuperblock, events),
            header.events, superblock.events);
    }
}

} // namespace

Sectors bitmapSyncSize(const Superblock& superblock, Sectors arraySize)
{
    const Sectors component = superblock.componentSize;
    switch (superblock.level) {
    case 1:
        return component;
    case 4:
    case 5:
    case 6:
        if (superblock.chunk.count == 0)
            return {};
        return component - Sectors{component.count % superblock.chunk.count};
    case 10:
        return arraySize;
    default:
        return {};
    }
}

std::uint64_t bitmapChunks(Sectors syncSize, std::uint32_t chunkBytes)
{
    if (chunkBytes < kSmallestChunkBytes)
        return 0;
    return ceilDivide(syncSize.count, chunkBytes / kSectorBytes);
}

std::uint64_t bitmapBytes(std::uint64_t chunks)
{
    return ceilDivide(chunks, 8) + sizeof(BitmapSuperblock);
}

std::uint64_t bitmapPages(std::uint64_t chunks)
{
    return ceilDivide(bitmapBytes(chunks), kBitmapPageBytes);
}

Uuid bitmapUuid(const Superblock& superblock)
{
    Uuid uuid = superblock.arrayUuid;
    if (superblock.version != MetadataVersion::V0_90 || superblock.byteOrder == std::endian::big)
        return uuid;
    for (auto word = uuid.bytes.begin(); word != uuid.bytes.end(); word += 4)
        std::reverse(word, word + 4);
    return uuid;
}

BitmapHeader decodeBitmapHeader(std::span<const std::byte> bytes)
{
    BM_ASSERT(bytes.size() >= sizeof(BitmapSuperblock));
    BitmapSuperblock disk;
    std::memcpy(&disk, bytes.data(), sizeof disk);

    BitmapHeader header;
    header.magic = disk.magic;
    header.version = disk.version;
    header.uuid.bytes = disk.uuid;
    header.events = disk.events;
    header.eventsCleared = disk.events_cleared;
    header.syncSize = {disk.sync_size};
    header.state = disk.state;
    header.chunkBytes = disk.chunksize;
    header.daemonSleep = disk.daemon_sleep;
    header.writeBehind = disk.write_behind;
    header.sectorsReserved = disk.sectors_reserved;
    header.nodes = disk.nodes;
    header.clusterName = text(disk.cluster_name);
    return header;
}

std::vector<std::byte> encodeBitmapHeader(
    const BitmapHeader& header, std::span<const std::byte> raw)
{
    BitmapSuperblock disk;
    if (raw.size() >= sizeof disk)
        std::memcpy(&disk, raw.data(), sizeof disk);

    disk.magic = header.magic;
    disk.version = header.version;
    disk.uuid = header.uuid.bytes;
    disk.events = header.events;
    disk.events_cleared = header.eventsCleared;
    disk.sync_size = header.syncSize.count;
    disk.state = header.state;
    disk.chunksize = header.chunkBytes;
    disk.daemon_sleep = header.daemonSleep;
    disk.write_behind = header.writeBehind;
    disk.sectors_reserved = header.sectorsReserved;
    disk.nodes = header.nodes;
    if (text(disk.cluster_name) != header.clusterName) {
        disk.cluster_name.fill('\0');
        std::copy_n(header.clusterName.data(),
            std::min(header.clusterName.size(), disk.cluster_name.size()),
            disk.cluster_name.data());
    }

    std::vector<std::byte> bytes(sizeof disk);
    std::memcpy(bytes.data(), &disk, sizeof disk);
    return bytes;
}

std::vector<Problem> checkBitmapHeader(
    const BitmapHeader& header, const Superblock& superblock, std::uint64_t byteOffset)
{
    FieldChecks checks(byteOffset);
    if (header.magic != ondisk::BITMAP_MAGIC) {
        // Not a bitmap: what else its bytes seem to say is noise.
        checks.kernelRefuses(ProblemCode::BitmapBadMagic, BM_FIELD(BitmapSuperblock, magic),
            header.magic, ondisk::BITMAP_MAGIC);
        return checks.take();
    }
    const Uuid uuid = bitmapUuid(superblock);
    if (header.uuid != uuid) {
        checks.kernelRefuses(ProblemCode::BitmapOfOtherArray, BM_FIELD(BitmapSuperblock, uuid),
            prefix(header.uuid), prefix(uuid));
    }
    checkVersion(checks, header, superblock);
    // A lockless one counts other things in the same fields.
    if (header.version != ondisk::BITMAP_MAJOR_LOCKLESS) {
        checkNumbers(checks, header);
        checkState(checks, header, superblock);
    }
    return checks.take();
}

} // namespace bitmend
