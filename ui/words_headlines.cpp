// SPDX-License-Identifier: Apache-2.0
// The verdict's first line: what is wrong, in one short sentence that needs no further reading.
#include "ui/phrase.h"

#include <algorithm>

namespace bitmend {

namespace {

std::int64_t inSync(const ArrayReport& array)
{
    return std::ranges::count(array.members, MemberState::InSync, &Member::state);
}

Phrase allWell(const ArrayReport& array)
{
    if (array.geometry.raidDisks == 1)
        return phrase("Its one member is in sync.");
    if (array.geometry.raidDisks == 2)
        return phrase("Both members are in sync.");
    return phrase("All %1 members are in sync.", std::to_string(array.geometry.raidDisks));
}

Phrase powerLost(const ArrayReport& array)
{
    if (inSync(array) == 2)
        return phrase("Power was lost while both members were being written.");
    return phrase("Power was lost while the members were being written.");
}

Phrase degraded(const ArrayReport& array, std::uint64_t missing)
{
    if (missing == 1 && array.geometry.raidDisks == 2)
        return phrase("One of two members is missing.");
    return phrase(
        "Missing: %1 of %2 members.", grouped(missing), std::to_string(array.geometry.raidDisks));
}

} // namespace

Phrase headline(const ArrayReport& array)
{
    if (array.remarks.empty())
        return phrase("Nothing is known about the state of this array.");

    const Remark& remark = array.remarks.front();
    switch (remark.code) {
    case RemarkCode::AllWell:
        return allWell(array);
    case RemarkCode::PowerLostResyncBitmap:
    case RemarkCode::PowerLostResyncAll:
        return powerLost(array);
    case RemarkCode::BadBlocksListed:
        return remark.other == 0 ? phrase("Some sectors of members are known to be bad.")
                                 : phrase("Some of the data is on bad blocks and lost.");
    case RemarkCode::PowerLostNothingDue:
        return phrase("Power was lost, but no write was under way.");
    case RemarkCode::DirtyOnlyOneCopy:
        return phrase("Power was lost, and one copy is left.");
    case RemarkCode::Degraded:
        return degraded(array, remark.number);
    case RemarkCode::VacantSlot:
        return phrase("Slot %1 has no member.", grouped(remark.number));
    case RemarkCode::SpareReady:
        return phrase("A spare is ready to take the place of a missing member.");
    case RemarkCode::MemberReplaced:
        return phrase("A member is being replaced.");
    case RemarkCode::RecoveryWillContinue:
        return phrase("Rebuilding a member was interrupted.");
    case RemarkCode::RecoveryByBitmap:
        return phrase("A member came back and is not up to date yet.");
    case RemarkCode::ResyncWillContinue:
        return phrase("A resync was interrupted.");
    case RemarkCode::BitsIgnoredBecauseClean:
        return phrase("The array was stopped cleanly with bits left in its bitmap.");
    case RemarkCode::BitmapStaleAllDirty:
        return phrase("The bitmap is out of date.");
    case RemarkCode::BitmapRefused:
        return phrase("The bitmap is damaged, and md does not start the array with it.");
    case RemarkCode::BitmapsDiffer:
        return phrase("The members' bitmaps disagree.");
    case RemarkCode::BitmapFromMember:
        return phrase("The bitmap of one member speaks for all.");
    case RemarkCode::TooFewMembers:
        return phrase("There are too few members here to start the array.");
    case RemarkCode::DirtyAndDegraded:
        return phrase("Power was lost and a member is missing.");
    case RemarkCode::StaleWouldDo:
        return phrase("A member that fell behind would be enough to start it.");
    case RemarkCode::DirtyWouldFollow:
        return phrase("Power was lost as well.");
    case RemarkCode::AcceptedStale:
        return phrase("It starts with a member that fell behind.");
    case RemarkCode::AcceptedDirty:
        return phrase("It starts although power was lost and a member is missing.");
    case RemarkCode::ResyncAfterForce:
        return phrase("The members may not agree.");
    case RemarkCode::CopiesOfTwoAges:
        return phrase("Some blocks have a newer and an older copy.");
    case RemarkCode::AcceptanceNotNeeded:
        return phrase("The array starts without the member that you accepted.");
    case RemarkCode::SplitBrain:
        return phrase("The members went separate ways.");
    case RemarkCode::SameRoleTwice:
        return phrase("Two members claim the same slot.");
    case RemarkCode::FreshestInconsistent:
        return phrase("The newest member contradicts itself.");
    case RemarkCode::ReshapeUnderway:
        return phrase("The array was being reshaped.");
    case RemarkCode::JournalArray:
        return phrase("The array uses a write journal.");
    case RemarkCode::JournalMissing:
        return phrase("The array's write journal is missing.");
    case RemarkCode::ClusteredBitmap:
        return phrase("The array belongs to a cluster.");
    case RemarkCode::LocklessBitmap:
        return phrase("The bitmap is of a newer kind.");
    case RemarkCode::UnknownLevel:
        return phrase("The RAID level is not known.");
    case RemarkCode::GeometryRefused:
        return phrase("The array's shape is one that no kernel runs.");
    case RemarkCode::PplClean:
        return phrase("The array keeps a log of partial parity.");
    case RemarkCode::PplTorn:
        return phrase("Power was lost, and a log of partial parity is to be replayed.");
    case RemarkCode::Raid0LayoutUnknown:
        return phrase("Nothing says which of two RAID 0 layouts this is.");
    case RemarkCode::ComponentTooLarge:
        return phrase("The array claims more of its members than they have.");
    case RemarkCode::Raid0BitmapPanics:
        return phrase("This array crashes some kernels.");
    case RemarkCode::LogicalBlockSizeSet:
        return phrase("A newer kernel made this array.");
    case RemarkCode::KernelWouldStart:
        return phrase("The kernel would start this array; Bitmend does not.");
    }
    return {};
}

namespace {

// What starting the array would cost or leave means nothing while it does not start.
bool speaksOfStarting(RemarkCode code)
{
    switch (code) {
    case RemarkCode::PowerLostResyncBitmap:
    case RemarkCode::PowerLostResyncAll:
    case RemarkCode::PowerLostNothingDue:
    case RemarkCode::DirtyOnlyOneCopy:
    case RemarkCode::Degraded:
    case RemarkCode::VacantSlot:
    case RemarkCode::SpareReady:
    case RemarkCode::MemberReplaced:
    case RemarkCode::RecoveryWillContinue:
    case RemarkCode::RecoveryByBitmap:
    case RemarkCode::ResyncWillContinue:
    case RemarkCode::AcceptedStale:
    case RemarkCode::AcceptedDirty:
    case RemarkCode::ResyncAfterForce:
    case RemarkCode::CopiesOfTwoAges:
        return true;
    default:
        return false;
    }
}

} // namespace

bool isWorthSaying(const Remark& remark, const ArrayReport& array)
{
    if (&remark == &array.remarks.front())
        return true;
    if (!array.canStart && speaksOfStarting(remark.code))
        return false;
    // Where the copies differ, that sentence names the one that counts.
    return remark.code != RemarkCode::BitmapFromMember ||
           std::ranges::count(array.remarks, RemarkCode::BitmapsDiffer, &Remark::code) == 0;
}

std::vector<Phrase> explanation(const ArrayReport& array)
{
    std::vector<Phrase> phrases;
    phrases.reserve(array.remarks.size());
    for (const auto& remark : array.remarks) {
        if (isWorthSaying(remark, array))
            phrases.push_back(sentence(remark, array));
    }
    return phrases;
}

} // namespace bitmend
