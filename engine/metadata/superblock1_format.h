// SPDX-License-Identifier: Apache-2.0
// Version-1 superblock, exactly as on disk. Field names are md's own (linux/raid/md_p.h), so that a
// grep across the kernel, mdadm and this file finds the same thing. Every integer is little-endian.
//
//   byte    0  array: who, how many, how laid out (same on every member)
//         128  this member: where its data lies, how far it has recovered
//         192  state: event count, resync progress, checksum
//         256  dev_roles[max_dev], 2 bytes each, indexed by dev_number
//
// Where it lies: 1.0 at sector (size - 16) rounded down to 8, 1.1 at sector 0, 1.2 at sector 8. The
// minor version is not stored: it follows from the place, and super_offset must repeat that place.
//
// sb_csum: the 32-bit words (and, if two bytes remain, those as one more) of 256 + 2 * max_dev
// bytes are added in 64 bits with sb_csum as 0; low half + high half is the checksum.
#pragma once

#include "engine/base/endian.h"

#include <array>
#include <cstddef>

namespace bitmend::ondisk {

inline constexpr std::uint32_t MD_SB_MAGIC = 0xa92b4efc;

struct Superblock1
{
    le32 magic;
    le32 major_version; // 1
    le32 feature_map;
    le32 pad0; // 0, or the kernel refuses it
    std::array<std::uint8_t, 16> set_uuid;
    std::array<char, 32> set_name; // "host:name" or "name", filled up with NUL
    le64 ctime;                    // low 40 bits seconds, high 24 microseconds
    sle32 level;
    le32 layout;
    le64 size;           // sectors used on each member; 0 for raid0 and linear
    le32 chunksize;      // sectors
    le32 raid_disks;     // during a reshape the larger of old and new
    sle32 bitmap_offset; // sectors from this superblock; negative when the bitmap lies before it.
                         // With feature 0x400 or 0x800: s16 ppl.offset, u16 ppl.size (sectors)
    le32 new_level;
    le64 reshape_position; // array sectors
    sle32 delta_disks;
    le32 new_layout;
    le32 new_chunk;   // sectors
    sle32 new_offset; // sectors, added to data_offset for the new layout

    le64 data_offset;     // sectors, as the next two
    le64 data_size;       // what is there for data
    le64 super_offset;    // where this superblock lies
    le64 recovery_offset; // sectors recovered so far; on a journal device journal_tail
    le32 dev_number;      // index into dev_roles, not the role
    le32 cnt_corrected_read;
    std::array<std::uint8_t, 16> device_uuid;
    std::uint8_t devflags;    // 1 write-mostly, 2 fail-fast
    std::uint8_t bblog_shift; // one unit of the bad block log is 512 << shift bytes
    le16 bblog_size;          // sectors
    sle32 bblog_offset;       // sectors from this superblock

    le64 utime; // as ctime
    le64 events;
    le64 resync_offset; // all ones: in sync; else the first sector not known to be
    le32 sb_csum;
    le32 max_dev; // entries of dev_roles
    // From kernel 6.19 on; earlier ones call these bytes padding and refuse anything but 0.
    le32 logical_block_size;
    std::array<std::uint8_t, 28> pad3; // 0, or the kernel refuses it
};

static_assert(OnDisk<Superblock1>);
static_assert(sizeof(Superblock1) == 256);
static_assert(offsetof(Superblock1, set_uuid) == 16);
static_assert(offsetof(Superblock1, bitmap_offset) == 96);
static_assert(offsetof(Superblock1, data_offset) == 128);
static_assert(offsetof(Superblock1, utime) == 192);
static_assert(offsetof(Superblock1, sb_csum) == 216);

inline constexpr std::uint32_t MD_MAX_DEV1 = (4096 - sizeof(Superblock1)) / 2;

} // namespace bitmend::ondisk
