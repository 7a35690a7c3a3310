// SPDX-License-Identifier: Apache-2.0
#include "engine/array/hot_add.h"

#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/array/bad_blocks.h"
#include "engine/array/commit.h"
#include "engine/array/next_superblock.h"
#include "engine/array/planned_writes.h"
#include "engine/array/replacement.h"
#include "engine/base/assert.h"
#include "engine/base/log.h"
#include "engine/metadata/bitmap_room.h"
#include "engine/metadata/metadata_format.h"
#include "engine/metadata/superblock090_format.h"

#include <algorithm>

namespace bitmend {

namespace {

Sectors sizeOf(const BlockSource& source) { return {source.sizeBytes() / kSectorBytes}; }

// As mdadm chooses: behind the slots, so that a number says at a glance who came later.
std::uint32_t freeDevNumber(const ArrayState& state)
{
    auto number = state.reference->raidDisks;
    const auto taken = [&state](std::uint32_t wanted) {
        return std::ranges::any_of(state.members,
            [wanted](const ArrayMember& member) { return member.superblock->devNumber == wanted; });
    };
    while (taken(number))
        ++number;
    return number;
}

// Any superblock in any place where one could be, valid or not: nothing is overwritten that
// somebody may still want. A spare of this very array is no stranger: an addition that was cut
// short leaves one.
Result<void> refuseOthersMember(const ArrayState& state, const BlockSource& source)
{
    for (const auto* format : formats()) {
        for (const auto& slot : format->slotsOn(sizeOf(source))) {
            std::vector<std::byte> bytes(kSuperblockBytes);
            BM_TRY(source.readAt(slot.sector.bytes(), bytes));
            if (!format->hasMagic(bytes))
                continue;
            const auto found = format->decode(bytes, slot, sizeOf(source));
            const bool ownSpare = found && found->problems.empty() &&
                                  found->superblock.arrayUuid == state.reference->arrayUuid &&
                                  found->superblock.role() == kRoleSpare;
            if (!ownSpare) {
                return fail(ErrorCode::AlreadyMember, source.name(),
                    static_cast<std::int64_t>(slot.sector.bytes()));
            }
        }
    }
    return {};
}

// Where its superblock goes: the slot that this version has on a device of this size.
Result<Sectors> superblockPlace(const ArrayState& state, const BlockSource& source)
{
    for (const auto& slot : formatOf(state.reference->version).slotsOn(sizeOf(source))) {
        if (slot.version == state.reference->version)
            return slot.sector;
    }
    return fail(ErrorCode::MemberTooSmall, source.name());
}

// From data_offset to the end of the member, or to the first thing that lies behind the data (1.0:
// superblock, and what is placed before it; mdadm leaves room for a bitmap also where there is
// none).
Sectors roomForData(const Superblock& reference, Sectors location, Sectors deviceSize)
{
    auto end = static_cast<std::int64_t>(deviceSize.count);
    if (location > reference.dataOffset) {
        end = static_cast<std::int64_t>(location.count);
        const auto log = std::min(0, reference.badBlockLog.offset);
        if (reference.hasBitmap()) {
            end += std::min(log, reference.bitmapOffset);
        } else {
            const auto space = roomForBitmap(reference.componentSize).count;
            const auto wanted = end + log - static_cast<std::int64_t>(log != 0 ? space : 0);
            const auto needed = reference.dataOffset + reference.componentSize;
            end = std::max(wanted, std::min(end, static_cast<std::int64_t>(needed.count)));
        }
    }
    const auto begin = static_cast<std::int64_t>(reference.dataOffset.count);
    return {static_cast<std::uint64_t>(std::max<std::int64_t>(end - begin, 0))};
}

Superblock drawUpSpare(const ArrayState& state, const HotAddPlan& plan, Sectors location)
{
    Superblock spare = *state.reference;
    spare.location = location;
    spare.componentSize = state.componentSize;
    spare.dataOffset = plan.dataOffset;
    spare.dataSize = plan.dataSize;
    spare.devNumber = plan.devNumber;
    spare.deviceUuid = randomUuid();
    return spareSuperblock(state, std::move(spare));
}

// As much of it as md writes: the last page is cut behind the last bit's sector.
std::uint64_t bitmapAreaBytes(const ArrayBitmap& bitmap)
{
    const auto bytes = bitmapBytes(bitmap.chunks);
    return (bytes + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
}

void listWrites(const ArrayState& state, Sectors newLocation, HotAddPlan& plan)
{
    const auto superblockBytes = superblockLength(*state.reference).bytes();
    const auto& bitmap = state.plan.array.bitmap;
    const auto add = [&](const std::string& path, Sectors location, bool withBitmap) {
        plan.writes.push_back({path, location.bytes(), superblockBytes, WritePurpose::Superblock});
        if (!withBitmap || !bitmap)
            return;
        const auto sector =
            static_cast<std::int64_t>(location.count) + state.reference->bitmapOffset;
        plan.writes.push_back({path, static_cast<std::uint64_t>(sector) * kSectorBytes,
            bitmapAreaBytes(*bitmap), WritePurpose::Bitmap});
    };
    const bool hasBitmap = plan.bitmapPages != 0;
    for (const auto& member : state.members) {
        // Every page on the others as well: the bits go when the array is complete again.
        if (member.path != plan.path)
            add(member.path, member.superblock->location, hasBitmap && member.hasRole());
    }
    add(plan.path, newLocation, hasBitmap);
    addBadBlockLog(plan.writes, plan.path, *state.reference, newLocation);
    if (bitmap && bitmap->location.external)
        plan.writes.push_back({bitmap->from, 0, bitmapBytes(bitmap->chunks), WritePurpose::Bitmap});
    plan.writes.push_back(
        {plan.path, plan.dataOffset.bytes(), state.componentSize.bytes(), WritePurpose::Data});
}

// That of a member which is to be replaced, or a vacant one.
Result<int> roleFor(const ArrayState& state, const std::string& original)
{
    if (original.empty()) {
        const auto vacant = state.vacantRole();
        return vacant ? Result<int>(*vacant) : fail(ErrorCode::NoVacantSlot, state.name);
    }
    const auto* member = state.member(original);
    if (!member || !member->inSync)
        return fail(ErrorCode::NotAMember, original);
    const bool isBeingReplaced = std::ranges::any_of(state.members,
        [&](const ArrayMember& one) { return one.replaces && one.role == member->role; });
    if (isBeingReplaced || state.geometry.level < 1 ||
        state.reference->version == MetadataVersion::V0_90)
        return fail(ErrorCode::Unsupported, state.name);
    return member->role;
}

Result<HotAddPlan> planFor(
    const ArrayState& state, const std::string& path, const std::string& original = {})
{
    const auto guard = state.lock();
    BM_TRY(state.supportsWriting());
    HotAddPlan plan;
    plan.path = path;
    plan.role = BM_TRY(roleFor(state, original));
    plan.replaces = original;
    // As in the kernel: level 10 gives no slot away before its copies agree.
    if (state.geometry.level == 10 && state.resyncDue())
        return fail(ErrorCode::Unsupported, state.name);
    const auto& bitmap = state.plan.array.bitmap;
    if (bitmap && !bitmap->location.external)
        plan.bitmapPages = bitmapPages(bitmap->chunks);
    plan.recovery = recoveryCost(state, {}, 1);

    Sectors location;
    if (const auto* member = state.member(path)) {
        if (member->hasRole())
            return fail(ErrorCode::AlreadyMember, path);
        plan.devNumber = member->superblock->devNumber;
        plan.dataOffset = member->superblock->dataOffset;
        plan.dataSize = member->superblock->dataSize;
        location = member->superblock->location;
    } else {
        const auto source = BM_TRY(state.access.look(path));
        BM_TRY(refuseOthersMember(state, *source));
        location = BM_TRY(superblockPlace(state, *source));
        plan.devNumber = freeDevNumber(state);
        if (state.reference->version == MetadataVersion::V0_90 &&
            plan.devNumber >= ondisk::MD_SB_DISKS)
            return fail(ErrorCode::NoVacantSlot, state.name);
        plan.dataOffset = state.reference->dataOffset;
        plan.dataSize = roomForData(*state.reference, location, sizeOf(*source));
    }
    if (plan.dataSize < state.componentSize) {
        Error tooSmall{ErrorCode::MemberTooSmall, path};
        tooSmall.found = (plan.dataOffset + plan.dataSize).bytes();
        tooSmall.expected = (plan.dataOffset + state.componentSize).bytes();
        return std::unexpected(tooSmall);
    }
    listWrites(state, location, plan);
    return plan;
}

Result<void> joinAsSpare(ArrayState& state, const HotAddPlan& plan)
{
    ArrayMember newcomer;
    newcomer.path = plan.path;
    newcomer.dataOffset = plan.dataOffset;
    newcomer.device = BM_TRY(state.access.open(plan.path));
    newcomer.source = newcomer.device;
    BM_TRY(refuseOthersMember(state, *newcomer.device));
    const auto location = BM_TRY(superblockPlace(state, *newcomer.device));
    if (roomForData(*state.reference, location, sizeOf(*newcomer.device)) != plan.dataSize)
        return fail(ErrorCode::ChangedSincePlan, plan.path);
    BM_TRY(state.authorize(plan.writes));
    BM_TRY(writeSpare(state, newcomer, drawUpSpare(state, plan, location)));
    BM_TRY(heedBadBlocks(newcomer));
    state.members.push_back(std::move(newcomer));
    return {};
}

// Nothing of it is valid yet, and its own superblock says so while it is still a spare's: later
// kernels take a spare's role from the newest table, and the others' are the first to name it.
Result<void> markEmpty(ArrayState& state, ArrayMember& spare)
{
    if (state.reference->version == MetadataVersion::V0_90)
        return {}; // listed as a spare until it is in sync
    Superblock empty = *spare.superblock;
    empty.featureMap |= feature::kRecoveryOffset;
    empty.recoveryOffset = {};
    return writeSpare(state, spare, empty);
}

// The bitmap is whole and durable on the newcomer before any superblock gives it a role: from then
// on its copy may be the one that a start believes.
Result<HotAddOutcome> slotSpare(ArrayState& state, const HotAddPlan& plan)
{
    auto* spare = state.member(plan.path);
    BM_ASSERT(spare && !spare->hasRole());
    const auto role = roleFor(state, plan.replaces);
    if (!role || *role != plan.role)
        return fail(ErrorCode::ChangedSincePlan, plan.path);
    BM_TRY(state.authorize(plan.writes));

    HotAddOutcome outcome;
    outcome.path = plan.path;
    outcome.role = plan.role;
    state.frames.addMember(plan.path, plan.role, spare->superblock->dataOffset);
    outcome.pagesWritten = BM_TRY(writeAllPages(state, *spare));
    if (state.bitmap)
        state.frames.setMemberBits(plan.path, state.bitmap->bits());
    BM_TRY(markEmpty(state, *spare));

    spare->role = plan.role;
    spare->recoveryOffset = {};
    spare->replaces = !plan.replaces.empty();
    if (spare->replaces)
        BM_TRY(followOriginal(state, *spare));
    BM_TRY(updateSuperblocks(state, spare));
    log(LogEvent::MemberSlotted, state.name, plan.path, static_cast<std::uint64_t>(plan.role));
    outcome.events = state.events;
    return outcome;
}

} // namespace

Result<HotAddPlan> planHotAdd(const Array& array, const std::string& path)
{
    return planFor(array.state(), path);
}

Result<HotAddPlan> planReplace(
    const Array& array, const std::string& path, const std::string& original)
{
    return planFor(array.state(), path, original);
}

Result<HotAddOutcome> hotAdd(Array& array, const HotAddPlan& plan)
{
    auto& state = array.state();
    // No bit is set between the pages that the newcomer gets and its role.
    const auto guard = state.lock();
    BM_TRY(state.writable());
    const auto before = state.writtenBytes;
    if (!state.member(plan.path))
        BM_TRY(joinAsSpare(state, plan));
    auto outcome = slotSpare(state, plan);
    state.publish();
    state.frames.publish(LiveFrames::Pace::Now);
    if (outcome)
        outcome->writtenBytes = state.writtenBytes - before;
    return outcome;
}

Result<HotAddOutcome> slotIdleSpare(ArrayState& state)
{
    const auto guard = state.lock();
    const auto* spare = state.idleSpare();
    if (!spare)
        return fail(ErrorCode::NothingToDo, state.name);
    return slotSpare(state, BM_TRY(planFor(state, spare->path)));
}

} // namespace bitmend
