// SPDX-License-Identifier: Apache-2.0
// Why an array that the kernel runs is only read here, or only shown, and what is certain of it.
#include "ui/phrase.h"

#include <algorithm>
#include <cstdlib>

namespace bitmend {

namespace {

std::string membersText(std::int64_t count)
{
    return grouped(std::uint64_t(std::max<std::int64_t>(count, 0))) +
           (count == 1 ? " member" : " members");
}

// "from 3 to 4 members", "from RAID 5 to RAID 6, from chunks of 64 KiB to chunks of 128 KiB"
std::string change(const Superblock& superblock, const Reshape& reshape)
{
    std::string text;
    const auto add = [&text](const std::string& from, const std::string& to) {
        if (from != to)
            text += (text.empty() ? "from " : ", from ") + from + " to " + to;
    };
    add(levelName(superblock.level), levelName(reshape.newLevel));
    const auto members = std::int64_t(superblock.raidDisks);
    if (reshape.deltaDisks != 0)
        add(membersText(members - reshape.deltaDisks), membersText(members));
    if (reshape.newChunk.count != 0) {
        add("chunks of " + iecSize(superblock.chunk.bytes()),
            "chunks of " + iecSize(reshape.newChunk.bytes()));
    }
    if (text.empty() && reshape.newLayout != superblock.layout)
        text = "to another layout";
    return text.empty() ? "to another place on the members" : text;
}

Phrase reshapeUnderway(const Remark& remark, const ArrayReport& array)
{
    const auto position = iecSize(Sectors{remark.number}.bytes());
    const auto known = array.superblock ? array.superblock->reshape : std::nullopt;
    if (!known) {
        return phrase("The reshape had come to %1 of the array, so part of it has the old shape "
                      "and part the new. Bitmend shows this and does not open it; the kernel can "
                      "finish the reshape.",
            position);
    }
    const auto& superblock = *array.superblock;
    const auto& reshape = *known;
    const bool backwards = reshape.deltaDisks < 0 || superblock.has(feature::kReshapeBackwards);
    const auto what = change(superblock, reshape);
    if (backwards) {
        return phrase("The reshape %1 runs backwards, from the end of the array to its start, and "
                      "had come down to %2: from there on the array has the new shape, before it "
                      "the old. Bitmend shows this and does not open it; the kernel can finish the "
                      "reshape.",
            what, position);
    }
    return phrase("The reshape %1 runs forwards, from the start of the array to its end, and had "
                  "come to %2: before that the array has the new shape, from there on the old. "
                  "Bitmend shows this and does not open it; the kernel can finish the reshape.",
        what, position);
}

Phrase journalMissing(const Remark& remark)
{
    if (remark.number != 0) {
        return phrase("What was written last may be on the journal alone, and a member is missing "
                      "as well, so what would be computed for it may be wrong anywhere. Bitmend "
                      "does not open the array. Open the missing member or the journal as well.");
    }
    return phrase("All members are in sync and can be read as they are, but what was written last "
                  "may be on the journal alone, and parity may not fit there. So Bitmend opens the "
                  "array to be read and, like the kernel, not to be written.");
}

Phrase pplTorn(const Remark& remark)
{
    if (remark.number != 0) {
        return phrase("In the stripes that were being written when power was lost, what a missing "
                      "member held can only be told with the log, which Bitmend does not replay, "
                      "so it does not open the array. The kernel replays it when it starts the "
                      "array.");
    }
    return phrase("Everything that was being written when power was lost may be old or new, and "
                  "parity may not fit there; all other stripes are certain. Bitmend does not "
                  "replay the log, so it opens the array to be read, not to be written; the kernel "
                  "replays it when it starts the array.");
}

} // namespace

Phrase limitSentence(const Remark& remark, const ArrayReport& array)
{
    switch (remark.code) {
    case RemarkCode::ReshapeUnderway:
        return reshapeUnderway(remark, array);
    case RemarkCode::JournalArray:
        return phrase("Writes may lie in the journal (%1) that are not on the members yet, and "
                      "the superblocks call the array clean all the same, so nothing on the "
                      "members alone is certain. Bitmend does not replay the journal and does not "
                      "open the array; the kernel does both. To read the members as they are, "
                      "leave the journal out.",
            nameIn(array, remark.where));
    case RemarkCode::JournalMissing:
        return journalMissing(remark);
    case RemarkCode::PplClean:
        return phrase("The array was stopped cleanly, so its log of partial parity is empty and "
                      "everything can be read. Bitmend does not keep such a log up to date, so it "
                      "opens the array to be read, not to be written.");
    case RemarkCode::PplTorn:
        return pplTorn(remark);
    default:
        return {};
    }
}

} // namespace bitmend
