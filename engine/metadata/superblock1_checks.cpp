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
constexpr std::uint32_t kLargestLogicalBlock = 65536;

constexpr SharedFields kFields{BM_FIELD(Superblock1, level), BM_FIELD(Superblock1, layout),
    BM_FIELD(Superblock1, chunksize), BM_FIELD(Superblock1, raid_disks),
    BM_FIELD(Superblock1, bitmap_offset), BM_FIELD(Superblock1, dev_number)};

void checkIdentity(FieldChecks& checks, const Superblock1& disk, const Superblock& superblock)
{
    if (disk.major_version != 1)
        checks.kernelRefuses(ProblemCode::BadMajorVersion, BM_FIELD(Superblock1, major_version),
            disk.major_version, 1);
    if (disk.super_offset != superblock.location.count)
        checks.kernelRefuses(ProblemCode::NotWhereItSays, BM_FIELD(Superblock1, super_offset),
            disk.super_offset, superblock.location.count);
    if (superblock.storedChecksum != superblock.computedChecksum)
        checks.kernelRefuses(ProblemCode::BadChecksum, BM_FIELD(Superblock1, sb_csum),
            superblock.storedChecksum, superblock.computedChecksum);
}

void checkPadding(FieldChecks& checks, const Superblock1& disk)
{
    if (disk.pad0 != 0)
        checks.kernelRefuses(ProblemCode::PaddingNotZero, BM_FIELD(Superblock1, pad0), disk.pad0);

    const std::uint32_t block = disk.logical_block_size;
    constexpr Field kBlock = BM_FIELD(Superblock1, logical_block_size);
    if (block >= kSectorBytes && block <= kLargestLogicalBlock && std::has_single_bit(block))
        checks.note(ProblemCode::LogicalBlockSizeSet, kBlock, block);
    else if (block != 0)
        checks.kernelRefuses(ProblemCode::PaddingNotZero, {"pad3", kBlock.offset}, block);

    const auto stray = std::ranges::find_if(disk.pad3, [](auto byte) { return byte != 0; });
    if (stray != disk.pad3.end()) {
        const auto index = static_cast<std::size_t>(stray - disk.pad3.begin());
        checks.kernelRefuses(
            ProblemCode::PaddingNotZero, {"pad3", offsetof(Superblock1, pad3) + index}, *stray);
    }
}

void checkRoleTable(FieldChecks& checks, const Superblock1& disk, const Superblock& superblock)
{
    constexpr Field kMaxDev = BM_FIELD(Superblock1, max_dev);
    constexpr Field kDevNumber = BM_FIELD(Superblock1, dev_number);
    if (disk.max_dev > ondisk::MD_MAX_DEV1)
        checks.kernelRefuses(
            ProblemCode::RoleTableTooLarge, kMaxDev, disk.max_dev, ondisk::MD_MAX_DEV1);
    else if (superblock.devRoles.size() < disk.max_dev)
        checks.engineRefuses(
            ProblemCode::TruncatedRoleTable, kMaxDev, disk.max_dev, superblock.devRoles.size());
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
    if (ppl && (map & (feature::kBitmapOffset | feature::kJournal)))
        checks.engineRefuses(ProblemCode::PplWithBitmap, kMap, map);
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

    if (superblock.dataSize < kSmallestDataSize)
        checks.kernelRefuses(
            ProblemCode::DataSizeTooSmall, kDataSize, size, kSmallestDataSize.count);

    const auto end = sum(offset, size);
    if (superblock.version == MetadataVersion::V1_0) {
        // Here the data ends where the superblock begins. The kernel forgets the offset.
        if (size > begin)
            checks.kernelRefuses(ProblemCode::DataSizeTooLarge, kDataSize, size, begin);
        else if (!end || *end > begin)
            checks.engineRefuses(
                ProblemCode::DataOverlapsSuperblock, kDataOffset, offset, begin - size);
        return;
    }

    const std::uint64_t behind = begin + superblockLength(superblock).count;
    auto lowest = std::optional<std::uint64_t>(offset);
    if (superblock.reshape && superblock.reshape->newOffset < 0) {
        const auto moved = placeAt({offset}, superblock.reshape->newOffset, {});
        lowest = moved ? std::optional(moved->begin.count) : std::nullopt;
    }
    if (!lowest || *lowest < behind)
        checks.kernelRefuses(
            ProblemCode::DataOverlapsSuperblock, kDataOffset, lowest.value_or(0), behind);
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
    if (superblock.componentSize > superblock.dataSize)
        checks.engineRefuses(
            ProblemCode::ComponentLargerThanData, kSize, size, superblock.dataSize.count);
    const auto end = sum(superblock.dataOffset.count, size);
    if (!end || *end > deviceSize.count)
        checks.engineRefuses(ProblemCode::DataBeyondDevice, BM_FIELD(Superblock1, data_offset),
            superblock.dataOffset.count, deviceSize.count);
}

