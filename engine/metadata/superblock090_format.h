// SPDX-License-Identifier: Apache-2.0
// Version-0.90 superblock, exactly as on disk, with md's own field names (linux/raid/md_p.h). 4096
// bytes of 32-bit words in the byte order of the machine that wrote them: read them with
// Le::read(order). md_magic tells the order.
//
//   word    0  array, constant
//          32  state
//          64  personality
//         128  disks[27], 32 words each
//         992  this_disk: the member's own descriptor once more
//
// Where it lies: the last 64 KiB-aligned 64 KiB of the member. The data begins at sector 0; a
// bitmap may lie in the 60 KiB behind the superblock.
//
// sb_csum: all 1024 words in native order are added in 64 bits with sb_csum as 0; low half + high
// half is the checksum. The kernel compares both folded to 16 bits, because machines once wrote it
// folded.
#pragma once

#include "engine/base/endian.h"

#include <array>
#include <cstddef>

namespace bitmend::ondisk {

inline constexpr std::uint32_t MD_SB_DISKS = 27;
inline constexpr std::uint32_t MD_SB_BYTES = 4096;
inline constexpr std::uint32_t MD_RESERVED_SECTORS = 128;
inline constexpr std::uint32_t MD_SB_BITMAP_SECTORS = 8; // from the superblock to its bitmap

// Masks of `state`.
inline constexpr std::uint32_t MD_SB_CLEAN = 0x001;
inline constexpr std::uint32_t MD_SB_BITMAP_PRESENT = 0x100;

// Masks of a descriptor's `state`.
inline constexpr std::uint32_t MD_DISK_FAULTY = 0x001;
inline constexpr std::uint32_t MD_DISK_ACTIVE = 0x002;
inline constexpr std::uint32_t MD_DISK_SYNC = 0x004;
inline constexpr std::uint32_t MD_DISK_REMOVED = 0x008;
inline constexpr std::uint32_t MD_DISK_WRITEMOSTLY = 0x200;
inline constexpr std::uint32_t MD_DISK_FAILFAST = 0x400;

struct Disk090
{
    le32 number;
    le32 major; // of the device when it was written; tells nothing today
    le32 minor;
    le32 raid_disk;
    le32 state; // 6 in sync, 0 spare, 1 failed, 9 nobody in this slot
    std::array<le32, 27> reserved;
};

struct Superblock090
{
    le32 md_magic;
    le32 major_version; // 0
    le32 minor_version; // 90; 91 while a reshape is recorded
    le32 patch_version;
    le32 gvalid_words;
    le32 set_uuid0;
    le32 ctime;
    sle32 level;
    le32 size; // KiB used on each member
    le32 nr_disks;
    le32 raid_disks;
    le32 md_minor; // the N of /dev/mdN
    le32 not_persistent;
    le32 set_uuid1;
    le32 set_uuid2;
    le32 set_uuid3;
    std::array<le32, 16> gstate_creserved;

    le32 utime;
    le32 state;
    le32 active_disks; // the four counts are for people; md counts for itself
    le32 working_disks;
    le32 failed_disks;
    le32 spare_disks;
    le32 sb_csum;
    // Two words each, low half first on little-endian machines and last on others: one native
    // 64-bit integer, though not aligned.
    le64 events;
    le64 cp_events;        // events when recovery_cp was recorded
    le32 recovery_cp;      // sectors
    le64 reshape_position; // this and the next four: minor 91 only
    le32 new_level;
    sle32 delta_disks;
    le32 new_layout;
    le32 new_chunk; // bytes
    std::array<le32, 14> gstate_sreserved;

    le32 layout;
    le32 chunk_size; // bytes
    le32 root_pv;
    le32 root_block;
    std::array<le32, 60> pstate_reserved;

    std::array<Disk090, MD_SB_DISKS> disks;
    Disk090 this_disk;
};

static_assert(OnDisk<Superblock090>);
static_assert(sizeof(Disk090) == 128);
static_assert(sizeof(Superblock090) == MD_SB_BYTES);
static_assert(offsetof(Superblock090, utime) == 128);
static_assert(offsetof(Superblock090, events) == 156);
static_assert(offsetof(Superblock090, layout) == 256);
static_assert(offsetof(Superblock090, disks) == 512);
static_assert(offsetof(Superblock090, this_disk) == 3968);

} // namespace bitmend::ondisk
