// SPDX-License-Identifier: Apache-2.0
#include "engine/array/bitmap_change.h"

#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/array/commit.h"
#include "engine/base/log.h"
#include "engine/metadata/bitmap_format.h"
#include "engine/metadata/bitmap_room.h"
#include "engine/metadata/field_checks.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace bitmend {

namespace {

constexpr std::uint32_t kDaemonSleep = 5; // seconds, mdadm's own

// Whole blocks where it begins on one, as mdadm does.
std::uint64_t areaBytes(const BitmapAddPlan& plan)
{
    const auto unit = plan.offset % 8 == 0 ? kBitmapPageBytes : kSectorBytes;
    return (bitmapBytes(plan.chunks) + unit - 1) / unit * unit;
}

std::uint64_t placeOf(const ArrayMember& member, std::int32_t offset)
{
    const auto sector = static_cast<std::int64_t>(member.superblock->location.count) + offset;
    return static_cast<std::uint64_t>(sector) * kSectorBytes;
}

Result<void> refuseWhileSyncIsDue(const ArrayState& state)
{
    if (state.resyncDue() || state.recoveryDue())
        return fail(ErrorCode::SyncDue, state.name);
    return {};
}

Error noRoom(const ArrayMember& member, Sectors room, std::uint64_t needed)
{
    Error error{ErrorCode::NoRoomForBitmap, member.path};
    error.found = room.bytes();
    error.expected = needed;
    return error;
}

// The member that leaves the least decides for all: the place is the same on each.
const ArrayMember& tightest(const ArrayState& state)
{
    return *std::ranges::min_element(state.members, {}, [](const ArrayMember& member) {
        return member.isFaulty() ? kMaxSector : freeBitmapRoom(*member.superblock).length;
    });
}

Result<void> checkPlace(const ArrayMember& member, const BitmapAddPlan& plan)
{
    auto superblock = *member.superblock;
    superblock.featureMap |= feature::kBitmapOffset;
    superblock.bitmapOffset = plan.offset;
    FieldChecks checks(superblock.location.bytes());
    checkBitmapPlace(checks, superblock, {"bitmap_offset", 0}, {areaBytes(plan) / kSectorBytes},
        {member.source->sizeBytes() / kSectorBytes});
    if (!checks.take().empty() || plan.offset == 0)
        return std::unexpected(noRoom(member, freeBitmapRoom(superblock).length, areaBytes(plan)));
    return {};
}

Result<void> choosePlace(const ArrayState& state, BitmapAddPlan& plan)
{
    const auto& narrow = tightest(state);
    const auto room = freeBitmapRoom(*narrow.superblock);
    const auto& choices = plan.choices;
    if (plan.chunkBytes == 0)
        plan.chunkBytes = usualBitmapChunk(state.syncSize, room.length);
    if (plan.chunkBytes == 0)
        return std::unexpected(noRoom(narrow, room.length, 2 * kSectorBytes));
    plan.chunks = bitmapChunks(state.syncSize, plan.chunkBytes);
    const auto usual = usualBitmapOffset(room, state.syncSize, plan.chunkBytes);
    plan.offset = choices.offset.value_or(usual);
    // The kernel looks for it in one place there.
    const bool fixed = state.reference->version == MetadataVersion::V0_90 && plan.offset != usual;
    const auto smallest = smallestBitmapChunk(state.syncSize, room.length);
    if (fixed || (!choices.offset && plan.chunkBytes < smallest))
        return std::unexpected(noRoom(narrow, room.length, areaBytes(plan)));
    for (const auto& member : state.members) {
        if (!member.isFaulty())
            BM_TRY(checkPlace(member, plan));
    }
    return {};
}

void listWrites(const ArrayState& state, BitmapAddPlan& plan)
{
    if (!plan.choices.file.empty()) {
        plan.writes.push_back(
            {plan.choices.file, 0, bitmapBytes(plan.chunks), WritePurpose::Bitmap});
    }
    for (const auto& member : state.members) {
        if (member.isFaulty())
            continue;
        const auto& superblock = *member.superblock;
        plan.writes.push_back({member.path, superblock.location.bytes(),
            superblockLength(superblock).bytes(), WritePurpose::Superblock});
        if (plan.choices.file.empty() && member.hasRole()) {
            plan.writes.push_back(
                {member.path, placeOf(member, plan.offset), areaBytes(plan), WritePurpose::Bitmap});
        }
    }
}

bool hasBitmap(const ArrayState& state)
{
    return state.bitmap || state.plan.array.bitmap || state.reference->hasBitmap();
}

Result<BitmapAddPlan> planFor(const ArrayState& state, const BitmapChoices& choices)
{
    BM_TRY(state.supportsWriting());
    if (hasBitmap(state))
        return fail(ErrorCode::HasBitmap, state.name);
    BM_TRY(refuseWhileSyncIsDue(state));
    if (state.syncSize.count == 0)
        return fail(ErrorCode::Unsupported, state.name);
    const bool canBe = std::has_single_bit(choices.chunkBytes) && choices.chunkBytes >= 4096;
    if (choices.chunkBytes != 0 && !canBe)
        return fail(ErrorCode::BadBitmap, state.name);
    BitmapAddPlan plan;
    plan.choices = choices;
    plan.chunkBytes = choices.chunkBytes;
    if (choices.file.empty()) {
        BM_TRY(choosePlace(state, plan));
    } else {
        if (plan.chunkBytes == 0)
            plan.chunkBytes = usualBitmapFileChunk(state.syncSize);
        plan.chunks = bitmapChunks(state.syncSize, plan.chunkBytes);
    }
    plan.pages = bitmapPages(plan.chunks);
    listWrites(state, plan);
    return plan;
}

// What mdadm writes first: a header that no event has been counted in yet, so that whoever finds it
// takes it for out of date, and ones.
std::vector<std::byte> firstImage(const ArrayState& state, const BitmapAddPlan& plan)
{
    BitmapHeader header;
    header.magic = ondisk::BITMAP_MAGIC;
    header.version = ondisk::BITMAP_MAJOR_HI;
    header.uuid = bitmapUuid(*state.reference);
    header.syncSize = state.syncSize;
    header.chunkBytes = plan.chunkBytes;
    header.daemonSleep = kDaemonSleep;
    auto image = encodeBitmapHeader(header, {});
    const bool inFile = !plan.choices.file.empty();
    image.resize(inFile ? bitmapBytes(plan.chunks) : areaBytes(plan), std::byte{0xff});
    return image;
}

// The superblock that speaks for the array, as the next update makes it.
std::shared_ptr<const Superblock> speaking(const ArrayState& state, std::int32_t offset)
{
    auto superblock = *state.reference;
    superblock.events = state.events;
    superblock.featureMap &= ~feature::kBitmapOffset;
    if (offset != 0) {
        superblock.featureMap |= feature::kBitmapOffset;
        superblock.bitmapOffset = offset;
    }
    return std::make_shared<const Superblock>(std::move(superblock));
}

Result<std::vector<BitmapPlace>> writeFirst(
    ArrayState& state, const BitmapAddPlan& plan, std::optional<BitmapFile>& file)
{
    const auto image = firstImage(state, plan);
    std::vector<BitmapPlace> places;
    if (!plan.choices.file.empty()) {
        BM_TRY(state.access.create(plan.choices.file, image));
        state.allowed->allow(plan.choices.file, 0, image.size());
        file = BitmapFile{plan.choices.file, BM_TRY(state.access.open(plan.choices.file))};
        places.push_back({file->device.get(), 0, true});
        return places;
    }
    BM_TRY(writeFirstBitmap(state, plan.offset, image));
    for (const auto* member : state.copies())
        places.push_back({member->source.get(), placeOf(*member, plan.offset), false});
    return places;
}

// Its pages are seen on their way; whose bits are set where, when they have arrived.
void showNew(ArrayState& state, const LiveBitmap& bitmap)
{
    auto report = state.plan.array;
    auto& shown = report.bitmap.emplace();
    shown.header = bitmap.header();
    shown.chunks = bitmap.chunks();
    shown.stale = bitmap.wasStale();
    state.frames.beginAnew(report);
}

void publish(ArrayState& state)
{
    state.publish();
    const auto report = state.published().report;
    state.plan.array.bitmap = report.bitmap;
    state.frames.beginAnew(report);
}

} // namespace

