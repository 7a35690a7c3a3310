// SPDX-License-Identifier: Apache-2.0
// A failed call: what happened to which source, what was not changed, what to do next.
#include "ui/phrase.h"
#include "ui/words_mounts.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace bitmend {

namespace {

Phrase cannotWrite(const std::string& where, int sysErrno, const std::string& why)
{
    if (sysErrno == EROFS) {
        return phrase("%1 is read-only here: the device is set so, or its file system is. Nothing "
                      "was changed. Make it writable, or let the writes go to an overlay.",
            where);
    }
    if (sysErrno == EACCES || sysErrno == EPERM) {
        return phrase("You have no permission to write to %1. Nothing was changed. Ask for write "
                      "access to it, or let the writes go to an overlay.",
            where);
    }
    return phrase(
        "%1 cannot be opened to be written: %2. Nothing was changed. Check the device, or "
        "let the writes go to an overlay.",
        where, why);
}

Phrase cannotOpen(const std::string& where, int sysErrno, const std::string& why)
{
    if (sysErrno == ENOENT)
        return phrase("%1 does not exist. Check the path and try again.", where);
    if (sysErrno == EACCES || sysErrno == EPERM) {
        return phrase("You have no permission to read %1. Ask for read access to it and try again; "
                      "write access is not needed.",
            where);
    }
    return phrase(
        "%1 cannot be opened: %2. Check the path and the device, then try again.", where, why);
}

// What was to be written stays due: the bits and offsets on disk say so until it is done.
Phrase cannotBeWritten(const Error& error, const std::string& place, const std::string& why)
{
    if (error.offset < 0) {
        return phrase("%1 answered with an error when its writes were to be made durable: %2. What "
                      "is not known to be on it stays due. Check the disk and what it is connected "
                      "by, or let the writes go to an overlay; the next run carries on.",
            error.where, why);
    }
    return phrase("%1 cannot be written at byte %2: %3. What was to be written there stays due. "
                  "Check the disk and what it is connected by, or let the writes go to an overlay; "
                  "the next run carries on.",
        error.where, place, why);
}

Phrase io(const Error& error, const std::string& place, const std::string& why)
{
    if (error.found == 1)
        return cannotBeWritten(error, place, why);
    if (error.offset < 0) {
        return phrase("%1 answered with an error: %2. Nothing was written because of that. If it "
                      "is a failing disk, make an image of it first and work on the image.",
            error.where, why);
    }
    return phrase("%1 cannot be read at byte %2: %3. Nothing was written in its place. If it is a "
                  "failing disk, make an image of it first and work on the image.",
        error.where, place, why);
}

std::string causeOf(const Error& error)
{
    return error.sysErrno == 0 ? "no cause was given"
                               : std::generic_category().message(error.sysErrno);
}

Phrase damagedSuperblock(const Error& error, const std::string& offset)
{
    if (error.offset < 0) {
        return phrase("The md superblock on %1 cannot be used. Nothing was changed. What is wrong "
                      "with it is listed under the superblock; you can go on without this member.",
            error.where);
    }
    return phrase("The md superblock on %1 at byte %2 cannot be used. Nothing was changed. What is "
                  "wrong with it is listed under the superblock; you can go on without this "
                  "member.",
        error.where, offset);
}

Phrase damagedBitmap(const Error& error, const std::string& offset)
{
    if (error.offset < 0) {
        return phrase("The write-intent bitmap of %1 is not one that md accepts. Nothing was "
                      "changed. Another member's copy or a full resync can take its place.",
            error.where);
    }
    return phrase("The write-intent bitmap on %1 at byte %2 is not one that md accepts. Nothing "
                  "was changed. Another member's copy or a full resync can take its place.",
        error.where, offset);
}

Phrase badGeometry(const Error& error, const std::string& offset)
{
    if (error.found == error.expected) {
        return phrase("The sizes recorded for %1 contradict each other or the device. Nothing was "
                      "changed. Check that the image is complete, or go on without this member.",
            error.where);
    }
    return phrase("The sizes recorded for %1 contradict each other or the device (byte %2: %3, "
                  "where %4 was expected). Nothing was changed. Check that the image is complete, "
                  "or go on without this member.",
        error.where, offset, std::to_string(error.found), std::to_string(error.expected));
}

Phrase notEnoughMembers(const Error& error)
{
    if (error.expected == 0) {
        return phrase("%1 has too few members in sync to start. Nothing was changed. Open the "
                      "missing members' images or disks as well.",
            error.where);
    }
    return phrase("%1 has too few members in sync to start: %2, and it needs %3. Nothing was "
                  "changed. Open the missing members' images or disks as well.",
        error.where, grouped(error.found), grouped(error.expected));
}

Phrase inUse(const Error& error)
{
    if (error.sysErrno == EEXIST) {
        return phrase("%1 exists already and is not written over. Nothing was changed. Name a new "
                      "file.",
            error.where);
    }
    if (error.who.empty()) {
        return phrase("%1 is in use by somebody else. Nothing was changed. Close it there and try "
                      "again.",
            error.where);
    }
    return phrase("%1 is in use by %2. Nothing was changed. Close it there and try again.",
        error.where, error.who);
}

Phrase noSpaceToSave(const Error& error)
{
    if (error.found == 0) {
        return phrase(
            "There is no space left to save in %1 what would be written over. Nothing was "
            "written to the members. Free some space, or name another place, and try "
            "again.",
            error.where);
    }
    return phrase("There is no space left to save in %1 what would be written over next, so it was "
                  "not written. Free some space and run this again; it carries on.",
        error.where);
}

Phrase cannotReAdd(const Error& error)
{
    if (error.found >= error.expected) {
        return phrase("%1 was not in sync when it left the array, so it cannot come back as it is. "
                      "Nothing was changed. Add a blank disk or image in its place.",
            error.where);
    }
    return phrase("%1 left the array at event %2, and what changed is known only from event %3 on, "
                  "so it cannot come back as it is. Nothing was changed. Add a blank disk or image "
                  "in its place.",
        error.where, std::to_string(error.found), std::to_string(error.expected));
}

Phrase noRoomForBitmap(const Error& error)
{
    return phrase(
        "%1 has no room for such a bitmap: %2 are free where it would go, and %3 are "
        "needed. Nothing was changed. Choose larger chunks, or keep the bitmap in a file.",
        error.where, iecSize(error.found), iecSize(error.expected));
}

} // namespace

