// SPDX-License-Identifier: Apache-2.0
// Every engine function that can fail returns Result<T>. The engine throws nothing and words
// nothing for the user: ui/words turns a code and its facts into a sentence, with the next step.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <type_traits>
#include <utility>

namespace bitmend {

enum class ErrorCode : std::uint8_t {
    Cancelled,
    Io,               // sysErrno says why; found = 1: of a write
    KnownBadBlock,    // the member's bad block log lists it
    ShortRead,        // the source ends before the asked range does
    CannotOpen,       // sysErrno says why; found = 1: to be written
    NotAStorage,      // neither regular file, folder nor block device
    Vanished,         // was there when the scan began
    Empty,            // zero bytes long
    PartMissing,      // of a split set; where = the part that is not there
    PartSizeDiffers,  // of a split set; found = its bytes, expected = those of the first part
    NoSuchPartition,  // found = the asked number, expected = the number of partitions there
    NoSuperblock,     // no md magic at any known offset
    BadSuperblock,    // magic found, refused by the checks; the found problems say why
    BadBitmap,        // a bitmap header that no kernel would accept
    BadGeometry,      // fields contradict each other or the device size
    NoSuchArray,      // the asked UUID is not among the sources
    SeveralArrays,    // more than one array, none was named
    Unsupported,      // understood, and refused
    NotEnoughMembers, // too few in-sync members to start
    NeedsChoice,      // split brain, duplicate role: a person has to say which
    ChangedSincePlan, // a member's superblock is not the one that was planned with
    OutsidePlan,      // a write was stopped because the plan did not list it
    OverlayForeign,   // the overlay belongs to another base, or the base changed
    OverlayDamaged,   // the overlay's own records do not check out
    InUse,            // somebody holds the overlay or the member; who = a program, if known
    Mounted,          // who = the folder where it, or a partition of it, is mounted
    HeldByDevice,     // who = the kernel's device that is built on it, "md0"
    BacksLoop,        // an image that is a disk elsewhere already; who = the loop device
    NoSpace,          // for an overlay
    NoSpaceInPlace,   // for a sparse image that is a member itself
    NoSpaceToSave,    // for the restore file; found = 0: nothing was written to the members yet
    RestoreDamaged,   // a restore file that does not check out
    RestoreForeign,   // the member is not the one that was saved
    MemberTooSmall,   // found = bytes there, expected = bytes needed
    AlreadyMember,    // the would-be spare carries a superblock of an array
    NoVacantSlot,
    NotAMember,   // where is not a member of this array
    MemberActive, // it has a slot: to be failed before it is removed
    CannotReAdd,  // found = its events, expected = those from which on the bitmap has all
    HasBitmap,    // and an array has at most one
    NoBitmap,
    NoRoomForBitmap, // where = the member; found = bytes free there, expected = bytes needed
    SyncDue,         // a resync or recovery comes first
    NothingToDo,
    NoFuse,        // this computer's kernel does not have it
    CannotMount,   // where = the folder; sysErrno says why
    FolderInUse,   // as a mount point it has to be empty, and nothing mounted there
    MountBusy,     // where = the folder; a program has a file in it open, or is connected
    CannotUnmount, // where = the folder; sysErrno says why; who = the program that serves, if that
                   // has to do it
    ServerLost,    // where = the folder; who served it ended before it had made the array clean
    NotMounted,    // where = the folder; nothing of ours is there
};

struct Error
{
    ErrorCode code;
    std::string where;        // the source's name, e.g. an image path
    std::int64_t offset = -1; // byte offset in that source; -1 when none applies
    int sysErrno = 0;
    std::uint64_t found = 0; // with `expected`: facts of codes that compare two numbers
    std::uint64_t expected = 0;
    std::string who = {}; // holds it, in codes that say so

    bool operator==(const Error&) const = default;
};

template <typename T> using Result = std::expected<T, Error>;

inline auto fail(ErrorCode code, std::string where = {}, std::int64_t offset = -1, int sysErrno = 0)
{
    return std::unexpected<Error>(Error{code, std::move(where), offset, sysErrno});
}

// *result of a Result<void> is void, which BM_TRY must not try to move.
template <typename R> constexpr auto unwrap(R&& result)
{
    if constexpr (!std::is_void_v<typename std::remove_cvref_t<R>::value_type>)
        return *std::forward<R>(result);
}

} // namespace bitmend

// Unwraps a Result, or returns its error from the enclosing function.
#define BM_TRY(expression)                                                                         \
    __extension__({                                                                                \
        auto bmResult = (expression);                                                              \
        if (!bmResult) [[unlikely]]                                                                \
            return std::unexpected(std::move(bmResult).error());                                   \
        ::bitmend::unwrap(std::move(bmResult));                                                    \
    })
