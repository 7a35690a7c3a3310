// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/superblock090.h"

#include "engine/metadata/descriptors090.h"
#include "engine/metadata/field_checks.h"
#include "engine/metadata/superblock090_format.h"
#include "engine/metadata/superblock1_format.h" // the magic is the same

#include <algorithm>
#include <cstring>
#include <limits>

namespace bitmend {

namespace {

using ondisk::Disk090;
using ondisk::Superblock090;

constexpr std::uint32_t kSwappedMagic = 0xfc4e2ba9;
constexpr std::uint32_t kMinor = 90;
constexpr std::uint32_t kReshapingMinor = 91;
constexpr std::uint64_t kSectorsPerKiB = 2;
constexpr Sectors kLargestDataSize{(std::uint64_t{2} << 32) - 2};
constexpr std::uint32_t kNoCheckpoint = 0xffffffff;

constexpr SharedFields kFields{BM_FIELD(Superblock090, level), BM_FIELD(Superblock090, layout),
    BM_FIELD(Superblock090, chunk_size), BM_FIELD(Superblock090, raid_disks),
    BM_FIELD(Superblock090, state),
    {"this_disk.raid_disk", offsetof(Superblock090, this_disk) + 12}};

std::uint32_t magicOf(std::span<const std::byte> bytes)
{
    le32 magic;
    std::memcpy(&magic, bytes.data(), sizeof magic);
    return magic;
}

Superblock090 load(std::span<const std::byte> bytes)
{
    Superblock090 disk;
    std::memcpy(&disk, bytes.data(), sizeof disk);
    return disk;
}

std::uint32_t checksum(std::span<const std::byte> bytes, std::endian order)
{
    std::uint64_t total = 0;
    for (std::size_t at = 0; at < sizeof(Superblock090); at += sizeof(le32)) {
        le32 word;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        if (at != offsetof(Superblock090, sb_csum))
            total += word.read(order);
    }
    return static_cast<std::uint32_t>(total) + static_cast<std::uint32_t>(total >> 32);
}

std::uint32_t folded(std::uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

// Words as mdadm prints them, the most significant byte first.
Uuid uuidOf(const Superblock090& disk, std::endian order)
{
    Uuid uuid;
    auto to = uuid.bytes.begin();
    for (const auto* word : {&disk.set_uuid0, &disk.set_uuid1, &disk.set_uuid2, &disk.set_uuid3}) {
        const std::uint32_t value = word->read(order);
        for (int shift = 24; shift >= 0; shift -= 8)
            *to++ = static_cast<std::uint8_t>(value >> shift);
    }
    return uuid;
}

void writeUuid(const Uuid& uuid, std::endian order, Superblock090& disk)
{
    auto from = uuid.bytes.begin();
    for (auto* word : {&disk.set_uuid0, &disk.set_uuid1, &disk.set_uuid2, &disk.set_uuid3}) {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i)
            value = value << 8 | *from++;
        *word = ordered(value, order);
    }
}

// Clean says it all; a checkpoint counts only if nothing happened since.
Sectors resyncOffsetOf(const Superblock090& disk, std::endian order)
{
    if (disk.state.read(order) & ondisk::MD_SB_CLEAN)
        return kMaxSector;
    if (disk.events.read(order) == disk.cp_events.read(order))
        return {disk.recovery_cp.read(order)};
    return {};
}

Reshape reshapeOf(const Superblock090& disk, std::endian order)
{
    Reshape reshape;
    reshape.position = {disk.reshape_position.read(order)};
    reshape.newLevel = static_cast<std::int32_t>(disk.new_level.read(order));
    reshape.deltaDisks = disk.delta_disks.read(order);
    reshape.newLayout = disk.new_layout.read(order);
    reshape.newChunk = {disk.new_chunk.read(order) / kSectorBytes};
    return reshape;
}

void decodeArray(const Superblock090& disk, Superblock& to)
{
    const std::endian order = to.byteOrder;
    to.arrayUuid = uuidOf(disk, order);
    to.ctime = disk.ctime.read(order);
    to.level = disk.level.read(order);
    to.layout = disk.layout.read(order);
    to.componentSize = {disk.size.read(order) * kSectorsPerKiB};
    to.chunk = {disk.chunk_size.read(order) / kSectorBytes};
    to.raidDisks = disk.raid_disks.read(order);
    to.preferredMinor = disk.md_minor.read(order);
    if (disk.state.read(order) & ondisk::MD_SB_BITMAP_PRESENT) {
        to.featureMap |= feature::kBitmapOffset;
        to.bitmapOffset = ondisk::MD_SB_BITMAP_SECTORS;
    }
    // In a 90 superblock these bytes are reserved and may hold anything.
    if (disk.minor_version.read(order) == kReshapingMinor) {
        to.featureMap |= feature::kReshapeActive;
        to.reshape = reshapeOf(disk, order);
    }
}

void decodeMembers(const Superblock090& disk, Superblock& to)
{
    const std::endian order = to.byteOrder;
    const bool reshaping = to.has(feature::kReshapeActive);
    to.devNumber = disk.this_disk.number.read(order);
    for (std::uint32_t i = 0; i < ondisk::MD_SB_DISKS; ++i)
        to.devRoles.push_back(roleOf(disk.disks[i], order, i == to.devNumber, reshaping));
    if (to.devNumber >= ondisk::MD_SB_DISKS)
        return;

    const std::uint32_t state = disk.disks[to.devNumber].state.read(order);
    if (state & ondisk::MD_DISK_WRITEMOSTLY)
        to.devFlags |= 1;
    if (state & ondisk::MD_DISK_FAILFAST)
        to.devFlags |= 2;
    // Slotted by a reshape, but not in sync: nothing of it counts yet.
    if (to.role() < kRoleLimit && !(state & ondisk::MD_DISK_SYNC))
        to.featureMap |= feature::kRecoveryOffset;
}

Superblock decodeFields(std::span<const std::byte> bytes, std::endian order, Sectors sector)
{
    const Superblock090 disk = load(bytes);
    Superblock to;
    to.version = MetadataVersion::V0_90;
    to.byteOrder = order;
    to.location = sector;
    to.dataSize = sector;
    decodeArray(disk, to);
    decodeMembers(disk, to);
    if (to.level >= 1)
        to.dataSize = std::min(to.dataSize, kLargestDataSize);
    to.utime = disk.utime.read(order);
    to.events = disk.events.read(order);
    to.resyncOffset = resyncOffsetOf(disk, order);
    to.storedChecksum = disk.sb_csum.read(order);
    to.computedChecksum = checksum(bytes, order);
    to.raw.assign(bytes.begin(), bytes.begin() + sizeof disk);
    return to;
}

void checkMember(FieldChecks& checks, const Superblock090& disk, const Superblock& superblock)
{
    const Field number{"this_disk.number", offsetof(Superblock090, this_disk)};
    if (superblock.devNumber >= ondisk::MD_SB_DISKS) {
        checks.kernelRefuses(ProblemCode::DevNumberOutOfRange, number, superblock.devNumber,
            ondisk::MD_SB_DISKS - 1);
        return;
    }
    const Disk090& listed = disk.disks[superblock.devNumber];
    const std::uint32_t role = listed.raid_disk.read(superblock.byteOrder);
    if ((listed.state.read(superblock.byteOrder) & ondisk::MD_DISK_SYNC) && role >= kRoleLimit) {
        checks.engineRefuses(
            ProblemCode::RoleBeyondRaidDisks, kFields.role, role, superblock.raidDisks);
    }
    if (std::memcmp(&listed, &disk.this_disk, sizeof listed) != 0)
        checks.note(ProblemCode::ThisDiskDiffers, number, superblock.devNumber);
}

std::vector<Problem> check(const Superblock090& disk, const Superblock& superblock, Sectors device)
{
    const std::endian order = superblock.byteOrder;
    FieldChecks checks(superblock.location.bytes());
    if (order != std::endian::native) {
        checks.kernelRefuses(ProblemCode::ForeignByteOrder, BM_FIELD(Superblock090, md_magic),
            magicOf(superblock.raw), ondisk::MD_SB_MAGIC);
    }
    if (disk.major_version.read(order) != 0) {
        checks.kernelRefuses(ProblemCode::BadMajorVersion, BM_FIELD(Superblock090, major_version),
            disk.major_version.read(order), 0);
    }
    const std::uint32_t minor = disk.minor_version.read(order);
    if (minor != kMinor && minor != kReshapingMinor) {
        checks.kernelRefuses(ProblemCode::BadMinorVersion, BM_FIELD(Superblock090, minor_version),
            minor, kReshapingMinor);
    }
    if (folded(superblock.storedChecksum) != folded(superblock.computedChecksum)) {
        checks.kernelRefuses(ProblemCode::BadChecksum, BM_FIELD(Superblock090, sb_csum),
            superblock.storedChecksum, superblock.computedChecksum);
    }
    if (superblock.level >= 1 && superblock.componentSize > superblock.location) {
        checks.kernelRefuses(ProblemCode::ComponentBeyondDevice, BM_FIELD(Superblock090, size),
            superblock.componentSize.count, superblock.location.count);
    }
    // Only whole sectors survive the decoding.
    const std::uint32_t chunkBytes = disk.chunk_size.read(order);
    if (superblock.level >= 4 && chunkBytes % kSectorBytes != 0)
        checks.kernelRefuses(ProblemCode::BadChunk, kFields.chunk, superblock.chunk.count);
    checkGeometry(checks, superblock, kFields);
    checkMember(checks, disk, superblock);
    if (superblock.hasBitmap())
        checkBitmapPlace(checks, superblock, kFields.bitmap, {1}, device);
    return checks.take();
}

void encodeArray(const Superblock& from, const Superblock& was, Superblock090& disk)
{
    const std::endian order = from.byteOrder;
    disk.md_magic = ordered(ondisk::MD_SB_MAGIC, order);
    disk.major_version = ordered<std::uint32_t>(0, order);
    const bool reshaping = from.reshape.has_value();
    disk.minor_version = ordered(reshaping ? kReshapingMinor : kMinor, order);
    writeUuid(from.arrayUuid, order, disk);
    disk.ctime = ordered(static_cast<std::uint32_t>(from.ctime), order);
    disk.level = ordered(from.level, order);
    disk.layout = ordered(from.layout, order);
    disk.raid_disks = ordered(from.raidDisks, order);
    disk.md_minor = ordered(from.preferredMinor, order);
    disk.size =
        ordered(static_cast<std::uint32_t>(from.componentSize.count / kSectorsPerKiB), order);
    if (from.chunk != was.chunk) // in bytes on disk, and not always whole sectors
        disk.chunk_size = ordered(static_cast<std::uint32_t>(from.chunk.bytes()), order);
    if (!reshaping || from.reshape == was.reshape)
        return;
    disk.reshape_position = ordered(from.reshape->position.count, order);
    disk.new_level = ordered(static_cast<std::uint32_t>(from.reshape->newLevel), order);
    disk.delta_disks = ordered(from.reshape->deltaDisks, order);
    disk.new_layout = ordered(from.reshape->newLayout, order);
    disk.new_chunk = ordered(static_cast<std::uint32_t>(from.reshape->newChunk.bytes()), order);
}

void encodeState(const Superblock& from, const Superblock& was, Superblock090& disk)
{
    const std::endian order = from.byteOrder;
    std::uint32_t state =
        disk.state.read(order) & ~(ondisk::MD_SB_CLEAN | ondisk::MD_SB_BITMAP_PRESENT);
    if (!from.isDirty())
        state |= ondisk::MD_SB_CLEAN;
    if (from.has(feature::kBitmapOffset))
        state |= ondisk::MD_SB_BITMAP_PRESENT;
    disk.state = ordered(state, order);
    disk.utime = ordered(static_cast<std::uint32_t>(from.utime), order);
    disk.events = ordered(from.events, order);
    if (from.resyncOffset == was.resyncOffset && from.events == was.events)
        return;
    // A checkpoint of 0 is what a superblock without one means.
    const bool hasCheckpoint = from.resyncOffset.count != 0;
    disk.cp_events = ordered(hasCheckpoint ? from.events : 0, order);
    disk.recovery_cp = ordered(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(from.resyncOffset.count, kNoCheckpoint)),
        order);
}

} // namespace

