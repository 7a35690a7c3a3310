// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/to_text.h"

#include "engine/metadata/bitmap_format.h"
#include "engine/metadata/field_words.h"
#include "engine/metadata/superblock1_format.h"

#include <array>
#include <cstring>

namespace bitmend {

namespace {

using ondisk::BitmapSuperblock;
using ondisk::Superblock1;

constexpr auto kFeatures = std::to_array<BitName>({
    {feature::kBitmapOffset, "BITMAP_OFFSET"},
    {feature::kRecoveryOffset, "RECOVERY_OFFSET"},
    {feature::kReshapeActive, "RESHAPE_ACTIVE"},
    {feature::kBadBlocks, "BAD_BLOCKS"},
    {feature::kReplacement, "REPLACEMENT"},
    {feature::kReshapeBackwards, "RESHAPE_BACKWARDS"},
    {feature::kNewOffset, "NEW_OFFSET"},
    {feature::kRecoveryBitmap, "RECOVERY_BITMAP"},
    {feature::kClustered, "CLUSTERED"},
    {feature::kJournal, "JOURNAL"},
    {feature::kPpl, "PPL"},
    {feature::kMultiplePpls, "MULTIPLE_PPLS"},
    {feature::kRaid0Layout, "RAID0_LAYOUT"},
});

constexpr auto kDevFlags = std::to_array<BitName>({{1, "write-mostly"}, {2, "failfast"}});

constexpr auto kBitmapStates = std::to_array<BitName>({{ondisk::BITMAP_STALE, "STALE"},
    {ondisk::BITMAP_WRITE_ERROR, "WRITE_ERROR"}, {0x8, "FIRST_USE"}, {0x10, "CLEAN"},
    {0x20, "DAEMON_BUSY"}, {0x40, "SHUTDOWN"}, {ondisk::BITMAP_HOSTENDIAN, "HOSTENDIAN"}});

std::string time1Text(std::uint64_t stored)
{
    return timeText(static_cast<std::int64_t>(stored & ((std::uint64_t{1} << 40) - 1)),
        static_cast<std::uint32_t>(stored >> 40));
}

template <std::size_t N> std::string textOf(const std::array<char, N>& field)
{
    return {field.data(), strnlen(field.data(), N)};
}

std::string uuidText(const std::array<std::uint8_t, 16>& bytes) { return toString(Uuid{bytes}); }

std::string checksumText(const Superblock& superblock)
{
    const std::string stored = hexText(superblock.storedChecksum);
    if (superblock.storedChecksum == superblock.computedChecksum)
        return stored + " - correct";
    return stored + " - expected " + hexText(superblock.computedChecksum);
}

void addBitmapOrPpl(FieldTexts& out, const Superblock1& disk, const Superblock& superblock)
{
    constexpr std::size_t kAt = offsetof(Superblock1, bitmap_offset);
    if (superblock.ppl) {
        out.add("PPL", "ppl.offset", {kAt, 2}, distanceText(superblock.ppl->offset),
            signExtended(superblock.ppl->offset));
        out.add(
            {}, "ppl.size", {kAt + 2, 2}, sizeText({superblock.ppl->size}), superblock.ppl->size);
        return;
    }
    out.add("Internal Bitmap", BM_FIELD(Superblock1, bitmap_offset), disk.bitmap_offset,
        distanceText(disk.bitmap_offset));
}

void addArray(FieldTexts& out, const Superblock1& disk, const Superblock& superblock)
{
    const std::int32_t newLevel = static_cast<std::int32_t>(std::uint32_t{disk.new_level});
    out.add("Magic", BM_FIELD(Superblock1, magic), disk.magic, hexText(disk.magic));
    out.add("Version", BM_FIELD(Superblock1, major_version), disk.major_version,
        disk.major_version == 1 ? std::string(toString(superblock.version))
                                : std::to_string(disk.major_version));
    out.add("Feature Map", BM_FIELD(Superblock1, feature_map), disk.feature_map,
        bitsText(disk.feature_map, kFeatures));
    out.add({}, BM_FIELD(Superblock1, pad0), disk.pad0);
    out.add("Array UUID", "set_uuid", {16, 16}, uuidText(disk.set_uuid));
    out.add("Name", "set_name", {32, 32}, textOf(disk.set_name));
    out.add("Creation Time", BM_FIELD(Superblock1, ctime), disk.ctime, time1Text(disk.ctime));
    out.add("Raid Level", BM_FIELD(Superblock1, level), disk.level, levelText(disk.level));
    out.add(
        "Layout", BM_FIELD(Superblock1, layout), disk.layout, layoutText(disk.level, disk.layout));
    out.add("Used Dev Size", BM_FIELD(Superblock1, size), disk.size, sizeText({disk.size}));
    out.add("Chunk Size", BM_FIELD(Superblock1, chunksize), disk.chunksize,
        chunkText(disk.chunksize * kSectorBytes));
    out.add("Raid Devices", BM_FIELD(Superblock1, raid_disks), disk.raid_disks);
    addBitmapOrPpl(out, disk, superblock);
    out.add("New Level", BM_FIELD(Superblock1, new_level), disk.new_level, levelText(newLevel));
    out.add("Reshape pos'n", BM_FIELD(Superblock1, reshape_position), disk.reshape_position,
        sizeText({disk.reshape_position}));
    out.add("Delta Devices", BM_FIELD(Superblock1, delta_disks), disk.delta_disks);
    out.add("New Layout", BM_FIELD(Superblock1, new_layout), disk.new_layout,
        layoutText(newLevel, disk.new_layout));
    out.add("New Chunksize", BM_FIELD(Superblock1, new_chunk), disk.new_chunk,
        chunkText(disk.new_chunk * kSectorBytes));
    out.add("New Offset", BM_FIELD(Superblock1, new_offset), disk.new_offset,
        std::to_string(disk.new_offset) + " sectors");
}

void addMember(FieldTexts& out, const Superblock1& disk, const Superblock& superblock)
{
    const bool journal = superblock.role() == kRoleJournal;
    const Field recovery{
        journal ? "journal_tail" : "recovery_offset", offsetof(Superblock1, recovery_offset)};
    const std::uint8_t shift = disk.bblog_shift;
    out.add("Data Offset", BM_FIELD(Superblock1, data_offset), disk.data_offset,
        std::to_string(disk.data_offset) + " sectors");
    out.add("Avail Dev Size", BM_FIELD(Superblock1, data_size), disk.data_size,
        sizeText({disk.data_size}));
    out.add("Super Offset", BM_FIELD(Superblock1, super_offset), disk.super_offset,
        std::to_string(disk.super_offset) + " sectors");
    out.add(journal ? "Journal Tail" : "Recovery Offset", recovery, disk.recovery_offset,
        std::to_string(disk.recovery_offset) + " sectors");
    out.add({}, BM_FIELD(Superblock1, dev_number), disk.dev_number);
    out.add({}, BM_FIELD(Superblock1, cnt_corrected_read), disk.cnt_corrected_read);
    out.add("Device UUID", "device_uuid", {168, 16}, uuidText(disk.device_uuid));
    out.add("Flags", "devflags", {184, 1}, bitsText(disk.devflags, kDevFlags), disk.devflags);
    out.add({}, "bblog_shift", {185, 1},
        shift < 32 ? chunkText(kSectorBytes << shift) : std::to_string(shift), shift);
    out.add({}, BM_FIELD(Superblock1, bblog_size), disk.bblog_size, sizeText({disk.bblog_size}));
    out.add("Bad Block Log", BM_FIELD(Superblock1, bblog_offset), disk.bblog_offset,
        distanceText(disk.bblog_offset));
}

std::string resyncText(Sectors offset)
{
    if (offset == kMaxSector)
        return "clean";
    return "active, resync_offset " + std::to_string(offset.count);
}

void addState(FieldTexts& out, const Superblock1& disk, const Superblock& superblock)
{
    out.add("Update Time", BM_FIELD(Superblock1, utime), disk.utime, time1Text(disk.utime));
    out.add("Events", BM_FIELD(Superblock1, events), disk.events);
    out.add("State", BM_FIELD(Superblock1, resync_offset), disk.resync_offset,
        resyncText(superblock.resyncOffset));
    out.add("Checksum", BM_FIELD(Superblock1, sb_csum), disk.sb_csum, checksumText(superblock));
    out.add({}, BM_FIELD(Superblock1, max_dev), disk.max_dev);
    out.add({}, BM_FIELD(Superblock1, logical_block_size), disk.logical_block_size);
    out.addReserved("pad3", {228, 28}, superblock.raw);
}

void addRoles(FieldTexts& out, const Superblock& superblock)
{
    const auto& roles = superblock.devRoles;
    std::size_t listed = roles.size();
    while (listed > 0 && roles[listed - 1] == kRoleSpare && listed - 1 != superblock.devNumber)
        --listed;
    for (std::size_t i = 0; i < listed; ++i) {
        const bool own = i == superblock.devNumber;
        const bool replaces = own && roles[i] < kRoleLimit && superblock.has(feature::kReplacement);
        out.add(own ? "Device Role" : std::string_view{}, "dev_roles[" + std::to_string(i) + "]",
            {sizeof(Superblock1) + 2 * i, 2},
            replaces ? "Replacement device " + std::to_string(roles[i]) : roleText(roles[i]),
            roles[i]);
    }
    if (listed == roles.size())
        return;
    out.add({},
        "dev_roles[" + std::to_string(listed) + ".." + std::to_string(roles.size() - 1) + "]",
        {sizeof(Superblock1) + 2 * listed, 2 * (roles.size() - listed)}, roleText(kRoleSpare));
}

} // namespace

std::vector<FieldText> describe1(const Superblock& superblock)
{
    Superblock1 disk;
    std::memcpy(&disk, superblock.raw.data(), sizeof disk);
    FieldTexts out(std::endian::little);
    addArray(out, disk, superblock);
    addMember(out, disk, superblock);
    addState(out, disk, superblock);
    addRoles(out, superblock);
    return out.take();
}

std::vector<FieldText> describe(const Superblock& superblock)
{
    const bool is090 = superblock.version == MetadataVersion::V0_90;
    if (superblock.raw.size() < (is090 ? std::size_t{4096} : sizeof(Superblock1)))
        return {};
    return is090 ? describe090(superblock) : describe1(superblock);
}

std::vector<FieldText> describeBitmapHeader(std::span<const std::byte> raw)
{
    if (raw.size() < sizeof(BitmapSuperblock))
        return {};
    BitmapSuperblock disk;
    std::memcpy(&disk, raw.data(), sizeof disk);

    FieldTexts out(std::endian::little);
    out.add("Magic", BM_FIELD(BitmapSuperblock, magic), disk.magic, hexText(disk.magic));
    out.add("Version", BM_FIELD(BitmapSuperblock, version), disk.version);
    out.add("UUID", "uuid", {8, 16}, uuidText(disk.uuid));
    out.add("Events", BM_FIELD(BitmapSuperblock, events), disk.events);
    out.add("Events Cleared", BM_FIELD(BitmapSuperblock, events_cleared), disk.events_cleared);
    out.add("Sync Size", BM_FIELD(BitmapSuperblock, sync_size), disk.sync_size,
        sizeText({disk.sync_size}));
    out.add("State", BM_FIELD(BitmapSuperblock, state), disk.state,
        bitsText(disk.state, kBitmapStates));
    out.add("Chunksize", BM_FIELD(BitmapSuperblock, chunksize), disk.chunksize,
        chunkText(disk.chunksize));
    out.add("Daemon", BM_FIELD(BitmapSuperblock, daemon_sleep), disk.daemon_sleep,
        std::to_string(disk.daemon_sleep) + "s flush period");
    out.add("Write Mode", BM_FIELD(BitmapSuperblock, write_behind), disk.write_behind,
        disk.write_behind == 0 ? "Normal"
                               : "Allow write behind, max " + std::to_string(disk.write_behind));
    out.add({}, BM_FIELD(BitmapSuperblock, sectors_reserved), disk.sectors_reserved,
        sizeText({disk.sectors_reserved}));
    out.add("Cluster nodes", BM_FIELD(BitmapSuperblock, nodes), disk.nodes);
    out.add("Cluster name", "cluster_name", {72, 64}, textOf(disk.cluster_name));
    out.addReserved("pad", {136, 120}, raw);
    return out.take();
}

} // namespace bitmend
