// SPDX-License-Identifier: Apache-2.0
// One picture of an array's write-intent bitmap, independent of any view: what each bit means now,
// what each member's copy says, pages that still have to be written, how far a sync has come.
// Immutable once published; frames share the pages that did not change.
#pragma once

#include "engine/array/bit_pages.h"
#include "engine/base/units.h"
#include "engine/metadata/bad_block_log.h"
#include "engine/raid/geometry.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

// What a chunk is, worst last: of several chunks in one cell the greatest wins.
enum class ChunkState : std::uint8_t {
    Clean,
    Done,    // was due, is equal now
    Ignored, // bit set, but the array is clean: nothing will be copied
    Stale,   // a bit only a member left behind has; it counts for nothing
    Differs, // the members' copies disagree
    Dirty,   // set, and will be copied
    Syncing,
    Bad, // could not be read
};
inline constexpr std::size_t kChunkStates = 8;

struct MemberBits
{
    std::string path;
    int role = -1;
    bool evidence = true; // false: a spare's or a stale member's copy, which counts for nothing
    Sectors dataOffset;   // to name the member's own sectors
    BitPages bad;         // chunks in which it has known bad blocks; of size 0 when there are none
    BitPages set;         // of size 0 when it has no copy of its own, or one of another shape
};

struct BitmapFrame
{
    std::uint64_t sequence = 0; // rises with every publish of one builder
    std::string array;          // its name
    std::uint64_t chunks = 0;
    std::uint32_t chunkBytes = 0;
    bool arrayAddressed =
        true; // a chunk is a range of the array (levels 1, 10) or of each member (4, 5, 6)
    bool mirrored = false; // level 1: the sector of an array sector is the same on every member
    Sectors syncSize;
    std::array<BitPages, kChunkStates>
        states; // [Clean] stays empty; at most one other state holds a chunk
    std::vector<MemberBits> members;
    BitPages pagesDue; // one bit per 4 KiB page of the on-disk bitmap, not yet on every member that
                       // must have it
    std::int64_t syncPosition = -1; // chunk; -1 when nothing runs

    const BitPages& in(ChunkState state) const { return states[static_cast<std::size_t>(state)]; }
    ChunkState state(std::uint64_t chunk) const;

    // Clean when every chunk in the range is.
    ChunkState worst(ChunkRange range) const;
    bool pageDue(ChunkRange range) const;
    bool hasListedBad(ChunkRange range) const; // on some member

    // The nearest run of chunks that are neither clean nor done, whose first chunk is at or after
    // `from`, or whose last one is at or before it. One that lies across `from` is not it.
    std::optional<ChunkRange> nextRun(std::uint64_t from) const;
    std::optional<ChunkRange> previousRun(std::uint64_t from) const;
};
using BitmapFramePtr = std::shared_ptr<const BitmapFrame>;

// The chunks whose bits lie in one 4 KiB page of the on-disk bitmap, and the other way round. Page
// 0 begins with the header.
ChunkRange chunksOfPage(std::uint64_t page, std::uint64_t chunks);
std::uint64_t pageOfChunk(std::uint64_t chunk);

// Where a picture of `before` has to be painted again to be one of `after`: ascending, merged, in
// words of 64 chunks. Everything when they are not frames of the same array. Members' bits count
// only when asked for; the sync position never does.
enum class Compare : std::uint8_t { States, StatesAndMembers };
std::vector<ChunkRange> changedChunks(
    const BitmapFrame& before, const BitmapFrame& after, Compare what);

struct ArrayReport;

// Keeps the current picture and hands out frames. One thread.
class BitmapFrameBuilder
{
public:
    // From a report: what each bit means now (due, ignored, differing, stale). Empty when the array
    // has no bitmap. Its members are those of the report that are there, in its order.
    explicit BitmapFrameBuilder(const ArrayReport& report);

    void mark(std::uint64_t first, std::uint64_t last, ChunkState state); // chunks, inclusive
    void setMemberBits(std::size_t member, std::uint64_t first, std::uint64_t last, bool value);
    std::size_t addMember(MemberBits member); // returns its index
    void setMemberBad(std::size_t member, const BadBlocks& blocks);
    void setPagesDue(std::uint64_t first, std::uint64_t last, bool due);
    void setSyncPosition(std::int64_t chunk);

    const BitmapFrame& current() const { return m_frame; }
    BitmapFramePtr publish();

private:
    BitPages chunksOf(const BadBlocks& blocks, const MemberBits& member) const;

    Geometry m_geometry;
    BitmapFrame m_frame;
};

} // namespace bitmend