Phrase sentence(const Error& error)
{
    const std::string& where = error.where;
    const std::string offset = std::to_string(error.offset);
    const std::string why = causeOf(error);

    switch (error.code) {
    case ErrorCode::Cancelled:
        return phrase("Stopped on request. What was done so far is recorded; the next run carries "
                      "on from there.");
    case ErrorCode::Io:
        return io(error, offset, why);
    case ErrorCode::KnownBadBlock:
        return phrase("%1 lists the place at byte %2 as a bad block, and no other member gives it. "
                      "What was there is lost unless an older copy has it; writing to it makes it "
                      "good again.",
            where, offset);
    case ErrorCode::ShortRead:
        return phrase("%1 ends before byte %2 is complete: it is cut short. Nothing was changed. "
                      "Get a complete copy of it, or go on without it.",
            where, offset);
    case ErrorCode::CannotOpen:
        return error.found == 1 ? cannotWrite(where, error.sysErrno, why)
                                : cannotOpen(where, error.sysErrno, why);
    case ErrorCode::NotAStorage:
        return phrase("%1 is neither a file, a folder nor a block device. Name a disk image, a "
                      "folder of images or a disk.",
            where);
    case ErrorCode::Vanished:
        return phrase("%1 disappeared while it was being read. The other sources were read; bring "
                      "it back and scan again.",
            where);
    case ErrorCode::Empty:
        return phrase("%1 is empty (0 bytes), so it holds no member. Check that it was copied "
                      "completely.",
            where);
    case ErrorCode::PartMissing:
        return phrase(
            "%1, a part of a split image, is missing, so every later byte would be in the "
            "wrong place. Put it beside the other parts and try again.",
            where);
    case ErrorCode::PartSizeDiffers:
        return phrase("%1, a part of a split image, has %2 bytes where the first part has %3: one "
                      "of them was cut short. Copy it again.",
            where, std::to_string(error.found), std::to_string(error.expected));
    case ErrorCode::NoSuchPartition:
        return phrase("%1 does not exist: the partition table has no partition %2 (it has %3). "
                      "Scan the whole image to see its partitions.",
            where, std::to_string(error.found), std::to_string(error.expected));
    case ErrorCode::NoSuperblock:
        return phrase("%1 has no md superblock at any of the fixed places. A deep scan also finds "
                      "one that was left behind elsewhere.",
            where);
    case ErrorCode::BadSuperblock:
        return damagedSuperblock(error, offset);
    case ErrorCode::BadBitmap:
        return damagedBitmap(error, offset);
    case ErrorCode::BadGeometry:
        return badGeometry(error, offset);
    case ErrorCode::NoSuchArray:
        return phrase("No array %1 is among the sources. Check its UUID, or name the sources that "
                      "hold its members.",
            where);
    case ErrorCode::SeveralArrays:
        return phrase("The sources hold more than one array. Name the one you mean by its UUID.");
    case ErrorCode::Unsupported:
        return phrase("Bitmend can show %1 but cannot do this with it. Nothing was changed.",
            where.empty() ? "this array" : where);
    case ErrorCode::NotEnoughMembers:
        return notEnoughMembers(error);
    case ErrorCode::NeedsChoice:
        return phrase("%1 can be put together in more than one way, and only a person can say "
                      "which is right. Nothing was changed. Leave out the members that should not "
                      "count and plan again.",
            where);
    case ErrorCode::ChangedSincePlan:
        return phrase("%1 is not as it was when the plan was made. Nothing was written. Scan "
                      "again and look at the new plan.",
            where);
    case ErrorCode::OutsidePlan:
        return phrase("A write to %1 at byte %2 was stopped because the plan does not list it, and "
                      "nothing was written after that. This is a fault in Bitmend; please report "
                      "it. What was under way is still due.",
            where, offset);
    case ErrorCode::OverlayForeign:
        return phrase("The overlay of %1 was made for other content, or the member has changed "
                      "since. Nothing was written. Use a new overlay folder.",
            where);
    case ErrorCode::OverlayDamaged:
        return phrase("The overlay of %1 is damaged. The member itself is untouched. Start again "
                      "with a new overlay folder.",
            where);
    case ErrorCode::InUse:
        return inUse(error);
    case ErrorCode::Mounted:
        return phrase("%1 is mounted at %2, so it is not written to. Nothing was changed. Unmount "
                      "it and try again.",
            where, error.who);
    case ErrorCode::HeldByDevice:
        return phrase("%1 is part of %2, which this computer has running, so it is not written to. "
                      "Nothing was changed. Stop %2 and try again.",
            where, error.who);
    case ErrorCode::BacksLoop:
        return phrase("%1 is in use as the loop device %2, so it is not written to. Nothing was "
                      "changed. Detach it (losetup -d %2) or work on %2, then try again.",
            where, error.who);
    case ErrorCode::NoSpace:
        return phrase("There is no space left for %1. The members are untouched. Free some space "
                      "and run this again; it carries on.",
            where);
    case ErrorCode::NoSpaceInPlace:
        return phrase("There is no space left for what %1 has to hold. Nothing was written after "
                      "that. Free some space on its file system and run this again; it carries on.",
            where);
    case ErrorCode::NoSpaceToSave:
        return noSpaceToSave(error);
    case ErrorCode::RestoreDamaged:
        return phrase("%1 is no restore file, or it is damaged at byte %2. Nothing was changed. "
                      "Get a good copy of it.",
            where, offset);
    case ErrorCode::RestoreForeign:
        return phrase("%1 is not the member that was saved. Nothing was changed. Put the right "
                      "disk or image in its place and try again.",
            where);
    case ErrorCode::MemberTooSmall:
        return phrase("%1 is too small for this array: it offers %2 (%4 bytes), and %3 (%5 bytes) "
                      "are needed. Nothing was changed. Use a larger disk or image.",
            where, iecSize(error.found), iecSize(error.expected), std::to_string(error.found),
            std::to_string(error.expected));
    case ErrorCode::AlreadyMember:
        return phrase("%1 carries the superblock of an array, so it is not taken for a spare. "
                      "Nothing was changed. Use a blank disk or image.",
            where);
    case ErrorCode::NoVacantSlot:
        return phrase("%1 has a member in every slot, so there is no place for another. Nothing "
                      "was changed.",
            where.empty() ? "The array" : where);
    case ErrorCode::NotAMember:
        return phrase("%1 is not a member of this array. Nothing was changed. Name one of its "
                      "members as the scan lists them.",
            where);
    case ErrorCode::MemberActive:
        return phrase("%1 has its slot in the array. Nothing was changed. To take it out, mark it "
                      "as failed first.",
            where);
    case ErrorCode::CannotReAdd:
        return cannotReAdd(error);
    case ErrorCode::HasBitmap:
        return phrase("%1 has a write-intent bitmap already. Nothing was changed. To give it "
                      "another one, remove this one first.",
            where);
    case ErrorCode::NoBitmap:
        return phrase("%1 has no write-intent bitmap. Nothing was changed.", where);
    case ErrorCode::NoRoomForBitmap:
        return noRoomForBitmap(error);
    case ErrorCode::SyncDue:
        return phrase("A resync or recovery of %1 is due, and while it is, its bitmap stays as it "
                      "is. Nothing was changed. Finish that first.",
            where);
    case ErrorCode::NoFuse:
    case ErrorCode::CannotMount:
    case ErrorCode::FolderInUse:
    case ErrorCode::MountBusy:
    case ErrorCode::CannotUnmount:
    case ErrorCode::ServerLost:
    case ErrorCode::NotMounted:
        return aboutMount(error, why);
    case ErrorCode::NothingToDo:
        return phrase("There is nothing to do: the members agree as far as md records it. Nothing "
                      "was changed.");
    }
    return {};
}

Phrase sentence(const Error& error, const ArrayReport& array)
{
    const auto member = std::ranges::find(array.members, error.where, &Member::path);
    if (error.code != ErrorCode::Io || error.offset < 0 || member == array.members.end() ||
        !member->superblock)
        return sentence(error);
    const auto region = regionAt(*member, Sectors{std::uint64_t(error.offset) / kSectorBytes});
    return io(error, std::to_string(error.offset) + " (" + std::string(word(region)) + ")",
        causeOf(error));
}

} // namespace bitmend