// True when the area lies on the device, beside the superblock and the array's data.
bool isFree(const Superblock& superblock, std::optional<SectorRange> area, Sectors deviceSize)
{
    const SectorRange own{superblock.location, superblock.location + superblockLength(superblock)};
    return area && area->end <= deviceSize && !overlap(*area, own) &&
           !overlap(*area, dataArea(superblock));
}

void checkBadBlockLog(FieldChecks& checks, const Superblock& superblock, Sectors deviceSize)
{
    const auto& log = superblock.badBlockLog;
    constexpr Field kOffset = BM_FIELD(Superblock1, bblog_offset);
    constexpr Field kSize = BM_FIELD(Superblock1, bblog_size);
    const bool used = superblock.has(feature::kBadBlocks);
    if (used && log.offset == 0)
        checks.kernelRefuses(ProblemCode::BadBlocksWithoutLog, kOffset, 0);
    // Kernel 6.12 looks even when the list is empty, and at the shift.
    if (Sectors{log.size} > kLargestBadBlockLog) {
        checks.add(ProblemCode::BadBlockLogTooLarge,
            used ? Severity::KernelRefuses : Severity::EngineRefuses, kSize, log.size,
            kLargestBadBlockLog.count);
    }
    if (used && log.shift >= 64)
        checks.engineRefuses(
            ProblemCode::BadBlockLogTooLarge, BM_FIELD(Superblock1, bblog_shift), log.shift, 63);
    if (log.offset == 0 || log.size == 0)
        return;
    const auto area = placeAt(superblock.location, log.offset, {log.size});
    if (!isFree(superblock, area, deviceSize))
        checks.engineRefuses(ProblemCode::BadBlockLogOverlaps, kOffset, signExtended(log.offset));
}

void checkPpl(FieldChecks& checks, const Superblock& superblock, Sectors deviceSize)
{
    if (!superblock.ppl)
        return;
    const Field field{"ppl.offset", offsetof(Superblock1, bitmap_offset)};
    const auto area = placeAt(superblock.location, superblock.ppl->offset, {superblock.ppl->size});
    const auto& log = superblock.badBlockLog;
    const auto logArea = placeAt(superblock.location, log.offset, {log.size});
    const bool hitsLog = area && logArea && log.offset != 0 && overlap(*area, *logArea);
    if (!isFree(superblock, area, deviceSize) || hitsLog)
        checks.engineRefuses(ProblemCode::PplOverlaps, field, signExtended(superblock.ppl->offset));
}

} // namespace

std::vector<Problem> checkSuperblock1(const Superblock& superblock, Sectors deviceSize)
{
    Superblock1 disk;
    std::memcpy(&disk, superblock.raw.data(), sizeof disk);

    FieldChecks checks(superblock.location.bytes());
    checkIdentity(checks, disk, superblock);
    checkPadding(checks, disk);
    checkRoleTable(checks, disk, superblock);
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
