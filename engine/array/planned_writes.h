// SPDX-License-Identifier: Apache-2.0
// Every byte range that an operation on an array writes: an upper bound, for a person to look at
// beforehand and for the writer to be held to. Pure, from what is known of the array. Each list is
// complete in itself: superblocks and bitmap headers are in all of them.
#pragma once

#include "engine/array/assembly.h"

#include <vector>

namespace bitmend {

// Finishing what is rebuilt, and slotting an idle spare first where there is a vacant role.
std::vector<PlannedWrite> recoveryWrites(const ArrayReport& array);

std::vector<PlannedWrite> repairWrites(const ArrayReport& array);

// Writing through the array, to these of its sectors.
std::vector<PlannedWrite> foregroundWrites(const ArrayReport& array, SectorRange range);

// The bad block log of a member whose superblock lies, or will lie, there; nothing where it has
// none.
void addBadBlockLog(std::vector<PlannedWrite>& writes, const std::string& path,
    const Superblock& superblock, Sectors location);

// Sorted by member and place; what touches and serves one purpose becomes one.
void addWrites(std::vector<PlannedWrite>& all, std::vector<PlannedWrite> more);

// The most that is written in one run. DataIfUnreadable is not in it: where a copy cannot be read,
// the write goes there in place of somewhere else.
std::uint64_t writeBytes(const std::vector<PlannedWrite>& writes);

} // namespace bitmend
