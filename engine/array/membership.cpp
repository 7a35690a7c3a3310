// SPDX-License-Identifier: Apache-2.0
#include "engine/array/membership.h"

#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/array/bad_blocks.h"
#include "engine/array/commit.h"
#include "engine/array/planned_writes.h"
#include "engine/base/log.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>

namespace bitmend {

namespace {

// Whoever the scan found to belong to the array, whatever became of it.
const Member* known(const ArrayState& state, const std::string& path)
{
    const auto& members = state.plan.array.members;
    const auto found = std::ranges::find(members, path, &Member::path);
    return found == members.end() || !found->superblock ? nullptr : &*found;
}

// As it lies there now: it may come back.
void remember(ArrayState& state, const ArrayMember& leaving)
{
    auto& members = state.plan.array.members;
    auto place = std::ranges::find(members, leaving.path, &Member::path);
    if (place == members.end())
        place = members.insert(place, Member{});
    *place = {};
    place->path = leaving.path;
    place->role = leaving.superblock->role();
    place->devNumber = static_cast<int>(leaving.superblock->devNumber);
    place->deviceUuid = leaving.superblock->deviceUuid;
    place->state = MemberState::Stale;
    place->events = leaving.superblock->events;
    place->superblock = leaving.superblock;
}

MembershipOutcome outcomeOf(const ArrayState& state, std::string path, std::uint64_t before)
{
    return {std::move(path), state.events, state.writtenBytes - before};
}

void publish(ArrayState& state)
{
    state.publish();
    state.frames.publish(LiveFrames::Pace::Now);
}

// md makes two updates of it, one for the mark and one for the slot that is vacant now. It takes
// two: 0.90 still believes a member that is a single one behind.
Result<void> failWithTwoUpdates(ArrayState& state, ArrayMember& member)
{
    BM_TRY(failMember(state, member, Error{ErrorCode::Cancelled, member.path}));
    return updateSuperblocks(state);
}

// 0.90 lists failed members behind the others, under numbers that tell nothing of who they are.
bool isListedFaulty(const ArrayState& state, const Superblock& failed)
{
    const bool anyNumber = failed.version == MetadataVersion::V0_90;
    return std::ranges::any_of(state.members, [&](const ArrayMember& member) {
        const auto& table = member.superblock->devRoles;
        return anyNumber
                   ? std::ranges::find(table, kRoleFaulty) != table.end()
                   : failed.devNumber < table.size() && table[failed.devNumber] == kRoleFaulty;
    });
}

// The events at which nothing was lost that the bits do not tell: a member from before them may
// differ anywhere.
std::uint64_t eventsNeeded(const ArrayState& state)
{
    if (state.bitmap)
        return state.bitmap->header().eventsCleared;
    const auto& found = state.plan.array.bitmap;
    if (!found || found->stale)
        return state.events;
    return found->header.eventsCleared;
}

bool wasInSync(const Superblock& superblock)
{
    const bool partly =
        superblock.has(feature::kRecoveryOffset) && !superblock.has(feature::kRecoveryBitmap);
    return superblock.role() < kRoleLimit && !partly;
}

Error cannot(const Member& member, std::uint64_t needed)
{
    Error error{ErrorCode::CannotReAdd, member.path};
    error.found = member.superblock->events;
    error.expected = needed;
    return error;
}

Result<const Member*> candidate(const ArrayState& state, const std::string& path)
{
    if (const auto* running = state.member(path); running && running->hasRole())
        return fail(ErrorCode::MemberActive, path);
    const auto* member = known(state, path);
    if (!member || member->state == MemberState::Foreign || member->state == MemberState::Damaged ||
        member->state == MemberState::Duplicate)
        return fail(ErrorCode::NotAMember, path);
    const auto& superblock = *member->superblock;
    const auto needed = eventsNeeded(state);
    const bool recent = superblock.events >= needed && superblock.events <= state.events;
    if (state.member(path) || !wasInSync(superblock) || !recent ||
        superblock.has(feature::kReplacement))
        return std::unexpected(cannot(*member, needed));
    if (superblock.dataSize < state.componentSize) {
        Error tooSmall{ErrorCode::MemberTooSmall, path};
        tooSmall.found = (superblock.dataOffset + superblock.dataSize).bytes();
        tooSmall.expected = (superblock.dataOffset + state.componentSize).bytes();
        return std::unexpected(tooSmall);
    }
    return member;
}

// The slot it had, if nobody took it; on a mirror any will do, elsewhere each holds other data.
Result<int> slotFor(const ArrayState& state, const Superblock& superblock)
{
    const auto vacant = state.vacantRole();
    if (!vacant)
        return fail(ErrorCode::NoVacantSlot, state.name);
    const int former = superblock.role();
    const bool free =
        former < static_cast<int>(state.reference->raidDisks) &&
        std::ranges::find(state.members, former, &ArrayMember::role) == state.members.end();
    if (!free && state.geometry.level != 1)
        return fail(ErrorCode::NoVacantSlot, state.name);
    return free ? former : *vacant;
}

std::uint32_t numberFor(const ArrayState& state, std::uint32_t former)
{
    const auto taken = [&state](std::uint32_t wanted) {
        return std::ranges::any_of(state.members,
            [wanted](const ArrayMember& member) { return member.superblock->devNumber == wanted; });
    };
    if (!taken(former))
        return former;
    auto number = state.reference->raidDisks;
    while (taken(number))
        ++number;
    return number;
}

SyncEstimate estimate(const ArrayState& state)
{
    SyncEstimate cost;
    std::uint64_t bytes = 0;
    if (state.bitmap) {
        cost.chunks = state.bitmap->neededCount();
        bytes = state.bitmap->neededSectors().bytes();
    } else if (const auto& found = state.plan.array.bitmap) {
        cost.chunks = found->stale ? found->chunks : found->dirty;
        bytes = std::min(cost.chunks * found->header.chunkBytes, state.syncSize.bytes());
    }
    // Compared before it is written, so each side is read.
    cost.readBytes = 2 * bytes;
    cost.writeBytes = bytes;
    return cost;
}

void listWrites(const ArrayState& state, const Superblock& returning, ReAddPlan& plan)
{
    const auto superblockBytes = superblockLength(returning).bytes();
    const auto& bitmap = state.plan.array.bitmap;
    const auto bitmapLength = bitmap ? bitmapBytes(bitmap->chunks) : 0;
    const auto sectors = (bitmapLength + kSectorBytes - 1) / kSectorBytes;
    const auto add = [&](const std::string& path, const Superblock& superblock) {
        plan.writes.push_back(
            {path, superblock.location.bytes(), superblockBytes, WritePurpose::Superblock});
        if (!bitmap || bitmap->location.external)
            return;
        const auto at =
            static_cast<std::int64_t>(superblock.location.count) + state.reference->bitmapOffset;
        plan.writes.push_back({path, static_cast<std::uint64_t>(at) * kSectorBytes,
            sectors * kSectorBytes, WritePurpose::Bitmap});
    };
    for (const auto& member : state.members)
        add(member.path, *member.superblock);
    add(plan.path, returning);
    addBadBlockLog(plan.writes, plan.path, returning, returning.location);
    if (bitmap && bitmap->location.external)
        plan.writes.push_back({bitmap->from, 0, bitmapLength, WritePurpose::Bitmap});
    if (plan.byBitmap) {
        plan.writes.push_back({plan.path, returning.dataOffset.bytes(), state.componentSize.bytes(),
            WritePurpose::Data});
    }
}

Result<ReAddPlan> planFor(const ArrayState& state, const std::string& path)
{
    BM_TRY(state.supportsWriting());
    const Member* member = BM_TRY(candidate(state, path));
    const auto& superblock = *member->superblock;
    ReAddPlan plan;
    plan.path = path;
    plan.role = BM_TRY(slotFor(state, superblock));
    plan.devNumber = numberFor(state, superblock.devNumber);
    const auto& bitmap = state.plan.array.bitmap;
    plan.byBitmap = bitmap.has_value();
    if (bitmap && !bitmap->location.external)
        plan.bitmapPages = bitmapPages(bitmap->chunks);
    plan.recovery = estimate(state);
    listWrites(state, superblock, plan);
    return plan;
}

// As it lies there now, which must be as it was planned with.
Result<ArrayMember> open(const ArrayState& state, const ReAddPlan& plan)
{
    const auto* planned = known(state, plan.path);
    if (!planned)
        return fail(ErrorCode::ChangedSincePlan, plan.path);
    ArrayMember member;
    member.path = plan.path;
    member.device = BM_TRY(state.access.open(plan.path));
    member.source = member.device;
    auto superblock = *planned->superblock;
    std::vector<std::byte> now(superblock.raw.size());
    BM_TRY(member.source->readAt(superblock.location.bytes(), now));
    if (now != superblock.raw)
        return fail(ErrorCode::ChangedSincePlan, plan.path);
    superblock.devNumber = plan.devNumber;
    member.dataOffset = superblock.dataOffset;
    member.superblock = std::make_shared<const Superblock>(std::move(superblock));
    BM_TRY(heedBadBlocks(member));
    return member;
}

} // namespace

Result<MembershipOutcome> failMember(Array& array, const std::string& path)
{
    auto& state = array.state();
    const auto guard = state.lock();
    BM_TRY(state.writable());
    auto* member = state.member(path);
    if (!member || member->isFaulty())
        return fail(ErrorCode::NotAMember, path);
    if (!state.canDoWithout(*member))
        return fail(ErrorCode::NotEnoughMembers, state.name);
    const auto before = state.writtenBytes;
    BM_TRY(failWithTwoUpdates(state, *member));
    publish(state);
    return outcomeOf(state, path, before);
}

Result<MembershipOutcome> removeMember(Array& array, const std::string& path)
{
    auto& state = array.state();
    const auto guard = state.lock();
    BM_TRY(state.writable());
    const auto* running = state.member(path);
    if (running && running->hasRole())
        return fail(ErrorCode::MemberActive, path);
    const auto* member = known(state, path);
    if (!running && !member)
        return fail(ErrorCode::NotAMember, path);
    // An assembly leaves a failed member out, and the next update forgets it.
    if (!running && !isListedFaulty(state, *member->superblock))
        return fail(ErrorCode::NothingToDo, state.name);
    const auto before = state.writtenBytes;
    if (running)
        remember(state, *running);
    std::erase_if(state.members, [&](const ArrayMember& one) { return one.path == path; });
    BM_TRY(updateSuperblocks(state));
    publish(state);
    return outcomeOf(state, path, before);
}

Result<ReAddPlan> planReAdd(const Array& array, const std::string& path)
{
    const auto guard = array.state().lock();
    return planFor(array.state(), path);
}

Result<HotAddOutcome> reAdd(Array& array, const ReAddPlan& plan)
{
    auto& state = array.state();
    const auto guard = state.lock();
    BM_TRY(state.writable());
    const auto current = BM_TRY(planFor(state, plan.path));
    if (current.role != plan.role || current.byBitmap != plan.byBitmap)
        return fail(ErrorCode::ChangedSincePlan, plan.path);
    const auto before = state.writtenBytes;
    auto opened = BM_TRY(open(state, plan));
    BM_TRY(state.authorize(plan.writes));
    // In sync at once, it is written to with the others, which on overlays nobody has to agree to.
    if (state.mode == WriteMode::Overlay) {
        state.allowed->allow(
            plan.path, opened.dataOffset.bytes(), opened.superblock->dataSize.bytes());
    }
    HotAddOutcome outcome;
    outcome.path = plan.path;
    outcome.role = plan.role;
    state.frames.addMember(plan.path, plan.role, opened.dataOffset);
    // Whole and durable before any superblock gives it a role: its own is out of date until then.
    outcome.pagesWritten = BM_TRY(writeAllPages(state, opened));
    if (state.bitmap)
        state.frames.setMemberBits(plan.path, state.bitmap->bits());

    auto& member = state.members.emplace_back(std::move(opened));
    member.role = plan.role;
    member.inSync = !plan.byBitmap;
    member.byBitmap = plan.byBitmap;
    BM_TRY(updateSuperblocks(state, &member));
    log(LogEvent::MemberSlotted, state.name, plan.path, static_cast<std::uint64_t>(plan.role));
    publish(state);
    outcome.events = state.events;
    outcome.writtenBytes = state.writtenBytes - before;
    return outcome;
}

} // namespace bitmend
