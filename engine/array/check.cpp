// SPDX-License-Identifier: Apache-2.0
#include "engine/array/check.h"

#include "engine/array/array_state.h"
#include "engine/array/commit.h"
#include "engine/array/mirror_window.h"
#include "engine/array/sync_members.h"
#include "engine/base/log.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr Sectors kWindow{MirrorWindow::kBytes / kSectorBytes};

// What md reads in one request of a check, and therefore counts as one.
constexpr std::uint64_t kRequest = 128;

// `range` may hold the end of one request and the beginning of the next.
std::uint64_t firstRequest(const SectorRange& range) { return range.begin.count / kRequest; }
std::uint64_t lastRequest(const SectorRange& range) { return (range.end.count - 1) / kRequest; }

class Check
{
public:
    Check(ArrayState& state, SyncAction action, JobControl& control)
        : m_state(state)
        , m_control(control)
        , m_window(state)
    {
        m_outcome.action = action;
    }

    Result<SyncOutcome> run();

private:
    bool repairs() const { return m_outcome.action == SyncAction::Repair; }
    SyncMembers members(SectorRange range);
    Result<void> window(SectorRange range);
    Result<void> compare(ArrayMember& member, std::vector<SectorRange>& differing);
    void count(const std::vector<SectorRange>& differing);
    void mergeInto(std::vector<SectorRange>& all, std::vector<SectorRange> found);
    std::int64_t chunkAt(Sectors sector) const;
    Result<void> endRepair();
    SyncOutcome finish(bool completed);

    ArrayState& m_state;
    JobControl& m_control;
    MirrorWindow m_window;
    SyncOutcome m_outcome;
};

// Unlike a resync, which spares write-mostly members, md reads all of them here and lets the lowest
// slot win. While a resync is due its order counts: that is who would win then.
SyncMembers Check::members(SectorRange range)
{
    const auto guard = m_state.lock();
    auto members = resyncMembers(m_state, range);
    if (!m_state.resyncDue())
        std::ranges::sort(members.copies, {}, &ArrayMember::role);
    // One that is being rebuilt claims to be valid below its offset, so there it has to follow.
    std::erase_if(members.targets, [](const ArrayMember* member) { return member->inSync; });
    return members;
}

std::int64_t Check::chunkAt(Sectors sector) const
{
    const auto& bitmap = m_state.plan.array.bitmap;
    const auto chunk = bitmap ? bitmap->header.chunkBytes / kSectorBytes : 0;
    return chunk == 0 ? -1 : static_cast<std::int64_t>(sector.count / chunk);
}

void Check::count(const std::vector<SectorRange>& differing)
{
    auto counted = ~std::uint64_t{0};
    for (const auto& range : differing) {
        for (auto request = firstRequest(range); request <= lastRequest(range); ++request) {
            if (request == counted)
                continue;
            counted = request;
            const auto end = std::min((request + 1) * kRequest, m_state.arraySize.count);
            m_outcome.mismatch.count += end - request * kRequest;
        }
    }
}

void Check::mergeInto(std::vector<SectorRange>& all, std::vector<SectorRange> found)
{
    std::ranges::sort(found, {}, [](const SectorRange& range) { return range.begin; });
    for (auto& range : found) {
        if (!all.empty() && range.begin < all.back().end)
            range.begin = std::min(all.back().end, range.end);
        if (!range.empty())
            MirrorWindow::append(all, range);
    }
}

Result<void> Check::compare(ArrayMember& member, std::vector<SectorRange>& differing)
{
    const auto found = m_window.differences(member);
    if (found.empty())
        return {};
    count(found);
    differing.insert(differing.end(), found.begin(), found.end());
    log(LogEvent::ChunkDiffered, m_state.name, member.path, found.front().begin.count,
        (found.back().end - found.front().begin).count);
    return repairs() ? m_window.copyTo(member) : Result<void>();
}

Result<void> Check::window(SectorRange range)
{
    const auto rows = m_state.rows.take(range, RowUse::Sync);
    const auto [copies, followers] = members(range);
    if (m_window.read(range, copies))
        mergeInto(m_outcome.unreadable, m_window.lostRanges());
    std::vector<SectorRange> differing;
    for (auto* member : copies) {
        if (member != m_window.source())
            BM_TRY(compare(*member, differing));
    }
    if (repairs()) {
        for (auto* follower : followers)
            BM_TRY(m_window.copyTo(*follower));
    }
    mergeInto(m_outcome.differing, std::move(differing));
    return {};
}

Result<void> Check::endRepair()
{
    const auto guard = m_state.lock();
    BM_TRY(flushMembers(m_state));
    if (!m_state.resyncDue() || !m_outcome.unreadable.empty())
        return {};
    if (m_state.bitmap && !m_state.isDegraded()) {
        const ChunkRun all{0, m_state.bitmap->chunks()};
        m_state.frames.mark(all, ChunkState::Clean);
        BM_TRY(clearChunks(m_state, std::span(&all, 1)));
    }
    m_state.resyncOffset = kMaxSector;
    return updateSuperblocks(m_state);
}

SyncOutcome Check::finish(bool completed)
{
    const auto& tally = m_window.tally();
    m_outcome.completed = completed;
    m_outcome.readBytes = tally.readBytes;
    m_outcome.writtenBytes = tally.writtenBytes;
    m_outcome.differingBytes = 0;
    for (const auto& range : m_outcome.differing)
        m_outcome.differingBytes += range.length().bytes();
    m_state.frames.setSyncPosition(-1);
    m_state.publish();
    m_state.frames.publish(LiveFrames::Pace::Now);
    log(LogEvent::SyncFinished, m_state.name, {}, tally.readBytes, tally.writtenBytes);
    return std::move(m_outcome);
}

Result<SyncOutcome> Check::run()
{
    const auto whole = m_state.arraySize;
    m_control.setTotal(whole);
    m_control.setDone({});
    log(LogEvent::SyncStarted, m_state.name);
    for (Sectors at; at < whole; at = at + kWindow) {
        if (!m_control.keepGoing()) {
            if (repairs())
                BM_TRY(flushMembers(m_state));
            return finish(false);
        }
        m_state.frames.setSyncPosition(chunkAt(at));
        const SectorRange range{at, std::min(at + kWindow, whole)};
        BM_TRY(window(range));
        m_outcome.checkedBytes += range.length().bytes();
        m_control.setDone(range.end);
        m_state.frames.publish(LiveFrames::Pace::WhenDue);
    }
    if (repairs())
        BM_TRY(endRepair());
    return finish(true);
}

} // namespace

Result<SyncOutcome> checkMirror(ArrayState& state, SyncAction action, JobControl& control)
{
    {
        const auto guard = state.lock();
        if (action == SyncAction::Repair)
            BM_TRY(state.writable());
        if (state.inSyncCount() < 2)
            return fail(ErrorCode::NothingToDo, state.name);
    }
    return Check(state, action, control).run();
}

} // namespace bitmend
