// SPDX-License-Identifier: Apache-2.0
#include "engine/array/commit.h"
#include "engine/array/due_runs.h"
#include "engine/array/needed_on_members.h"
#include "engine/array/replacement.h"
#include "engine/array/sync_ledger.h"
#include "engine/array/sync_members.h"
#include "engine/array/sync_pass.h"
#include "engine/base/log.h"

#include <algorithm>

namespace bitmend {

namespace {

class RecoveryPass final : public SyncPass
{
public:
    RecoveryPass(ArrayState& state, SyncOutcome& outcome, bool byBitmap)
        : m_state(state)
        , m_outcome(outcome)
        , m_ledger(state, outcome)
        , m_byBitmap(byBitmap)
        , m_runs(state, size())
        , m_onMembers(state)
    {
    }

    Sectors begin(JobControl& control) override;
    SectorRange next() override;
    void settle(SectorRange window, const WindowOutcome& found) override;
    Result<void> record(Sectors reached, Occasion occasion) override;
    Result<void> end() override;

private:
    // Bits count in sync sectors, which on level 10 are not those of the members.
    bool isLevel10() const { return m_state.geometry.level == 10; }
    Sectors size() const
    {
        return m_byBitmap && !isLevel10() ? m_state.syncSize : m_state.componentSize;
    }
    Sectors due() const;
    std::int64_t chunkAt(Sectors sector) const;
    Result<void> recordUpTo(Sectors reached);

    ArrayState& m_state;
    SyncOutcome& m_outcome;
    SyncLedger m_ledger;
    bool m_byBitmap;
    DueRuns m_runs;
    NeededOnMembers m_onMembers;
    std::optional<Sectors> m_firstLost;
};

Sectors RecoveryPass::due() const
{
    const auto start = recoveryStart(m_state);
    if (!m_byBitmap)
        return size() - start;
    if (!isLevel10())
        return resyncLength(m_state);
    NeededOnMembers stretches(m_state);
    stretches.startAt(start);
    Sectors length;
    for (auto range = stretches.next(); !range.empty(); range = stretches.next())
        length = length + range.length();
    return length;
}

Sectors RecoveryPass::begin(JobControl& control)
{
    const auto length = due();
    const auto before = size() - length;
    m_ledger.begin(control, length, before, before);
    m_runs.startAt(recoveryStart(m_state));
    m_onMembers.startAt(recoveryStart(m_state));
    return length;
}

// Where it is in the bitmap's terms; on level 10 about there.
std::int64_t RecoveryPass::chunkAt(Sectors sector) const
{
    const auto part = static_cast<double>(sector.count) / static_cast<double>(size().count);
    const auto there = part * static_cast<double>(m_state.syncSize.count);
    return m_ledger.chunkAt(isLevel10() ? Sectors{static_cast<std::uint64_t>(there)} : sector);
}

SectorRange RecoveryPass::next()
{
    const auto window = !m_byBitmap   ? m_runs.nextOfAll()
                        : isLevel10() ? m_onMembers.next()
                                      : m_runs.nextNeeded();
    if (!window.empty())
        m_state.frames.setSyncPosition(chunkAt(window.begin));
    return window;
}

void RecoveryPass::settle(SectorRange window, const WindowOutcome& found)
{
    m_ledger.add(window, found);
    uniteRanges(m_outcome.unreadable, found.unreadable);
    if (found.lost && !m_firstLost) {
        m_outcome.lost = found.lost;
        m_firstLost = window.begin;
    }
    m_state.frames.publish(LiveFrames::Pace::WhenDue);
}

Result<void> RecoveryPass::record(Sectors reached, Occasion occasion)
{
    return occasion == Occasion::Stopped || m_ledger.isDue(true) ? recordUpTo(reached)
                                                                 : Result<void>();
}

// A newcomer is good up to the first place that no redundancy gave; what lies behind it is written
// and has to wait for another source all the same.
Result<void> RecoveryPass::recordUpTo(Sectors reached)
{
    const auto guard = m_state.lock();
    BM_TRY(flushMembers(m_state));
    m_ledger.wasRecorded();
    // 0.90 has no place for it: an interrupted recovery begins anew.
    if (m_state.reference->version == MetadataVersion::V0_90)
        return {};
    reached = m_firstLost ? std::min(*m_firstLost, reached) : reached;
    bool moved = false;
    for (auto& member : m_state.members) {
        if (!member.isRebuilding() || member.recoveryOffset >= reached)
            continue;
        member.recoveryOffset = reached;
        noteReplaced(member);
        moved = true;
    }
    if (!moved)
        return {};
    log(LogEvent::Checkpoint, m_state.name, {}, reached.count);
    BM_TRY(updateSuperblocks(m_state));
    m_state.publishReaders();
    return {};
}

Result<void> RecoveryPass::end()
{
    if (m_firstLost)
        return recordUpTo(size());
    const auto guard = m_state.lock();
    BM_TRY(flushMembers(m_state));
    for (auto& member : m_state.members) {
        if (!member.isRebuilding())
            continue;
        if (member.replaces)
            takeOver(m_state, member);
        member.inSync = true;
        member.recoveryOffset = {};
        member.byBitmap = false;
        log(LogEvent::MemberInSync, m_state.name, member.path,
            static_cast<std::uint64_t>(member.role));
    }
    BM_TRY(updateSuperblocks(m_state));

    // Complete again: what the bits recorded for the missing member is on it now. A resync that is
    // due still needs its own.
    if (!m_state.bitmap || m_state.isDegraded() || m_state.resyncDue())
        return {};
    const ChunkRun all{0, m_state.bitmap->chunks()};
    m_state.frames.mark(all, ChunkState::Clean);
    return clearChunks(m_state, std::span(&all, 1));
}

} // namespace

std::unique_ptr<SyncPass> makeRecoveryPass(ArrayState& state, SyncOutcome& outcome, bool byBitmap)
{
    return std::make_unique<RecoveryPass>(state, outcome, byBitmap);
}

} // namespace bitmend
