// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/field_checks.h"
#include "engine/metadata/superblock1.h"
#include "engine/metadata/superblock1_format.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace bitmend {

namespace {

using ondisk::Superblock1;

constexpr std::uint32_t kKnownFeatures = 0x1fff;
constexpr Sectors kSmallestDataSize{10};
constexpr Sectors kLargestBadBlockLog{8};
constexpr std::uint8_t kLargestBadBlockShift = 63;
constexpr std::uint32_t kLargestLogicalBlock = 65536;

constexpr SharedFields kFields{BM_FIELD(Superblock1, level), BM_FIELD(Superblock1, layout),
    BM_FIELD(Superblock1, chunksize), BM_FIELD(Superblock1, raid_disks),
    BM_FIELD(Superblock1, bitmap_offset), BM_FIELD(Superblock1, dev_number)};

void checkIdentity(FieldChecks& checks, const Superblock1& disk, const Superblock& superblock)
{
    if (disk.major_version != 1) {
        checks.kernelRefuses(ProblemCode::BadMajorVersion, BM_FIELD(Superblock1, major_version),
            disk.major_version, 1);
    }
    if (disk.super_offset != superblock.location.count) {
        checks.kernelRefuses(ProblemCode::NotWhereItSays, BM_FIELD(Superblock1, super_offset),
            disk.super_offset, superblock.location.count);
    }
    if (superblock.storedChecksum != superblock.computedChecksum) {
        checks.kernelRefuses(ProblemCode::BadChecksum, BM_FIELD(Superblock1, sb_csum),
            superblock.storedChecksum, superblock.computedChecksum);
    }
}

void checkPadding(FieldChecks& checks, const Superblock1& disk)
{
    if (disk.pad0 != 0)
        checks.kernelRefuses(ProblemCode::PaddingNotZero, BM_FIELD(Superblock1, pad0), disk.pad0);

    const std::uint32_t block = disk.logical_block_size;
    constexpr Field kBlock = BM_FIELD(Superblock1, logical_block_size);
    if (block >= kSectorBytes && block <= kLargestLogicalBlock && std::has_single_bit(block)) {
        checks.note(ProblemCode::LogicalBlockSizeSet, kBlock, block);
    } else if (block != 0) {
        checks.kernelRefuses(ProblemCode::PaddingNotZero, {"pad3", kBlock.offset}, block);
    }

    const auto stray = std::ranges::find_if(disk.pad3, [](auto byte) { return byte != 0; });
    if (stray != disk.pad3.end()) {
        const auto index = static_cast<std::size_t>(stray - disk.pad3.begin());
        checks.kernelRefuses(
            ProblemCode::PaddingNotZero, {"pad3", offsetof(Superblock1, pad3) + index}, *stray);
    }
}

void checkRoleTable(FieldChecks& checks, const Superblock1& disk, std::size_t entriesRead)
{
    constexpr Field kMaxDev = BM_FIELD(Superblock1, max_dev);
    constexpr Field kDevNumber = BM_FIELD(Superblock1, dev_number);
    if (disk.max_dev > ondisk::MD_MAX_DEV1) {
        checks.kernelRefuses(
            ProblemCode::RoleTableTooLarge, kMaxDev, disk.max_dev, ondisk::MD_MAX_DEV1);
    } else if (entriesRead < disk.max_dev) {
        checks.engineRefuses(ProblemCode::TruncatedRoleTable, kMaxDev, entriesRead, disk.max_dev);
    } else if (disk.max_dev < disk.raid_disks) {
        checks.note(ProblemCode::TruncatedRoleTable, kMaxDev, disk.max_dev, disk.raid_disks);
    }
    // A spare to the kernel, which gives it another number.
    if (disk.dev_number >= disk.max_dev)
        checks.note(ProblemCode::DevNumberOutOfRange, kDevNumber, disk.dev_number, disk.max_dev);
}

void checkFeatures(FieldChecks& checks, const Superblock& superblock)
{
    constexpr Field kMap = BM_FIELD(Superblock1, feature_map);
    const std::uint32_t map = superblock.featureMap;
    if (map & ~kKnownFeatures)
        checks.kernelRefuses(ProblemCode::UnknownFeature, kMap, map, kKnownFeatures);
    if (superblock.has(feature::kRaid0Layout) && superblock.level != 0)
        checks.kernelRefuses(ProblemCode::Raid0LayoutOnOtherLevel, kMap, map);

    // The kernel comes to these too late for the freshest member: it becomes a spare without a
    // word, and is overwritten.
    const bool ppl = superblock.ppl.has_value();
    if (superblock.has(feature::kPpl | feature::kMultiplePpls))
        checks.engineRefuses(ProblemCode::BothPplKinds, kMap, map);
    if (ppl && superblock.has(feature::kBitmapOffset))
        checks.engineRefuses(ProblemCode::PplWithBitmap, kMap, map);
    if (ppl && superblock.has(feature::kJournal))
        checks.engineRefuses(ProblemCode::PplWithJournal, kMap, map);
    if (superblock.role() == kRoleJournal && !superblock.has(feature::kJournal))
        checks.engineRefuses(ProblemCode::JournalRoleWithoutFeature, kMap, map, feature::kJournal);

    if (superblock.has(feature::kJournal) && superblock.hasBitmap())
        checks.kernelRefuses(ProblemCode::JournalWithBitmap, kMap, map);
}

void checkDataArea(FieldChecks& checks, const Superblock& superblock, Sectors deviceSize)
{
    constexpr Field kDataSize = BM_FIELD(Superblock1, data_size);
    constexpr Field kDataOffset = BM_FIELD(Superblock1, data_offset);
    const std::uint64_t offset = superblock.dataOffset.count;
    const std::uint64_t size = superblock.dataSize.count;
    const std::uint64_t begin = superblock.location.count;

    if (superblock.dataSize < kSmallestDataSize) {
        checks.kernelRefuses(
            ProblemCode::DataSizeTooSmall, kDataSize, size, kSmallestDataSize.count);
    }

    const auto end = sum(offset, size);
    if (superblock.version == MetadataVersion::V1_0) {
        // Here the data ends where the superblock begins. The kernel forgets the offset.
        if (size > begin) {
            checks.kernelRefuses(ProblemCode::DataSizeTooLarge, kDataSize, size, begin);
        } else if (!end || *end > begin) {
            checks.engineRefuses(ProblemCode::DataOverlapsSuperblock, kDataOffset,
                end.value_or(~std::uint64_t{0}), begin);
        }
        return;
    }

    const std::uint64_t behind = begin + superblockLength(superblock).count;
    auto lowest = std::optional<std::uint64_t>(offset);
    if (superblock.reshape && superblock.reshape->newOffset < 0) {
        const auto moved = placeAt({offset}, superblock.reshape->newOffset, {});
        lowest = moved ? std::optional(moved->begin.count) : std::nullopt;
    }
    if (!lowest || *lowest < behind) {
        checks.kernelRefuses(
            ProblemCode::DataOverlapsSuperblock, kDataOffset, lowest.value_or(0), behind);
    }
    if (!end || *end > deviceSize.count) {
        const std::uint64_t room = deviceSize.count - std::min(deviceSize.count, offset);
        checks.kernelRefuses(ProblemCode::DataSizeTooLarge, kDataSize, size, room);
    }
}

void checkComponent(FieldChecks& checks, const Superblock& superblock, Sectors deviceSize)
{
    if (superblock.level < 1 || superblock.role() == kRoleJournal)
        return;
    constexpr Field kSize = BM_FIELD(Superblock1, size);
    const std::uint64_t size = superblock.componentSize.count;
    if (superblock.componentSize > superblock.dataSize) {
        checks.engineRefuses(
            ProblemCode::ComponentLargerThanData, kSize, size, superblock.dataSize.count);
    }
    const auto end = sum(superblock.dataOffset.count, size);
    if (!end || *end > deviceSize.count) {
        checks.engineRefuses(ProblemCode::DataBeyondDevice, BM_FIELD(Superblock1, data_offset),
            end.value_or(~std::uint64_t{0}), deviceSize.count);
    }
}

// The first sector of what `area` runs into: superblock, data, the other log, or the end of the
// device. Nothing when it is free.
std::optional<std::uint64_t> obstacle(const Superblock& superblock, std::optional<SectorRange> area,
    std::optional<SectorRange> other, Sectors deviceSize)
{
    if (!area || area->end > deviceSize)
        return deviceSize.count;
    for (const auto& taken :
        {std::optional(ownArea(superblock)), std::optional(dataArea(superblock)), other}) {
        if (taken && overlap(*area, *taken))
            return taken->begin.count;
    }
    return std::nullopt;
}

void checkBadBlockLog(FieldChecks& checks, const Superblock& superblock, Sectors deviceSize)
{
    const auto& log = superblock.badBlockLog;
    constexpr Field kOffset = BM_FIELD(Superblock1, bblog_offset);
    constexpr Field kSize = BM_FIELD(Superblock1, bblog_size);
    constexpr Field kShift = BM_FIELD(Superblock1, bblog_shift);
    const bool used = superblock.has(feature::kBadBlocks);
    if (used && log.offset == 0)
        checks.kernelRefuses(ProblemCode::BadBlocksWithoutLog, kOffset, 0);
    // Kernel 6.12 looks at the size even when the list is empty, and at the shift.
    if (Sectors{log.size} > kLargestBadBlockLog) {
        checks.add(ProblemCode::BadBlockLogTooLarge,
            used ? Severity::KernelRefuses : Severity::EngineRefuses, kSize, log.size,
            kLargestBadBlockLog.count);
    }
    if (used && log.shift > kLargestBadBlockShift) {
        checks.engineRefuses(
            ProblemCode::BadBlockLogShift, kShift, log.shift, kLargestBadBlockShift);
    }
    if (log.offset == 0 || log.size == 0)
        return;
    const auto area = badBlockLogArea(superblock);
    if (const auto hit = obstacle(superblock, area, std::nullopt, deviceSize)) {
        checks.engineRefuses(ProblemCode::BadBlockLogOverlaps, kOffset,
            area ? area->begin.count : signExtended(log.offset), *hit);
    }
}

void checkPpl(FieldChecks& checks, const Superblock& superblock, Sectors deviceSize)
{
    if (!superblock.ppl)
        return;
    const Field field{"ppl.offset", offsetof(Superblock1, bitmap_offset)};
    const auto area = placeAt(superblock.location, superblock.ppl->offset, {superblock.ppl->size});
    if (const auto hit = obstacle(superblock, area, badBlockLogArea(superblock), deviceSize)) {
        checks.engineRefuses(ProblemCode::PplOverlaps, field,
            area ? area->begin.count : signExtended(superblock.ppl->offset), *hit);
    }
}

} // namespace

std::vector<Problem> checkSuperblock1(const Superblock& superblock, Sectors deviceSize)
{
    Superblock1 disk;
    std::memcpy(&disk, superblock.raw.data(), sizeof disk);

    FieldChecks checks(superblock.location.bytes());
    checkIdentity(checks, disk, superblock);
    checkPadding(checks, disk);
    checkRoleTable(checks, disk, superblock.devRoles.size());
    checkFeatures(checks, superblock);
    checkGeometry(checks, superblock, kFields);
    checkDataArea(checks, superblock, deviceSize);
    checkComponent(checks, superblock, deviceSize);
    checkBadBlockLog(checks, superblock, deviceSize);
    checkPpl(checks, superblock, deviceSize);
    // The header tells how long the bitmap is; whoever reads it checks the rest.
    if (superblock.hasBitmap())
        checkBitmapPlace(checks, superblock, kFields.bitmap, {1}, deviceSize);
    return checks.take();
}

} // namespace bitmend
