// SPDX-License-Identifier: Apache-2.0
// What is behind an assembled Array: its members as they are on disk, the array-wide values that
// the next superblocks will carry, the bitmap, and what other threads may look at. Shared by
// commit, sync and hot_add; only array/commit writes to members.
//
// Threads: everything belongs to the array's strand, except readers(), published() and the frames,
// which other threads may use at any time.
#pragma once

#include "engine/array/live_bitmap.h"
#include "engine/array/live_frames.h"
#include "engine/array/snapshot.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

class Array;

// How members are reached by the path they are named with.
struct MemberAccess
{
    std::function<Result<SourcePtr>(const std::string&)> look; // read-only, leaves no trace
    std::function<Result<DevicePtr>(const std::string&)> open; // to be written
};

struct ArrayMember
{
    std::string path;
    SourcePtr source;
    DevicePtr device;                             // the same, to be written; null when read-only
    std::shared_ptr<const Superblock> superblock; // as it lies on the member
    int role = -1;                                // -1: an idle spare
    bool inSync = false;
    Sectors recoveryOffset; // with a role and not in sync: valid below this
    bool byBitmap = false;  // its recovery copies needed chunks only
    bool unflushed = false;

    bool hasRole() const { return role >= 0; }
    bool isRebuilding() const { return hasRole() && !inSync; }
};

// The file of an external bitmap: the only copy of it.
struct BitmapFile
{
    std::string path;
    DevicePtr device;
    bool unflushed = false;
};

struct ArrayState
{
    ArrayState(AssemblyPlan thePlan, MemberAccess theAccess);

    AssemblyPlan plan; // what it was assembled by
    MemberAccess access;
    WriteMode mode{};
    std::string name;
    std::shared_ptr<const Superblock> reference; // the freshest: speaks for the array
    Sectors arraySize;

    std::vector<ArrayMember> members;
    std::optional<LiveBitmap> bitmap; // none when read-only
    std::optional<BitmapFile> bitmapFile;
    std::uint64_t events = 0;
    Sectors resyncOffset;        // kMaxSector: complete
    bool superblocksDue = false; // something above is not in the superblocks yet
    bool isStopped = false;
    std::optional<Error> failure; // metadata may be half-written: nothing more is written after it
    std::uint64_t writtenBytes = 0;

    ArrayMember* member(const std::string& path); // null: none of ours
    const ArrayMember* member(const std::string& path) const;
    std::size_t inSyncCount() const;
    bool isDegraded() const { return inSyncCount() < reference->raidDisks; }
    bool hasInternalBitmap() const { return bitmap && !bitmapFile; }
    std::optional<int> vacantRole() const;
    bool resyncDue() const { return resyncOffset != kMaxSector && inSyncCount() > 1; }
    bool hasRebuilding() const;
    const ArrayMember* idleSpare() const; // one that could take a vacant role
    bool recoveryDue() const;

    // In-sync members in the order in which copies are trusted: lowest role first, write-mostly
    // ones last.
    std::vector<ArrayMember*> copies();

    // OK when a job may write.
    Result<void> writable() const;

    // OK when this kind of array is one that we write to at all.
    Result<void> supportsWriting() const;

    // For other threads. publish() makes what is above visible to them.
    struct Reader
    {
        SourcePtr source;
        std::uint64_t dataStart = 0; // bytes
    };
    using Readers = std::shared_ptr<const std::vector<Reader>>;
    Readers readers() const;
    ArraySnapshot published() const;
    void publish();
    LiveFrames frames;

private:
    mutable std::mutex m_mutex; // guards the two below
    Readers m_readers;
    ArraySnapshot m_snapshot;
};

// assemble() for members that are reached in another way: `access` instead of paths and overlays.
Result<std::unique_ptr<Array>> assembleFrom(const AssemblyPlan& plan, MemberAccess access);

} // namespace bitmend
