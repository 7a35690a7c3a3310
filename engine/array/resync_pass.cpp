// SPDX-License-Identifier: Apache-2.0
#include "engine/array/commit.h"
#include "engine/array/due_runs.h"
#include "engine/array/sync_ledger.h"
#include "engine/array/sync_members.h"
#include "engine/array/sync_pass.h"
#include "engine/base/log.h"

#include <algorithm>

namespace bitmend {

namespace {

class ResyncPass final : public SyncPass
{
public:
    ResyncPass(ArrayState& state, SyncOutcome& outcome)
        : m_state(state)
        , m_outcome(outcome)
        , m_ledger(state, outcome)
        , m_runs(state, state.syncSize)
    {
    }

    Sectors begin(JobControl& control) override;
    SectorRange next() override;
    void settle(SectorRange window, const WindowOutcome& found) override;
    Result<void> record(Sectors reached, Occasion occasion) override;
    Result<void> end() override;

private:
    void noteChunks(SectorRange window, bool isLost);
    Result<void> recordUpTo(Sectors reached, bool inSuperblocks);

    ArrayState& m_state;
    SyncOutcome& m_outcome;
    SyncLedger m_ledger;
    DueRuns m_runs;
    bool m_chunkLost = false; // part of the chunk that is being settled
    std::optional<Sectors> m_firstLost;
};

Sectors ResyncPass::begin(JobControl& control)
{
    const auto due = resyncLength(m_state);
    m_ledger.begin(control, due, {}, m_state.syncSize - due);
    if (!m_state.bitmap)
        m_runs.startAt(m_state.resyncOffset);
    return due;
}

SectorRange ResyncPass::next()
{
    const auto window = m_state.bitmap ? m_runs.nextNeeded() : m_runs.nextOfAll();
    if (!window.empty()) {
        m_state.frames.setSyncPosition(m_ledger.chunkAt(window.begin));
        m_state.frames.mark(m_ledger.chunksOf(window), ChunkState::Syncing);
    }
    return window;
}

void ResyncPass::settle(SectorRange window, const WindowOutcome& found)
{
    m_ledger.add(window, found);
    uniteRanges(m_outcome.unreadable, found.unreadable);
    if (found.lost && !m_firstLost) {
        m_outcome.lost = found.lost;
        m_firstLost = window.begin;
    }
    noteChunks(window, found.lost.has_value());
    m_state.frames.publish(LiveFrames::Pace::WhenDue);
}

// A window holds whole chunks or is part of one.
void ResyncPass::noteChunks(SectorRange window, bool isLost)
{
    if (!m_state.bitmap)
        return;
    m_chunkLost |= isLost;
    const auto chunks = m_ledger.chunksOf(window);
    if (window.end != m_state.bitmap->sectors(chunks).end)
        return;
    m_outcome.chunks += chunks.end - chunks.begin;
    if (std::exchange(m_chunkLost, false)) {
        // Kept whole, though only part of it was lost: reading it again harms nothing.
        m_state.frames.mark(chunks, ChunkState::Bad);
        return;
    }
    m_ledger.chunks.push_back(chunks);
    m_state.frames.mark(chunks, ChunkState::Done);
}

Result<void> ResyncPass::record(Sectors reached, Occasion occasion)
{
    if (occasion == Occasion::Stopped)
        return recordUpTo(reached, true);
    return m_ledger.isDue(!m_state.bitmap) ? recordUpTo(reached, !m_state.bitmap) : Result<void>();
}

// Data durable, then the bits, then the position. While a member is missing no bit goes: the set
// ones are what it lacks, should it come back.
Result<void> ResyncPass::recordUpTo(Sectors reached, bool inSuperblocks)
{
    const auto guard = m_state.lock();
    if (m_state.isDegraded())
        m_ledger.chunks.clear();
    BM_TRY(clearChunks(m_state, m_ledger.chunks));
    m_ledger.wasRecorded();

    // Never past a chunk that is still due: md ignores bits that lie before this.
    const auto position = m_firstLost ? std::min(*m_firstLost, reached) : reached;
    if (inSuperblocks && position > m_state.resyncOffset) {
        m_state.resyncOffset = position;
        BM_TRY(updateSuperblocks(m_state));
        log(LogEvent::Checkpoint, m_state.name, {}, position.count);
    }
    return {};
}

Result<void> ResyncPass::end()
{
    const auto guard = m_state.lock();
    BM_TRY(recordUpTo(m_state.syncSize, m_firstLost.has_value()));
    if (m_firstLost)
        return {};
    m_state.resyncOffset = kMaxSector;
    return updateSuperblocks(m_state);
}

} // namespace

std::unique_ptr<SyncPass> makeResyncPass(ArrayState& state, SyncOutcome& outcome)
{
    return std::make_unique<ResyncPass>(state, outcome);
}

} // namespace bitmend