std::vector<SuperblockSlot> Superblock090Format::slotsOn(Sectors deviceSize) const
{
    constexpr std::uint64_t kReserved = ondisk::MD_RESERVED_SECTORS;
    if (deviceSize.count < kReserved)
        return {};
    return {{MetadataVersion::V0_90, {(deviceSize.count & ~(kReserved - 1)) - kReserved}}};
}

bool Superblock090Format::hasMagic(std::span<const std::byte> bytes) const
{
    if (bytes.size() < 2 * sizeof(le32))
        return false;
    const std::uint32_t magic = magicOf(bytes);
    const bool isMagic = magic == ondisk::MD_SB_MAGIC || magic == kSwappedMagic;
    return isMagic && magicOf(bytes.subspan(sizeof(le32))) == 0;
}

Result<DecodedSuperblock> Superblock090Format::decode(
    std::span<const std::byte> bytes, SuperblockSlot slot, Sectors deviceSize) const
{
    const auto none = [&] {
        return fail(ErrorCode::NoSuperblock, {}, static_cast<std::int64_t>(slot.sector.bytes()));
    };
    if (bytes.size() < sizeof(Superblock090))
        return none();
    const std::uint32_t magic = magicOf(bytes);
    if (magic != ondisk::MD_SB_MAGIC && magic != kSwappedMagic)
        return none();
    // On a member below 128 KiB the slot is sector 0, where a 1.1 superblock may lie.
    if (slot.sector.count == 0 && !hasMagic(bytes))
        return none();

    const auto order = magic == kSwappedMagic ? std::endian::big : std::endian::little;
    DecodedSuperblock decoded;
    decoded.superblock = decodeFields(bytes, order, slot.sector);
    decoded.problems = check(load(bytes), decoded.superblock, deviceSize);
    return decoded;
}

std::vector<std::byte> Superblock090Format::encode(const Superblock& superblock) const
{
    std::vector<std::byte> bytes = superblock.raw;
    bytes.resize(sizeof(Superblock090));
    const Superblock was = decodeFields(bytes, superblock.byteOrder, superblock.location);
    const bool sameMembers =
        superblock.devRoles == was.devRoles && superblock.devNumber == was.devNumber &&
        superblock.devFlags == was.devFlags && superblock.raidDisks == was.raidDisks;

    Superblock090 disk = load(bytes);
    encodeArray(superblock, was, disk);
    encodeState(superblock, was, disk);
    if (!sameMembers)
        rebuildDescriptors(disk, superblock);
    std::memcpy(bytes.data(), &disk, sizeof disk);

    const std::uint32_t total = checksum(bytes, superblock.byteOrder);
    // A checksum that was written folded is right as long as the rest stays as it is.
    const bool stillRight = std::ranges::equal(bytes, superblock.raw) &&
                            folded(disk.sb_csum.read(superblock.byteOrder)) == folded(total);
    if (!stillRight)
        disk.sb_csum = ordered(total, superblock.byteOrder);
    std::memcpy(bytes.data(), &disk, sizeof disk);
    return bytes;
}

} // namespace bitmend