Result<BitmapAddPlan> planBitmapAdd(const Array& array, const BitmapChoices& choices)
{
    const auto guard = array.state().lock();
    return planFor(array.state(), choices);
}

Result<BitmapOutcome> addBitmap(Array& array, const BitmapAddPlan& plan)
{
    auto& state = array.state();
    const auto rows = state.rows.take({{}, kMaxSector}, RowUse::Sync);
    const auto guard = state.lock();
    BM_TRY(state.writable());
    const auto current = BM_TRY(planFor(state, plan.choices));
    if (current.offset != plan.offset || current.chunkBytes != plan.chunkBytes)
        return fail(ErrorCode::ChangedSincePlan, state.name);
    // A file is made anew: there is nothing in it to be saved.
    auto onMembers = plan.writes;
    std::erase_if(
        onMembers, [&plan](const PlannedWrite& write) { return write.path == plan.choices.file; });
    BM_TRY(state.authorize(onMembers));
    const auto before = state.writtenBytes;
    std::optional<BitmapFile> file;
    const auto places = BM_TRY(writeFirst(state, plan, file));
    const auto reference = speaking(state, plan.offset);
    auto bitmap = BM_TRY(LiveBitmap::load(places, *reference, state.syncSize, state.name));
    bitmap.markNeeded(state.resyncOffset);

    showNew(state, bitmap);
    state.reference = reference;
    state.bitmap = std::move(bitmap);
    state.bitmapFile = std::move(file);
    state.bitmapKicked = false;
    BM_TRY(startBitmap(state));
    BM_TRY(updateSuperblocks(state));
    log(LogEvent::BitmapAdded, state.name, plan.choices.file, plan.chunks, plan.chunkBytes);
    publish(state);
    return BitmapOutcome{state.events, state.writtenBytes - before};
}

Result<BitmapOutcome> removeBitmap(Array& array)
{
    auto& state = array.state();
    const auto rows = state.rows.take({{}, kMaxSector}, RowUse::Sync);
    const auto guard = state.lock();
    BM_TRY(state.writable());
    if (!state.bitmap)
        return fail(ErrorCode::NoBitmap, state.name);
    BM_TRY(refuseWhileSyncIsDue(state));
    const auto before = state.writtenBytes;
    state.bitmap.reset();
    state.bitmapFile.reset();
    state.bitmapKicked = false;
    state.reference = speaking(state, 0);
    // Also where no superblock named it: from here on its event count is behind, and nobody
    // believes it.
    BM_TRY(updateSuperblocks(state));
    log(LogEvent::BitmapRemoved, state.name);
    publish(state);
    return BitmapOutcome{state.events, state.writtenBytes - before};
}

} // namespace bitmend
