// SPDX-License-Identifier: Apache-2.0
// What is behind an assembled Array: its members as they are on disk, the array-wide values that
// the next superblocks will carry, the bitmap, and what other threads may look at. Shared by
// commit, sync, hot_add and foreground; only array/commit writes to members.
//
// Threads: jobs (sync, hot-add, stop) run on the array's strand, one at a time; foreground I/O
// comes from any thread beside them. What both touch is guarded by lock(): the members' states and
// superblocks, the bitmap, the values of the next superblocks. Commits hold it from the first to
// the last byte, which is what serialises them. Data is read and written without it, under `rows`;
// the order is rows first, then lock(). Only the strand adds members or takes them away, and it
// alone has a member followed, which gives it another device. Paths and the place of the data never
// change, readers(), published() and frames have locks of their own.
//
// Sync sectors: what a resync goes through and what bits of the bitmap and `rows` count. Sectors of
// each member on levels 1, 4, 5 and 6 (where a row of all members belongs together), of the array
// on level 10, and on level 0 and linear, which sync nothing. A recovery of level 10 goes through a
// member and takes the rows of all array sectors that it touches; recovery_offset is a member's
// sector on every level.
#pragma once

#include "engine/array/array_member.h"
#include "engine/array/array_readers.h"
#include "engine/array/live_bitmap.h"
#include "engine/array/live_frames.h"
#include "engine/array/restore_file.h"
#include "engine/array/row_locks.h"
#include "engine/array/snapshot.h"
#include "engine/array/write_queue.h"
#include "engine/io/write_guard.h"
#include "engine/raid/personality.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

class Array;

struct ArrayState
{
    ArrayState(AssemblyPlan thePlan, MemberAccess theAccess);

    AssemblyPlan plan; // what it was assembled by
    MemberAccess access;
    WriteMode mode{};
    std::string name;
    std::shared_ptr<const Superblock> reference; // the freshest: speaks for the array
    Geometry geometry;
    const Personality* level = nullptr;
    Sectors arraySize;
    Sectors componentSize; // used of each member, as a kernel that runs it has it: whole chunks
    Sectors syncSize;      // where sync sectors end; 0 on level 0 and linear

    std::vector<ArrayMember> members;
    std::optional<LiveBitmap> bitmap; // none when read-only
    std::optional<BitmapFile> bitmapFile;
    std::uint64_t events = 0;
    Sectors resyncOffset;        // kMaxSector: complete
    bool superblocksDue = false; // something above is not in the superblocks yet
    bool isDirty = false;        // written to since it was last clean: the superblocks say so
    bool bitmapKicked = false;   // could not be written: in memory only, stale on the members
    bool isStopped = false;
    std::optional<Error> culprit; // the member, by path, that made the last commit break off
    std::optional<Error> failure; // metadata may be half-written: nothing more is written after it
    std::uint64_t writtenBytes = 0;
    std::unique_ptr<RestoreFile> restoreFile; // when in place
    AllowedWritesPtr allowed;

    // What reads got from redundancy because the member that holds it did not give it.
    mutable std::atomic<std::uint64_t> recomputedBytes = 0;

    // What the foreground leaves for maintain().
    using Clock = std::chrono::steady_clock;
    std::function<Clock::time_point()> clock = [] {
        return Clock::now();
    };
    std::uint64_t writesUnderWay = 0;
    Clock::time_point lastWrite;
    Clock::time_point lastSweep;

    WriteQueue queue;

    mutable RowLocks rows;
    [[nodiscard]] std::unique_lock<std::recursive_mutex> lock() const
    {
        return std::unique_lock(m_commits);
    }

    ArrayMember* member(const std::string& path); // null: none of ours
    const ArrayMember* member(const std::string& path) const;
    ArrayMember* holderOf(int role); // not what replaces it; null: nobody
    const ArrayMember* holderOf(int role) const;
    std::size_t inSyncCount() const;
    bool isDegraded() const { return inSyncCount() < reference->raidDisks; }
    bool isRedundant() const;                             // could do without some member in sync
    bool canDoWithout(const ArrayMember& member) const;   // and still give every sector
    SectorRange syncRows(SectorRange arraySectors) const; // the sync sectors they lie on
    bool hasInternalBitmap() const { return bitmap && !bitmapFile; }
    std::optional<int> vacantRole() const;
    bool resyncDue() const;
    bool hasRebuilding() const;
    const ArrayMember* idleSpare() const; // one that could take a vacant role
    Sectors storedResyncOffset() const { return isDirty ? Sectors{} : resyncOffset; }
    bool recoveryDue() const;

    // In-sync members in the order in which a mirror's copies are trusted: lowest role first,
    // write-mostly ones last.
    std::vector<ArrayMember*> copies();

    // OK when a job may write.
    Result<void> writable() const;

    // Lets writes go to the places of a plan that was reviewed; others are stopped before they
    // happen. In place, what lies where metadata will be is saved first (errors of RestoreFile).
    Result<void> authorize(const std::vector<PlannedWrite>& writes);

    // OK when this kind of array is one that we write to at all.
    Result<void> supportsWriting() const;

    // For other threads. publish() makes what is above visible to them.
    using Readers = std::shared_ptr<const ArrayReaders>;
    Readers readers() const;
    ArraySnapshot published() const;
    void publish();
    void publishReaders(); // the part that must not wait when a member fails
    LiveFrames frames;

private:
    mutable std::recursive_mutex m_commits; // held by a job over several that belong together
    mutable std::mutex m_mutex;             // guards the two below
    Readers m_readers;
    ArraySnapshot m_snapshot;
};

// What recovering so many members from there on reads and writes.
SyncEstimate recoveryCost(const ArrayState& state, Sectors from, std::uint64_t targets);

// A member as the plan has it, without its devices.
ArrayMember asPlanned(const ArrayState& state, const Member& planned);

// assemble() for members that are reached in another way: `access` instead of paths and overlays.
Result<std::unique_ptr<Array>> assembleFrom(const AssemblyPlan& plan, MemberAccess access);

} // namespace bitmend
