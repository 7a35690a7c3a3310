// SPDX-License-Identifier: Apache-2.0
// Whether it starts, by the kernel's rules and by our stricter ones, and what has to be said.
#include "engine/array/array_map.h"
#include "engine/array/assembly_judge.h"

#include <algorithm>

namespace bitmend {

namespace {

bool anyMember(const ArrayReport& array, MemberState state)
{
    return std::ranges::any_of(
        array.members, [&](const Member& member) { return member.state == state; });
}

const Member* firstMember(const ArrayReport& array, MemberState state)
{
    const auto found = std::ranges::find(array.members, state, &Member::state);
    return found == array.members.end() ? nullptr : &*found;
}

// How many of these may be lost, whichever they are. Members that mirror each other stand beside
// each other at every level, so the worst losses are those in a row.
int lossesStood(const Draft& draft, const std::vector<bool>& inSync)
{
    const auto& geometry = draft.array.geometry;
    const auto starts = [&](const std::vector<bool>& present) {
        return draft.personality->canStart(geometry, present, false);
    };
    if (inSync.empty() || !starts(inSync))
        return 0;
    constexpr std::size_t kMostStarts = 64;
    int fewest = int(inSync.size());
    for (std::size_t first = 0; first < std::min(inSync.size(), kMostStarts); ++first) {
        auto present = inSync;
        int lost = 0;
        for (std::size_t i = 0; i < present.size() && lost <= fewest; ++i) {
            const std::size_t role = (first + i) % present.size();
            if (!present[role])
                continue;
            present[role] = false;
            if (!starts(present))
                break;
            ++lost;
        }
        fewest = std::min(fewest, lost);
    }
    return fewest;
}

// What the personality says of the members themselves, with the dirty flag and without.
struct Readable
{
    bool clean = false;
    bool dirty = false;
};

Readable readable(const Draft& draft)
{
    const auto& geometry = draft.array.geometry;
    Readable result;
    if (draft.personality == nullptr || draft.inSync.empty() || !draft.array.superblock)
        return result;
    result.clean = draft.personality->canStart(geometry, draft.inSync, false);
    auto trusted = draft.inSync;
    for (const auto& member : draft.array.members) {
        if (member.state == MemberState::Rebuilding && holdsOnlyParity(geometry, member.role))
            trusted[std::size_t(member.role)] = true;
    }
    // A partial parity log says what a torn row held.
    const bool logged = draft.array.superblock->ppl.has_value();
    result.dirty = result.clean && (logged || draft.personality->canStart(geometry, trusted, true));
    return result;
}

void judgeGeometry(Draft& draft)
{
    const auto& geometry = draft.array.geometry;
    if (draft.personality == nullptr) {
        draft.blockers.push_back(
            {RemarkCode::UnknownLevel, std::uint64_t(std::int64_t(geometry.level)), 0, {}});
        draft.kernelRefuses = draft.unsupported = true;
        return;
    }
    const auto valid = draft.personality->validate(geometry);
    if (valid)
        return;
    // Which zones a striped array has is only known with all members there.
    const bool layoutAsked = valid.error().code == ErrorCode::NeedsChoice;
    if (layoutAsked && draft.array.missing != 0)
        return;
    draft.blockers.push_back(
        {layoutAsked ? RemarkCode::Raid0LayoutUnknown : RemarkCode::GeometryRefused,
            geometry.layout, 0, draft.array.reference});
    draft.kernelRefuses = true;
    (layoutAsked ? draft.needsChoice : draft.unsupported) = true;
}

void limit(Draft& draft, Opens opens, const Remark& why)
{
    draft.limits.push_back(why);
    limitTo(draft.array, opens, why);
}

std::uint64_t notInSync(const Draft& draft)
{
    return std::uint64_t(std::ranges::count(draft.inSync, false));
}

// While its journal is well the kernel calls such an array clean whatever is under way, and even a
// clean stop may leave blocks in the ring that count. So what members hold is certain only when
// there is no journal any more that could say otherwise, and nothing has to be computed.
void judgeJournal(Draft& draft)
{
    if (const Member* journal = firstMember(draft.array, MemberState::Journal)) {
        limit(draft, Opens::Never, {RemarkCode::JournalArray, 0, 0, journal->path});
        return;
    }
    const auto missing = notInSync(draft);
    limit(draft, missing == 0 ? Opens::ReadOnly : Opens::Never,
        {RemarkCode::JournalMissing, missing, 0, {}});
}

// A clean array's log is empty. In a dirty one data are old or new as anywhere, but what parity
// stood in for cannot be told without the log.
void judgePpl(Draft& draft)
{
    if (!draft.array.superblock->isDirty()) {
        limitTo(draft.array, Opens::ReadOnly, {RemarkCode::PplClean, 0, 0, {}});
        return;
    }
    const auto missing = notInSync(draft);
    limit(draft, missing == 0 ? Opens::ReadOnly : Opens::Never,
        {RemarkCode::PplTorn, missing, 0, {}});
}

void judgeFeatures(Draft& draft)
{
    const auto& superblock = draft.array.superblock;
    if (!superblock)
        return;
    const auto& reshape = superblock->reshape;
    // Two geometries hold at once.
    if (reshape && superblock->has(feature::kReshapeActive))
        limit(draft, Opens::Never, {RemarkCode::ReshapeUnderway, reshape->position.count, 0, {}});
    if (superblock->has(feature::kJournal))
        judgeJournal(draft);
    if (superblock->ppl)
        judgePpl(draft);
    const bool foreignOrder = std::ranges::any_of(draft.array.members, [&](const Member& member) {
        return member.path == draft.array.reference &&
               std::ranges::any_of(member.problems, [](const Problem& problem) {
                   return problem.code == ProblemCode::ForeignByteOrder;
               });
    });
    // Every field can be read, but the kernel of this machine takes no part in it.
    draft.kernelRefuses = draft.kernelRefuses || foreignOrder;
}

void judgeMembers(Draft& draft, const Readable& can)
{
    const ArrayReport& array = draft.array;
    const bool dirty = array.resyncOffset != kMaxSector;
    if (draft.personality == nullptr)
        return;
    if (!can.clean) {
        const std::vector<bool> all(std::max<std::size_t>(draft.inSync.size(), 1), true);
        const auto inSync = std::uint64_t(std::ranges::count(draft.inSync, true));
        draft.blockers.push_back({RemarkCode::TooFewMembers, inSync,
            all.size() - std::uint64_t(lossesStood(draft, all)), {}});
        draft.array.lacking = whatLacks(array.geometry, draft.inSync, false);
        draft.kernelRefuses = true;
    } else if (dirty && !can.dirty) {
        draft.blockers.push_back(
            {RemarkCode::DirtyAndDegraded, std::uint64_t(array.missing), 0, {}});
        draft.array.lacking = whatLacks(array.geometry, draft.inSync, true);
        draft.kernelRefuses = true;
    }
}

void remarkDirty(const Draft& draft, std::vector<Remark>& remarks)
{
    const ArrayReport& array = draft.array;
    // The log tells what was being written, so nothing is resynced.
    const bool logged = array.superblock && array.superblock->ppl.has_value();
    if (array.resyncOffset == kMaxSector || logged || (draft.force && draft.force->resyncs))
        return;
    if (dirtyFlagFalls(draft)) {
        remarks.push_back({RemarkCode::DirtyOnlyOneCopy, 0, 0, {}});
        return;
    }
    if (array.resyncOffset.count != 0) {
        remarks.push_back({RemarkCode::ResyncWillContinue, array.resyncOffset.count, 0, {}});
    } else if (array.bitmap && array.bitmap->due != 0) {
        remarks.push_back({RemarkCode::PowerLostResyncBitmap, array.bitmap->due,
            array.bitmap->chunks, array.bitmap->from});
    } else if (array.bitmap) {
        remarks.push_back({RemarkCode::PowerLostNothingDue, 0, array.bitmap->chunks, {}});
    } else {
        remarks.push_back({RemarkCode::PowerLostResyncAll, 0, 0, {}});
    }
}

void remarkRecovery(const Draft& draft, std::vector<Remark>& remarks)
{
    const ArrayReport& array = draft.array;
    for (const auto& member : array.members) {
        if (member.state == MemberState::Replacement) {
            remarks.push_back({RemarkCode::MemberReplaced, member.superblock->recoveryOffset.count,
                member.superblock->componentSize.count, member.path});
        }
        if (member.state != MemberState::Rebuilding)
            continue;
        if (member.reason.code == ReasonCode::RecoveryByBitmap) {
            remarks.push_back({RemarkCode::RecoveryByBitmap, array.bitmap ? array.bitmap->dirty : 0,
                0, member.path});
        } else {
            remarks.push_back({RemarkCode::RecoveryWillContinue, member.reason.number,
                member.reason.other, member.path});
        }
    }
    if (array.missing != 0) {
        remarks.push_back({RemarkCode::Degraded, std::uint64_t(array.missing),
            std::uint64_t(array.tolerance), {}});
        for (const auto& member : array.members) {
            if (member.reason.code == ReasonCode::WasRemoved)
                remarks.push_back({RemarkCode::VacantSlot, std::uint64_t(member.role), 0, {}});
        }
        if (const Member* spare = firstMember(array, MemberState::Spare))
            remarks.push_back({RemarkCode::SpareReady, 0, 0, spare->path});
    }
}

void remarkBitmap(const ArrayReport& array, std::vector<Remark>& remarks)
{
    if (!array.bitmap)
        return;
    const ArrayBitmap& bitmap = *array.bitmap;
    // While a member is away its set bits wait for it to come back.
    const bool awaited = std::ranges::any_of(array.members,
        [](const Member& member) { return member.reason.code == ReasonCode::RecoveryByBitmap; });
    if (bitmap.stale) {
        remarks.push_back({RemarkCode::BitmapStaleAllDirty, 0, 0, bitmap.from});
    } else if (array.resyncOffset == kMaxSector && bitmap.dirty != 0 && array.missing == 0 &&
               !awaited) {
        remarks.push_back({RemarkCode::BitsIgnoredBecauseClean, bitmap.dirty, 0, {}});
    }
    if (bitmap.differing != 0) {
        remarks.push_back({RemarkCode::BitmapsDiffer, bitmap.differing, 0, {}});
        remarks.push_back({RemarkCode::BitmapFromMember, 0, 0, bitmap.from});
    }
}

void remarkNotes(const ArrayReport& array, std::vector<Remark>& remarks)
{
    if (const auto bad = countListedBad(array); bad.all != Sectors{})
        remarks.push_back({RemarkCode::BadBlocksListed, bad.all.count, bad.lost.count, {}});
    const bool blockSize = std::ranges::any_of(array.members, [](const Member& member) {
        return std::ranges::any_of(member.problems, [](const Problem& problem) {
            return problem.code == ProblemCode::LogicalBlockSizeSet;
        });
    });
    if (blockSize)
        remarks.push_back({RemarkCode::LogicalBlockSizeSet, 0, 0, array.reference});
    if (array.limit && array.limit->code == RemarkCode::PplClean)
        remarks.push_back(*array.limit);
}

bool isListing(const ArrayReport& array)
{
    return std::ranges::find(array.remarks, RemarkCode::BadBlocksListed, &Remark::code) !=
           array.remarks.end();
}

bool hasBlocker(const Draft& draft, RemarkCode code)
{
    return std::ranges::find(draft.blockers, code, &Remark::code) != draft.blockers.end();
}

Needs needsOf(const Draft& draft)
{
    const ArrayReport& array = draft.array;
    if (draft.unsupported)
        return Needs::Unsupported;
    if (draft.needsChoice)
        return Needs::Choice;
    if (hasBlocker(draft, RemarkCode::TooFewMembers))
        return Needs::MembersMissing;
    if (!draft.blockers.empty())
        return Needs::Force;
    if (!draft.limits.empty())
        return Needs::Unsupported;
    if (array.resyncOffset != kMaxSector && !dirtyFlagFalls(draft))
        return Needs::Resync;
    const bool target = anyMember(array, MemberState::Rebuilding) ||
                        anyMember(array, MemberState::Replacement) ||
                        (array.missing != 0 && anyMember(array, MemberState::Spare));
    if (target)
        return Needs::Recovery;
    return array.missing != 0 ? Needs::MembersMissing : Needs::Nothing;
}

} // namespace

void limitTo(ArrayReport& array, Opens opens, const Remark& why)
{
    if (opens <= array.opens)
        return;
    array.opens = opens;
    array.limit = why;
}

void sizeUp(Draft& draft)
{
    ArrayReport& array = draft.array;
    Geometry& geometry = array.geometry;
    draft.personality = personality(geometry.level);
    const auto slots = std::min(std::size_t(std::max(geometry.raidDisks, 0)), kMostSlots);
    draft.inSync.assign(slots, false);
    std::vector<bool> filled(slots, false);
    std::vector<Sectors> sizes(slots);
    for (const auto& member : array.members) {
        const auto role = std::size_t(member.role);
        const bool inSync = member.state == MemberState::InSync;
        if (member.role < 0 || role >= slots ||
            (!inSync && member.state != MemberState::Rebuilding))
            continue;
        filled[role] = true;
        draft.inSync[role] = inSync;
        sizes[role] = member.superblock->dataSize;
    }
    array.missing = int(std::ranges::count(filled, false));
    if (geometry.level <= 0)
        geometry.memberSizes = std::move(sizes);
    if (draft.personality == nullptr)
        return;
    array.arraySize = draft.personality->arraySize(geometry);
    array.tolerance = lossesStood(draft, draft.inSync);
}

bool isDirtyAndDegraded(const Draft& draft)
{
    if (draft.array.resyncOffset == kMaxSector)
        return false;
    const auto can = readable(draft);
    return can.clean && !can.dirty;
}

bool dirtyFlagFalls(const Draft& draft)
{
    return draft.array.geometry.level == 1 && std::ranges::count(draft.inSync, true) == 1;
}

void decideStart(Draft& draft)
{
    ArrayReport& array = draft.array;
    judgeGeometry(draft);
    judgeFeatures(draft);
    judgeMembers(draft, readable(draft));
    std::ranges::stable_sort(draft.blockers, {}, [](const Remark& remark) {
        // What a person has to decide before what nobody can.
        const bool choice =
            remark.code == RemarkCode::SplitBrain || remark.code == RemarkCode::SameRoleTwice;
        return choice ? 0 : 1;
    });

    array.canStart = draft.blockers.empty();
    array.kernelWouldStart = !draft.kernelRefuses;
    array.needs = needsOf(draft);

    auto& remarks = array.remarks;
    remarks = draft.blockers;
    const auto helps =
        hasBlocker(draft, RemarkCode::TooFewMembers) ? wouldHelp(draft) : std::vector<Remark>();
    remarks.insert(remarks.end(), helps.begin(), helps.end());
    const auto forced = forceRemarks(draft);
    remarks.insert(remarks.end(), forced.begin(), forced.end());
    remarks.insert(remarks.end(), draft.limits.begin(), draft.limits.end());
    remarkDirty(draft, remarks);
    remarkRecovery(draft, remarks);
    remarkBitmap(array, remarks);
    remarkNotes(array, remarks);
    if (array.kernelWouldStart && !array.canStart)
        remarks.push_back({RemarkCode::KernelWouldStart, 0, 0, {}});
    if (array.needs == Needs::Nothing && array.missing == 0 && !isListing(array))
        remarks.insert(remarks.begin(), {RemarkCode::AllWell, 0, 0, {}});
}

} // namespace bitmend
