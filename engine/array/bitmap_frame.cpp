// SPDX-License-Identifier: Apache-2.0
#include "engine/array/bitmap_frame.h"

#include "engine/base/assert.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr std::uint64_t kBitmapHeaderBytes = 256;

// Worst first, without Clean: the order in which a cell asks.
constexpr std::array kFromWorst = {
    ChunkState::Bad,
    ChunkState::Syncing,
    ChunkState::Dirty,
    ChunkState::Differs,
    ChunkState::Stale,
    ChunkState::Ignored,
    ChunkState::Done,
};

bool wantsAttention(ChunkState state) { return state > ChunkState::Done; }

void sortAndMerge(std::vector<ChunkRange>& ranges)
{
    std::ranges::sort(ranges, {}, &ChunkRange::first);
    std::size_t kept = 0;
    for (const ChunkRange& range : ranges) {
        if (kept > 0 && range.first <= ranges[kept - 1].last + 1) {
            ranges[kept - 1].last = std::max(ranges[kept - 1].last, range.last);
        } else {
            ranges[kept++] = range;
        }
    }
    ranges.resize(kept);
}

bool sameShape(const BitmapFrame& before, const BitmapFrame& after)
{
    return before.chunks == after.chunks && before.chunkBytes == after.chunkBytes &&
           before.array == after.array && before.members.size() == after.members.size() &&
           std::ranges::equal(
               before.members, after.members, [](const MemberBits& a, const MemberBits& b) {
                   return a.path == b.path && a.evidence == b.evidence &&
                          a.set.size() == b.set.size() && a.bad.size() == b.bad.size();
               });
}

} // namespace

ChunkState BitmapFrame::state(std::uint64_t chunk) const { return worst({chunk, chunk}); }

ChunkState BitmapFrame::worst(ChunkRange range) const
{
    for (const ChunkState candidate : kFromWorst) {
        if (in(candidate).total() > 0 && in(candidate).count(range.first, range.last) > 0)
            return candidate;
    }
    return ChunkState::Clean;
}

bool BitmapFrame::pageDue(ChunkRange range) const
{
    return pagesDue.total() > 0 &&
           pagesDue.count(pageOfChunk(range.first), pageOfChunk(range.last)) > 0;
}

bool BitmapFrame::hasListedBad(ChunkRange range) const
{
    return std::ranges::any_of(members, [range](const MemberBits& member) {
        return member.bad.total() > 0 && member.bad.count(range.first, range.last) > 0;
    });
}

std::optional<ChunkRange> BitmapFrame::nextRun(std::uint64_t from) const
{
    if (from >= chunks)
        return {};
    // A run has begun before `from`: its rest is not the next one.
    const auto endOfRun = [&](std::uint64_t chunk) {
        while (chunk < chunks && wantsAttention(state(chunk)))
            chunk = in(state(chunk)).next(chunk, false);
        return chunk;
    };
    if (from > 0 && wantsAttention(state(from - 1)))
        from = endOfRun(from);

    std::uint64_t first = chunks;
    for (const ChunkState candidate : kFromWorst) {
        if (wantsAttention(candidate) && in(candidate).total() > 0)
            first = std::min(first, in(candidate).next(from, true));
    }
    if (first >= chunks)
        return {};
    return ChunkRange{first, endOfRun(first) - 1};
}

std::optional<ChunkRange> BitmapFrame::previousRun(std::uint64_t from) const
{
    if (chunks == 0)
        return {};
    // The chunk before the run that `chunk` is in; none when that is the array's first.
    const auto beforeRun = [&](std::uint64_t chunk) -> std::optional<std::uint64_t> {
        std::optional<std::uint64_t> at = chunk;
        while (at && wantsAttention(state(*at)))
            at = in(state(*at)).previous(*at, false);
        return at;
    };
    from = std::min(from, chunks - 1);
    if (from + 1 < chunks && wantsAttention(state(from + 1))) {
        const auto before = beforeRun(from);
        if (!before)
            return {};
        from = *before;
    }

    std::optional<std::uint64_t> last;
    for (const ChunkState candidate : kFromWorst) {
        if (wantsAttention(candidate) && in(candidate).total() > 0)
            last = std::max(last, in(candidate).previous(from, true));
    }
    if (!last)
        return {};
    const auto before = beforeRun(*last);
    return ChunkRange{before ? *before + 1 : 0, *last};
}

std::uint64_t pageOfChunk(std::uint64_t chunk)
{
    return (kBitmapHeaderBytes + chunk / 8) / kBitmapPageBytes;
}

ChunkRange chunksOfPage(std::uint64_t page, std::uint64_t chunks)
{
    const std::uint64_t begin = page * kBitmapPageBytes;
    const std::uint64_t end = begin + kBitmapPageBytes;
    return {page == 0 ? 0 : (begin - kBitmapHeaderBytes) * 8,
        std::min(chunks, (end - kBitmapHeaderBytes) * 8) - 1};
}

std::vector<ChunkRange> changedChunks(
    const BitmapFrame& before, const BitmapFrame& after, Compare what)
{
    std::vector<ChunkRange> changes;
    if (after.chunks == 0)
        return changes;
    if (!sameShape(before, after))
        return {{0, after.chunks - 1}};

    for (std::size_t state = 0; state < kChunkStates; ++state)
        BitPages::appendChanges(before.states[state], after.states[state], changes);
    for (std::size_t i = 0; i < after.members.size(); ++i) {
        const auto& was = before.members[i];
        const auto& is = after.members[i];
        BitPages::appendChanges(was.bad, is.bad, changes);
        if (what == Compare::StatesAndMembers)
            BitPages::appendChanges(was.set, is.set, changes);
    }
    std::vector<ChunkRange> words;
    BitPages::appendChanges(before.pagesDue, after.pagesDue, words);
    for (const ChunkRange& word : words) {
        for (std::uint64_t page = word.first; page <= word.last; ++page) {
            if (before.pagesDue.test(page) != after.pagesDue.test(page))
                changes.push_back(chunksOfPage(page, after.chunks));
        }
    }
    sortAndMerge(changes);
    return changes;
}

void BitmapFrameBuilder::mark(std::uint64_t first, std::uint64_t last, ChunkState state)
{
    for (std::size_t i = 0; i < kChunkStates; ++i) {
        if (i != static_cast<std::size_t>(state))
            m_frame.states[i].assign(first, last, false);
    }
    if (state != ChunkState::Clean)
        m_frame.states[static_cast<std::size_t>(state)].assign(first, last, true);
}

void BitmapFrameBuilder::setMemberBits(
    std::size_t member, std::uint64_t first, std::uint64_t last, bool value)
{
    BM_ASSERT(member < m_frame.members.size());
    m_frame.members[member].set.assign(first, last, value);
}

void BitmapFrameBuilder::setMemberBad(std::size_t member, const BadBlocks& blocks)
{
    BM_ASSERT(member < m_frame.members.size());
    auto& of = m_frame.members[member];
    of.bad = chunksOf(blocks, of);
}

std::size_t BitmapFrameBuilder::addMember(MemberBits member)
{
    m_frame.members.push_back(std::move(member));
    return m_frame.members.size() - 1;
}

void BitmapFrameBuilder::setPagesDue(std::uint64_t first, std::uint64_t last, bool due)
{
    m_frame.pagesDue.assign(first, last, due);
}

void BitmapFrameBuilder::setSyncPosition(std::int64_t chunk) { m_frame.syncPosition = chunk; }

BitmapFramePtr BitmapFrameBuilder::publish()
{
    ++m_frame.sequence;
    return std::make_shared<BitmapFrame>(m_frame);
}

} // namespace bitmend
