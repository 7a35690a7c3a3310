// SPDX-License-Identifier: Apache-2.0
// Force in words: which choice would help, what it costs, and what mdadm would do instead.
#include "ui/phrase.h"

#include <algorithm>

namespace bitmend {

namespace {

Phrase wouldDo(const Remark& remark, const ArrayReport& array, const std::string& where)
{
    const auto needed = std::ranges::count(array.remarks, RemarkCode::StaleWouldDo, &Remark::code);
    const auto behind = grouped(remark.number);
    if (needed > 1) {
        return phrase("One of %3 members that would be enough together is %1, %2 events behind. "
                      "Accept each of them as stale (--accept-stale).",
            where, behind, grouped(std::uint64_t(needed)));
    }
    if (remark.other == 0) {
        return phrase("Enough would be %1, although it is %2 events behind: accept it as stale "
                      "(--accept-stale). What was written after it left is not on it.",
            where, behind);
    }
    return phrase("Enough would be %1, although it is %2 events and %3 behind: accept it as stale "
                  "(--accept-stale). What was written after it left is not on it.",
        where, behind, duration(remark.other));
}

Phrase acceptedStale(const Remark& remark, const std::string& where)
{
    if (remark.number == 0) {
        return phrase(
            "%1 has its slot from you. What it missed nobody tells, so anything on it may "
            "be older than on the others.",
            where);
    }
    const auto behind = grouped(remark.number);
    if (remark.other == kAnywhere) {
        return phrase("You accepted %1, which is %2 events behind. No bitmap tells what it missed, "
                      "so anything on it may be older than on the others.",
            where, behind);
    }
    if (remark.other == 0) {
        return phrase("You accepted %1, which is %2 events behind. According to the others' bitmap "
                      "nothing was written since it left.",
            where, behind);
    }
    return phrase("You accepted %1, which is %2 events behind. The others' bitmap has %3 set: "
                  "there it may be older or torn. Everything else on it is as on the others.",
        where, behind, remark.other == 1 ? "one chunk" : grouped(remark.other) + " chunks");
}

Phrase acceptedDirty(const Remark& remark)
{
    if (remark.number == kAnywhere) {
        return phrase("No bitmap tells where writes were unfinished. In any stripe, what is "
                      "computed for the missing member may be wrong, and nothing can tell where.");
    }
    if (remark.number == 0) {
        return phrase("According to the bitmap no write was unfinished, so every stripe can be "
                      "trusted.");
    }
    return phrase("The bitmap has %1 set, where writes were unfinished. In these stripes, what is "
                  "computed for the missing member may be wrong. All others can be trusted.",
        remark.number == 1 ? "one chunk" : grouped(remark.number) + " chunks");
}

Phrase resyncAfter(const ArrayReport& array)
{
    const auto reads = iecSize(array.resync.readBytes);
    const auto writes = iecSize(array.resync.writeBytes);
    if (array.geometry.level == 10) {
        return phrase("A resync makes the copies agree where they may differ: it reads %1 and "
                      "writes at most %2.",
            reads, writes);
    }
    return phrase("A resync computes the parity of these stripes anew from their data, which it "
                  "does not change: it reads %1 and writes at most %2.",
        reads, writes);
}

std::string rangesText(const TornChunks& torn)
{
    constexpr std::size_t kShown = 8;
    std::string text;
    for (std::size_t i = 0; i < std::min(kShown, torn.ranges.size()); ++i) {
        const auto& range = torn.ranges[i];
        text += (i == 0 ? "" : ", ") + std::to_string(range.begin.count) + "-" +
                std::to_string(range.end.count - 1);
    }
    if (torn.ranges.size() > kShown)
        text += " and " + grouped(torn.ranges.size() - kShown) + " more";
    return text;
}

void addTorn(const Force& force, const ArrayReport& array, std::vector<Phrase>& phrases)
{
    const bool ofArray = array.geometry.level == 10;
    for (const auto& accepted : force.accepted) {
        const auto where = nameIn(array, accepted.path);
        const auto ranges = rangesText(accepted.torn);
        if (ranges.empty())
            continue;
        phrases.push_back(ofArray ? phrase("What %1 may have missed lies in sectors %2 of the "
                                           "array.",
                                        where, ranges)
                                  : phrase("What %1 may have missed lies in sectors %2 of its data "
                                           "area.",
                                        where, ranges));
    }
    if (const auto ranges = rangesText(force.hole); !ranges.empty()) {
        phrases.push_back(phrase(
            "Stripes that cannot be trusted: sectors %1 of each member's data area.", ranges));
    }
}

Phrase raisedByMdadm(const ForcedByMdadm& mdadm, const ArrayReport& array)
{
    std::string raised;
    for (const auto& one : mdadm.raised) {
        raised += (raised.empty() ? "" : ", ") + nameIn(array, one.path) + " (" +
                  grouped(one.from) + " to " + grouped(one.to) + ")";
    }
    if (!mdadm.markedClean.empty()) {
        return phrase("mdadm --force would raise the event counts of %1, and set resync_offset to "
                      "clean in the superblock of %2 only.",
            raised, nameIn(array, mdadm.markedClean));
    }
    return phrase(
        "mdadm --force would raise the event counts of %1 and change nothing else.", raised);
}

Phrase byMdadm(const ForcedByMdadm& mdadm, const ArrayReport& array)
{
    if (!mdadm.raised.empty())
        return raisedByMdadm(mdadm, array);
    if (!mdadm.markedClean.empty()) {
        return phrase("mdadm --force would set resync_offset to clean in the superblock of %1 "
                      "only.",
            nameIn(array, mdadm.markedClean));
    }
    return phrase("mdadm --force would change nothing here.");
}

} // namespace

Phrase forceSentence(const Remark& remark, const ArrayReport& array)
{
    const auto where = nameIn(array, remark.where);
    switch (remark.code) {
    case RemarkCode::StaleWouldDo:
        return wouldDo(remark, array, where);
    case RemarkCode::DirtyWouldFollow:
        return phrase("Power was lost as well, so that it is dirty and degraded has to be accepted "
                      "too (--accept-dirty-degraded).");
    case RemarkCode::AcceptedStale:
        return acceptedStale(remark, where);
    case RemarkCode::AcceptedDirty:
        return acceptedDirty(remark);
    case RemarkCode::ResyncAfterForce:
        return resyncAfter(array);
    case RemarkCode::CopiesOfTwoAges:
        return phrase("Some blocks have a newer copy and an older one. A resync could copy the "
                      "older over the newer, so none follows; check lists where they differ.");
    case RemarkCode::AcceptanceNotNeeded:
        return phrase("You accepted %1, but the array starts without it, and what it holds is only "
                      "older. It stays out; re-add copies to it what it missed.",
            where);
    default:
        return {};
    }
}

std::vector<Phrase> consequences(const Force& force, const ArrayReport& array)
{
    std::vector<Phrase> phrases;
    addTorn(force, array, phrases);
    phrases.push_back(byMdadm(force.mdadm, array));
    if (!force.mdadm.starts)
        phrases.push_back(phrase("The kernel would not start it then."));
    phrases.push_back(
        phrase("Bitmend takes only what you accepted. It writes all superblocks in one update, "
               "with events %1 and every role in every table, and keeps in the bitmap what may be "
               "torn.",
            grouped(array.events + 1)));
    return phrases;
}

} // namespace bitmend
