// SPDX-License-Identifier: Apache-2.0
#include "engine/array/mirror_sync.h"

#include "engine/array/bad_blocks.h"
#include "engine/array/copy_pieces.h"
#include "engine/array/data_ranges.h"
#include "engine/array/sync_members.h"
#include "engine/base/log.h"

#include <algorithm>
#include <iterator>

namespace bitmend {

namespace {

// What md reads at once in a check, and therefore counts as one. On level 10 it does not go over
// the end of a chunk, unless every member holds all of the array; nor over that of a bitmap chunk,
// but only where md keeps counters for them: in groups in which a bit is set.
class Requests
{
public:
    explicit Requests(const ArrayState& state)
    {
        if (state.geometry.level != 10)
            return;
        const std::uint64_t near = state.geometry.layout & 0xff;
        if (near < std::uint64_t(state.geometry.raidDisks))
            m_length = std::min(m_length, state.geometry.chunk.count);
        const auto& bitmap = state.plan.array.bitmap;
        if (!bitmap)
            return;
        m_lengthInGroup = std::min(m_length, bitmap->header.chunkBytes / kSectorBytes);
        m_group = kGroupChunks * bitmap->header.chunkBytes / kSectorBytes;
        m_hasCounters.resize(
            (bitmap->chunks + kGroupChunks - 1) / kGroupChunks, bitmap->everything);
        if (state.bitmap) {
            const auto guard = state.lock();
            noteSetBits(state.bitmap->bits());
        } else if (bitmap->copy) {
            noteSetBits(bitmap->copy->bits);
        }
    }

    SectorRange around(std::uint64_t sector) const
    {
        const bool inGroup = m_group != 0 && m_hasCounters[sector / m_group];
        const auto length = inGroup ? m_lengthInGroup : m_length;
        const auto begin = sector / length * length;
        return {{begin}, {begin + length}};
    }

private:
    static constexpr std::uint64_t kGroupChunks = 2048;

    void noteSetBits(const BitmapBits& bits)
    {
        for (std::size_t word = 0; word < bits.words.size(); ++word) {
            if (bits.words[word] != 0)
                m_hasCounters[word * 64 / kGroupChunks] = true;
        }
    }

    std::uint64_t m_length = 128;
    std::uint64_t m_lengthInGroup = 128;
    std::uint64_t m_group = 0; // sectors
    std::vector<bool> m_hasCounters;
};

class MirrorSync final : public SyncWindow
{
public:
    MirrorSync(ArrayState& state, SyncScope scope)
        : m_state(state)
        , m_scope(scope)
        , m_requests(state)
        , m_window(state, scope.pastCache)
    {
    }

    Result<WindowOutcome> work(SectorRange range) override;

private:
    bool isOfComponent() const
    {
        return m_scope.action == SyncAction::Recover &&
               (!m_scope.byBitmap || m_state.geometry.level == 10);
    }
    SectorRange rowsOf(SectorRange range) const;
    std::vector<CopyPiece> pieces(SectorRange range) const;
    Result<void> workOn(const CopyPiece& piece);
    std::vector<SectorRange> dataOf(const CopyPiece& piece);
    void noteLost(const CopyPiece& piece);
    Result<void> mend(const CopyPiece& piece);
    Result<void> check(const CopyPiece& piece);
    void count(const std::vector<SectorRange>& differing);

