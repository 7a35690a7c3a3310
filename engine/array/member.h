// SPDX-License-Identifier: Apache-2.0
// What assembly makes of one member: its state, and the reason as a code with facts.
#pragma once

#include "engine/metadata/bad_block_log.h"
#include "engine/metadata/superblock.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace bitmend {

enum class MemberState : std::uint8_t {
    InSync,
    Rebuilding, // has a role, is valid only below its recovery_offset
    Spare,
    Faulty,  // recorded as failed
    Stale,   // events too far behind
    Missing, // a role nobody here fills
    Journal,
    Replacement,
    Foreign,   // carries this array's UUID but cannot belong (level, layout, chunk or split half
               // differ)
    Damaged,   // superblock refused
    Duplicate, // a second copy of a member that is already there
};

enum class ReasonCode : std::uint8_t {
    None,           // in sync, at the newest event count
    OneEventBehind, // tolerated by the kernel; number = behind
    EventsBehind,   // number = behind, other = seconds between the updates, where = freshest
    RecordedFaulty, // by the freshest member (where), or by itself
    NotInTable,     // the freshest member's table gives it no role
    IdleSpare,
    RecoveryUnderway, // number = recovery_offset, other = component sectors
    RecoveryByBitmap, // the same, guided by the bitmap
    ReplacesRole,     // number = role
    JournalDevice,
    NeverSeen,         // missing: no source has this role; number = role
    WasRemoved,        // missing, and the freshest table says the slot is vacant
    SuperblockRefused, // the problems say why
    LevelDiffers,
    LayoutDiffers,
    ChunkDiffers,
    FixedFieldsDiffer,     // 0.90: one of the first 32 words, number = word
    SameRoleTwice,         // where = the other one
    SameDevNumber,         // where = the other one
    SameDeviceUuid,        // a copy; where = the other one
    SplitBrain,            // it and `where` each call the other missing
    RoleBeyondArray,       // number = role
    ChosenAgainst,         // left out by the user's choice
    AcceptedStale,         // in sync by a person's choice; facts as EventsBehind
    AcceptanceNotNeeded,   // accepted, but the array starts without it; facts as EventsBehind
    AcceptanceImpossible,  // accepted, but it was being rebuilt itself, or its slot is taken
    RoleGiven,             // by a person; number = role
    OtherSuperblockCounts, // the same source carries a likelier superblock; where = its version
};

struct Reason
{
    ReasonCode code = ReasonCode::None;
    std::uint64_t number = 0;
    std::uint64_t other = 0;
    std::string where; // a member's path
};

struct Member
{
    std::string path; // the source's name; empty when missing
    int role = -1;    // -1: none
    int devNumber = -1;
    Uuid deviceUuid;
    MemberState state = MemberState::Missing;
    Reason reason;
    bool isFreshest = false;
    bool writeMostly = false;
    std::uint64_t events = 0;
    std::int64_t updateTime = 0; // seconds since the epoch, 0 = unknown

    // Null when missing. Shared and immutable.
    std::shared_ptr<const Superblock> superblock;
    std::vector<Problem> problems;
    std::shared_ptr<const BitmapCopy> bitmap; // its own copy; null when it has none
    BadBlocks badBlocks;                      // that its log lists
    bool bitmapIsEvidence = false; // false for idle spares, stale and rebuilding members' copies

    // In sync by a person's choice: it may have missed what the others have.
    bool isAccepted() const
    {
        return !isFreshest &&
               (reason.code == ReasonCode::AcceptedStale || reason.code == ReasonCode::RoleGiven);
    }
};

} // namespace bitmend
