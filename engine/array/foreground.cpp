// SPDX-License-Identifier: Apache-2.0
#include "engine/array/foreground.h"

#include "engine/array/commit.h"
#include "engine/array/intent_bits.h"
#include "engine/array/parity_write.h"
#include "engine/array/replacement.h"
#include "engine/array/write_targets.h"

#include <algorithm>
#include <utility>

namespace bitmend {

namespace {

constexpr std::chrono::milliseconds kSafeModeDelay{200}; // md's own

} // namespace

// A write between taking its rows and having its bits on disk, and after that. Lives in its
// thread's frame, which does not go on before somebody has answered.
struct PendingWrite
{
    SectorRange rows;
    bool isAnswered = false; // guarded by the queue's mutex
    ChunkRun chunks;         // empty without a bitmap
    bool whenDegraded = false;
    Result<void> answer;
    // What follows is as it was when its bits came to disk.
    WriteTargets targets;
    ArrayState::Readers readers;
    Sectors doubtfulFrom; // where a resync is still due
};

namespace {

void setBits(ArrayState& state, PendingWrite& write)
{
    if (!state.bitmap)
        return;
    auto& bitmap = *state.bitmap;
    const auto size = bitmap.chunk().count;
    write.chunks = {write.rows.begin.count / size, (write.rows.end.count + size - 1) / size};
    for (auto chunk = write.chunks.begin; chunk < write.chunks.end; ++chunk) {
        if (bitmap.intent().begin(chunk))
            setBit(state, bitmap, chunk);
        // Whoever is missing lacks this, and so may a member that gets a role before the data is
        // written: from here on a recovery by the bitmap comes by, and waits for these rows.
        if (write.whenDegraded)
            bitmap.need(chunk);
    }
}

void endChunks(ArrayState& state, const PendingWrite& write)
{
    for (auto chunk = write.chunks.begin; chunk < write.chunks.end && state.bitmap; ++chunk)
        state.bitmap->intent().end(chunk);
    --state.writesUnderWay;
    state.lastWrite = state.clock();
}

void needChunks(ArrayState& state, const PendingWrite& write)
{
    for (auto chunk = write.chunks.begin; chunk < write.chunks.end && state.bitmap; ++chunk)
        state.bitmap->need(chunk);
}

Result<void> sweepWhenDue(ArrayState& state)
{
    if (!state.bitmap)
        return {};
    const auto now = state.clock();
    if (state.lastSweep == ArrayState::Clock::time_point{})
        state.lastSweep = now;
    if (now - state.lastSweep < std::chrono::seconds(state.bitmap->header().daemonSleep))
        return {};
    state.lastSweep = now;
    return sweepBits(state);
}

// Bits of all these, in one round.
Result<void> announceAll(ArrayState& state, const std::vector<PendingWrite*>& waiting)
{
    BM_TRY(state.writable());
    BM_TRY(sweepWhenDue(state));
    for (auto* write : waiting) {
        ++state.writesUnderWay;
        write->whenDegraded = state.isDegraded();
        setBits(state, *write);
    }
    const auto announced = announceWrites(state);
    const auto targets = writeTargets(state);
    const auto readers = state.readers();
    const auto doubtfulFrom = state.resyncDue() ? state.resyncOffset : kMaxSector;
    for (auto* write : waiting) {
        // A member that was lost over this round lacks what follows, like any that was missing.
        if (state.isDegraded() && !write->whenDegraded) {
            write->whenDegraded = true;
            needChunks(state, *write);
        }
        write->targets = targets;
        write->readers = readers;
        write->doubtfulFrom = doubtfulFrom;
        if (!announced)
            endChunks(state, *write);
    }
    return announced;
}

void serve(ArrayState& state)
{
    const auto guard = state.lock();
    std::vector<PendingWrite*> waiting;
    {
        const std::lock_guard queue(state.queue.mutex);
        waiting.swap(state.queue.waiting);
    }
    const bool wasDirty = state.isDirty;
    const auto answer = announceAll(state, waiting);
    if (state.isDirty != wasDirty)
        state.publish();
    state.frames.publish(LiveFrames::Pace::WhenDue);
    const std::lock_guard queue(state.queue.mutex);
    for (auto* write : waiting) {
        write->answer = answer;
        write->isAnswered = true;
    }
}

Result<void> announce(ArrayState& state, PendingWrite& write)
{
    auto& queue = state.queue;
    std::unique_lock lock(queue.mutex);
    queue.waiting.push_back(&write);
    while (!write.isAnswered) {
        if (queue.isServed) {
            queue.answered.wait(lock);
            continue;
        }
        queue.isServed = true;
        queue.settled.wait(lock, [&queue] { return queue.settling == 0; });
        lock.unlock();
        serve(state);
        lock.lock();
        queue.isServed = false;
        queue.answered.notify_all();
    }
    return write.answer;
}

// A copy that is being rebuilt follows those that count; it may not be ahead of all of them.
void writeExtent(const ArrayState& state, PendingWrite& write, std::uint64_t offset,
    std::span<const std::byte> from)
{
    bool arrived = false;
    const auto copies = placesOf(state, offset);
    for (auto& target : write.targets) {
        const auto copy = std::ranges::find(copies, target.role, &CopyPlace::role);
        if (copy == copies.end() || (!target.inSync && !arrived))
            continue;
        target.write(copy->offset, from);
        arrived |= target.inSync && target.written.has_value();
    }
}

void writeCopies(const ArrayState& state, PendingWrite& write, std::uint64_t offset,
    std::span<const std::byte> from)
{
    const auto end = offset + from.size();
    for (auto at = offset; at < end;) {
        const auto stop = extentEnd(state, at, end);
        writeExtent(state, write, at, from.subspan(at - offset, stop - at));
        at = stop;
    }
}

// Members that took all they were given, and still count.
std::vector<bool> keepers(const ArrayState& state, const PendingWrite& write)
{
    std::vector<bool> keeps(state.reference->raidDisks);
    for (const auto& target : write.targets) {
        const auto* member = state.member(target.path);
        if (target.written && member && member->inSync)
            keeps[static_cast<std::size_t>(target.role)] = true;
    }
    return keeps;
}

// Whether each part of it can be read from them.
bool isKept(
    const ArrayState& state, const PendingWrite& write, std::uint64_t offset, std::size_t length)
{
    const auto keeps = keepers(state, write);
    if (hasParity(state.geometry))
        return state.level->canStart(state.geometry, keeps, false);
    const auto end = offset + length;
    for (auto at = offset; at < end; at = extentEnd(state, at, end)) {
        if (std::ranges::none_of(placesOf(state, at), [&keeps](const CopyPlace& copy) {
                return keeps[static_cast<std::size_t>(copy.role)];
            }))
            return false;
    }
    return true;
}

// Fails the members that did not take the data. Good when those that still count have it.
Result<void> settleTargets(
    ArrayState& state, PendingWrite& write, std::uint64_t offset, std::size_t length)
{
    Result<void> outcome = fail(ErrorCode::NotEnoughMembers, state.name);
    for (const auto& target : write.targets) {
        auto* member = state.member(target.path);
        if (!member || target.length == 0)
            continue;
        const auto noted = noteDataWritten(state, *member, target.length, target.written);
        if (noted || member->isFaulty() || failMember(state, *member, target.written.error()))
            continue;
        outcome = std::unexpected(target.written.error());
        // The copies differ now, and no superblock can say so. Bits and dirty superblocks are on
        // disk: that is how they have to stay.
        const bool isRepeated = state.syncSize != Sectors{};
        if (isRepeated && std::ranges::count_if(state.members, &ArrayMember::hasRole) > 1)
            state.failure = target.written.error();
    }
    if (loseFollowers(state))
        BM_TRY(updateSuperblocks(state));
    BM_TRY(state.writable());
    return isKept(state, write, offset, length) ? Result<void>() : outcome;
}

// The end of a write on a complete array vouches for all that has been cleared until now.
void raiseEventsCleared(ArrayState& state, const PendingWrite& write)
{
    if (!state.bitmap || write.whenDegraded || state.isDegraded() ||
        state.bitmap->header().eventsCleared >= state.events)
        return;
    state.bitmap->setEventsCleared(state.events);
    state.bitmap->intent().setHeaderFirst(true);
}

// For as long as a write settles.
class Settling
{
public:
    explicit Settling(WriteQueue& queue) : m_queue(queue)
    {
        const std::lock_guard lock(m_queue.mutex);
        ++m_queue.settling;
    }
    Settling(const Settling&) = delete;
    Settling& operator=(const Settling&) = delete;
    ~Settling()
    {
        const std::lock_guard lock(m_queue.mutex);
        if (--m_queue.settling == 0)
            m_queue.settled.notify_one();
    }

private:
    WriteQueue& m_queue;
};

// `computed`: whether all that had to be written could be told.
Result<void> settle(ArrayState& state, PendingWrite& write, std::uint64_t offset,
    std::size_t length, const Result<void>& computed)
{
    const Settling settling(state.queue);
    const auto guard = state.lock();
    const auto members = state.inSyncCount();
    auto outcome = settleTargets(state, write, offset, length);
    if (outcome && !computed)
        outcome = computed;
    if (outcome)
        raiseEventsCleared(state, write);
    if (!outcome || state.isDegraded())
        needChunks(state, write);
    endChunks(state, write);
    if (state.inSyncCount() != members || state.failure)
        state.publish();
    return outcome;
}

} // namespace

Result<void> writeForeground(
    ArrayState& state, std::uint64_t offset, std::span<const std::byte> from)
{
    BM_TRY(checkRange(state, offset, from.size()));
    BM_TRY(state.writable());
    if (from.empty())
        return {};
    const bool takesParity = hasParity(state.geometry);
    const auto rows = state.syncRows(sectorsOf(offset, from.size()));
    const auto hold = state.rows.take(rows, takesParity ? RowUse::WriteAlone : RowUse::Write);
    PendingWrite write;
    write.rows = rows;
    BM_TRY(announce(state, write));
    Result<void> computed;
    if (takesParity) {
        ParityWrite stripes(state, *write.readers, write.targets, write.doubtfulFrom);
        computed = stripes.run(offset, from);
    } else {
        writeCopies(state, write, offset, from);
    }
    return settle(state, write, offset, from.size(), computed);
}

Result<void> maintain(ArrayState& state)
{
    const auto guard = state.lock();
    if (state.mode == WriteMode::ReadOnly || state.isStopped || state.failure)
        return {};
    const auto swept = sweepWhenDue(state);
    state.frames.publish(LiveFrames::Pace::WhenDue);
    BM_TRY(swept);
    const bool isIdle = state.writesUnderWay == 0 && state.resyncOffset == kMaxSector &&
                        state.clock() - state.lastWrite >= kSafeModeDelay;
    if (!state.isDirty || !isIdle)
        return {};
    // The data first: clean superblocks say that all copies have it.
    BM_TRY(flushMembers(state));
    state.isDirty = false;
    const auto updated = updateSuperblocks(state);
    state.publish();
    return updated;
}

} // namespace bitmend
