// SPDX-License-Identifier: Apache-2.0
// One superblock, decoded: what any md metadata version says about an array and one member of it,
// in md's own terms. A value; the decoders are behind metadata_format.h.
#pragma once

#include "engine/base/units.h"
#include "engine/base/uuid.h"
#include "engine/metadata/problem.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

enum class MetadataVersion : std::uint8_t { V0_90, V1_0, V1_1, V1_2 };

// "0.90", "1.0", "1.1", "1.2"
std::string_view toString(MetadataVersion version);

// md's "no sector": resync complete, nothing to resume.
inline constexpr Sectors kMaxSector{~std::uint64_t{0}};

// A place in the array, or one of md's reserved words (those of 1.x, used for 0.90 as well).
using Role = std::uint16_t;
inline constexpr Role kRoleSpare = 0xffff;
inline constexpr Role kRoleFaulty = 0xfffe;
inline constexpr Role kRoleJournal = 0xfffd;
inline constexpr Role kRoleLimit = 0xff00; // roles proper are below it

namespace feature { // feature_map bits of 1.x; decoded 0.90 superblocks set BitmapOffset and
                    // ReshapeActive
inline constexpr std::uint32_t kBitmapOffset = 0x1;
inline constexpr std::uint32_t kRecoveryOffset = 0x2;
inline constexpr std::uint32_t kReshapeActive = 0x4;
inline constexpr std::uint32_t kBadBlocks = 0x8;
inline constexpr std::uint32_t kReplacement = 0x10;
inline constexpr std::uint32_t kReshapeBackwards = 0x20;
inline constexpr std::uint32_t kNewOffset = 0x40;
inline constexpr std::uint32_t kRecoveryBitmap = 0x80;
inline constexpr std::uint32_t kClustered = 0x100;
inline constexpr std::uint32_t kJournal = 0x200;
inline constexpr std::uint32_t kPpl = 0x400;
inline constexpr std::uint32_t kMultiplePpls = 0x800;
inline constexpr std::uint32_t kRaid0Layout = 0x1000;
} // namespace feature

struct Reshape
{
    Sectors position; // array sectors
    std::int32_t newLevel = 0;
    std::uint32_t newLayout = 0;
    Sectors newChunk;
    std::int32_t deltaDisks = 0;
    std::int32_t newOffset = 0; // sectors, added to dataOffset for the new layout

    bool operator==(const Reshape&) const = default;
};

// Lies in the same bytes as bitmapOffset.
struct PplPlace
{
    std::int16_t offset = 0; // sectors from the superblock
    std::uint16_t size = 0;  // sectors

    bool operator==(const PplPlace&) const = default;
};

struct BadBlockLogPlace
{
    std::int32_t offset = 0; // sectors from the superblock; 0 = none
    std::uint16_t size = 0;  // sectors
    std::uint8_t shift = 0;  // its unit is 512 << shift bytes

    bool operator==(const BadBlockLogPlace&) const = default;
};

struct Superblock
{
    MetadataVersion version = MetadataVersion::V1_2;
    std::endian byteOrder = std::endian::little; // 0.90 may be big
    Sectors location;                            // where it was found on the member (sb_start)

    // The array
    Uuid arrayUuid;
    std::string name;       // as stored, "host:name"; empty for 0.90
    std::int64_t ctime = 0; // seconds since the epoch
    std::int32_t level = 0;
    std::uint32_t layout = 0;
    Sectors componentSize; // used on each member; 0 for level 0 and linear
    Sectors chunk;
    std::uint32_t raidDisks = 0;
    std::uint32_t featureMap = 0;
    std::int32_t bitmapOffset = 0; // sectors from the superblock; counts only with kBitmapOffset
    std::optional<PplPlace> ppl;   // with kPpl or kMultiplePpls; bitmapOffset is 0 then
    std::optional<Reshape> reshape;
    std::uint32_t preferredMinor = 0;   // 0.90 only: md_minor
    std::uint32_t logicalBlockSize = 0; // bytes; newer kernels' field, 0 elsewhere

    // This member
    Sectors dataOffset;
    Sectors dataSize;
    Sectors recoveryOffset; // valid below this; counts only with kRecoveryOffset
    Sectors journalTail;    // only on a journal member
    std::uint32_t devNumber = 0;
    Uuid deviceUuid;           // null for 0.90
    std::uint8_t devFlags = 0; // 1 write-mostly, 2 fail-fast
    std::uint32_t correctedReads = 0;
    BadBlockLogPlace badBlockLog;

    // The state
    std::int64_t utime = 0; // seconds since the epoch
    std::uint64_t events = 0;
    Sectors resyncOffset;       // kMaxSector = in sync; else the first sector not known in sync
    std::vector<Role> devRoles; // by devNumber. 0.90: made from the descriptors' states
    std::uint32_t storedChecksum = 0;
    std::uint32_t computedChecksum = 0;

    // The bytes it was decoded from, or will be written over: unknown but legal bytes stay as they
    // are.
    std::vector<std::byte> raw;

    bool has(std::uint32_t bits) const { return (featureMap & bits) == bits; }
    bool hasBitmap() const { return has(feature::kBitmapOffset) && bitmapOffset != 0; }
    bool isDirty() const { return resyncOffset != kMaxSector; }

    // By its own table; kRoleSpare when devNumber is outside it.
    Role role() const;
    bool isWriteMostly() const { return (devFlags & 1) != 0; }
};

} // namespace bitmend
