// SPDX-License-Identifier: Apache-2.0
// What a remark on an array means for the data, and what the safe next step costs. Costs come from
// the bitmap where there is one.
#include "ui/phrase.h"

#include <algorithm>

namespace bitmend {

namespace {

std::string sectors(std::uint64_t count) { return iecSize(Sectors{count}.bytes()); }

Phrase resyncByBitmap(const Remark& remark, const ArrayReport& array)
{
    const auto due = grouped(remark.number);
    const auto chunks = grouped(remark.other);
    const auto& cost = array.resync;
    if (remark.number >= remark.other) {
        return phrase("All %1 bitmap chunks may differ. Resync reads %2 and writes at most %3.",
            chunks, iecSize(cost.readBytes), iecSize(cost.writeBytes));
    }
    return phrase("%1 of %2 bitmap chunks may differ. Resync reads %3 and writes at most %4, not "
                  "%5. According to the bitmap everything else is the same; a check proves it.",
        due, chunks, iecSize(cost.readBytes), iecSize(cost.writeBytes),
        iecSize(array.arraySize.bytes()));
}

Phrase resyncAll(const ArrayReport& array)
{
    return phrase("No usable bitmap says where, so any part of the members may differ. Resync "
                  "reads %1 and writes at most %2.",
        iecSize(array.resync.readBytes), iecSize(array.resync.writeBytes));
}

Phrase oneCopyLeft(const ArrayReport& array)
{
    const auto member = std::ranges::find(array.members, MemberState::InSync, &Member::state);
    const auto name = member == array.members.end() ? array.name : nameIn(array, member->path);
    return phrase("%1 is the only copy in sync, so there is nothing it could differ from and "
                  "nothing to resync. What was being written at that moment may be old or new on "
                  "it.",
        name);
}

Phrase degraded(const Remark& remark, const ArrayReport& array)
{
    if (remark.other == 0) {
        return phrase("All data can be read, but one more loss would make data unreadable. Add a "
                      "spare: recovery copies %1 onto it.",
            iecSize(array.geometry.componentSize.bytes()));
    }
    if (remark.other == 1) {
        return phrase("All data can be read, and the array stands one more loss. Add a spare: "
                      "recovery copies %1 onto it.",
            iecSize(array.geometry.componentSize.bytes()));
    }
    return phrase("All data can be read, and the array stands %1 more losses. Add a spare: "
                  "recovery copies %2 onto it.",
        grouped(remark.other), iecSize(array.geometry.componentSize.bytes()));
}

Phrase recoveryGoesOn(const Remark& remark, const ArrayReport& array)
{
    const auto left = remark.other > remark.number ? remark.other - remark.number : 0;
    return phrase("%1 is rebuilt up to %2 of %3. Recovery goes on from there and writes %4 to it.",
        nameIn(array, remark.where), sectors(remark.number), sectors(remark.other), sectors(left));
}

Phrase bitsIgnored(const Remark& remark)
{
    if (remark.number == 1) {
        return phrase("One chunk is set in the bitmap, but the array was stopped cleanly, so md "
                      "copies nothing for it. A difference there, if there is one, stays; a check "
                      "finds it.");
    }
    return phrase("%1 chunks are set in the bitmap, but the array was stopped cleanly, so md "
                  "copies nothing for them. Differences there, if there are any, stay; a check "
                  "finds them.",
        grouped(remark.number));
}

Phrase bitmapsDiffer(const Remark& remark, const ArrayReport& array)
{
    const auto counts = array.bitmap ? nameIn(array, array.bitmap->from) : array.name;
    if (remark.number == 1) {
        return phrase("The members' copies of the bitmap differ in one chunk. The copy on %1 "
                      "counts, as it does for the kernel.",
            counts);
    }
    return phrase("The members' copies of the bitmap differ in %1 chunks. The copy on %2 counts, "
                  "as it does for the kernel.",
        grouped(remark.number), counts);
}

Phrase badBlocks(const Remark& remark)
{
    const auto all = iecSize(Sectors{remark.number}.bytes());
    if (remark.other == 0) {
        return phrase("Members list %1 of what they hold as bad blocks. The others give all of it; "
                      "a repair writes it anew.",
            all);
    }
    return phrase("Members list %1 of what they hold as bad blocks, and the others do not give %2 "
                  "of it: reading that fails until it is written over.",
        all, iecSize(Sectors{remark.other}.bytes()));
}

Phrase nothingDue(const ArrayReport& array)
{
    if (!array.bitmap)
        return phrase("No write was unfinished. Resync copies nothing and marks the array clean.");
    return phrase("None of the %1 bitmap chunks is set: resync copies nothing and marks the array "
                  "clean. According to the bitmap the members are the same; a check proves it.",
        grouped(array.bitmap->chunks));
}

} // namespace

std::string nameIn(const ArrayReport& array, const std::string& path)
{
    const auto name = shortName(path);
    const bool shared = std::ranges::any_of(array.members, [&](const Member& member) {
        return member.path != path && shortName(member.path) == name;
    });
    return shared ? path : name;
}

Phrase sentence(const Remark& remark, const ArrayReport& array)
{
    const std::string number = grouped(remark.number);
    const std::string other = grouped(remark.other);
    const std::string where = nameIn(array, remark.where);

    switch (remark.code) {
    case RemarkCode::AllWell:
        return phrase("The array was stopped cleanly, and nothing has to be done. Its data can be "
                      "read as it is.");
    case RemarkCode::PowerLostResyncBitmap:
        return resyncByBitmap(remark, array);
    case RemarkCode::PowerLostResyncAll:
        return resyncAll(array);
    case RemarkCode::PowerLostNothingDue:
        return nothingDue(array);
    case RemarkCode::DirtyOnlyOneCopy:
        return oneCopyLeft(array);
    case RemarkCode::Degraded:
        return degraded(remark, array);
    case RemarkCode::VacantSlot:
        return phrase("Slot %1 is vacant; a spare with room for %2 can take it.", number,
            iecSize(array.geometry.componentSize.bytes()));
    case RemarkCode::SpareReady:
        return phrase("%1 is a spare and can take a vacant slot: recovery copies %2 onto it.",
            where, iecSize(array.geometry.componentSize.bytes()));
    case RemarkCode::MemberReplaced:
        return phrase(
            "%1 is the copy of the member in its slot up to %2 of %3, and takes its place when it "
            "has all.",
            where, sectors(remark.number), sectors(remark.other));
    case RemarkCode::RecoveryWillContinue:
        return recoveryGoesOn(remark, array);
    case RemarkCode::RecoveryByBitmap:
        return phrase("%1 was away for a while. Only the %2 chunks set in the bitmap are copied "
                      "onto it, not all of it.",
            where, number);
    case RemarkCode::ResyncWillContinue:
        return phrase("The resync had come to %1 and goes on from there.", sectors(remark.number));
    case RemarkCode::BitsIgnoredBecauseClean:
        return bitsIgnored(remark);
    case RemarkCode::BitmapStaleAllDirty:
        return phrase("The bitmap of %1 is older than its superblock: something wrote to the array "
                      "without keeping the bitmap. Every chunk counts as dirty.",
            where);
    case RemarkCode::BitmapRefused:
        return phrase("The bitmap of %1 is not one that md accepts. Nothing was changed. Look at "
                      "its problems, or leave this member out and plan again.",
            where);
    case RemarkCode::BitmapsDiffer:
        return bitmapsDiffer(remark, array);
    case RemarkCode::BitmapFromMember:
        return phrase("The bitmap is taken from %1.", where);
    case RemarkCode::TooFewMembers:
        return tooFew(array);
    case RemarkCode::DirtyAndDegraded:
        return dirtyAndDegraded(array);
    case RemarkCode::StaleWouldDo:
    case RemarkCode::DirtyWouldFollow:
    case RemarkCode::AcceptedStale:
    case RemarkCode::AcceptedDirty:
    case RemarkCode::ResyncAfterForce:
    case RemarkCode::CopiesOfTwoAges:
    case RemarkCode::AcceptanceNotNeeded:
        return forceSentence(remark, array);
    case RemarkCode::SplitBrain:
        return phrase("%1 (events %2) and the other half (events %3) were each written without the "
                      "other and call each other missing. They now hold different data. Say which "
                      "half counts: leave the other one out and plan again.",
            where, number, other);
    case RemarkCode::SameRoleTwice:
        return phrase("%1 claims slot %2, as does another member with the same event count. Only a "
                      "person can say which one is right: leave one of them out and plan again.",
            where, number);
    case RemarkCode::FreshestInconsistent:
        return phrase("%1 has the newest superblock, but it contradicts itself. The kernel would "
                      "go on and could overwrite this member; Bitmend does not. Look at its "
                      "problems, then leave it out or choose another reference.",
            where);
    case RemarkCode::ReshapeUnderway:
    case RemarkCode::JournalArray:
    case RemarkCode::JournalMissing:
    case RemarkCode::PplClean:
    case RemarkCode::PplTorn:
        return limitSentence(remark, array);
    case RemarkCode::ClusteredBitmap:
        return phrase("Each node of the cluster keeps a bitmap of its own. Bitmend shows the first "
                      "one and opens the array to be read, not to be written.");
    case RemarkCode::LocklessBitmap:
        return phrase("Newer kernels write this kind of bitmap (version 6). Bitmend names it and "
                      "does not read it; use such a kernel.");
    case RemarkCode::UnknownLevel:
        return phrase("The superblocks name level %1, which no md kernel has. Bitmend shows the "
                      "fields and does not start the array.",
            std::to_string(std::int64_t(remark.number)));
    case RemarkCode::GeometryRefused:
        return phrase("Its chunk size, layout or number of slots does not go with its RAID level, "
                      "so the kernel does not start it and Bitmend does not either. The problems "
                      "of its members say which field it is.");
    case RemarkCode::Raid0LayoutUnknown:
        return phrase("Members of different sizes can be striped in two ways, and the superblock "
                      "does not say which. The wrong one shows mixed-up data, so nothing is "
                      "started before a person has chosen.");
    case RemarkCode::ComponentTooLarge:
        return phrase("The array uses more of each member than its data area holds. The kernel "
                      "would run past the end; Bitmend does not start it. Check that the images "
                      "are complete.");
    case RemarkCode::Raid0BitmapPanics:
        return phrase("Its superblock announces a bitmap for a level that has none, and kernels "
                      "such as 6.1 crash on that. Do not give these members to one.");
    case RemarkCode::BadBlocksListed:
        return badBlocks(remark);
    case RemarkCode::LogicalBlockSizeSet:
        return phrase("Its superblock records a logical block size. Older kernels refuse it; the "
                      "field is kept as it is.");
    case RemarkCode::KernelWouldStart:
        return phrase("The kernel would start it as it is, and could lose data by doing so.");
    }
    return {};
}

} // namespace bitmend
