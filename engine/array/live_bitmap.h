// SPDX-License-Identifier: Apache-2.0
// The write-intent bitmap of a running array: the pages exactly as the members hold them, which of
// the set bits a resync or a recovery still needs, and which pages have to reach the members. Never
// writes by itself; array/commit does.
//
// Threads: under the array's lock, but for chunk(), chunks(), pages() and sectors(), which never
// change.
//
// Bytes behind the last chunk's bit stay as they were read, as in the kernel: both leave the same
// image behind.
#pragma once

#include "engine/array/write_intent.h"
#include "engine/io/block_source.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <cstdint>
#include <span>
#include <vector>

namespace bitmend {

struct ChunkRun // half-open
{
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    bool empty() const { return begin >= end; }
};

// A member's copy, in the order in which they are asked.
struct BitmapPlace
{
    const BlockSource* source = nullptr;
    std::uint64_t byteOffset = 0;
    bool isFile = false; // an external bitmap: may end with its last bit, in mid-sector
};

class LiveBitmap
{
public:
    // The header from the first place that can be read, refused (BadBitmap) when it is not one the
    // kernel would take; then every page by the same rule on its own. A stale bitmap comes back
    // with every bit set and every page due.
    static Result<LiveBitmap> load(std::span<const BitmapPlace> places, const Superblock& reference,
        Sectors syncSize, const std::string& array);

    const BitmapHeader& header() const { return m_header; }
    bool wasStale() const { return m_wasStale; }
    std::uint64_t chunks() const { return m_needed.chunks; }
    Sectors chunk() const { return {m_header.chunkBytes / kSectorBytes}; }
    SectorRange sectors(ChunkRun chunks) const; // cut at the end of the array

    bool isSet(std::uint64_t chunk) const;
    bool isNeeded(std::uint64_t chunk) const { return m_needed.test(chunk); }
    std::uint64_t setCount() const { return m_set; }
    std::uint64_t neededCount() const { return m_needed.count(); }
    Sectors neededSectors() const; // the last chunk may be a short one
    BitmapBits bits() const;

    // md's rule at load: a set bit is needed unless its chunk ends before `start`.
    void markNeeded(Sectors start);

    // The first run of needed chunks at or after `from`, at most `limit` long; empty at the end.
    ChunkRun nextNeeded(std::uint64_t from, std::uint64_t limit) const;
    ChunkRun nextFading(std::uint64_t from) const; // set, and needed by nothing

    WriteIntent& intent() { return m_intent; }
    const WriteIntent& intent() const { return m_intent; }

    // Sets a bit and makes its page due; what was set stays so.
    void set(std::uint64_t chunk);

    void setAll(); // and all pages due

    void need(std::uint64_t chunk) { m_needed.set(chunk); } // its bit is set, or being set
    void dropNeed(std::uint64_t chunk) { m_needed.clear(chunk); }

    // Drops the bits in memory, needed or not. Their pages are due at once, or, Lazily, from the
    // next ripenPages() on.
    enum class Pace : std::uint8_t { AtOnce, Lazily };
    void clear(ChunkRun chunks, Pace pace = Pace::AtOnce);
    bool ripenPages(); // whether there were any

    // Every chunk in which a member of this count or a later one differs is set: what the header
    // says from the next ripenPages() on.
    void setEventsCleared(std::uint64_t events);
    void markStale(); // nothing that this copy says is to be believed

    // The header that goes out with superblocks of this event count: makes page 0 due.
    void setEvents(std::uint64_t events);

    std::uint64_t pages() const { return m_pageDue.size(); }
    std::span<const std::byte> page(
        std::uint64_t page) const; // the last one cut as the kernel does
    bool isPageDue(std::uint64_t page) const { return (m_pageDue[page] & kDue) != 0; }
    bool anyPageDue() const;
    void setPageDue(std::uint64_t page, bool due) { m_pageDue[page] = due ? kDue : 0; }

private:
    LiveBitmap(BitmapHeader header, Sectors syncSize);
    static constexpr std::uint8_t kDue = 1;     // md's DIRTY and NEEDWRITE
    static constexpr std::uint8_t kPending = 2; // only bits were cleared: no hurry

    void fillWithOnes();
    void encodeHeader();

    BitmapHeader m_header;
    Sectors m_syncSize;
    std::vector<std::byte> m_image; // header and bits, whole pages
    BitmapBits m_needed;
    std::uint64_t m_set = 0;
    std::vector<std::uint8_t> m_pageDue;
    WriteIntent m_intent;
    bool m_wasStale = false;
};

} // namespace bitmend
