// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/field_checks.h"

#include "engine/metadata/metadata_format.h"

#include <bit>
#include <limits>

namespace bitmend {

namespace {

// md's smallest chunk: a page of 4 KiB.
constexpr Sectors kSmallestChunk{8};

// The role table has no room for more, and no array was ever near it.
constexpr std::uint32_t kMostRaidDisks1 = 1920;
constexpr std::uint32_t kMostRaidDisks090 = 27;

bool isKnownLevel(std::int32_t level)
{
    return level == -1 || level == 0 || level == 1 || (level >= 4 && level <= 6) || level == 10;
}

bool hasParityLayout(std::int32_t level, std::uint32_t layout)
{
    const bool any = layout <= 5;
    if (level == 6)
        return any || (layout >= 8 && layout <= 10) || (layout >= 16 && layout <= 20);
    return level != 5 || any;
}

bool hasRaid10Layout(std::uint32_t layout, std::uint32_t raidDisks)
{
    const std::uint32_t near = layout & 0xff;
    const std::uint32_t far = layout >> 8 & 0xff;
    const std::uint32_t improved = layout >> 17;
    return near >= 1 && far >= 1 && near * far >= 2 && near * far <= raidDisks && improved <= 2;
}

} // namespace

void FieldChecks::add(
    ProblemCode code, Severity severity, Field field, std::uint64_t found, std::uint64_t expected)
{
    m_problems.push_back({code, severity, field.name,
        static_cast<std::int64_t>(m_structOffset + field.offset), found, expected});
}

void FieldChecks::kernelRefuses(
    ProblemCode code, Field field, std::uint64_t found, std::uint64_t expected)
{
    add(code, Severity::KernelRefuses, field, found, expected);
}

void FieldChecks::engineRefuses(
    ProblemCode code, Field field, std::uint64_t found, std::uint64_t expected)
{
    add(code, Severity::EngineRefuses, field, found, expected);
}

void FieldChecks::note(ProblemCode code, Field field, std::uint64_t found, std::uint64_t expected)
{
    add(code, Severity::Note, field, found, expected);
}

std::optional<std::uint64_t> sum(std::uint64_t a, std::uint64_t b)
{
    if (b > std::numeric_limits<std::uint64_t>::max() - a)
        return std::nullopt;
    return a + b;
}

std::optional<SectorRange> placeAt(Sectors base, std::int64_t offset, Sectors length)
{
    std::uint64_t begin = 0;
    if (offset < 0) {
        const std::uint64_t back = ~static_cast<std::uint64_t>(offset) + 1;
        if (back > base.count)
            return std::nullopt;
        begin = base.count - back;
    } else {
        const auto forth = sum(base.count, static_cast<std::uint64_t>(offset));
        if (!forth)
            return std::nullopt;
        begin = *forth;
    }
    const auto end = sum(begin, length.count);
    if (!end)
        return std::nullopt;
    return SectorRange{{begin}, {*end}};
}

bool overlap(SectorRange a, SectorRange b)
{
    return !a.empty() && !b.empty() && a.begin < b.end && b.begin < a.end;
}

SectorRange dataArea(const Superblock& superblock)
{
    const bool sized = superblock.level >= 1 && superblock.componentSize.count != 0;
    const Sectors used = sized ? superblock.componentSize : superblock.dataSize;
    const auto end = sum(superblock.dataOffset.count, used.count);
    return {superblock.dataOffset, end ? Sectors{*end} : kMaxSector};
}

SectorRange ownArea(const Superblock& superblock)
{
    const auto end = sum(superblock.location.count, superblockLength(superblock).count);
    return {superblock.location, end ? Sectors{*end} : kMaxSector};
}

std::optional<SectorRange> badBlockLogArea(const Superblock& superblock)
{
    const auto& log = superblock.badBlockLog;
    if (log.offset == 0 || log.size == 0)
        return std::nullopt;
    return placeAt(superblock.location, log.offset, {log.size});
}

void checkGeometry(FieldChecks& checks, const Superblock& superblock, const SharedFields& fields)
{
    const std::int32_t level = superblock.level;
    const std::uint32_t raidDisks = superblock.raidDisks;
    const std::uint32_t most =
        superblock.version == MetadataVersion::V0_90 ? kMostRaidDisks090 : kMostRaidDisks1;

    if (!isKnownLevel(level))
        checks.kernelRefuses(ProblemCode::UnknownLevel, fields.level, signExtended(level));
    if (raidDisks == 0) {
        checks.kernelRefuses(ProblemCode::NoRaidDisks, fields.raidDisks, 0, 1);
    } else if (raidDisks > most) {
        checks.engineRefuses(ProblemCode::TooManyRaidDisks, fields.raidDisks, raidDisks, most);
    }

    // raid1 has no chunk and linear may have any.
    const std::uint64_t chunk = superblock.chunk.count;
    const bool striped = level >= 4;
    if ((level == 0 && chunk == 0) ||
        (striped && (!std::has_single_bit(chunk) || superblock.chunk < kSmallestChunk))) {
        checks.kernelRefuses(
            ProblemCode::BadChunk, fields.chunk, chunk, level == 0 ? 1 : kSmallestChunk.count);
    }

    const bool layoutFits = level == 10 ? hasRaid10Layout(superblock.layout, raidDisks)
                                        : hasParityLayout(level, superblock.layout);
    if (!layoutFits)
        checks.kernelRefuses(ProblemCode::BadLayout, fields.layout, superblock.layout);

    const Role role = superblock.role();
    if (role < kRoleLimit && role >= raidDisks)
        checks.engineRefuses(ProblemCode::RoleBeyondRaidDisks, fields.role, role, raidDisks);

    // Kernel 6.1 even panics on it.
    if (superblock.hasBitmap() && (level == 0 || level == -1)) {
        checks.kernelRefuses(
            ProblemCode::BitmapOnUnsuitableLevel, fields.bitmap, signExtended(level));
    }
}

void checkBitmapPlace(FieldChecks& checks, const Superblock& superblock, Field field,
    Sectors length, Sectors deviceSize)
{
    const auto bitmap = placeAt(superblock.location, superblock.bitmapOffset, length);
    if (!bitmap || bitmap->end > deviceSize) {
        checks.kernelRefuses(ProblemCode::BitmapBeyondDevice, field,
            bitmap ? bitmap->begin.count : signExtended(superblock.bitmapOffset), deviceSize.count);
        return;
    }

    if (overlap(*bitmap, ownArea(superblock))) {
        checks.add(ProblemCode::BitmapOverlapsSuperblock,
            superblock.bitmapOffset < 0 ? Severity::KernelRefuses : Severity::EngineRefuses, field,
            bitmap->begin.count, superblock.location.count);
    }
    // The kernel knows three orders: data, bitmap, superblock; superblock, bitmap, data; and data,
    // superblock, bitmap.
    const SectorRange data = dataArea(superblock);
    const bool isBefore = superblock.bitmapOffset < 0;
    const bool dataFollows = superblock.location < data.begin;
    if (overlap(*bitmap, data) || (isBefore && data.end > bitmap->begin) ||
        (!isBefore && dataFollows && bitmap->end > data.begin)) {
        checks.kernelRefuses(
            ProblemCode::BitmapOverlapsData, field, bitmap->end.count, data.begin.count);
    }
    const auto log = badBlockLogArea(superblock);
    if (log && overlap(*bitmap, *log)) {
        checks.engineRefuses(
            ProblemCode::BadBlockLogOverlaps, field, log->begin.count, bitmap->begin.count);
    }
}

} // namespace bitmend
