// SPDX-License-Identifier: Apache-2.0
// Which members more would be enough to start an array.
#include "engine/raid/personality.h"
#include "ui/phrase.h"

#include <algorithm>

namespace bitmend {

namespace {

std::string slotList(const std::vector<int>& roles)
{
    std::string list;
    for (const int role : roles)
        list += (list.empty() ? "slot " : ", slot ") + std::to_string(role);
    return list;
}

// Nobody opens dozens of images because their numbers are listed.
constexpr std::size_t kMost = 16;

// "slot 2", "all of slot 1, slot 3", "any 1 of slot 1, slot 3"
std::string wanted(const Lack& lack)
{
    if (lack.roles.size() > kMost)
        return "any " + grouped(std::uint64_t(lack.count)) + " of the others";
    if (lack.roles.size() == 1)
        return slotList(lack.roles);
    const bool all = std::size_t(lack.count) == lack.roles.size();
    return (all ? "all of " : "any " + std::to_string(lack.count) + " of ") + slotList(lack.roles);
}

std::string wanted(const std::vector<Lack>& lacks)
{
    std::string text;
    for (std::size_t i = 0; i < std::min(lacks.size(), kMost); ++i)
        text += (text.empty() ? "" : ", and ") + wanted(lacks[i]);
    if (lacks.size() > kMost)
        text += ", and so on for " + grouped(lacks.size() - kMost) + " more sets of copies";
    return text;
}

} // namespace

Phrase tooFew(const ArrayReport& array)
{
    const auto slots = std::uint64_t(std::max(array.geometry.raidDisks, 0));
    const auto inSync =
        std::uint64_t(std::ranges::count(array.members, MemberState::InSync, &Member::state));
    const auto without = grouped(slots > inSync ? slots - inSync : 0);
    if (array.lacking.empty()) {
        return phrase("%1 of %2 slots have no member in sync. Nothing was changed. Open the images "
                      "or disks of the missing members as well.",
            without, grouped(slots));
    }
    // What is needed to start it clean; a dirty one with parity wants them all, or force.
    const bool byForce = hasParity(array.geometry) && array.resyncOffset != kMaxSector;
    if (byForce) {
        return phrase("%1 of %2 slots have no member in sync; %3 would be enough to start by force "
                      "(power was lost as well), all of them without. Nothing was changed. Open "
                      "their images or disks as well.",
            without, grouped(slots), wanted(array.lacking));
    }
    return phrase("%1 of %2 slots have no member in sync; %3 would be enough to start. Nothing was "
                  "changed. Open their images or disks as well.",
        without, grouped(slots), wanted(array.lacking));
}

Phrase dirtyAndDegraded(const ArrayReport& array)
{
    return phrase("Where writes were unfinished, parity cannot be trusted to stand in for the "
                  "missing member, so md does not start this without force. Look for the missing "
                  "member first: with %1 in sync it would start. If it is gone, accept that the "
                  "array is dirty and degraded (--accept-dirty-degraded): then it starts, and what "
                  "is read of the missing member there may be wrong.",
        array.lacking.empty() ? "every slot" : wanted(array.lacking));
}

} // namespace bitmend