    ArrayState& m_state;
    SyncScope m_scope;
    Requests m_requests;
    MirrorWindow m_window;
    DataRanges m_data;
    WindowOutcome m_outcome;
};

std::vector<CopyPiece> MirrorSync::pieces(SectorRange range) const
{
    return isOfComponent() ? recoveryPieces(m_state, range, m_scope.byBitmap)
                           : copyPieces(m_state, m_scope.action, range);
}

// What lies together on a member of level 10 lies together in the array, but for what is between.
SectorRange MirrorSync::rowsOf(SectorRange range) const
{
    if (!isOfComponent() || m_state.geometry.level == 1)
        return range;
    SectorRange rows;
    for (const auto& piece : pieces(range)) {
        if (rows.empty())
            rows = piece.range;
        rows = {std::min(rows.begin, piece.range.begin), std::max(rows.end, piece.range.end)};
    }
    return rows;
}

Result<WindowOutcome> MirrorSync::work(SectorRange range)
{
    m_outcome = {};
    m_window.countIn(m_outcome);
    if (m_scope.action == SyncAction::Recover)
        BM_TRY(checkRebuilding(m_state));
    const auto rows = rowsOf(range);
    if (rows.empty())
        return WindowOutcome{};
    const auto hold = m_state.rows.take(rows, RowUse::Sync);
    for (const auto& piece : pieces(range))
        BM_TRY(workOn(piece));
    if (m_outcome.writtenBytes != 0 && m_scope.action == SyncAction::Resync) {
        log(LogEvent::ChunkDiffered, m_state.name, {}, range.begin.count,
            m_outcome.writtenBytes / kSectorBytes);
    }
    return std::move(m_outcome);
}

// As far as anything is there.
std::vector<SectorRange> MirrorSync::dataOf(const CopyPiece& piece)
{
    std::vector<DataRanges::Part> parts;
    for (const auto* all : {&piece.copies, &piece.rebuilt, &piece.targets}) {
        for (const auto& copy : *all) {
            parts.push_back(
                {copy.member->source.get(), (copy.member->dataOffset + copy.at).bytes()});
        }
    }
    return m_data.find(parts, piece.range.length());
}

Result<void> MirrorSync::workOn(const CopyPiece& piece)
{
    const bool mends =
        m_scope.action == SyncAction::Resync || m_scope.action == SyncAction::Recover;
    for (const auto& data : dataOf(piece)) {
        auto part = piece;
        part.range = {piece.range.begin + data.begin, piece.range.begin + data.end};
        for (auto* copies : {&part.copies, &part.rebuilt, &part.targets}) {
            for (auto& copy : *copies)
                copy.at = copy.at + data.begin;
        }
        auto sources = part.copies;
        sources.insert(sources.end(), part.rebuilt.begin(), part.rebuilt.end());
        m_window.read(part.range, sources);
        if (m_window.whyLost())
            noteLost(part);
        BM_TRY(mends ? mend(part) : check(part));
    }
    return {};
}

// As in md a recovery goes on past what nobody gives where those that are rebuilt can list it.
void MirrorSync::noteLost(const CopyPiece& piece)
{
    for (const auto& lost : m_window.lost()) {
        const auto lists = [&](const MirrorWindow::Copy& target) {
            return noteBadBlocks(
                m_state, *target.member, {target.at + lost.begin, target.at + lost.end});
        };
        if (m_scope.action == SyncAction::Recover && std::ranges::all_of(piece.targets, lists)) {
            m_outcome.listedBadBytes += lost.length().bytes();
        } else if (!m_outcome.lost) {
            m_outcome.lost = m_window.whyLost();
        }
    }
}

Result<void> MirrorSync::mend(const CopyPiece& piece)
{
    for (const auto& target : piece.targets) {
        if (m_window.isSource(target))
            continue;
        const bool isBlank = isOfComponent() && !target.member->byBitmap;
        if (isBlank) {
            BM_TRY(m_window.copyToBlank(target));
            continue;
        }
        BM_TRY(m_window.copyTo(target));
        m_outcome.recomputedBytes += m_window.recomputed();
    }
    return {};
}

Result<void> MirrorSync::check(const CopyPiece& piece)
{
    const bool repairs = m_scope.action == SyncAction::Repair;
    std::vector<SectorRange> differing;
    for (const auto& copy : piece.copies) {
        if (m_window.isSource(copy))
            continue;
        const auto found = m_window.differences(copy);
        m_outcome.recomputedBytes += m_window.recomputed();
        if (found.empty())
            continue;
        count(found);
        std::ranges::copy(found, std::back_inserter(differing));
        log(LogEvent::ChunkDiffered, m_state.name, copy.member->path, found.front().begin.count,
            (found.back().end - found.front().begin).count);
        if (repairs)
            BM_TRY(m_window.copyTo(copy));
    }
    for (const auto& follower : piece.targets) {
        if (repairs)
            BM_TRY(m_window.copyTo(follower));
    }
    mergeRanges(m_outcome.differing, std::move(differing));
    m_outcome.differingBytes = 0; // each place once, however many copies differ there
    for (const auto& range : m_outcome.differing)
        m_outcome.differingBytes += range.length().bytes();
    return {};
}

// `differing` are those of one member. A range may hold the end of one request and the beginning of
// the next.
void MirrorSync::count(const std::vector<SectorRange>& differing)
{
    Sectors counted; // up to there
    for (const auto& range : differing) {
        for (auto at = std::max(range.begin, counted); at < range.end; at = counted) {
            const auto request = m_requests.around(at.count);
            counted = request.end;
            m_outcome.mismatch =
                m_outcome.mismatch + (std::min(counted, m_state.arraySize) - request.begin);
        }
    }
}

} // namespace

std::unique_ptr<SyncWindow> makeMirrorSync(ArrayState& state, SyncScope scope)
{
    return std::make_unique<MirrorSync>(state, scope);
}

} // namespace bitmend
