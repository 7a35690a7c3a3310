// SPDX-License-Identifier: Apache-2.0
// A long row of bits in immutable 4 KiB pages, with a pyramid of counts above them. Copying shares
// all pages; changing a bit copies the one page that holds it when it is shared, so whoever holds a
// copy never sees a change. The counts lie in the pages and in the nodes above them, so they are
// shared and copied the same way, and one flipped bit touches one count per level:
//
//   word 64 bits < block 512 < page 32 768 (4 KiB) < node 4 194 304 < total
#pragma once

#include "engine/metadata/write_intent_bitmap.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace bitmend {

// Inclusive on both ends.
struct ChunkRange
{
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    std::uint64_t length() const { return last - first + 1; }
    bool contains(std::uint64_t chunk) const { return first <= chunk && chunk <= last; }
    bool operator==(const ChunkRange&) const = default;
};

// Reading from any thread; changing one object from one thread at a time. Ranges are inclusive and
// must lie below size().
class BitPages
{
public:
    explicit BitPages(std::uint64_t bits = 0);
    explicit BitPages(const BitmapBits& bits);
    BitPages(const BitPages& other);
    BitPages(BitPages&& other) noexcept;
    BitPages& operator=(const BitPages& other);
    BitPages& operator=(BitPages&& other) noexcept;
    ~BitPages() = default;

    std::uint64_t size() const { return m_bits; }
    std::uint64_t total() const { return m_total; }
    bool test(std::uint64_t bit) const;
    void assign(std::uint64_t first, std::uint64_t last, bool value);

    // By the pyramid: a few blocks' and words' worth of work, whatever the length.
    std::uint64_t count(std::uint64_t first, std::uint64_t last) const;

    // The nearest bit of that value at or after `from` (size() when there is none), or at or before
    // it.
    std::uint64_t next(std::uint64_t from, bool value) const;
    std::optional<std::uint64_t> previous(std::uint64_t from, bool value) const;

    // Appends where two of the same size may differ, in whole words, ascending. Pages that both
    // share are not looked at.
    static void appendChanges(
        const BitPages& before, const BitPages& after, std::vector<ChunkRange>& to);

private:
    struct Page;
    struct Node;

    const Page* page(std::uint64_t index) const;
    Node& writableNode(std::uint64_t index);
    std::uint64_t ownToken();
    void assignInPage(std::uint64_t index, ChunkRange inPage, bool value);
    std::optional<std::uint64_t> search(std::uint64_t from, bool value, bool forward) const;

    std::uint64_t m_bits = 0;
    std::uint64_t m_total = 0;
    std::vector<std::shared_ptr<Node>> m_nodes; // null: all bits clear

    // Pages and nodes that carry this token were made by this object after it was last copied, so
    // nobody else has them. (A use_count() of 1 would not do: it orders nothing, and the thread
    // that just let go may still be reading.) 0 = owns none.
    mutable std::atomic<std::uint64_t> m_token = 0;
};

} // namespace bitmend
