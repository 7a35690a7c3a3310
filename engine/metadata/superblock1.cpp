// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/superblock1.h"

#include "engine/base/assert.h"
#include "engine/metadata/superblock1_format.h"

#include <algorithm>
#include <cstring>

namespace bitmend {

namespace {

using ondisk::Superblock1;

constexpr std::uint64_t kSecondsMask = (std::uint64_t{1} << 40) - 1;
constexpr std::size_t kRoleBytes = 2;
constexpr std::uint32_t kPplFeatures = feature::kPpl | feature::kMultiplePpls;

Superblock1 header(std::span<const std::byte> bytes)
{
    Superblock1 disk;
    std::memcpy(&disk, bytes.data(), sizeof disk);
    return disk;
}

std::uint32_t entriesThatFit(std::uint32_t maxDev, std::size_t bytes)
{
    const std::size_t room = (bytes - sizeof(Superblock1)) / kRoleBytes;
    return static_cast<std::uint32_t>(std::min<std::size_t>({maxDev, room, ondisk::MD_MAX_DEV1}));
}

std::vector<Role> roleTable(std::span<const std::byte> bytes, std::uint32_t maxDev)
{
    std::vector<Role> roles(entriesThatFit(maxDev, bytes.size()));
    for (std::size_t i = 0; i < roles.size(); ++i) {
        le16 role;
        std::memcpy(&role, bytes.data() + sizeof(Superblock1) + i * kRoleBytes, kRoleBytes);
        roles[i] = role;
    }
    return roles;
}

std::uint32_t checksum(std::span<const std::byte> bytes, std::uint32_t maxDev)
{
    const std::size_t length =
        sizeof(Superblock1) + kRoleBytes * entriesThatFit(maxDev, bytes.size());
    std::uint64_t total = 0;
    std::size_t at = 0;
    for (; at + sizeof(le32) <= length; at += sizeof(le32)) {
        le32 word;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        if (at != offsetof(Superblock1, sb_csum))
            total += word;
    }
    if (at < length) {
        le16 half;
        std::memcpy(&half, bytes.data() + at, sizeof half);
        total += half;
    }
    return static_cast<std::uint32_t>(total) + static_cast<std::uint32_t>(total >> 32);
}

PplPlace pplPlace(const Superblock1& disk)
{
    const auto both = static_cast<std::uint32_t>(static_cast<std::int32_t>(disk.bitmap_offset));
    return {static_cast<std::int16_t>(both & 0xffff), static_cast<std::uint16_t>(both >> 16)};
}

std::int32_t pplWord(PplPlace place)
{
    return static_cast<std::int32_t>(
        static_cast<std::uint32_t>(place.size) << 16 | static_cast<std::uint16_t>(place.offset));
}

Reshape reshapeOf(const Superblock1& disk)
{
    Reshape reshape;
    reshape.position = {disk.reshape_position};
    reshape.newLevel = static_cast<std::int32_t>(disk.new_level.read(std::endian::little));
    reshape.newLayout = disk.new_layout;
    reshape.newChunk = {disk.new_chunk};
    reshape.deltaDisks = disk.delta_disks;
    if (disk.feature_map & feature::kNewOffset)
        reshape.newOffset = disk.new_offset;
    return reshape;
}

void decodeArray(const Superblock1& disk, Superblock& to)
{
    to.arrayUuid.bytes = disk.set_uuid;
    to.name.assign(disk.set_name.data(), strnlen(disk.set_name.data(), disk.set_name.size()));
    to.ctime = static_cast<std::int64_t>(disk.ctime & kSecondsMask);
    to.level = disk.level;
    to.layout = disk.layout;
    to.componentSize = {disk.size};
    to.chunk = {disk.chunksize};
    to.raidDisks = disk.raid_disks;
    to.featureMap = disk.feature_map;
    if (to.featureMap & kPplFeatures) {
        to.ppl = pplPlace(disk);
    } else {
        to.bitmapOffset = disk.bitmap_offset;
    }
    if (to.has(feature::kReshapeActive))
        to.reshape = reshapeOf(disk);
    to.logicalBlockSize = disk.logical_block_size;
}

void decodeMember(const Superblock1& disk, Superblock& to)
{
    to.dataOffset = {disk.data_offset};
    to.dataSize = {disk.data_size};
    to.devNumber = disk.dev_number;
    to.deviceUuid.bytes = disk.device_uuid;
    to.devFlags = disk.devflags;
    to.correctedReads = disk.cnt_corrected_read;
    to.badBlockLog = {disk.bblog_offset, disk.bblog_size, disk.bblog_shift};
    // One field with two meanings.
    if (to.role() == kRoleJournal) {
        to.journalTail = {disk.recovery_offset};
    } else {
        to.recoveryOffset = {disk.recovery_offset};
    }
}

Superblock decodeFields(std::span<const std::byte> bytes, SuperblockSlot slot)
{
    const Superblock1 disk = header(bytes);
    Superblock to;
    to.version = slot.version;
    to.location = slot.sector;
    to.devRoles = roleTable(bytes, disk.max_dev);
    decodeArray(disk, to);
    decodeMember(disk, to);
    to.utime = static_cast<std::int64_t>(disk.utime & kSecondsMask);
    to.events = disk.events;
    to.resyncOffset = {disk.resync_offset};
    to.storedChecksum = disk.sb_csum;
    to.computedChecksum = checksum(bytes, disk.max_dev);
    to.raw.assign(bytes.begin(), bytes.end());
    return to;
}

// The microseconds beside a time stay as long as its seconds do.
void writeTime(le64& field, std::int64_t seconds)
{
    const std::uint64_t wanted = static_cast<std::uint64_t>(seconds) & kSecondsMask;
    if ((field & kSecondsMask) != wanted)
        field = wanted;
}

void writeName(std::array<char, 32>& field, const std::string& name)
{
    const std::string_view was(field.data(), strnlen(field.data(), field.size()));
    if (was == name)
        return;
    field.fill('\0');
    std::copy_n(name.data(), std::min(name.size(), field.size()), field.data());
}

void encodeReshape(const Reshape& reshape, bool withOffset, Superblock1& disk)
{
    disk.reshape_position = reshape.position.count;
    disk.new_level = static_cast<std::uint32_t>(reshape.newLevel);
    disk.new_layout = reshape.newLayout;
    disk.new_chunk = static_cast<std::uint32_t>(reshape.newChunk.count);
    disk.delta_disks = reshape.deltaDisks;
    if (withOffset)
        disk.new_offset = reshape.newOffset;
}

void encodeArray(const Superblock& from, Superblock1& disk)
{
    disk.magic = ondisk::MD_SB_MAGIC;
    disk.major_version = 1;
    disk.feature_map = from.featureMap;
    disk.set_uuid = from.arrayUuid.bytes;
    writeName(disk.set_name, from.name);
    writeTime(disk.ctime, from.ctime);
    disk.level = from.level;
    disk.layout = from.layout;
    disk.size = from.componentSize.count;
    disk.chunksize = static_cast<std::uint32_t>(from.chunk.count);
    disk.raid_disks = from.raidDisks;
    disk.bitmap_offset = from.ppl ? pplWord(*from.ppl) : from.bitmapOffset;
    if (from.reshape)
        encodeReshape(*from.reshape, from.has(feature::kNewOffset), disk);
    disk.logical_block_size = from.logicalBlockSize;
}

void encodeMember(const Superblock& from, Superblock1& disk)
{
    disk.data_offset = from.dataOffset.count;
    disk.data_size = from.dataSize.count;
    disk.super_offset = from.location.count;
    disk.recovery_offset =
        from.role() == kRoleJournal ? from.journalTail.count : from.recoveryOffset.count;
    disk.dev_number = from.devNumber;
    disk.cnt_corrected_read = from.correctedReads;
    disk.device_uuid = from.deviceUuid.bytes;
    disk.devflags = from.devFlags;
    disk.bblog_shift = from.badBlockLog.shift;
    disk.bblog_size = from.badBlockLog.size;
    disk.bblog_offset = from.badBlockLog.offset;
}

void writeRoles(std::span<std::byte> bytes, std::span<const Role> roles, std::uint32_t entries)
{
    for (std::uint32_t i = 0; i < entries; ++i) {
        const le16 role = i < roles.size() ? roles[i] : kRoleSpare;
        std::memcpy(bytes.data() + sizeof(Superblock1) + i * kRoleBytes, &role, kRoleBytes);
    }
}

} // namespace

std::uint32_t roleEntries(const Superblock& superblock)
{
    std::uint32_t entries = static_cast<std::uint32_t>(superblock.devRoles.size());
    if (superblock.raw.size() >= sizeof(Superblock1)) {
        const std::uint32_t stored = header(superblock.raw).max_dev;
        if (stored <= ondisk::MD_MAX_DEV1)
            entries = std::max(entries, stored);
    }
    return std::min(entries, ondisk::MD_MAX_DEV1);
}

std::vector<SuperblockSlot> Superblock1Format::slotsOn(Sectors deviceSize) const
{
    constexpr Sectors kLength{kSuperblockBytes / kSectorBytes};
    std::vector<SuperblockSlot> found;
    if (deviceSize >= kLength)
        found.push_back({MetadataVersion::V1_1, {0}});
    if (deviceSize >= kLength + Sectors{8})
        found.push_back({MetadataVersion::V1_2, {8}});
    if (deviceSize >= Sectors{16})
        found.push_back({MetadataVersion::V1_0, {(deviceSize.count - 16) & ~std::uint64_t{7}}});
    return found;
}

bool Superblock1Format::hasMagic(std::span<const std::byte> bytes) const
{
    if (bytes.size() < 2 * sizeof(le32))
        return false;
    std::array<le32, 2> start;
    std::memcpy(start.data(), bytes.data(), sizeof start);
    return start[0] == ondisk::MD_SB_MAGIC && start[1] != 0;
}

Result<DecodedSuperblock> Superblock1Format::decode(
    std::span<const std::byte> bytes, SuperblockSlot slot, Sectors deviceSize) const
{
    if (bytes.size() < sizeof(Superblock1) || !hasMagic(bytes))
        return fail(ErrorCode::NoSuperblock, {}, static_cast<std::int64_t>(slot.sector.bytes()));
    DecodedSuperblock decoded;
    decoded.superblock = decodeFields(bytes.first(std::min(bytes.size(), kSuperblockBytes)), slot);
    decoded.problems = checkSuperblock1(decoded.superblock, deviceSize);
    return decoded;
}

std::vector<std::byte> Superblock1Format::encode(const Superblock& superblock) const
{
    BM_ASSERT(superblock.devRoles.size() <= ondisk::MD_MAX_DEV1);
    std::vector<std::byte> bytes = superblock.raw;
    bytes.resize(kSuperblockBytes);

    const std::uint32_t entries = roleEntries(superblock);
    writeRoles(bytes, superblock.devRoles, entries);
    Superblock1 disk = header(bytes);
    encodeArray(superblock, disk);
    encodeMember(superblock, disk);
    writeTime(disk.utime, superblock.utime);
    disk.events = superblock.events;
    disk.resync_offset = superblock.resyncOffset.count;
    disk.max_dev = entries;
    std::memcpy(bytes.data(), &disk, sizeof disk);

    disk.sb_csum = checksum(bytes, entries);
    std::memcpy(bytes.data(), &disk, sizeof disk);
    bytes.resize(superblockLength(superblock).bytes());
    return bytes;
}

} // namespace bitmend
