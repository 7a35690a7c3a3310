// SPDX-License-Identifier: Apache-2.0
// Force, member by member: what a person accepts although md would not start with it, what that
// means for the data, and what `mdadm --force` would do instead. Values only.
//
// A member that fell behind is taken only while the array cannot start without it (dirty as it is,
// if that is not accepted as well), freshest first, with those that are exactly as old. One that is
// not needed stays out: it holds nothing that the others have not, only older, and a resync could
// copy that over the newer.
//
// The state that an array is left in is the one from which the kernel overwrites nothing that may
// be newer:
//   levels 4, 5, 6, all members there  dirty; what may be torn is set in the bitmap. A resync makes
//                                      the parity of those rows anew and changes no data.
//   levels 4, 5, 6, a member missing   clean, for md starts no other. The bits stay set while it is
//                                      degraded; with nothing to compare, nothing can be resynced.
//   levels 1, 10                       as it was, but clean where a block of an accepted member has
//                                      a newer copy: a resync takes the first copy, whichever it
//                                      is. The bits stay; check shows what differs.
#pragma once

#include "engine/base/units.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bitmend {

// This member takes this slot, whatever its own table or the newest one says.
struct GivenRole
{
    std::string path;
    int role = -1;
};

// Where rows or copies may not agree, in the addresses that the bitmap has: of the members, for
// levels 1 to 6; of the array for level 10.
struct TornChunks
{
    bool anywhere = false; // no bitmap tells, or none that reaches back far enough
    std::uint64_t chunks = 0;
    std::vector<SectorRange> ranges; // ascending, not touching; empty when it may be anywhere
};

struct AcceptedMember
{
    std::string path;
    int role = -1;
    std::uint64_t behind = 0;  // events
    std::uint64_t seconds = 0; // 0: unknown
    TornChunks torn;           // what it may have missed
};

// What mdadm --assemble --force would change before it hands the members to the kernel.
struct ForcedByMdadm
{
    struct Raised
    {
        std::string path;
        std::uint64_t from = 0;
        std::uint64_t to = 0;
    };
    std::vector<Raised> raised; // their event counts, and nothing else
    std::string markedClean;    // resync_offset, in this member's superblock only; empty: nowhere
    bool starts = false;        // and the kernel starts it then
};

// One field of one superblock, before and after.
struct FieldChange
{
    std::string path;
    std::uint64_t offset = 0; // bytes from the beginning of the member
    std::uint64_t length = 0;
    std::string field; // md's own name, "dev_roles[3]"
    std::string before;
    std::string after; // empty: known only when it is written (utime, sb_csum)
};

struct Force
{
    std::vector<AcceptedMember> accepted; // freshest first
    std::vector<GivenRole> roles;         // those that were given and made a difference
    bool dirtyDegraded = false;           // accepted, and it was in the way
    TornChunks hole;                      // then: rows whose parity cannot be trusted
    bool resyncs = false;                 // it is left dirty, so that a resync follows
    bool copiesOfTwoAges = false;         // a newer and an older copy of the same block are in sync
    ForcedByMdadm mdadm;
    std::vector<FieldChange> changes; // of the superblocks, by the first update
};

} // namespace bitmend
