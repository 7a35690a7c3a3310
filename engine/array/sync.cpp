// SPDX-License-Identifier: Apache-2.0
#include "engine/array/sync.h"

#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/array/hot_add.h"
#include "engine/array/planned_writes.h"
#include "engine/array/sync_members.h"
#include "engine/array/sync_pass.h"
#include "engine/array/sync_workers.h"
#include "engine/base/log.h"
#include "engine/io/past_cache.h"

#include <algorithm>
#include <thread>

namespace bitmend {

namespace {

bool isCheck(SyncAction action)
{
    return action == SyncAction::Check || action == SyncAction::Repair;
}

Result<void> prepare(ArrayState& state, SyncAction action)
{
    const auto guard = state.lock();
    if (action != SyncAction::Check)
        BM_TRY(state.writable());
    if (isCheck(action)) {
        if (!state.isRedundant())
            return fail(ErrorCode::NothingToDo, state.name);
        if (action == SyncAction::Check)
            return {};
        return state.authorize(repairWrites(state.published().report));
    }
    const bool isDue = action == SyncAction::Resync ? state.resyncDue() : state.recoveryDue();
    if (!isDue)
        return fail(ErrorCode::NothingToDo, state.name);
    if (action != SyncAction::Recover)
        return {};
    if (!state.hasRebuilding())
        BM_TRY(slotIdleSpare(state));
    // More of them are rebuilt in one go. One that does not fit may wait.
    while (state.idleSpare() && slotIdleSpare(state)) {
    }
    state.publish();
    return state.authorize(recoveryWrites(state.published().report));
}

std::unique_ptr<SyncPass> makePass(ArrayState& state, SyncOutcome& outcome, SyncScope scope)
{
    switch (scope.action) {
    case SyncAction::Resync:
        return makeResyncPass(state, outcome);
    case SyncAction::Recover:
        return makeRecoveryPass(state, outcome, scope.byBitmap);
    case SyncAction::Check:
    case SyncAction::Repair:
        break;
    }
    return makeCheckPass(state, outcome);
}

// What the buffers of all workers together may take, in windows.
constexpr std::uint64_t kWindowsInMemory = 96;
constexpr std::uint64_t kWindowsPerMember = 3;

// Past the cache nobody reads ahead: so many have to wait for a disk at once to keep it busy.
constexpr unsigned kWorkersThatWait = 4;

unsigned workersWanted(const SyncOptions& options, bool pastCache)
{
    if (options.workers != 0)
        return options.workers;
    return std::max(std::thread::hardware_concurrency(), pastCache ? kWorkersThatWait : 1);
}

// No more than there is work for, by its bytes: starting one costs more than a few scattered chunks
// do. A wide array on a machine with many processors would take all its memory.
unsigned workersFor(const ArrayState& state, Sectors due, std::uint64_t asked)
{
    const auto windows = due.bytes() / SyncWindow::kBytes + 1;
    const std::uint64_t members = state.reference->raidDisks;
    const auto room = (kWindowsInMemory + kWindowsPerMember * members) / (members + 1);
    return static_cast<unsigned>(std::max<std::uint64_t>(std::min({asked, windows, room}), 1));
}

bool readsPastCache(const ArrayState& state, Reading reading)
{
    if (reading != Reading::AsItFits)
        return reading == Reading::PastCache;
    const auto guard = state.lock();
    Residence all;
    for (const auto& member : state.members) {
        if (member.hasRole())
            all.add(member.source->residence());
    }
    return belongsPastCache(all);
}

Result<bool> run(ArrayState& state, SyncPass& pass, SyncScope scope, JobControl& control,
    const SyncOptions& options)
{
    const auto due = pass.begin(control);
    {
        const auto guard = state.lock();
        log(LogEvent::SyncStarted, state.name, {}, state.bitmap ? state.bitmap->neededCount() : 0,
            state.bitmap ? state.bitmap->chunks() : 0);
    }
    const auto makeWindow = [&state, scope] {
        return makeSyncWindow(state, scope);
    };
    auto running = options;
    running.workers = workersFor(state, due, workersWanted(options, scope.pastCache));
    const bool isDone = BM_TRY(runPass(pass, makeWindow, running, control));
    if (isDone)
        BM_TRY(pass.end());
    return isDone;
}

void finish(ArrayState& state, const SyncOutcome& outcome)
{
    state.frames.setSyncPosition(-1);
    state.publish();
    state.frames.publish(LiveFrames::Pace::Now);
    log(LogEvent::SyncFinished, state.name, {}, outcome.readBytes, outcome.writtenBytes);
}

} // namespace

Result<SyncOutcome> sync(
    Array& array, SyncAction action, JobControl& control, const SyncOptions& options)
{
    auto& state = array.state();
    BM_TRY(prepare(state, action));
    SyncOutcome outcome;
    outcome.action = action;
    const SyncScope scope{action, action == SyncAction::Recover && recoversByBitmap(state),
        options.verifySlot, readsPastCache(state, options.reading)};
    const auto pass = makePass(state, outcome, scope);
    const auto went = run(state, *pass, scope, control, options);
    finish(state, outcome);
    if (!went)
        return std::unexpected(went.error());
    outcome.completed = *went && (isCheck(action) || !outcome.lost);
    return outcome;
}

} // namespace bitmend
