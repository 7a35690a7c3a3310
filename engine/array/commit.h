// SPDX-License-Identifier: Apache-2.0
// The only code that writes to members, and so the only place where the order of data, bitmap and
// superblocks is decided:
//
//   data -> flush -> bits cleared in the bitmap pages -> flush (clearChunks)
//   bitmap header with the new event count -> flush -> superblocks -> flush (updateSuperblocks);
//   before a superblock whose list of bad blocks changed, that list -> flush
//   bits of a write, and superblocks that say dirty -> flush (announceWrites) -> its data
//   first bytes of a new bitmap -> flush (writeFirstBitmap) -> superblocks that name it
//   spare superblock -> flush (writeSpare) -> every bitmap page -> flush (writeAllPages) -> the
//   others' superblocks that give it a role -> flush -> its own (updateSuperblocks)
//
// Events rise by exactly one with each update, and an update is durable on every member before the
// next one begins, so that no two active members are ever two apart: md leaves a member out that is
// two behind. A bit is cleared only when the data under it is durable.
//
// A member that does not take a flush, a bitmap page or a superblock is lost, as in md: it is never
// written again, and the others' superblocks call it faulty before anything else goes on. When the
// array cannot do without it, or a disk is full, the state on members may be anywhere between the
// old and the new one. Both are good to start from, but nothing may be built on top: the array
// keeps the error and refuses to write from then on. Only the bitmap is dispensable: kicked, it is
// stale.
//
// All of these take the array's lock; a job holds it around several that belong together.
#pragma once

#include "engine/array/array_state.h"
#include "engine/base/result.h"

#include <cstddef>
#include <span>

namespace bitmend {

// Component sectors onto one member. Durable after the next call below.
Result<void> writeData(
    ArrayState& state, ArrayMember& member, Sectors at, std::span<const std::byte> data);

// The same for data that the caller wrote itself: makes the next flush one, or tells the error.
Result<void> noteDataWritten(
    ArrayState& state, ArrayMember& member, std::uint64_t bytes, const Result<void>& written);

Result<void> flushMembers(ArrayState& state);

// Before data is written: superblocks that say dirty, and every due bitmap page, durable on all
// members that have a role.
Result<void> announceWrites(ArrayState& state);

// Due bitmap pages, durable.
Result<void> writeBitmap(ArrayState& state);

// md's bitmap daemon, one pass: pages of bits that went in the last one are written, and what has
// been idle since then loses its bit.
Result<void> sweepBits(ArrayState& state);

// The others' superblocks call the member faulty from now on. Its error when the array cannot do
// without it.
Result<void> failMember(ArrayState& state, ArrayMember& member, const Error& why);

// Makes all data durable, then drops these bits and makes that durable too. Chunks that are being
// written to keep theirs.
Result<void> clearChunks(ArrayState& state, std::span<const ChunkRun> chunks);

// Before a bitmap comes into force: its first bytes on every member that has a role, durable. One
// that does not take them is not lost over it.
Result<void> writeFirstBitmap(
    ArrayState& state, std::int32_t offset, std::span<const std::byte> image);

// The bitmap as a running array has it, written when the array starts: every page when the bitmap
// was stale, then the header with the array's event count.
Result<void> startBitmap(ArrayState& state);

// The header with the present event count, without superblocks: the end of a clean stop.
Result<void> rewriteBitmapHeader(ArrayState& state);

// One update: events + 1 on every member. `newcomer` (may be null), which gets its role by it, is
// written when the others are durable.
Result<void> updateSuperblocks(ArrayState& state, const ArrayMember* newcomer = nullptr);

// A newcomer's superblock while it is a spare's, known to no other member; durable.
Result<void> writeSpare(ArrayState& state, ArrayMember& newcomer, const Superblock& spare);

// md's bitmap_write_all for one member that is about to get a role: header and every page, durable.
// Changes no bit, and does nothing for a bitmap in a file. Returns the number of pages.
Result<std::uint64_t> writeAllPages(ArrayState& state, ArrayMember& member);

} // namespace bitmend
