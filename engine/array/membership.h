// SPDX-License-Identifier: Apache-2.0
// Taking members out of an array and back in: what mdadm calls fail, remove and re-add. Each edits
// what the members have stored as the kernel would; a clean stop follows, or more work.
#pragma once

#include "engine/array/hot_add.h"

namespace bitmend {

struct MembershipOutcome
{
    std::string path;
    std::uint64_t events = 0;
    std::uint64_t writtenBytes = 0;
};

// The others' superblocks call it faulty; its own is never written again, which is how md knows it.
// NotAMember, NotEnoughMembers for the last copy.
Result<MembershipOutcome> failMember(Array& array, const std::string& path);

// The others forget a failed member or an idle spare. NotAMember; MemberActive when it has a slot.
Result<MembershipOutcome> removeMember(Array& array, const std::string& path);

// A member that was in sync once comes back, and only what was written meanwhile is copied: with a
// bitmap when nothing was cleared in it since (events >= events_cleared), without one when nothing
// was written at all. Its own superblock says who it was.
struct ReAddPlan
{
    std::string path;
    std::uint32_t devNumber = 0;
    int role = -1;
    bool byBitmap = false; // else it is in sync at once
    std::uint64_t bitmapPages = 0;
    SyncEstimate recovery;
    std::vector<PlannedWrite> writes;
};

// CannotReAdd with its events and those it would need; NotAMember, NoVacantSlot, MemberTooSmall,
// MemberActive. Writes nothing, also on an array that is only read.
Result<ReAddPlan> planReAdd(const Array& array, const std::string& path);

// After it, recovery is due if anything has to be copied.
Result<HotAddOutcome> reAdd(Array& array, const ReAddPlan& plan);

} // namespace bitmend
