// SPDX-License-Identifier: Apache-2.0
// What there is to say about an array as a whole, as codes with facts; ui/words words them.
#pragma once

#include <cstdint>
#include <string>

namespace bitmend {

// What the verdict and the plan have to say, in the order of importance. Facts as named in the
// comments.
enum class RemarkCode : std::uint8_t {
    AllWell,
    PowerLostResyncBitmap, // number = chunks due, other = chunks
    PowerLostResyncAll,    // dirty, no usable bitmap
    PowerLostNothingDue,   // dirty, the bitmap says no chunk is due
    DirtyOnlyOneCopy,      // level 1, one member in sync: md drops the dirty flag
    Degraded,              // number = members missing, other = more losses it stands
    VacantSlot,            // number = role
    SpareReady,            // where = the spare
    RecoveryWillContinue,  // where = member, number = recovery_offset, other = component sectors
    MemberReplaced, // where = the replacement, number = recovery_offset, other = component sectors
    RecoveryByBitmap,        // where = member, number = chunks due
    ResyncWillContinue,      // number = resync_offset
    BitsIgnoredBecauseClean, // number = set bits that no resync will copy
    BitmapStaleAllDirty,     // where
    BitmapRefused,           // where; the kernel does not start it
    BitmapsDiffer,           // number = chunks in which the members' copies differ
    BitmapFromMember,        // where = whose copy counts
    TooFewMembers,           // number = in sync, other = needed
    DirtyAndDegraded,        // parity: needs force
    StaleWouldDo,         // where = member that would have to be accepted, number = events behind,
                          // other = seconds; one remark each, freshest first
    DirtyWouldFollow,     // and then that it is dirty and degraded as well
    AcceptedStale,        // where, number = events behind, other = chunks it may have missed or
                          // kAnywhere
    AcceptedDirty,        // number = chunks whose parity cannot be trusted, or kAnywhere
    ResyncAfterForce,     // number = chunks due, other = chunks; 0 of 0 without a bitmap
    CopiesOfTwoAges,      // levels 1 and 10: a newer and an older copy are both in sync
    AcceptanceNotNeeded,  // where
    SplitBrain,           // where, number = events there, other = events of the other half
    SameRoleTwice,        // where, number = role
    FreshestInconsistent, // where
    ReshapeUnderway,      // number = position
    JournalArray,         // where = the journal
    JournalMissing,       // number = members missing besides
    ClusteredBitmap,
    LocklessBitmap,
    UnknownLevel,    // number
    GeometryRefused, // chunk, layout or number of slots that no kernel runs
    PplClean,
    PplTorn, // dirty; number = members missing
    Raid0LayoutUnknown,
    ComponentTooLarge,
    Raid0BitmapPanics,   // do not hand this to kernel 6.1
    BadBlocksListed,     // number = sectors of members, other = those that no other member gives
    LogicalBlockSizeSet, // newer kernels' field in the padding
    KernelWouldStart,    // where ours is stricter: the kernel would go on
};

inline constexpr std::uint64_t kAnywhere = ~std::uint64_t{0};

struct Remark
{
    RemarkCode code{};
    std::uint64_t number = 0;
    std::uint64_t other = 0;
    std::string where;
};

} // namespace bitmend
