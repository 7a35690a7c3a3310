// SPDX-License-Identifier: Apache-2.0
// Giving a degraded array a new member, with the bitmap write-all of the kernel: spare superblock,
// every bitmap page durable on the newcomer, then the role in all superblocks. Recovery (sync)
// follows.
#pragma once

#include "engine/array/snapshot.h"
#include "engine/base/result.h"
#include "engine/io/block_source.h"

#include <filesystem>
#include <string>
#include <vector>

namespace bitmend {

class Array;
struct ArrayState;

struct HotAddPlan
{
    std::string path; // the new member
    std::uint32_t devNumber = 0;
    int role = -1;
    std::string replaces; // the member whose role it is; empty: the slot is vacant
    Sectors dataOffset;
    Sectors dataSize;
    std::uint64_t bitmapPages = 0;
    SyncEstimate recovery;            // what follows
    std::vector<PlannedWrite> writes; // on the newcomer and on the others
};

// A spare that belongs to this array already, idle, is taken as it is. Errors: MemberTooSmall,
// AlreadyMember, NoVacantSlot, Unsupported.
Result<HotAddPlan> planHotAdd(const Array& array, const std::string& path);

// The newcomer is to take the place of a member in sync, which goes when it has all of it; hotAdd()
// runs this as well. Errors, besides: NotAMember, and Unsupported for metadata 0.90, which has no
// word for it, for levels without redundancy, and while another one replaces that member.
Result<HotAddPlan> planReplace(
    const Array& array, const std::string& path, const std::string& original);

struct HotAddOutcome
{
    std::string path;
    int role = -1;
    std::uint64_t pagesWritten = 0;
    std::uint64_t writtenBytes = 0;
    std::uint64_t events = 0;
};

// Opens the newcomer on the array's overlay folder. After it, recovery is due.
Result<HotAddOutcome> hotAdd(Array& array, const HotAddPlan& plan);

// The same for the first idle spare among the members, which the kernel slots by itself.
Result<HotAddOutcome> slotIdleSpare(ArrayState& state);

} // namespace bitmend
