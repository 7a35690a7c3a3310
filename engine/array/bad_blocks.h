// SPDX-License-Identifier: Apache-2.0
// The bad block log of a running array's members. As in md: a listed sector is not read, what is
// written to it makes it good, and a recovery lists on the newcomer what nobody gives, so that it
// can end. What changes is kept in memory and goes to disk with the next superblocks (commit.h).
//
// Threads: noteBadBlocks() from any; the rest as commit.
#pragma once

#include "engine/array/array_state.h"

namespace bitmend {

// Has the member's reads and writes heed what its log lists; nothing where it has none. Its
// superblock and devices are set.
Result<void> heedBadBlocks(ArrayMember& member);

// That the member holds nothing to be believed in these component sectors. False when its log has
// no room for it, or there is none.
bool noteBadBlocks(ArrayState& state, ArrayMember& member, SectorRange range);

// Whether some superblock's list is not what is listed by now.
bool areBadBlocksDue(const ArrayState& state);

// Before the data of an update are flushed: what its superblocks will say is listed.
void settleBadBlocks(ArrayState& state);

// For the member's next superblock, whose feature bits say whether anything is listed: the log, as
// settled. On return the superblock may be written.
Result<void> writeBadBlocks(ArrayState& state, ArrayMember& member, const Superblock& next);

// A read of `offset` bytes that failed. What was known beforehand is no news.
void logReadFailure(
    const std::string& array, const std::string& where, std::uint64_t offset, const Error& error);

} // namespace bitmend
