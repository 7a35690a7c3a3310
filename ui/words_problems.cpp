// SPDX-License-Identifier: Apache-2.0
// A failed check of a superblock or bitmap header. Each sentence begins with the source and the
// byte, so that a technician can look there with any other tool, and ends with what follows from
// it or what to do.
#include "ui/phrase.h"

#include <array>
#include <charconv>

namespace bitmend {

namespace {

// Checksums, magics and flag words are known by their hexadecimal form.
bool isReadAsHex(ProblemCode code)
{
    return code == ProblemCode::BadChecksum || code == ProblemCode::UnknownFeature ||
           code == ProblemCode::BitmapBadMagic || code == ProblemCode::BadMajorVersion ||
           code == ProblemCode::ForeignByteOrder || code == ProblemCode::PaddingNotZero;
}

std::string number(std::uint64_t value, ProblemCode code)
{
    if (isReadAsHex(code)) {
        std::array<char, 16> digits{};
        const auto end = std::to_chars(digits.begin(), digits.end(), value, 16).ptr;
        return "0x" + std::string(digits.begin(), end);
    }
    // Signed fields are sign-extended; no unsigned one comes near.
    return value >> 63 != 0 && value != ~std::uint64_t{0} ? std::to_string(std::int64_t(value))
                                                          : std::to_string(value);
}

} // namespace

Phrase sentence(const Problem& problem, std::string_view source)
{
    const auto say = [&](Pattern<5> pattern) -> Phrase {
        return {pattern.text(),
            {std::string(source), std::to_string(problem.offset), std::string(problem.field),
                number(problem.found, problem.code), number(problem.expected, problem.code)}};
    };

    switch (problem.code) {
    case ProblemCode::BadChecksum:
        return say("%1, byte %2: the superblock is damaged, its checksum (%3) is %4 and its "
                   "content gives %5. It is not used; you can go on without this member.");
    case ProblemCode::BadMajorVersion:
        return say("%1, byte %2: the metadata version (%3) is %4 and not %5. It is not used; "
                   "another program may have written it.");
    case ProblemCode::BadMinorVersion:
        return say("%1, byte %2: the minor metadata version (%3) is %4, and md knows 90 and 91. It "
                   "is not used.");
    case ProblemCode::PaddingNotZero:
        return say("%1, byte %2: bytes that must be zero (%3) are not. The kernel refuses this "
                   "member; a newer one may have written it.");
    case ProblemCode::RoleTableTooLarge:
        return say("%1, byte %2: the role table claims %4 entries (%3), and at most %5 fit. The "
                   "superblock is not used.");
    case ProblemCode::NotWhereItSays:
        return say("%1, byte %2: the superblock says it lies at sector %4 (%3), but it was found "
                   "at sector %5. The image may be cut, grown or taken from another place; open "
                   "the whole disk or the right partition.");
    case ProblemCode::UnknownFeature:
        return say("%1, byte %2: the feature map (%3) is %4 and has bits outside %5. The kernel "
                   "refuses this member; a newer one may have written it.");
    case ProblemCode::DataSizeTooSmall:
        return say("%1, byte %2: the data area (%3) is %4 sectors long, less than the %5 it must "
                   "have. The superblock is not used.");
    case ProblemCode::DataSizeTooLarge:
        return say("%1, byte %2: the data area (%3) is %4 sectors long, and this source has room "
                   "for %5. The image is probably cut short; get a complete copy.");
    case ProblemCode::DataOverlapsSuperblock:
        return say("%1, byte %2: the data area (%3) reaches sector %4 and so runs into the "
                   "superblock; sector %5 is the limit. Starting the array could overwrite it; "
                   "this member is not used.");
    case ProblemCode::Raid0LayoutOnOtherLevel:
        return say("%1, byte %2: the superblock has a RAID 0 layout (%3) but another level. The "
                   "kernel refuses this member.");
    case ProblemCode::BadBlocksWithoutLog:
        return say("%1, byte %2: bad blocks are announced, but no bad block log is recorded (%3). "
                   "The kernel refuses this member.");
    case ProblemCode::BadBlockLogTooLarge:
        return say("%1, byte %2: the bad block log (%3) is %4 sectors long, and md reads at most "
                   "%5. The kernel refuses this member.");
    case ProblemCode::NoRaidDisks:
        return say("%1, byte %2: the number of members (%3) is 0, which is no array. The "
                   "superblock is not used.");
    case ProblemCode::ComponentBeyondDevice:
        return say("%1, byte %2: each member holds %4 KiB (%3), but this source has room for %5. "
                   "The image is probably cut short; get a complete copy.");
    case ProblemCode::ForeignByteOrder:
        return say("%1, byte %2: the superblock is in the byte order of another kind of computer. "
                   "It is read here; the kernel of this computer refuses it.");
    case ProblemCode::DevNumberOutOfRange:
        return say("%1, byte %2: the device number (%3) is %4, outside the table (%5). md treats "
                   "this member as a spare.");
    case ProblemCode::TooManyRaidDisks:
        return say("%1, byte %2: the number of members (%3) is %4, and md knows at most %5. The "
                   "superblock is not used.");
    case ProblemCode::ComponentLargerThanData:
        return say("%1, byte %2: the array uses %4 sectors of each member (%3), but the data area "
                   "has %5. The kernel would start it and run past the end; Bitmend does not.");
    case ProblemCode::DataBeyondDevice:
        return say("%1, byte %2: the data area (%3) ends at sector %4, but the source ends at %5. "
                   "The image is cut short; get a complete copy.");
    case ProblemCode::BitmapOverlapsData:
        return say("%1, byte %2: the bitmap (%3, ends at sector %4) runs into the data area "
                   "(sector %5). Writing it would overwrite data; Bitmend does not start this.");
    case ProblemCode::BitmapOverlapsSuperblock:
        return say("%1, byte %2: the bitmap (%3, sector %4) runs into the superblock (sector %5). "
                   "Writing it would overwrite that; Bitmend does not start this.");
    case ProblemCode::BitmapBeyondDevice:
        return say("%1, byte %2: the bitmap (%3, sector %4) lies outside the source, which ends "
                   "at sector %5. Get a complete copy, or go on without this member.");
    case ProblemCode::BadBlockLogOverlaps:
        return say("%1, byte %2: the bad block log (%3, sector %4) runs into another area (sector "
                   "%5). Writing it would overwrite that; Bitmend does not start this.");
    case ProblemCode::RoleBeyondRaidDisks:
        return say("%1, byte %2: this member claims slot %4 (%3), and the array has %5 slots. md "
                   "treats it as a spare; Bitmend leaves it out.");
    case ProblemCode::JournalRoleWithoutFeature:
        return say("%1, byte %2: this member calls itself a journal (%3), but the array has none. "
                   "The kernel could overwrite it; Bitmend leaves it out.");
    case ProblemCode::JournalWithBitmap:
        return say("%1, byte %2: the superblock announces a journal and a bitmap (%3), which "
                   "exclude each other. Bitmend does not start this.");
    case ProblemCode::PplWithBitmap:
        return say("%1, byte %2: the superblock announces a partial parity log and a bitmap (%3), "
                   "which exclude each other. Bitmend does not start this.");
    case ProblemCode::PplWithJournal:
        return say("%1, byte %2: the superblock announces a partial parity log and a journal (%3), "
                   "which exclude each other. Bitmend does not start this.");
    case ProblemCode::BothPplKinds:
        return say("%1, byte %2: the superblock announces two kinds of partial parity log (%3). "
                   "Bitmend does not start this.");
    case ProblemCode::BitmapOnUnsuitableLevel:
        return say("%1, byte %2: the superblock announces a bitmap (%3) for a level that has "
                   "none. Some kernels crash on this; do not give it to one.");
    case ProblemCode::UnknownLevel:
        return say("%1, byte %2: the RAID level (%3) is %4, which no md kernel knows. The "
                   "superblock is shown, not used.");
    case ProblemCode::BadLayout:
        return say("%1, byte %2: the layout (%3) is %4, which this RAID level does not have. The "
                   "kernel does not start such an array.");
    case ProblemCode::BadChunk:
        return say("%1, byte %2: the chunk size (%3) is %4 sectors, which this RAID level cannot "
                   "have. The kernel does not start such an array.");
    case ProblemCode::TruncatedRoleTable:
        return say("%1, byte %2: the role table (%3) has %4 entries, fewer than the %5 slots of "
                   "the array. The missing ones count as spares.");
    case ProblemCode::PplOverlaps:
        return say("%1, byte %2: the partial parity log (%3, sector %4) runs into another area "
                   "(sector %5). Writing it would overwrite that; Bitmend does not start this.");
    case ProblemCode::BadBlockLogUnreadable:
        return say(
            "%1, byte %2: its list of bad blocks (%3) cannot be read. The kernel does not take "
            "the member; make another copy of it, or go on without it.");
    case ProblemCode::BadBlockLogShift:
        return say("%1, byte %2: the unit of the bad block log (%3) is 512 << %4 bytes, and md "
                   "accepts a shift of at most %5. Newer kernels refuse this member.");
    case ProblemCode::ThisDiskDiffers:
        return say("%1, byte %2: the superblock describes this member (number %4) twice, and not "
                   "alike. md goes by the entry in its table, and so does Bitmend.");
    case ProblemCode::LogicalBlockSizeSet:
        return say("%1, byte %2: a newer kernel has recorded a logical block size of %4 bytes "
                   "(%3). It is kept; kernels before 6.19 refuse this member.");
    case ProblemCode::BitmapBadMagic:
        return say("%1, byte %2: there is no bitmap where the superblock says there is one (%3 is "
                   "%4, not %5). The kernel does not start the array with it.");
    case ProblemCode::BitmapBadVersion:
        return say("%1, byte %2: the bitmap's version (%3) is %4; md knows 3 to 5. It is not "
                   "used.");
    case ProblemCode::BitmapLockless:
        return say("%1, byte %2: the bitmap (%3 %4) is of the lockless kind of newer kernels. It "
                   "is named here, not read; use a kernel that knows it.");
    case ProblemCode::BitmapBadChunk:
        return say("%1, byte %2: the bitmap's chunk size (%3) is %4 bytes; it must be a power of "
                   "two and at least %5. The bitmap is not used.");
    case ProblemCode::BitmapBadDaemonSleep:
        return say("%1, byte %2: the bitmap's sweep period (%3) is %4 s, outside what md accepts. "
                   "The bitmap is not used.");
    case ProblemCode::BitmapBadWriteBehind:
        return say("%1, byte %2: the bitmap's write-behind limit (%3) is %4, and md accepts at "
                   "most %5. The bitmap is not used.");
    case ProblemCode::BitmapOfOtherArray:
        return say("%1, byte %2: the bitmap (%3) belongs to another array. It is not used; check "
                   "which file or member it came with.");
    case ProblemCode::BitmapWriteError:
        return say("%1, byte %2: the bitmap is marked with a write error (%3 is %4). The kernel "
                   "does not start the array with it.");
    case ProblemCode::BitmapMarkedStale:
        return say("%1, byte %2: the bitmap is marked stale (%3 is %4). Every chunk counts as "
                   "dirty.");
    case ProblemCode::BitmapEventsBehind:
        return say("%1, byte %2: the bitmap (%3 %4) is older than its superblock (%5). Every "
                   "chunk counts as dirty.");
    case ProblemCode::BitmapSizeDiffers:
        return say("%1, byte %2: the bitmap says it covers %4 sectors (%3), and the array has %5. "
                   "It is read for the size of the array, as the kernel does.");
    case ProblemCode::BitmapClusteredWithoutNodes:
        return say("%1, byte %2: the bitmap is of the clustered kind but names no nodes (%3). It "
                   "is read as the bitmap of one.");
    case ProblemCode::BitmapTruncated:
        return say("%1, byte %2: the bitmap ends after %4 bytes and needs %5 (%3). It is not "
                   "used; get a complete copy.");
    case ProblemCode::BitmapForeignBits:
        return say("%1, byte %2: the bitmap (%3 %4) has its bits in the order of another kind of "
                   "computer, which is not recorded. Every chunk counts as dirty.");
    case ProblemCode::BitmapPageUnreadable:
        return say("%1, byte %2: a page of the bitmap could not be read. Its chunks count as "
                   "dirty unless another member has them.");
    }
    return {};
}

} // namespace bitmend
