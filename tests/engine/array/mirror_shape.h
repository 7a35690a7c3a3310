// SPDX-License-Identifier: Apache-2.0
// What a RAID 1 made for a test looks like, and the superblocks and bitmap header that say so.
#pragma once

#include "engine/metadata/metadata_format.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <algorithm>
#include <vector>

namespace bitmend::test {

inline const Uuid kMirrorUuid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

struct MirrorShape
{
    std::uint32_t raidDisks = 2;
    std::uint32_t present = 2; // roles 0 .. present-1 have a member
    std::uint32_t spares = 0;  // idle spares that the array knows
    std::uint32_t blanks = 1;  // devices without a superblock
    Sectors component{16'384};
    std::uint32_t bitmapChunk = 65'536; // bytes; 0: no bitmap
    std::uint64_t events = 10;
    std::uint64_t eventsCleared = 4;
    Sectors resyncOffset{0};            // dirty
    std::uint32_t writeMostlyRoles = 0; // a bit per role
    MetadataVersion version = MetadataVersion::V1_2;
    std::endian byteOrder = std::endian::little; // of 0.90
    bool bitmapInFile = false;                   // the last device is the file

    Sectors dataOffset() const;
    Sectors superblockAt() const;
    std::int32_t bitmapOffset() const; // from the superblock
};

// Room for superblock and bitmap, before the data or behind it.
inline constexpr Sectors kMirrorData{256};

inline Sectors MirrorShape::dataOffset() const
{
    const bool atEnd = version == MetadataVersion::V0_90 || version == MetadataVersion::V1_0;
    return atEnd ? Sectors{} : kMirrorData;
}

inline Sectors MirrorShape::superblockAt() const
{
    const auto places = formatOf(version).slotsOn(kMirrorData + component);
    return std::ranges::find(places, version, &SuperblockSlot::version)->sector;
}

inline std::int32_t MirrorShape::bitmapOffset() const
{
    return version == MetadataVersion::V1_0 ? -72 : 8;
}

inline Superblock memberSuperblock(const MirrorShape& shape, std::uint32_t number)
{
    const bool spare = number >= shape.present;
    Superblock superblock;
    superblock.version = shape.version;
    superblock.byteOrder = shape.byteOrder;
    superblock.location = shape.superblockAt();
    superblock.arrayUuid = kMirrorUuid;
    superblock.name = "lab:mirror";
    superblock.ctime = 1'000'000;
    superblock.level = 1;
    superblock.componentSize = shape.component;
    superblock.raidDisks = shape.raidDisks;
    if (shape.bitmapChunk != 0 && !shape.bitmapInFile) {
        superblock.featureMap = feature::kBitmapOffset;
        superblock.bitmapOffset = shape.bitmapOffset();
    }
    superblock.dataOffset = shape.dataOffset();
    superblock.dataSize = shape.component;
    superblock.devNumber = spare ? shape.raidDisks + number - shape.present : number;
    superblock.deviceUuid.bytes[0] = static_cast<std::uint8_t>(number + 1);
    superblock.devFlags = !spare && (shape.writeMostlyRoles >> number & 1U) != 0 ? 1 : 0;
    superblock.utime = 2'000'000;
    superblock.events = shape.events;
    superblock.resyncOffset = shape.resyncOffset;
    superblock.devRoles.assign(128, kRoleSpare);
    for (std::uint32_t role = 0; role < shape.present; ++role)
        superblock.devRoles[role] = static_cast<Role>(role);
    return superblock;
}

inline std::vector<std::byte> bitmapHeader(const MirrorShape& shape, const Superblock& superblock)
{
    BitmapHeader header;
    header.magic = 0x6d746962;
    header.version = 4;
    header.uuid = bitmapUuid(superblock);
    header.events = shape.events;
    header.eventsCleared = shape.eventsCleared;
    header.syncSize = shape.component;
    header.chunkBytes = shape.bitmapChunk;
    header.daemonSleep = 5;
    const std::vector<std::byte> raw(256);
    return encodeBitmapHeader(header, raw);
}

} // namespace bitmend::test
