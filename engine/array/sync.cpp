// SPDX-License-Identifier: Apache-2.0
#include "engine/array/sync.h"

#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/array/check.h"
#include "engine/array/commit.h"
#include "engine/array/hot_add.h"
#include "engine/array/mirror_window.h"
#include "engine/array/sync_members.h"
#include "engine/base/log.h"

#include <algorithm>
#include <chrono>

namespace bitmend {

namespace {

constexpr Sectors kWindow{MirrorWindow::kBytes / kSectorBytes};

// What has been copied and is not recorded yet, and when it is time to record it: as in md after
// every sixteenth of the whole, or when the bitmap's own period has passed.
class Unrecorded
{
public:
    Unrecorded(Sectors whole, std::chrono::seconds period)
        : m_step(std::max<std::uint64_t>(whole.count / 16, 1))
        , m_period(period)
    {
    }

    std::vector<ChunkRun> chunks;

    void add(Sectors copied) { m_copied = m_copied + copied; }
    bool isDue() const
    {
        return m_copied.count > m_step || std::chrono::steady_clock::now() - m_since > m_period;
    }
    void reset()
    {
        chunks.clear();
        m_copied = {};
        m_since = std::chrono::steady_clock::now();
    }

private:
    std::uint64_t m_step;
    std::chrono::seconds m_period;
    Sectors m_copied;
    std::chrono::steady_clock::time_point m_since = std::chrono::steady_clock::now();
};

class SyncRun
{
public:
    SyncRun(ArrayState& state, SyncAction action, JobControl& control)
        : m_state(state)
        , m_control(control)
        , m_window(state)
        , m_unrecorded(state.arraySize, period(state))
    {
        m_outcome.action = action;
    }

    Result<SyncOutcome> resync();
    Result<SyncOutcome> recover();

private:
    static std::chrono::seconds period(const ArrayState& state)
    {
        return std::chrono::seconds(state.bitmap ? state.bitmap->header().daemonSleep : 5);
    }

    void begin(Sectors total);
    SyncOutcome finish(bool completed);
    SectorRange nextResync(Sectors from) const;
    SectorRange nextRecovery(Sectors from) const;
    bool recoversByBitmap() const;
    Result<bool> resyncRange(SectorRange range);
    Result<void> resyncWindow(SectorRange range);
    void noteResynced(SectorRange range);
    Result<void> recordResync(Sectors upTo, bool inSuperblocks);
    Result<void> endResync();
    Result<void> recoverWindow(SectorRange range);
    Result<void> recordRecovery(Sectors upTo);
    Result<void> endRecovery();
    std::int64_t chunkAt(Sectors sector) const;
    ChunkRun chunksOf(SectorRange range) const;

