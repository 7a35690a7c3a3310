// SPDX-License-Identifier: Apache-2.0
// Why a member is in the state it is in. The state's word stands beside it, so these say the rest.
#include "ui/phrase.h"

namespace bitmend {

namespace {

Phrase eventsBehind(const Member& member, const std::string& freshest)
{
    const auto& reason = member.reason;
    const std::string behind = grouped(reason.number);
    // A clock that ran backwards gives no span worth telling.
    if (member.updateTime <= 0 || reason.other == 0 || reason.other >> 62 != 0) {
        return phrase("%1 events behind %2: it was not there for the last changes, so what was "
                      "written then is not on it.",
            behind, freshest);
    }
    return phrase("%1 events behind %2: it left at about %3, %4 before the last update of %2. What "
                  "was written after that is not on it.",
        behind, freshest, utcText(member.updateTime), duration(reason.other));
}

Phrase acceptedStale(const Reason& reason, const std::string& freshest)
{
    if (reason.other == 0 || reason.other >> 62 != 0) {
        return phrase("Taken by your choice, although it is %1 events behind %2.",
            grouped(reason.number), freshest);
    }
    return phrase("Taken by your choice, although it is %1 events and %3 behind %2.",
        grouped(reason.number), freshest, duration(reason.other));
}

Phrase recoveryUnderway(const Reason& reason)
{
    return phrase("It was being rebuilt and holds valid data for the first %1 of %2; recovery goes "
                  "on from there.",
        iecSize(Sectors{reason.number}.bytes()), iecSize(Sectors{reason.other}.bytes()));
}

} // namespace

Phrase reasonOf(const Member& member)
{
    const auto& reason = member.reason;
    const std::string number = grouped(reason.number);
    const std::string other = shortName(reason.where);

    switch (reason.code) {
    case ReasonCode::None:
        return phrase("It has every change.");
    case ReasonCode::OneEventBehind:
        return phrase("One event behind, as after a power cut between two superblock writes; md "
                      "accepts that.");
    case ReasonCode::EventsBehind:
        return eventsBehind(member, other);
    case ReasonCode::RecordedFaulty:
        if (reason.where.empty() || reason.where == member.path)
            return phrase("Its own superblock records it as failed.");
        return phrase("%1 records it as failed; it may miss what was written since.", other);
    case ReasonCode::NotInTable:
        return phrase("%1, the freshest member, has no slot for it.",
            other.empty() ? "The reference" : other);
    case ReasonCode::IdleSpare:
        return phrase("It holds no data yet and is ready to take the place of a member.");
    case ReasonCode::RecoveryUnderway:
        return recoveryUnderway(reason);
    case ReasonCode::RecoveryByBitmap:
        return phrase("It was away and is being brought up to date; only chunks set in the bitmap "
                      "are copied onto it.");
    case ReasonCode::ReplacesRole:
        return phrase("It is being filled to replace the member in slot %1.", number);
    case ReasonCode::JournalDevice:
        return phrase("It holds the array's write journal and no data of its own.");
    case ReasonCode::NeverSeen:
        return phrase("None of the sources is the member of slot %1. Open its image or disk as "
                      "well.",
            number);
    case ReasonCode::WasRemoved:
        return phrase("The array records this slot as vacant: its member failed or was removed.");
    case ReasonCode::SuperblockRefused:
        return phrase("Its superblock is not usable; the list of problems says why.");
    case ReasonCode::LevelDiffers:
        return phrase("It names another RAID level than %1, so it cannot be of this array as it "
                      "is now.",
            other);
    case ReasonCode::LayoutDiffers:
        return phrase("It names another layout than %1, so it cannot be of this array as it is "
                      "now.",
            other);
    case ReasonCode::ChunkDiffers:
        return phrase("It names another chunk size than %1, so it cannot be of this array as it "
                      "is now.",
            other);
    case ReasonCode::FixedFieldsDiffer:
        return phrase("Word %1 of its superblock differs from %2 where all members must be equal.",
            number, other);
    case ReasonCode::SameRoleTwice:
        return phrase("%1 claims the same slot.", other);
    case ReasonCode::SameDevNumber:
        return phrase("%1 has the same device number.", other);
    case ReasonCode::SameDeviceUuid:
        return phrase("It is a copy of the same member as %1.", other);
    case ReasonCode::SplitBrain:
        return phrase(
            "It and %1 each went on without the other and call each other missing.", other);
    case ReasonCode::RoleBeyondArray:
        return phrase("It claims slot %1, which this array does not have.", number);
    case ReasonCode::AcceptedStale:
        return acceptedStale(reason, other);
    case ReasonCode::AcceptanceNotNeeded:
        return phrase(
            "%1 events behind %2. You accepted it, but the array starts without it, so its "
            "old data stays out.",
            number, other);
    case ReasonCode::AcceptanceImpossible:
        return phrase(
            "%1 events behind %2. You accepted it, but its slot is taken, or it was being "
            "rebuilt itself and was never complete.",
            number, other);
    case ReasonCode::RoleGiven:
        return phrase(
            "You gave it slot %1; its own superblock or the newest one says otherwise.", number);
    case ReasonCode::OtherSuperblockCounts:
        return phrase("The same source carries a superblock of version %1, which is the likelier "
                      "one; this one was left behind by an older array.",
            reason.where);
    case ReasonCode::ChosenAgainst:
        return phrase("You left it out.");
    }
    return {};
}

std::optional<Phrase> badBlocksOf(const Member& member)
{
    // What is left out is not read at all.
    if (member.badBlocks.empty() || member.role < 0)
        return {};
    Sectors all;
    for (const auto& range : member.badBlocks)
        all = all + range.length();
    const std::string first = std::to_string(member.badBlocks.front().begin.count);
    if (member.badBlocks.size() == 1) {
        return phrase("Its log lists one bad block: %1 from sector %2 on. What belongs there comes "
                      "from the other members.",
            iecSize(all.bytes()), first);
    }
    return phrase("Its log lists %1 bad blocks, %2 in all, the first at sector %3. What belongs "
                  "there comes from the other members.",
        grouped(member.badBlocks.size()), iecSize(all.bytes()), first);
}

} // namespace bitmend
