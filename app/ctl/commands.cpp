// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command.h"

#include <array>

namespace bitmend::ctl {

namespace {

using Names = std::string_view;

constexpr std::array<Names, 5> kScanOptions = {
    "--array", "--bitmap-file", "--deep", "--whole", "--overlay"};
constexpr std::array<Names, 4> kExamineOptions = {
    "--deep", "--whole", "--bitmap-file", "--overlay"};
constexpr std::array<Names, 3> kBitmapOptions = {"--array", "--bitmap-file", "--overlay"};
constexpr std::array<Names, 7> kPlanOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--without", "--reference", "--read-only"};
constexpr std::array<Names, 8> kMapOptions = {"--array", "--bitmap-file", "--overlay", "--without",
    "--reference", "--offset", "--member", "--sector"};
constexpr std::array<Names, 9> kReadOptions = {"--array", "--bitmap-file", "--overlay", "--without",
    "--reference", "--offset", "--length", "--output", "--threads"};
constexpr std::array<Names, 8> kWriteOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--without", "--reference", "--dry-run"};
constexpr std::array<Names, 10> kSyncOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--without", "--reference", "--dry-run", "--rate-limit",
    "--threads"};
constexpr std::array<Names, 11> kRepairOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--without", "--reference", "--dry-run", "--rate-limit",
    "--threads", "--verify-slot"};
constexpr std::array<Names, 9> kCheckOptions = {"--array", "--bitmap-file", "--overlay",
    "--without", "--reference", "--dry-run", "--rate-limit", "--threads", "--show-differences"};
constexpr std::array<Names, 9> kMemberOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--without", "--reference", "--member", "--dry-run"};
constexpr std::array<Names, 11> kReAddOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--without", "--reference", "--member", "--dry-run",
    "--rate-limit", "--threads"};
constexpr std::array<Names, 11> kAddOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--without", "--reference", "--spare", "--dry-run",
    "--rate-limit", "--threads"};
constexpr std::array<Names, 12> kReplaceOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--without", "--reference", "--member", "--spare", "--dry-run",
    "--rate-limit", "--threads"};
constexpr std::array<Names, 10> kFillOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--without", "--reference", "--offset", "--flush-every",
    "--dry-run"};

constexpr std::array<Names, 10> kBitmapAddOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--without", "--reference", "--chunk", "--location",
    "--dry-run"};
constexpr std::array<Names, 10> kMountOptions = {"--array", "--bitmap-file", "--overlay",
    "--in-place", "--restore-file", "--read-only", "--without", "--reference", "--nbd",
    "--foreground"};
constexpr std::array<Names, 1> kRestoreOptions = {"--dry-run"};