    ArrayState& m_state;
    JobControl& m_control;
    MirrorWindow m_window;
    Unrecorded m_unrecorded;
    SyncOutcome m_outcome;
    Sectors m_done;
    std::optional<Error> m_lost; // the first block that no copy gave; the rest goes on
    std::optional<Sectors> m_firstLost;
    bool m_rangeLost = false;
};

std::int64_t SyncRun::chunkAt(Sectors sector) const
{
    return m_state.bitmap ? static_cast<std::int64_t>(sector.count / m_state.bitmap->chunk().count)
                          : -1;
}

// Empty without a bitmap.
ChunkRun SyncRun::chunksOf(SectorRange range) const
{
    if (!m_state.bitmap)
        return {};
    const auto size = m_state.bitmap->chunk().count;
    return {range.begin.count / size, (range.end.count + size - 1) / size};
}

void SyncRun::begin(Sectors total)
{
    m_control.setTotal(total);
    m_control.setDone({});
    const auto guard = m_state.lock();
    log(LogEvent::SyncStarted, m_state.name, {}, m_state.bitmap ? m_state.bitmap->neededCount() : 0,
        m_state.bitmap ? m_state.bitmap->chunks() : 0);
}

SyncOutcome SyncRun::finish(bool completed)
{
    const auto& tally = m_window.tally();
    m_outcome.completed = completed;
    m_outcome.readBytes = tally.readBytes;
    m_outcome.writtenBytes = tally.writtenBytes;
    m_outcome.differingBytes = tally.differingBytes;
    m_state.frames.setSyncPosition(-1);
    m_state.publish();
    m_state.frames.publish(LiveFrames::Pace::Now);
    log(LogEvent::SyncFinished, m_state.name, {}, tally.readBytes, tally.writtenBytes);
    return m_outcome;
}

// Whole bitmap chunks that are due, or what lies behind the checkpoint when there is no bitmap; at
// most one window's worth where chunks are smaller than that.
SectorRange SyncRun::nextResync(Sectors from) const
{
    const auto guard = m_state.lock();
    if (!m_state.bitmap) {
        const auto begin = std::max(from, m_state.resyncOffset);
        return {begin, std::min(begin + kWindow, m_state.arraySize)};
    }
    const auto& bitmap = *m_state.bitmap;
    const auto limit = std::max<std::uint64_t>(kWindow.count / bitmap.chunk().count, 1);
    if (from >= m_state.arraySize)
        return {};
    return bitmap.sectors(bitmap.nextNeeded(from.count / bitmap.chunk().count, limit));
}

Result<SyncOutcome> SyncRun::resync()
{
    const auto due = resyncLength(m_state);
    m_outcome.skippedBytes = (m_state.arraySize - due).bytes();
    begin(due);
    for (auto range = nextResync({}); !range.empty(); range = nextResync(range.end)) {
        const auto went = resyncRange(range);
        if (!went || !*went) {
            BM_TRY(recordResync(range.begin, true));
            auto outcome = finish(false);
            if (!went)
                return std::unexpected(went.error());
            return outcome;
        }
        if (m_unrecorded.isDue())
            BM_TRY(recordResync(range.end, !m_state.bitmap));
        m_state.frames.publish(LiveFrames::Pace::WhenDue);
    }
    BM_TRY(endResync());
    auto outcome = finish(!m_lost);
    if (m_lost)
        return std::unexpected(*m_lost);
    return outcome;
}

// False when it was told to stop before the end of the range.
Result<bool> SyncRun::resyncRange(SectorRange range)
{
    m_rangeLost = false;
    m_state.frames.setSyncPosition(chunkAt(range.begin));
    for (auto at = range.begin; at < range.end; at = at + kWindow) {
        if (!m_control.keepGoing())
            return false;
        const SectorRange window{at, std::min(at + kWindow, range.end)};
        m_state.frames.mark(chunksOf(window), ChunkState::Syncing);
        BM_TRY(resyncWindow(window));
        m_done = m_done + window.length();
        m_outcome.checkedBytes += window.length().bytes();
        m_control.setDone(m_done);
    }
    noteResynced(range);
    return true;
}

Result<void> SyncRun::resyncWindow(SectorRange range)
{
    const auto rows = m_state.rows.take(range, RowUse::Sync);
    const auto [copies, targets] = resyncMembers(m_state, range);
    const auto before = m_window.tally().writtenBytes;
    if (const auto lost = m_window.read(range, copies)) {
        m_rangeLost = true;
        if (!m_lost) {
            m_lost = lost;
            m_firstLost = range.begin;
        }
    }
    for (auto* target : targets) {
        if (target != m_window.source())
            BM_TRY(m_window.copyTo(*target));
    }
    const auto written = m_window.tally().writtenBytes - before;
    if (written != 0)
        log(LogEvent::ChunkDiffered, m_state.name, {}, range.begin.count, written / kSectorBytes);
    return {};
}

void SyncRun::noteResynced(SectorRange range)
{
    m_unrecorded.add(range.length());
    if (!m_state.bitmap)
        return;
    const auto chunks = chunksOf(range);
    m_outcome.chunks += chunks.end - chunks.begin;
    if (m_rangeLost) {
        // Kept whole, though only part of it was lost: reading it again harms nothing.
        m_state.frames.mark(chunks, ChunkState::Bad);
        return;
    }
    m_unrecorded.chunks.push_back(chunks);
    m_state.frames.mark(chunks, ChunkState::Done);
}

// Data durable, then the bits, then the position. While a member is missing no bit goes: the set
// ones are what it lacks, should it come back.
Result<void> SyncRun::recordResync(Sectors upTo, bool inSuperblocks)
{
    const auto guard = m_state.lock();
    if (m_state.isDegraded())
        m_unrecorded.chunks.clear();
    BM_TRY(clearChunks(m_state, m_unrecorded.chunks));
    m_unrecorded.reset();

    // Never past a chunk that is still due: md ignores bits that lie before this.
    const auto position = m_firstLost ? std::min(*m_firstLost, upTo) : upTo;
    if (inSuperblocks && position > m_state.resyncOffset) {
        m_state.resyncOffset = position;
        BM_TRY(updateSuperblocks(m_state));
        log(LogEvent::Checkpoint, m_state.name, {}, position.count);
    }
    return {};
}

Result<void> SyncRun::endResync()
{
    const auto guard = m_state.lock();
    BM_TRY(recordResync(m_state.arraySize, m_firstLost.has_value()));
    if (m_firstLost)
        return {};
    m_state.resyncOffset = kMaxSector;
    return updateSuperblocks(m_state);
}

bool SyncRun::recoversByBitmap() const
{
    const auto guard = m_state.lock();
    return m_state.bitmap && std::ranges::all_of(m_state.members, [](const ArrayMember& member) {
        return !member.isRebuilding() || member.byBitmap;
    });
}

SectorRange SyncRun::nextRecovery(Sectors from) const
{
    if (recoversByBitmap())
        return nextResync(from);
    return {from, std::min(from + kWindow, m_state.arraySize)};
}

Result<SyncOutcome> SyncRun::recover()
{
    const auto from = recoveryStart(m_state);
    m_outcome.skippedBytes =
        (recoversByBitmap() ? m_state.arraySize - resyncLength(m_state) : from).bytes();
    begin(m_state.arraySize);
    m_control.setDone(from);
    for (auto range = nextRecovery(from); !range.empty(); range = nextRecovery(range.end)) {
        if (!m_control.keepGoing()) {
            BM_TRY(recordRecovery(range.begin));
            return finish(false);
        }
        m_state.frames.setSyncPosition(chunkAt(range.begin));
        const auto copied = recoverWindow(range);
        if (!copied) {
            // The newcomer is good up to here; what lies behind has to wait for another source.
            BM_TRY(recordRecovery(range.begin));
            finish(false);
            return std::unexpected(copied.error());
        }
        m_outcome.checkedBytes += range.length().bytes();
        m_control.setDone(range.end);
        m_unrecorded.add(range.length());
        if (m_unrecorded.isDue())
            BM_TRY(recordRecovery(range.end));
        m_state.frames.publish(LiveFrames::Pace::WhenDue);
    }
    BM_TRY(endRecovery());
    return finish(true);
}

Result<void> SyncRun::recoverWindow(SectorRange range)
{
    for (auto at = range.begin; at < range.end; at = at + kWindow) {
        const SectorRange window{at, std::min(at + kWindow, range.end)};
        const auto rows = m_state.rows.take(window, RowUse::Sync);
        const auto [copies, targets] = BM_TRY(recoveryMembers(m_state));
        if (const auto lost = m_window.read(window, copies))
            return std::unexpected(*lost);
        for (auto* target : targets)
            BM_TRY(target->byBitmap ? m_window.copyTo(*target) : m_window.copyToBlank(*target));
    }
    return {};
}

Result<void> SyncRun::recordRecovery(Sectors upTo)
{
    const auto guard = m_state.lock();
    BM_TRY(flushMembers(m_state));
    m_unrecorded.reset();
    // 0.90 has no place for it: an interrupted recovery begins anew.
    if (m_state.reference->version == MetadataVersion::V0_90)
        return {};
    bool moved = false;
    for (auto& member : m_state.members) {
        if (!member.isRebuilding() || member.recoveryOffset >= upTo)
            continue;
        member.recoveryOffset = upTo;
        moved = true;
    }
    if (!moved)
        return {};
    log(LogEvent::Checkpoint, m_state.name, {}, upTo.count);
    return updateSuperblocks(m_state);
}

Result<void> SyncRun::endRecovery()
{
    const auto guard = m_state.lock();
    BM_TRY(flushMembers(m_state));
    for (auto& member : m_state.members) {
        if (!member.isRebuilding())
            continue;
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

Result<SyncOutcome> sync(Array& array, SyncAction action, JobControl& control)
{
    auto& state = array.state();
    if (state.geometry.level != 1)
        return fail(ErrorCode::Unsupported, state.name);
    if (action == SyncAction::Check || action == SyncAction::Repair)
        return checkMirror(state, action, control);
    {
        const auto guard = state.lock();
        BM_TRY(state.writable());
        const bool isDue = action == SyncAction::Resync ? state.resyncDue() : state.recoveryDue();
        if (!isDue)
            return fail(ErrorCode::NothingToDo, state.name);
        if (action == SyncAction::Recover && !state.hasRebuilding())
            BM_TRY(slotIdleSpare(state));
    }
    SyncRun run(state, action, control);
    return action == SyncAction::Resync ? run.resync() : run.recover();
}

} // namespace bitmend
