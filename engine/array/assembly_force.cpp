// SPDX-License-Identifier: Apache-2.0
// What a person's choices of force make of an array: the state that it is left in, what may be torn
// then, and what mdadm would have done.
#include "engine/array/assembly_judge.h"

#include <algorithm>
#include <optional>

namespace bitmend {

namespace {

bool anyInSync(const Draft& draft, bool wanted)
{
    return std::ranges::find(draft.inSync, wanted) != draft.inSync.end();
}

// Blocks that an accepted member shares with others in sync: who is how old.
struct Sharing
{
    bool twoAges = false; // with a newer one
    bool sameAge = false; // only with one that left with it
};

Sharing sharing(const Draft& draft)
{
    Sharing found;
    const auto& geometry = draft.array.geometry;
    const bool mirrored = geometry.level == 1 || geometry.level == 10;
    if (!mirrored || draft.personality == nullptr || !draft.personality->validate(geometry))
        return found;
    constexpr std::uint64_t kNewest = ~std::uint64_t{0};
    std::vector<std::optional<std::uint64_t>> ages(draft.inSync.size());
    for (const auto& member : draft.array.members) {
        const auto role = std::size_t(member.role);
        if (member.state == MemberState::InSync && role < ages.size())
            ages[role] = member.isAccepted() ? member.events : kNewest;
    }
    // Which members share a block repeats itself after as many chunks as there are members.
    const Sectors chunk{std::max<std::uint64_t>(geometry.chunk.count, 1)};
    for (std::uint64_t i = 0; i < 2 * ages.size(); ++i) {
        const Sectors at{i * chunk.count};
        if (at >= draft.array.arraySize)
            break;
        std::optional<std::uint64_t> first;
        for (const Place& place : draft.personality->locate(geometry, at)) {
            const auto age = ages[std::size_t(place.role)];
            found.twoAges |= age && first && *age != *first;
            found.sameAge |= age && first && *age == *first && *age != kNewest;
            first = age ? age : first;
        }
    }
    return found;
}

void leaveParity(Draft& draft, Force& force)
{
    if (!anyInSync(draft, false)) {
        // Rows in which some blocks are older than others: data stays, parity is made anew.
        draft.array.resyncOffset = {};
        force.resyncs = true;
    }
}

void leaveMirrors(Draft& draft, Force& force)
{
    const auto found = sharing(draft);
    force.copiesOfTwoAges = found.twoAges;
    if (found.twoAges) {
        draft.array.resyncOffset = kMaxSector;
    } else if (found.sameAge) {
        draft.array.resyncOffset = {};
        force.resyncs = true;
    }
}

TornChunks everySetChunk(const ArrayReport& array)
{
    TornChunks torn;
    if (!array.bitmap || array.bitmap->stale || !array.bitmap->copy->usable()) {
        torn.anywhere = true;
        return torn;
    }
    const auto& bits = array.bitmap->copy->bits;
    const Sectors chunk{array.bitmap->header.chunkBytes / kSectorBytes};
    const Sectors end = bitmapSyncSize(*array.superblock, array.arraySize);
    torn.chunks = bits.count();
    for (std::uint64_t at = 0; at < bits.chunks; ++at) {
        if (!bits.test(at))
            continue;
        const SectorRange range{{at * chunk.count}, std::min(Sectors{(at + 1) * chunk.count}, end)};
        if (!torn.ranges.empty() && torn.ranges.back().end == range.begin) {
            torn.ranges.back().end = range.end;
        } else {
            torn.ranges.push_back(range);
        }
    }
    return torn;
}

std::uint64_t countOf(const TornChunks& torn) { return torn.anywhere ? kAnywhere : torn.chunks; }

std::uint64_t secondsBehind(const ArrayReport& array, const Member& member)
{
    const bool known = member.updateTime > 0 && array.superblock;
    const auto seconds = known ? array.superblock->utime - member.updateTime : 0;
    return std::uint64_t(std::max<std::int64_t>(seconds, 0));
}

std::uint64_t eventsBehind(const ArrayReport& array, const Member& member)
{
    return array.events - std::min(array.events, member.events);
}

std::vector<const Member*> membersThatWouldDo(const Draft& draft)
{
    const auto slots = std::uint64_t(draft.inSync.size());
    std::vector<const Member*> candidates;
    for (const auto& member : draft.array.members) {
        if (member.superblock && couldBeAccepted(member, slots))
            candidates.push_back(&member);
    }
    return neededToStart(std::move(candidates), draft.array.geometry, draft.inSync, false);
}

std::vector<bool> withRolesOf(std::vector<bool> inSync, const std::vector<const Member*>& members)
{
    for (const Member* member : members)
        inSync[std::size_t(member->superblock->role())] = true;
    return inSync;
}

} // namespace

bool reachesBack(const ArrayBitmap& bitmap, const Member& member)
{
    return !bitmap.stale && bitmap.copy->usable() && member.events >= bitmap.header.eventsCleared &&
           member.superblock->role() == Role(member.role);
}

void settleForce(Draft& draft, const AssemblyChoices& choices)
{
    ArrayReport& array = draft.array;
    if (!array.superblock)
        return;
    Force force;
    for (const auto& member : array.members) {
        if (member.reason.code == ReasonCode::RoleGiven)
            force.roles.push_back({member.path, member.role});
        if (member.isAccepted()) {
            force.accepted.push_back({member.path, member.role, eventsBehind(array, member),
                secondsBehind(array, member), {}});
        }
    }
    std::ranges::stable_sort(force.accepted, {}, &AcceptedMember::behind);
    const bool parity = hasParity(array.geometry);
    if (!force.accepted.empty())
        parity ? leaveParity(draft, force) : leaveMirrors(draft, force);
    if (choices.acceptDirtyDegraded && parity && isDirtyAndDegraded(draft)) {
        force.dirtyDegraded = true;
        array.resyncOffset = kMaxSector;
    }
    if (force.accepted.empty() && force.roles.empty() && !force.dirtyDegraded)
        return;
    draft.kernelRefuses = true;
    draft.force = std::move(force);
}

void weighForce(Draft& draft)
{
    if (!draft.force)
        return;
    const ArrayReport& array = draft.array;
    const auto set = everySetChunk(array);
    for (auto& accepted : draft.force->accepted) {
        const auto member = std::ranges::find(array.members, accepted.path, &Member::path);
        const bool told = array.bitmap && reachesBack(*array.bitmap, *member);
        accepted.torn = told ? set : TornChunks{true, 0, {}};
    }
    if (draft.force->dirtyDegraded)
        draft.force->hole = set;
}

std::vector<Remark> forceRemarks(const Draft& draft)
{
    std::vector<Remark> remarks;
    for (const auto& member : draft.array.members) {
        if (member.reason.code == ReasonCode::AcceptanceNotNeeded)
            remarks.push_back({RemarkCode::AcceptanceNotNeeded, 0, 0, member.path});
    }
    if (!draft.force)
        return remarks;
    const Force& force = *draft.force;
    std::vector<Remark> first;
    first.reserve(force.accepted.size());
    for (const auto& accepted : force.accepted) {
        first.push_back(
            {RemarkCode::AcceptedStale, accepted.behind, countOf(accepted.torn), accepted.path});
    }
    if (force.dirtyDegraded)
        first.push_back({RemarkCode::AcceptedDirty, countOf(force.hole), 0, {}});
    if (force.resyncs) {
        const auto& bitmap = draft.array.bitmap;
        first.push_back({RemarkCode::ResyncAfterForce, bitmap ? bitmap->due : 0,
            bitmap ? bitmap->chunks : 0, {}});
    }
    if (force.copiesOfTwoAges)
        first.push_back({RemarkCode::CopiesOfTwoAges, 0, 0, {}});
    remarks.insert(remarks.begin(), first.begin(), first.end());
    return remarks;
}

std::vector<Remark> wouldHelp(const Draft& draft)
{
    const ArrayReport& array = draft.array;
    const auto needed = membersThatWouldDo(draft);
    const auto inSync = withRolesOf(draft.inSync, needed);
    if (!draft.personality->canStart(array.geometry, inSync, false))
        return {};
    std::vector<Remark> remarks;
    remarks.reserve(needed.size());
    for (const Member* member : needed) {
        remarks.push_back({RemarkCode::StaleWouldDo, eventsBehind(array, *member),
            secondsBehind(array, *member), member->path});
    }
    const bool dirty = array.resyncOffset != kMaxSector;
    if (dirty && hasParity(array.geometry) && std::ranges::find(inSync, false) != inSync.end())
        remarks.push_back({RemarkCode::DirtyWouldFollow, 0, 0, {}});
    return remarks;
}

// Its steps, from its documentation and from what it did to arrays of every kind: event counts are
// raised while there are not enough members, then one superblock is made to say clean.
ForcedByMdadm forcedByMdadm(const ArrayReport& unforced)
{
    ForcedByMdadm force;
    const auto* level = personality(unforced.geometry.level);
    const auto slots = std::min(std::size_t(std::max(unforced.geometry.raidDisks, 0)), kMostSlots);
    if (level == nullptr || !unforced.superblock)
        return force;
    std::vector<bool> inSync(slots, false);
    std::vector<const Member*> candidates;
    for (const auto& member : unforced.members) {
        const bool hasSlot = member.role >= 0 && std::size_t(member.role) < slots;
        if (member.state == MemberState::InSync && hasSlot)
            inSync[std::size_t(member.role)] = true;
        if (member.superblock && couldBeAccepted(member, slots))
            candidates.push_back(&member);
    }
    const auto& geometry = unforced.geometry;
    if (!level->canStart(geometry, inSync, false)) {
        const auto raised = neededToStart(std::move(candidates), geometry, inSync, false);
        for (const Member* member : raised)
            force.raised.push_back({member->path, member->events, unforced.events});
        inSync = withRolesOf(std::move(inSync), raised);
    }
    force.starts = level->canStart(geometry, inSync, false);
    const bool dirty = unforced.resyncOffset != kMaxSector;
    if (force.starts && dirty && !level->canStart(geometry, inSync, true))
        force.markedClean = unforced.reference;
    return force;
}

} // namespace bitmend
