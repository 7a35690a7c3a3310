// SPDX-License-Identifier: Apache-2.0
// One failed check of a decoded struct, as facts: which rule, which field, where, what was found
// and what was expected. ui/words makes the sentence.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bitmend {

enum class ProblemCode : std::uint8_t {
    // Superblock: what the kernel refuses
    BadChecksum,
    BadMajorVersion,
    BadMinorVersion,
    PaddingNotZero,
    RoleTableTooLarge,
    NotWhereItSays, // super_offset is another place: a copy, or a cut or grown image
    UnknownFeature,
    DataSizeTooSmall,
    DataSizeTooLarge,
    DataOverlapsSuperblock,
    Raid0LayoutOnOtherLevel,
    BadBlocksWithoutLog,
    BadBlockLogTooLarge,
    BadBlockLogUnreadable,
    NoRaidDisks,
    ComponentBeyondDevice,
    ForeignByteOrder,
    DevNumberOutOfRange,
    // Superblock: what the kernel lets pass and we do not
    TooManyRaidDisks,
    ComponentLargerThanData,
    DataBeyondDevice, // the image is shorter than the member was
    BitmapOverlapsData,
    BitmapOverlapsSuperblock,
    BitmapBeyondDevice,
    BadBlockLogOverlaps,
    RoleBeyondRaidDisks,
    JournalRoleWithoutFeature,
    JournalWithBitmap,
    PplWithBitmap,
    PplWithJournal,
    BothPplKinds,
    BitmapOnUnsuitableLevel,
    UnknownLevel,
    BadLayout,
    BadChunk,
    TruncatedRoleTable,
    PplOverlaps,
    BadBlockLogShift,    // a unit that newer kernels refuse
    ThisDiskDiffers,     // 0.90: this_disk is not the descriptor that the kernel goes by
    LogicalBlockSizeSet, // newer kernels' field in the padding; those before it refuse the member
    // Bitmap header
    BitmapBadMagic,
    BitmapBadVersion,
    BitmapLockless, // version 6: named, not read
    BitmapBadChunk,
    BitmapBadDaemonSleep,
    BitmapBadWriteBehind,
    BitmapOfOtherArray,
    BitmapWriteError, // flagged by the kernel: it refuses to start
    BitmapMarkedStale,
    BitmapEventsBehind, // older than the superblock: every chunk counts as dirty
    BitmapSizeDiffers,  // sync_size is another array's size; the kernel rewrites it
    BitmapClusteredWithoutNodes,
    BitmapTruncated,   // the file or area ends before the last bit
    BitmapForeignBits, // version 3 of a big-endian writer: the width of its words is unknown
    BitmapPageUnreadable,
};

enum class Severity : std::uint8_t {
    Note,          // worth knowing, changes nothing
    EngineRefuses, // the kernel would go on; doing so can lose data
    KernelRefuses,
};

struct Problem
{
    ProblemCode code{};
    Severity severity = Severity::Note;
    std::string_view field;   // md's own name, a literal
    std::int64_t offset = -1; // byte offset of the field in the member or bitmap file
    // Signed fields are sign-extended. Of areas that overlap: where they meet, in sectors of the
    // member (the sentence in ui/words says what).
    std::uint64_t found = 0;
    std::uint64_t expected = 0;

    bool operator==(const Problem&) const = default;

    // Keeps a member out of an array of ours. A foreign byte order does not, though the kernel of a
    // machine of the other order refuses it: every field can be read.
    bool bars() const
    {
        return severity != Severity::Note && code != ProblemCode::ForeignByteOrder;
    }
};

inline bool anyBars(std::span<const Problem> problems)
{
    for (const auto& problem : problems) {
        if (problem.bars())
            return true;
    }
    return false;
}

} // namespace bitmend