constexpr std::array<Command, 22> kCommands = {{
    {"scan", "[PATH...]", "find arrays and say how they are",
        "Reads the places where md keeps its superblocks, on each source and in its partitions,\n"
        "and groups what it finds into arrays: what is wrong, what that means for the data, and\n"
        "what the next step costs. Writes nothing.\n",
        kScanOptions, false, scanCommand},
    {"examine", "[PATH...]", "show every field of every superblock and bitmap header",
        "Field names are mdadm's. Failed checks are listed with the byte they concern. Writes\n"
        "nothing.\n",
        kExamineOptions, false, examineCommand},
    {"bitmap", "[PATH...]", "show write-intent bitmaps, also of image files",
        "For each array the copy that counts and every member's own: fields, counts, dirty\n"
        "ranges. A path may also be an external bitmap file. Writes nothing.\n",
        kBitmapOptions, false, bitmapCommand},
    {"plan", "[PATH...]", "say what assembling an array would do, and write",
        "Which members take part and why, what is due then, and every byte range that assembling,\n"
        "resync and stop would write. Writes nothing.\n",
        kPlanOptions, false, planCommand},
    {"map", "[--member FILE --sector NUMBER] [PATH...]",
        "say what lies where: array and members, both ways",
        "From a byte of the array (--offset) to its members, or from a sector of a member, as\n"
        "disks and the kernel report it, to what lies there: data, a copy, parity, superblock,\n"
        "bitmap. Shows what is at the same place of all members. Writes nothing.\n",
        kMapOptions, false, mapCommand},
    {"read", "--output FILE|- [PATH...]", "copy the contents of an array out",
        "Reads from a member in sync and, where that one has an error, from the next. What no\n"
        "member can give is filled with zeros and listed; the exit status is then 4. Writes\n"
        "nothing to the members.\n",
        kReadOptions, false, readCommand},
    {"write", "--offset BYTES --overlay DIR|--in-place FILE|- [PATH...]",
        "write into the array, on all its members",
        "As md does it: the bits of what is written are on every member before the data, and go\n"
        "when the array is stopped, which it is at the end. Ctrl-C stops after what was read so\n"
        "far. With --verbose says after each flush how much of the input no power cut takes "
        "away.\n",
        kFillOptions, true, writeCommand},
    {"mount", "FOLDER [PATH...]", "show the contents as files, for other programs",
        "The array, and each partition in it, appears as a file in FOLDER, to be read; with\n"
        "--overlay or --in-place also to be written, the bits of the bitmap first, as md does it.\n"
        "With --nbd, and where there is no FUSE, it is a socket there for NBD clients instead.\n"
        "Goes on in the background until 'bitmendctl umount FOLDER'. Only you see the files.\n",
        kMountOptions, false, mountCommand},
    {"umount", "FOLDER", "end what mount began, and stop the array",
        "Returns when everything is on the members and the array is clean, or says why it is not.\n"
        "Also removes a mount or a socket whose program has ended.\n",
        {}, false, umountCommand},
    {"resync", "--overlay DIR|--in-place [PATH...]",
        "make the members agree again after a power cut",
        "With a write-intent bitmap only the chunks that are set in it are read. Ctrl-C stops at "
        "a\n"
        "point from which the next call carries on.\n",
        kSyncOptions, true, resyncCommand},
    {"recover", "--overlay DIR|--in-place [PATH...]",
        "finish rebuilding members that are not in sync yet",
        "Goes on where an interrupted recovery stopped; a spare that the array knows takes a "
        "vacant\n"
        "slot first. Ctrl-C stops at a point from which the next call carries on.\n",
        kSyncOptions, true, recoverCommand},
    {"check", "[PATH...]", "compare all members and count what differs",
        "Reads everything, whatever the bitmap says. The exit status is 4 when something differs\n"
        "or no member can give it. Counts as md does, and lists the exact ranges; with\n"
        "--show-differences also what each copy holds there, or parity beside what it should be.\n"
        "Writes nothing.\n",
        kCheckOptions, false, checkCommand},
    {"repair", "--overlay DIR|--in-place [PATH...]", "compare all members and make them equal",
        "As check; where copies differ the first one is written to the others (on RAID 1 that of "
        "the\n"
        "lowest slot), and parity is made to fit the data. The exit status is 4 when something\n"
        "differed.\n",
        kRepairOptions, true, repairCommand},
    {"add", "--overlay DIR|--in-place --spare FILE [PATH...]", "give a degraded array a new member",
        "Writes the superblock and the whole bitmap to the new member, gives it the vacant slot,\n"
        "and recovers its contents from the others. Ctrl-C stops at a point from which the same\n"
        "call carries on.\n",
        kAddOptions, true, addCommand},
    {"replace", "--overlay DIR|--in-place --member FILE --spare FILE [PATH...]",
        "put a new member in the place of one that still works",
        "Copies the member onto the new one, and what it does not give from the others; only then\n"
        "it leaves, so that the array never lacks it. Ctrl-C stops at a point from which the same\n"
        "call carries on.\n",
        kReplaceOptions, true, replaceCommand},
    {"re-add", "--overlay DIR|--in-place --member FILE [PATH...]", "take a former member back",
        "Copies only what was written since it left, as the bitmap tells; says so when that "
        "cannot\n"
        "be known.\n",
        kReAddOptions, true, reAddCommand},
    {"fail", "--overlay DIR|--in-place --member FILE [PATH...]", "mark a member as failed",
        "The others record it as failed and the array stops, as with mdadm --fail and --stop. "
        "What\n"
        "lies on the member itself stays as it is.\n",
        kMemberOptions, true, failCommand},
    {"remove", "--overlay DIR|--in-place --member FILE [PATH...]",
        "forget a failed member or a spare",
        "The others' tables lose its entry and the array stops.\n", kMemberOptions, true,
        removeCommand},
    {"bitmap-add", "--overlay DIR|--in-place [PATH...]", "give an array a write-intent bitmap",
        "Inside the members, where and with the chunk size that mdadm would choose or as given,\n"
        "or, with --bitmap-file, in a file that is made for it. The array stops. Refused while a\n"
        "resync or recovery is due.\n",
        kBitmapAddOptions, true, bitmapAddCommand},
    {"bitmap-remove", "--overlay DIR|--in-place [PATH...]",
        "take an array's write-intent bitmap away",
        "The superblocks forget it, and the array stops. A bitmap file is not erased.\n",
        kWriteOptions, true, bitmapRemoveCommand},
    {"stop", "--overlay DIR|--in-place [PATH...]", "leave an array as after a clean shutdown",
        "Clears bits that are not needed and marks the array clean. A resync or recovery that is\n"
        "still due stays due.\n",
        kWriteOptions, true, stopCommand},
    {"restore", "FILE", "put back what was written over in place",
        "FILE is what a call with --in-place saved: superblocks, bitmaps and lists of bad blocks, "
        "as\nthey were before it. Its sums are checked, and that its members are the same. Data "
        "that was\nresynchronised or written since stays as it is.\n",
        kRestoreOptions, false, restoreCommand},
}};

} // namespace

std::span<const Command> commands() { return kCommands; }

} // namespace bitmend::ctl
