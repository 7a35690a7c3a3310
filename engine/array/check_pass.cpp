// SPDX-License-Identifier: Apache-2.0
// Check and repair: all of an array, whatever its bitmap says.
#include "engine/array/bad_blocks.h"
#include "engine/array/commit.h"
#include "engine/array/due_runs.h"
#include "engine/array/sync_ledger.h"
#include "engine/array/sync_pass.h"

#include <algorithm>
#include <iterator>

namespace bitmend {

namespace {

class CheckPass final : public SyncPass
{
public:
    CheckPass(ArrayState& state, SyncOutcome& outcome)
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
    bool repairs() const { return m_outcome.action == SyncAction::Repair; }

    ArrayState& m_state;
    SyncOutcome& m_outcome;
    SyncLedger m_ledger;
    DueRuns m_runs;
};

Sectors CheckPass::begin(JobControl& control)
{
    m_ledger.begin(control, m_state.syncSize, {}, {});
    return m_state.syncSize;
}

SectorRange CheckPass::next()
{
    const auto window = m_runs.nextOfAll();
    if (!window.empty())
        m_state.frames.setSyncPosition(m_ledger.chunkAt(window.begin));
    return window;
}

void CheckPass::settle(SectorRange window, const WindowOutcome& found)
{
    m_ledger.add(window, found);
    m_outcome.mismatch = m_outcome.mismatch + found.mismatch;
    mergeRanges(m_outcome.differing, found.differing);
    std::ranges::copy(found.wrong, std::back_inserter(m_outcome.wrong));
    uniteRanges(m_outcome.unreadable, found.unreadable);
    if (!m_outcome.lost)
        m_outcome.lost = found.lost;
    m_state.frames.publish(LiveFrames::Pace::WhenDue);
}

// Nowhere is it written how far a check came: it begins anew.
Result<void> CheckPass::record(Sectors, Occasion occasion)
{
    return repairs() && occasion == Occasion::Stopped ? flushMembers(m_state) : Result<void>();
}

Result<void> CheckPass::end()
{
    if (!repairs())
        return {};
    const auto guard = m_state.lock();
    BM_TRY(flushMembers(m_state));
    if (!m_state.resyncDue() || !m_outcome.unreadable.empty())
        return areBadBlocksDue(m_state) ? updateSuperblocks(m_state) : Result<void>();
    if (m_state.bitmap && !m_state.isDegraded()) {
        const ChunkRun all{0, m_state.bitmap->chunks()};
        m_state.frames.mark(all, ChunkState::Clean);
        BM_TRY(clearChunks(m_state, std::span(&all, 1)));
    }
    m_state.resyncOffset = kMaxSector;
    return updateSuperblocks(m_state);
}

} // namespace

std::unique_ptr<SyncPass> makeCheckPass(ArrayState& state, SyncOutcome& outcome)
{
    return std::make_unique<CheckPass>(state, outcome);
}

} // namespace bitmend
