// SPDX-License-Identifier: Apache-2.0
// One picture of an array's write-intent bitmap, independent of any view: what each bit means now,
// what each member's copy says, pages that still have to be written, how far a sync has come.
// Immutable once published; frames share the pages that did not change.
#pragma once

#include "engine/base/units.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <array>
#include <cstdint>
#include <memory>
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

// Bits in immutable 4 KiB pages. Copying shares all pages; changing a bit copies the one page that
// holds it when it is shared, so a published frame never changes.
class BitPages
{
public:
    explicit BitPages(std::uint64_t bits = 0);
    explicit BitPages(const BitmapBits& bits);

    std::uint64_t size() const { return m_bits; }
    bool test(std::uint64_t bit) const;
    void assign(std::uint64_t first, std::uint64_t last, bool value);   // inclusive
    std::uint64_t count(std::uint64_t first, std::uint64_t last) const; // inclusive

private:
    struct Page;
    std::uint64_t m_bits = 0;
    std::vector<std::shared_ptr<const Page>> m_pages;
};

struct MemberBits
{
    std::string path;
    int role = -1;
    bool evidence = true; // false: a spare's or a stale member's copy, which counts for nothing
    Sectors dataOffset;   // to name the member's own sectors
    BitPages set;
};

struct BitmapFrame
{
    std::uint64_t sequence = 0; // rises with every publish of one builder
    std::string array;          // its name
    std::uint64_t chunks = 0;
    std::uint32_t chunkBytes = 0;
    bool arrayAddressed =
        true; // a chunk is a range of the array (levels 1, 10) or of each member (4, 5, 6)
    Sectors syncSize;
    std::array<BitPages, kChunkStates>
        states; // [Clean] stays empty; at most one other state holds a chunk
    std::vector<MemberBits> members;
    BitPages pagesDue; // one bit per 4 KiB page of the on-disk bitmap, not yet on every member that
                       // must have it
    std::int64_t syncPosition = -1; // chunk; -1 when nothing runs

    ChunkState state(std::uint64_t chunk) const;
};
using BitmapFramePtr = std::shared_ptr<const BitmapFrame>;

struct ArrayReport;

// Keeps the current picture and hands out frames. One thread.
class BitmapFrameBuilder
{
public:
    // From a report: what each bit means now (due, ignored, differing, stale). Empty when the array
    // has no bitmap.
    explicit BitmapFrameBuilder(const ArrayReport& report);

    void mark(std::uint64_t first, std::uint64_t last, ChunkState state); // chunks, inclusive
    void setMemberBits(std::size_t member, std::uint64_t first, std::uint64_t last, bool value);
    std::size_t addMember(MemberBits member); // returns its index
    void setPagesDue(std::uint64_t first, std::uint64_t last, bool due);
    void setSyncPosition(std::int64_t chunk);

    BitmapFramePtr publish();

private:
    BitmapFrame m_frame;
};

} // namespace bitmend
