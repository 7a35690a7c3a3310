// SPDX-License-Identifier: Apache-2.0
// The same stretch of all members of an array with parity, in memory: what each of them gave, what
// has to be written back. Buffers are allocated once and serve a whole job.
#pragma once

#include "engine/array/array_state.h"
#include "engine/array/sync_window.h"
#include "engine/base/aligned_buffer.h"

#include <optional>
#include <span>
#include <vector>

namespace bitmend {

class StripeColumns
{
public:
    static constexpr std::uint64_t kPage = 4096; // in which md keeps parity, and counts

    struct Column
    {
        ArrayMember* member = nullptr; // null: nobody has the role
        bool isThere = false;          // it is in sync here: what it holds counts
        bool isTarget = false;         // it is being rebuilt here
        std::vector<bool> bad;         // pages that it did not give
        std::vector<bool> due;         // pages to be written to it
        std::optional<Error> fault;    // of the first of the bad ones
    };

    StripeColumns(ArrayState& state, bool pastCache);

    // Between which members, for component sectors that lie all below or all above every
    // recoveryOffset.
    void choose(SectorRange range, bool recovers);

    // Reads from all that are there, page by page where they do not give all of it.
    void read(SectorRange range, WindowOutcome& outcome);

    // Writes what is due; everything, where that is more than a quarter and nothing is `lost`.
    Result<void> write(bool isLost, WindowOutcome& outcome);

    // Marks what a target does not hold yet. One that is blank gets everything but zeros unseen.
    void compareTarget(Column& column, const std::vector<bool>& lost, WindowOutcome& outcome);

    std::vector<Column>& all() { return m_columns; }
    Column& of(int role) { return m_columns[static_cast<std::size_t>(role)]; }
    std::vector<int> absent() const; // roles that are not there
    std::size_t pages() const { return m_pages; }
    SectorRange range() const { return m_range; }
    SectorRange sectorsOf(std::size_t page) const;

    // Of all roles, from one page to another.
    void blocks(std::size_t first, std::size_t end, std::vector<std::span<std::byte>>& blocks);

private:
    std::span<std::byte> bytes(std::size_t index, std::size_t first, std::size_t end);
    Result<void> readFrom(
        const ArrayMember& member, std::uint64_t offset, std::span<std::byte> to) const;
    void readColumn(std::size_t index, WindowOutcome& outcome);
    Result<void> writeRun(
        std::size_t index, std::size_t first, std::size_t end, WindowOutcome& outcome);

    ArrayState& m_state;
    bool m_pastCache;
    AlignedBuffer m_buffer; // a window for each role, and one to compare with
    std::vector<Column> m_columns;
    SectorRange m_range;
    std::size_t m_pages = 0;
};

} // namespace bitmend
