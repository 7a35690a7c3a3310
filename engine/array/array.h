// SPDX-License-Identifier: Apache-2.0
// An assembled array. Owns its members' devices, the bitmap in memory and the superblocks; whatever
// is written to a member goes through array/commit, in md's order.
//
// Threads: readAt(), writeAt(), flush(), maintain(), snapshot() and frames() from any thread, also
// while a job runs; jobs (sync, hot-add, stop) from one thread at a time, the array's strand.
#pragma once

#include "engine/array/assembly.h"
#include "engine/array/bitmap_frame.h"
#include "engine/array/snapshot.h"
#include "engine/base/frame_box.h"
#include "engine/io/block_source.h"

#include <filesystem>
#include <memory>

namespace bitmend {

struct MemberAccess;
struct ArrayState; // what commit, sync and hot_add share; array/array_state.h

class Array final : public BlockDevice
{
public:
    ~Array() override;

    const std::string& name() const override;
    std::uint64_t sizeBytes() const override;

    // From members in sync: where one fails, from another copy, by parity, or from one that is
    // being rebuilt and has come so far.
    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override;

    // To every member, its bits first; see foreground.h. Unsupported when it is read-only or
    // stopped. What was written and flushed is there whatever happens then. In place, the range has
    // to be authorized before: OutsidePlan otherwise.
    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override;
    Result<void> flush() override;

    // After somebody looked at them (planned_writes.h): what else may be written. Operations
    // authorize their own plans.
    Result<void> authorize(const std::vector<PlannedWrite>& writes);

    // To be called now and then while nobody writes, best every 100 ms: bits that are not needed
    // any more go, and the array becomes clean. Does only what is due.
    Result<void> maintain();

    // As if the power went now: no member takes anything any more, in the middle of what is being
    // written. To show what that leaves behind; the array is then only good to be dropped. From any
    // thread.
    void cutPower();

    ArraySnapshot snapshot() const;
    std::uint64_t writtenBytes() const;    // over all members, metadata included
    std::uint64_t recomputedBytes() const; // read from redundancy where a member did not give them
    FrameBox<BitmapFrame>& frames() const; // at most one new frame every 33 ms while a job runs

    ArrayState& state() { return *m_state; }
    const ArrayState& state() const { return *m_state; }

private:
    friend Result<std::unique_ptr<Array>> assembleFrom(
        const AssemblyPlan& plan, MemberAccess access);
    explicit Array(std::unique_ptr<ArrayState> state);

    std::unique_ptr<ArrayState> m_state;
};

// Opens the members (read-only, wrapped in overlays in `overlay` when the plan's mode says so, or
// to be written with nobody else using them), reads their superblocks again and stops with
// ChangedSincePlan when they are not those of the plan. In place, what the plan's writes of
// metadata would replace is saved first, in the restore file of the choices. From then on only
// places of authorized plans can be written. Loads the bitmap as the kernel does. Read-only: writes
// nothing, ever. Unsupported for an array under reshape or with a journal; and when writing, for a
// clustered bitmap, a partial parity log, or a replacement of a member that is not in sync.
Result<std::unique_ptr<Array>> assemble(
    const AssemblyPlan& plan, const std::filesystem::path& overlay);

// Clean stop, after whatever reads and writes are under way: bits that are not needed cleared,
// bitmap header, then superblocks, as the kernel does; a bit or a resync that is still due is kept.
struct StopOutcome
{
    std::uint64_t events = 0;
    std::uint64_t writtenBytes = 0;
    std::uint64_t chunksKept = 0;
};
Result<StopOutcome> stop(Array& array);

} // namespace bitmend
