// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/field_words.h"
#include "engine/metadata/superblock090_format.h"

#include <array>
#include <cstring>

namespace bitmend {

namespace {

using ondisk::Disk090;
using ondisk::Superblock090;

constexpr auto kStates = std::to_array<BitName>({{ondisk::MD_SB_CLEAN, "clean"}, {0x2, "errors"},
    {0x20, "clustered"}, {ondisk::MD_SB_BITMAP_PRESENT, "bitmap"}});

constexpr auto kDiskStates =
    std::to_array<BitName>({{ondisk::MD_DISK_FAULTY, "faulty"}, {ondisk::MD_DISK_ACTIVE, "active"},
        {ondisk::MD_DISK_SYNC, "sync"}, {ondisk::MD_DISK_REMOVED, "removed"},
        {ondisk::MD_DISK_WRITEMOSTLY, "write-mostly"}, {ondisk::MD_DISK_FAILFAST, "failfast"}});

constexpr std::uint64_t kSectorsPerKiB = 2;

std::uint32_t folded(std::uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

std::string checksumText(const Superblock& superblock)
{
    const std::string stored = hexText(superblock.storedChecksum);
    if (folded(superblock.storedChecksum) == folded(superblock.computedChecksum))
        return stored + " - correct";
    return stored + " - expected " + hexText(superblock.computedChecksum);
}

// One of the UUID's four.
std::string uuidWordText(std::uint32_t word)
{
    const std::string digits = hexText(word);
    return std::string(8 - digits.size(), '0') + digits;
}

void addConstant(FieldTexts& out, const Superblock090& disk, const Superblock& superblock)
{
    const std::endian order = out.order();
    const auto word = [order](const le32& field) {
        return field.read(order);
    };
    const auto uuid = [order](const le32& field) {
        return uuidWordText(field.read(order));
    };
    const std::string minor = std::to_string(word(disk.minor_version));
    const std::string patch = std::to_string(word(disk.patch_version));

    out.add(
        "Magic", BM_FIELD(Superblock090, md_magic), disk.md_magic, hexText(word(disk.md_magic)));
    out.add("Version", "major_version", {4, 4},
        std::to_string(word(disk.major_version)) + "." + minor + "." +
            (patch.size() < 2 ? "0" + patch : patch),
        word(disk.major_version));
    out.add({}, BM_FIELD(Superblock090, minor_version), disk.minor_version);
    out.add({}, BM_FIELD(Superblock090, patch_version), disk.patch_version);
    out.add({}, BM_FIELD(Superblock090, gvalid_words), disk.gvalid_words);
    out.add(
        "UUID", BM_FIELD(Superblock090, set_uuid0), disk.set_uuid0, toString(superblock.arrayUuid));
    out.add(
        "Creation Time", BM_FIELD(Superblock090, ctime), disk.ctime, timeText(word(disk.ctime)));
    out.add("Raid Level", BM_FIELD(Superblock090, level), disk.level, levelText(superblock.level));
    out.add("Used Dev Size", BM_FIELD(Superblock090, size), disk.size,
        std::to_string(word(disk.size)) + " (" +
            byteSizeText(word(disk.size) * kSectorsPerKiB * kSectorBytes) + ")");
    out.add("Total Devices", BM_FIELD(Superblock090, nr_disks), disk.nr_disks);
    out.add("Raid Devices", BM_FIELD(Superblock090, raid_disks), disk.raid_disks);
    out.add("Preferred Minor", BM_FIELD(Superblock090, md_minor), disk.md_minor);
    out.add({}, BM_FIELD(Superblock090, not_persistent), disk.not_persistent);
    out.add({}, BM_FIELD(Superblock090, set_uuid1), disk.set_uuid1, uuid(disk.set_uuid1));
    out.add({}, BM_FIELD(Superblock090, set_uuid2), disk.set_uuid2, uuid(disk.set_uuid2));
    out.add({}, BM_FIELD(Superblock090, set_uuid3), disk.set_uuid3, uuid(disk.set_uuid3));
    out.addReserved("gstate_creserved", {64, 64}, superblock.raw);
}

void addReshape(FieldTexts& out, const Superblock090& disk)
{
    const std::endian order = out.order();
    const auto newLevel = static_cast<std::int32_t>(disk.new_level.read(order));
    out.add("Reshape pos'n", BM_FIELD(Superblock090, reshape_position), disk.reshape_position,
        sizeText({disk.reshape_position.read(order)}));
    out.add("New Level", BM_FIELD(Superblock090, new_level), disk.new_level, levelText(newLevel));
    out.add("Delta Devices", BM_FIELD(Superblock090, delta_disks), disk.delta_disks);
    out.add("New Layout", BM_FIELD(Superblock090, new_layout), disk.new_layout,
        layoutText(newLevel, disk.new_layout.read(order)));
    out.add("New Chunksize", BM_FIELD(Superblock090, new_chunk), disk.new_chunk,
        chunkText(disk.new_chunk.read(order)));
}

void addState(FieldTexts& out, const Superblock090& disk, const Superblock& superblock)
{
    const std::endian order = out.order();
    out.add("Update Time", BM_FIELD(Superblock090, utime), disk.utime,
        timeText(disk.utime.read(order)));
    out.add("State", BM_FIELD(Superblock090, state), disk.state,
        bitsText(disk.state.read(order), kStates));
    out.add("Active Devices", BM_FIELD(Superblock090, active_disks), disk.active_disks);
    out.add("Working Devices", BM_FIELD(Superblock090, working_disks), disk.working_disks);
    out.add("Failed Devices", BM_FIELD(Superblock090, failed_disks), disk.failed_disks);
    out.add("Spare Devices", BM_FIELD(Superblock090, spare_disks), disk.spare_disks);
    out.add("Checksum", BM_FIELD(Superblock090, sb_csum), disk.sb_csum, checksumText(superblock));
    out.add("Events", BM_FIELD(Superblock090, events), disk.events);
    out.add({}, BM_FIELD(Superblock090, cp_events), disk.cp_events);
    out.add({}, BM_FIELD(Superblock090, recovery_cp), disk.recovery_cp,
        std::to_string(disk.recovery_cp.read(order)) + " sectors");
    addReshape(out, disk);
    out.addReserved("gstate_sreserved", {200, 56}, superblock.raw);

    out.add("Layout", BM_FIELD(Superblock090, layout), disk.layout,
        layoutText(superblock.level, superblock.layout));
    out.add("Chunk Size", BM_FIELD(Superblock090, chunk_size), disk.chunk_size,
        chunkText(disk.chunk_size.read(order)));
    out.add({}, BM_FIELD(Superblock090, root_pv), disk.root_pv);
    out.add({}, BM_FIELD(Superblock090, root_block), disk.root_block);
    out.addReserved("pstate_reserved", {272, 240}, superblock.raw);
}

bool isZero(const Disk090& disk)
{
    const Disk090 zero{};
    return std::memcmp(&disk, &zero, sizeof disk) == 0;
}

void addDescriptor(FieldTexts& out, const std::string& name, std::size_t at, const Disk090& disk,
    const Superblock& superblock)
{
    const auto field = [&](std::string_view part, std::size_t offset, const le32& value,
                           std::string text) {
        const std::uint32_t number = value.read(out.order());
        out.add({}, name + "." + std::string(part), {at + offset, 4},
            text.empty() ? std::to_string(number) : std::move(text), number);
    };
    field("number", 0, disk.number, {});
    field("major", 4, disk.major, {});
    field("minor", 8, disk.minor, {});
    field("raid_disk", 12, disk.raid_disk, {});
    field("state", 16, disk.state, bitsText(disk.state.read(out.order()), kDiskStates));
    out.addReserved(name + ".reserved", {at + 20, sizeof(Disk090) - 20}, superblock.raw);
}

void addDescriptors(FieldTexts& out, const Superblock090& disk, const Superblock& superblock)
{
    constexpr std::size_t kDisks = offsetof(Superblock090, disks);
    std::size_t used = disk.disks.size();
    while (used > 0 && isZero(disk.disks[used - 1]))
        --used;
    for (std::size_t i = 0; i < used; ++i) {
        addDescriptor(out, "disks[" + std::to_string(i) + "]", kDisks + i * sizeof(Disk090),
            disk.disks[i], superblock);
    }
    if (used < disk.disks.size()) {
        out.add({},
            "disks[" + std::to_string(used) + ".." + std::to_string(disk.disks.size() - 1) + "]",
            {kDisks + used * sizeof(Disk090), (disk.disks.size() - used) * sizeof(Disk090)}, "0");
    }
    addDescriptor(out, "this_disk", offsetof(Superblock090, this_disk), disk.this_disk, superblock);
}

} // namespace

std::vector<FieldText> describe090(const Superblock& superblock)
{
    Superblock090 disk;
    std::memcpy(&disk, superblock.raw.data(), sizeof disk);
    FieldTexts out(superblock.byteOrder);
    addConstant(out, disk, superblock);
    addState(out, disk, superblock);
    addDescriptors(out, disk, superblock);
    return out.take();
}

} // namespace bitmend
