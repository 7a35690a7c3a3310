// SPDX-License-Identifier: Apache-2.0
// Our on-disk structs against the kernel's own header, field by field. Compiling is passing.
#include "engine/metadata/bitmap_format.h"
#include "engine/metadata/superblock090_format.h"
#include "engine/metadata/superblock1_format.h"

// The kernel's names for the constants are macros of the same spelling.
namespace {
constexpr auto kMagic = bitmend::ondisk::MD_SB_MAGIC;
constexpr auto kBytes090 = bitmend::ondisk::MD_SB_BYTES;
constexpr auto kDisks = bitmend::ondisk::MD_SB_DISKS;
constexpr auto kReserved = bitmend::ondisk::MD_RESERVED_SECTORS;
constexpr auto kClean = bitmend::ondisk::MD_SB_CLEAN;
constexpr auto kBitmapPresent = bitmend::ondisk::MD_SB_BITMAP_PRESENT;
constexpr auto kFaulty = bitmend::ondisk::MD_DISK_FAULTY;
constexpr auto kActive = bitmend::ondisk::MD_DISK_ACTIVE;
constexpr auto kSync = bitmend::ondisk::MD_DISK_SYNC;
constexpr auto kRemoved = bitmend::ondisk::MD_DISK_REMOVED;
constexpr auto kWriteMostly = bitmend::ondisk::MD_DISK_WRITEMOSTLY;
constexpr auto kFailFast = bitmend::ondisk::MD_DISK_FAILFAST;
} // namespace

#include <asm/byteorder.h>
#include <linux/raid/md_p.h>
#include <linux/types.h>

#include <cstddef>

static_assert(kMagic == MD_SB_MAGIC && kBytes090 == MD_SB_BYTES && kDisks == MD_SB_DISKS);
static_assert(kReserved == MD_RESERVED_SECTORS);
static_assert(kClean == 1u << MD_SB_CLEAN && kBitmapPresent == 1u << MD_SB_BITMAP_PRESENT);
static_assert(kFaulty == 1u << MD_DISK_FAULTY && kActive == 1u << MD_DISK_ACTIVE);
static_assert(kSync == 1u << MD_DISK_SYNC && kRemoved == 1u << MD_DISK_REMOVED);
static_assert(kWriteMostly == 1u << MD_DISK_WRITEMOSTLY && kFailFast == 1u << MD_DISK_FAILFAST);

#define SAME(ours, theirs, field, theirField)                                                      \
    static_assert(offsetof(bitmend::ondisk::ours, field) == offsetof(theirs, theirField) &&        \
                  sizeof(bitmend::ondisk::ours::field) == sizeof(theirs::theirField))
#define SAME1(field) SAME(Superblock1, mdp_superblock_1, field, field)
#define SAME090(field) SAME(Superblock090, mdp_superblock_s, field, field)
#define SAMEDISK(field) SAME(Disk090, mdp_device_descriptor_s, field, field)

SAME1(magic);
SAME1(major_version);
SAME1(feature_map);
SAME1(pad0);
SAME1(set_uuid);
SAME1(set_name);
SAME1(ctime);
SAME1(level);
SAME1(layout);
SAME1(size);
SAME1(chunksize);
SAME1(raid_disks);
SAME1(bitmap_offset);
SAME1(new_level);
SAME1(reshape_position);
SAME1(delta_disks);
SAME1(new_layout);
SAME1(new_chunk);
SAME1(new_offset);
SAME1(data_offset);
SAME1(data_size);
SAME1(super_offset);
SAME1(recovery_offset);
SAME1(dev_number);
SAME1(cnt_corrected_read);
SAME1(device_uuid);
SAME1(devflags);
SAME1(bblog_shift);
SAME1(bblog_size);
SAME1(bblog_offset);
SAME1(utime);
SAME1(events);
SAME1(resync_offset);
SAME1(sb_csum);
SAME1(max_dev);
// Newer headers have logical_block_size where older ones still have padding.
static_assert(sizeof(bitmend::ondisk::Superblock1) == offsetof(mdp_superblock_1, dev_roles));

SAME090(md_magic);
SAME090(major_version);
SAME090(minor_version);
SAME090(patch_version);
SAME090(gvalid_words);
SAME090(set_uuid0);
SAME090(ctime);
SAME090(level);
SAME090(size);
SAME090(nr_disks);
SAME090(raid_disks);
SAME090(md_minor);
SAME090(not_persistent);
SAME090(set_uuid1);
SAME090(set_uuid2);
SAME090(set_uuid3);
SAME090(gstate_creserved);
SAME090(utime);
SAME090(state);
SAME090(active_disks);
SAME090(working_disks);
SAME090(failed_disks);
SAME090(spare_disks);
SAME090(sb_csum);
SAME090(recovery_cp);
SAME090(reshape_position);
SAME090(new_level);
SAME090(delta_disks);
SAME090(new_layout);
SAME090(new_chunk);
SAME090(gstate_sreserved);
SAME090(layout);
SAME090(chunk_size);
SAME090(root_pv);
SAME090(root_block);
SAME090(pstate_reserved);
SAME090(disks);
SAME090(this_disk);
static_assert(sizeof(bitmend::ondisk::Superblock090) == sizeof(mdp_superblock_s));

// Theirs are two words, named by what a machine of this byte order keeps there.
static_assert(
    offsetof(bitmend::ondisk::Superblock090, events) == offsetof(mdp_superblock_s, sb_csum) + 4);
static_assert(offsetof(bitmend::ondisk::Superblock090, cp_events) ==
              offsetof(mdp_superblock_s, recovery_cp) - 8);

SAMEDISK(number);
SAMEDISK(major);
SAMEDISK(minor);
SAMEDISK(raid_disk);
SAMEDISK(state);
SAMEDISK(reserved);

int main() {}
