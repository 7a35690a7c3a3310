// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/descriptors090.h"

#include "engine/base/assert.h"

#include <cstring>

namespace bitmend {

namespace {

using ondisk::Disk090;
using ondisk::Superblock090;

constexpr std::uint32_t kInSync = ondisk::MD_DISK_ACTIVE | ondisk::MD_DISK_SYNC;
constexpr std::uint32_t kVacant = ondisk::MD_DISK_REMOVED | ondisk::MD_DISK_FAULTY;
constexpr std::uint32_t kFlags = ondisk::MD_DISK_WRITEMOSTLY | ondisk::MD_DISK_FAILFAST;

void place(Disk090& disk, std::uint32_t number, std::uint32_t raidDisk, std::uint32_t state,
    std::endian order)
{
    disk.number = ordered(number, order);
    disk.raid_disk = ordered(raidDisk, order);
    disk.state = ordered(state, order);
}

bool isVacant(const Disk090& disk, std::endian order)
{
    return (disk.state.read(order) & ondisk::MD_DISK_REMOVED) != 0;
}

// Never written: md leaves the entries behind the last member zero.
bool isUnused(const Disk090& disk, std::endian order)
{
    return disk.number.read(order) == 0 && disk.state.read(order) == 0;
}

void rebuild(Disk090& disk, std::uint32_t number, Role role, const Superblock& superblock)
{
    const std::endian order = superblock.byteOrder;
    const bool own = number == superblock.devNumber;
    const bool inSlots = number < superblock.raidDisks;
    const std::uint32_t flags = disk.state.read(order) & kFlags;

    if (role < kRoleLimit) {
        const bool partial = own && superblock.has(feature::kRecoveryOffset);
        place(disk, number, role, (partial ? ondisk::MD_DISK_ACTIVE : kInSync) | flags, order);
    } else if (role == kRoleFaulty) {
        place(disk, number, number, ondisk::MD_DISK_FAULTY | flags, order);
    } else if (own || (!inSlots && !isUnused(disk, order) && !isVacant(disk, order))) {
        place(disk, number, number, flags, order);
    } else {
        disk = {};
        // Idle spares have numbers from raid_disks on, so below it this is an empty slot.
        if (inSlots)
            place(disk, number, number, kVacant, order);
    }
}

void setOwnFlags(Disk090& disk, const Superblock& superblock)
{
    const std::endian order = superblock.byteOrder;
    std::uint32_t state = disk.state.read(order) & ~kFlags;
    if (superblock.devFlags & 1)
        state |= ondisk::MD_DISK_WRITEMOSTLY;
    if (superblock.devFlags & 2)
        state |= ondisk::MD_DISK_FAILFAST;
    disk.state = ordered(state, order);
}

void count(Superblock090& disk, std::endian order)
{
    std::uint32_t members = 0;
    std::uint32_t active = 0;
    std::uint32_t faulty = 0;
    std::uint32_t vacant = 0;
    for (const auto& entry : disk.disks) {
        const std::uint32_t state = entry.state.read(order);
        if (isVacant(entry, order)) {
            vacant += (state & ondisk::MD_DISK_FAULTY) ? 1 : 0;
            continue;
        }
        if (isUnused(entry, order))
            continue;
        ++members;
        faulty += (state & ondisk::MD_DISK_FAULTY) ? 1 : 0;
        active += (state & kInSync) ? 1 : 0;
    }
    disk.nr_disks = ordered(members, order);
    disk.active_disks = ordered(active, order);
    disk.working_disks = ordered(members - faulty, order);
    disk.failed_disks = ordered(vacant, order); // empty slots, not failed members
    disk.spare_disks = ordered(members - faulty - active, order);
}

} // namespace

Role roleOf(const Disk090& disk, std::endian order, bool own, bool reshaping)
{
    const std::uint32_t state = disk.state.read(order);
    if (state & ondisk::MD_DISK_FAULTY) {
        // A slot nobody fills is marked removed as well. In others' eyes that is an unused entry; a
        // member that says so of itself is refused by the kernel.
        const bool vacant = (state & ondisk::MD_DISK_REMOVED) && !own;
        return vacant ? kRoleSpare : kRoleFaulty;
    }
    const bool slotted =
        (state & ondisk::MD_DISK_SYNC) || (reshaping && (state & ondisk::MD_DISK_ACTIVE));
    const std::uint32_t role = disk.raid_disk.read(order);
    return slotted && role < kRoleLimit ? static_cast<Role>(role) : kRoleSpare;
}

void rebuildDescriptors(Superblock090& disk, const Superblock& superblock)
{
    const std::endian order = superblock.byteOrder;
    const bool reshaping = superblock.has(feature::kReshapeActive);
    for (std::uint32_t i = 0; i < ondisk::MD_SB_DISKS; ++i) {
        Disk090& entry = disk.disks[i];
        const bool own = i == superblock.devNumber;
        const Role role = i < superblock.devRoles.size() ? superblock.devRoles[i] : kRoleSpare;
        const bool misplaced = (i < superblock.raidDisks && isUnused(entry, order)) ||
                               (i >= superblock.raidDisks && isVacant(entry, order)) ||
                               (own && entry.number.read(order) != i);
        if (misplaced || roleOf(entry, order, own, reshaping) != role)
            rebuild(entry, i, role, superblock);
        if (own)
            setOwnFlags(entry, superblock);
    }
    if (superblock.devNumber < ondisk::MD_SB_DISKS)
        disk.this_disk = disk.disks[superblock.devNumber];
    count(disk, order);
}

void listMembers(Superblock& superblock, std::span<const Listing090> members, const Superblock* own)
{
    const std::endian order = superblock.byteOrder;
    Superblock090 disk;
    BM_ASSERT(superblock.raw.size() >= sizeof disk);
    std::memcpy(&disk, superblock.raw.data(), sizeof disk);
    disk.disks = {};
    for (const auto& member : members) {
        BM_ASSERT(member.number < ondisk::MD_SB_DISKS);
        Disk090& entry = disk.disks[member.number];
        if (member.superblock) {
            Superblock090 there;
            std::memcpy(&there, member.superblock->raw.data(), sizeof there);
            entry = there.this_disk;
        }
        const bool slotted = member.role < kRoleLimit;
        const std::uint32_t state = slotted                      ? kInSync
                                    : member.role == kRoleFaulty ? ondisk::MD_DISK_FAULTY
                                                                 : 0;
        const std::uint32_t flags = entry.state.read(order) & kFlags;
        place(entry, member.number, slotted ? member.role : member.number, state | flags, order);
        if (member.superblock == own)
            superblock.devNumber = member.number;
    }
    for (std::uint32_t slot = 0; slot < superblock.raidDisks; ++slot) {
        // md calls an empty first slot removed and nothing else, and forgets it when it counts.
        if (isUnused(disk.disks[slot], order)) {
            place(
                disk.disks[slot], slot, slot, slot == 0 ? ondisk::MD_DISK_REMOVED : kVacant, order);
        }
    }
    disk.this_disk = disk.disks[superblock.devNumber];
    count(disk, order);

    superblock.devRoles.clear();
    for (std::uint32_t i = 0; i < ondisk::MD_SB_DISKS; ++i) {
        superblock.devRoles.push_back(
            roleOf(disk.disks[i], order, i == superblock.devNumber, false));
    }
    std::memcpy(superblock.raw.data(), &disk, sizeof disk);
}

} // namespace bitmend
