// SPDX-License-Identifier: Apache-2.0
#include "engine/array/array.h"

#include "engine/array/array_state.h"
#include "engine/array/bad_blocks.h"
#include "engine/array/commit.h"
#include "engine/array/foreground.h"
#include "engine/array/planned_writes.h"
#include "engine/array/replacement.h"
#include "engine/base/assert.h"
#include "engine/base/log.h"
#include "engine/io/container.h"
#include "engine/io/file_device.h"
#include "engine/io/overlay.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>
#include <utility>

namespace bitmend {

namespace {

// What a member may carry while we write to it. Everything else has rules of its own that are not
// kept yet, and half-kept rules lose data.
constexpr std::uint32_t kWritableFeatures = feature::kBitmapOffset | feature::kRecoveryOffset |
                                            feature::kBadBlocks | feature::kReplacement |
                                            feature::kRecoveryBitmap | feature::kRaid0Layout;

Result<ArrayMember> openMember(
    const ArrayState& state, const Member& planned, const MemberAccess& access)
{
    auto member = asPlanned(state, planned);
    if (state.mode == WriteMode::ReadOnly) {
        member.source = BM_TRY(access.look(planned.path));
    } else {
        member.device = BM_TRY(access.open(planned.path));
        member.source = member.device;
    }

    std::vector<std::byte> now(planned.superblock->raw.size());
    BM_TRY(member.source->readAt(planned.superblock->location.bytes(), now));
    if (now != planned.superblock->raw) {
        return fail(ErrorCode::ChangedSincePlan, planned.path,
            static_cast<std::int64_t>(planned.superblock->location.bytes()));
    }
    BM_TRY(heedBadBlocks(member));
    return member;
}

Result<void> openMembers(ArrayState& state)
{
    for (const auto& path : state.plan.taking) {
        const auto planned = std::ranges::find(state.plan.array.members, path, &Member::path);
        BM_ASSERT(planned != state.plan.array.members.end() && planned->superblock);
        const bool knownState = planned->state == MemberState::InSync ||
                                planned->state == MemberState::Rebuilding ||
                                planned->state == MemberState::Spare;
        const auto features = planned->superblock->featureMap;
        const bool replaces =
            state.mode != WriteMode::ReadOnly && planned->state == MemberState::Replacement;
        const bool unwritable =
            state.mode != WriteMode::ReadOnly &&
            ((!knownState && !replaces) || (features & ~kWritableFeatures) != 0);
        if (unwritable)
            return fail(ErrorCode::Unsupported, path);
        if (knownState || replaces)
            state.members.push_back(BM_TRY(openMember(state, *planned, state.access)));
    }
    for (auto& member : state.members) {
        if (member.replaces)
            BM_TRY(followOriginal(state, member));
    }
    std::vector<bool> inSync(state.reference->raidDisks);
    for (const auto& member : state.members) {
        if (member.inSync)
            inSync[static_cast<std::size_t>(member.role)] = true;
    }
    if (!state.level->canStart(state.geometry, inSync, false))
        return fail(ErrorCode::NotEnoughMembers, state.name);
    return {};
}

// The copies in the order in which md asks them: the freshest member's first. That of an accepted
// member is as old as it is.
std::vector<BitmapPlace> bitmapPlaces(const ArrayState& state, const std::string& preferred)
{
    if (state.bitmapFile)
        return {{state.bitmapFile->device.get(), 0, true}};
    std::vector<BitmapPlace> places;
    for (const bool first : {true, false}) {
        for (const auto& member : state.members) {
            if (!member.inSync || (member.path == preferred) != first || member.accepted)
                continue;
            const auto location = static_cast<std::int64_t>(member.superblock->location.count);
            const auto sector = location + member.superblock->bitmapOffset;
            places.push_back(
                {member.source.get(), static_cast<std::uint64_t>(sector) * kSectorBytes});
        }
    }
    return places;
}

// The first sector of each member on which something from this sync sector on can lie.
Sectors memberSector(const ArrayState& state, Sectors syncSector)
{
    if (state.geometry.level != 10)
        return syncSector;
    auto first = state.componentSize;
    for (const auto& place : state.level->locate(state.geometry, syncSector))
        first = std::min(first, place.sector);
    return {first.count / state.geometry.chunk.count * state.geometry.chunk.count};
}

// Writes that were under way when the power went have reached a member that is being rebuilt, or
// not: it is only good up to the first of them.
void distrustRebuilt(ArrayState& state)
{
    if (state.bitmap && state.bitmap->neededCount() == 0)
        return;
    auto first =
        state.bitmap ? state.bitmap->sectors(state.bitmap->nextNeeded(0, 1)).begin : Sectors{};
    first = memberSector(state, first);
    for (auto& member : state.members) {
        if (member.isRebuilding())
            member.recoveryOffset = std::min(member.recoveryOffset, first);
    }
}

// A forced start keeps every bit: they say where the members may not agree. Accepted members have
// old bitmaps, of which the kernel could ask any, so all pages go to all.
void keepForced(const ArrayState& state, LiveBitmap& bitmap)
{
    const auto& planned = state.plan.array.bitmap;
    if (planned && planned->everything)
        bitmap.setAll();
    bitmap.markNeeded({});
    for (std::uint64_t page = 0; page < bitmap.pages(); ++page)
        bitmap.setPageDue(page, true);
}

// What the kernel does when it runs the array: believe the bitmap, or fill it when it is stale,
// decide which of its bits are needed, and vouch for it with the array's event count. Superblocks
// are not touched: nothing in them changes by starting.
Result<void> startWriting(ArrayState& state)
{
    // Nothing of level 0 or linear is ever dirty, or repeated anywhere: md leaves their superblocks
    // as they are.
    if (state.syncSize == Sectors{})
        return {};
    const bool wasDirty = state.resyncOffset != kMaxSector || state.reference->isDirty();
    // With a single copy there is nothing to make it agree with.
    if (wasDirty && !state.resyncDue()) {
        state.resyncOffset = kMaxSector;
        state.superblocksDue = true;
    }
    // A member left one event behind by a crash may still say dirty: the stop makes them even.
    for (const auto& member : state.members)
        state.superblocksDue |= member.hasRole() && member.superblock->events < state.events;
    const auto& found = state.plan.array.bitmap;
    if (!found) {
        // Promised, and nobody's could be read: the kernel would not start it either.
        if (state.reference->hasBitmap())
            return fail(ErrorCode::BadBitmap, state.name);
        if (wasDirty)
            distrustRebuilt(state);
        return {};
    }
    if (found->location.external)
        state.bitmapFile = BitmapFile{found->from, BM_TRY(state.access.open(found->from))};
    auto bitmap = BM_TRY(LiveBitmap::load(
        bitmapPlaces(state, found->from), *state.reference, state.syncSize, state.name));
    // While a member is missing, set bits are what a later re-add needs, unless none was set since
    // the array was last complete.
    const bool believed = !state.isDegraded() || bitmap.header().eventsCleared == state.events;
    bitmap.markNeeded(believed ? state.resyncOffset : Sectors{});
    if (state.plan.force)
        keepForced(state, bitmap);
    state.bitmap = std::move(bitmap);
    if (wasDirty)
        distrustRebuilt(state);
    return startBitmap(state);
}

// Bits that nothing needs, the header, and superblocks without a word of writes under way.
Result<void> writeCleanState(ArrayState& state)
{
    BM_TRY(state.writable());
    if (state.bitmap && !state.bitmapKicked) {
        std::vector<ChunkRun> fading;
        for (auto range = state.bitmap->nextFading(0); !range.empty();
            range = state.bitmap->nextFading(range.end)) {
            fading.push_back(range);
            state.frames.mark(range, ChunkState::Clean);
        }
        BM_TRY(clearChunks(state, fading));
        BM_TRY(rewriteBitmapHeader(state));
    }
    BM_TRY(flushMembers(state));
    const bool isDue = state.superblocksDue || areBadBlocksDue(state);
    if (std::exchange(state.isDirty, false) || isDue)
        BM_TRY(updateSuperblocks(state));
    return {};
}

} // namespace

Array::Array(std::unique_ptr<ArrayState> state) : m_state(std::move(state)) {}

Array::~Array() = default;

const std::string& Array::name() const { return m_state->name; }

std::uint64_t Array::sizeBytes() const { return m_state->arraySize.bytes(); }

Result<void> Array::readAt(std::uint64_t offset, std::span<std::byte> to) const
{
    return readForeground(*m_state, offset, to);
}

Result<void> Array::writeAt(std::uint64_t offset, std::span<const std::byte> from)
{
    return writeForeground(*m_state, offset, from);
}

Result<void> Array::authorize(const std::vector<PlannedWrite>& writes)
{
    return m_state->authorize(writes);
}

Result<void> Array::flush() { return flushMembers(*m_state); }

Result<void> Array::maintain() { return bitmend::maintain(*m_state); }

void Array::cutPower() { m_state->allowed->cutPower(); }

ArraySnapshot Array::snapshot() const { return m_state->published(); }

std::uint64_t Array::writtenBytes() const
{
    const auto guard = m_state->lock();
    return m_state->writtenBytes;
}

std::uint64_t Array::recomputedBytes() const { return m_state->recomputedBytes; }

FrameBox<BitmapFrame>& Array::frames() const { return m_state->frames.box(); }

Result<std::unique_ptr<Array>> assembleFrom(const AssemblyPlan& plan, MemberAccess access)
{
    const auto& array = plan.array;
    if (!array.canStart) {
        const bool choice = array.needs == Needs::Choice;
        return fail(choice ? ErrorCode::NeedsChoice : ErrorCode::NotEnoughMembers, array.name);
    }
    const bool writing = plan.choices.mode != WriteMode::ReadOnly;
    if (!array.superblock || array.opens == Opens::Never)
        return fail(ErrorCode::Unsupported, array.name);

    auto state = std::make_unique<ArrayState>(plan, std::move(access));
    if (writing)
        BM_TRY(state->supportsWriting());
    BM_TRY(openMembers(*state));
    log(LogEvent::ArrayOpened, state->name, {}, state->members.size(), state->events);
    if (writing) {
        BM_TRY(state->authorize(plan.writes));
        // What somebody writes through the array on overlays harms nobody and is not reviewed.
        if (state->mode == WriteMode::Overlay)
            BM_TRY(state->authorize(foregroundWrites(array, {{}, array.arraySize})));
        BM_TRY(startWriting(*state));
        // From now on everyone is a member in the eyes of any kernel, whatever happens next.
        if (plan.force)
            BM_TRY(updateSuperblocks(*state));
    }
    state->publish();
    return std::unique_ptr<Array>(new Array(std::move(state)));
}

Result<std::unique_ptr<Array>> assemble(
    const AssemblyPlan& plan, const std::filesystem::path& overlay)
{
    const auto look = [overlay](const std::string& path) -> Result<SourcePtr> {
        auto source = BM_TRY(openSource(path));
        return overlay.empty() ? source : viewThroughOverlay(source, overlay);
    };
    const auto open = [overlay, mode = plan.choices.mode](
                          const std::string& path) -> Result<DevicePtr> {
        if (mode == WriteMode::InPlace)
            return openDevice(path);
        return openOverlay(BM_TRY(openSource(path)), overlay);
    };
    // Whoever names a folder for overlays does not want the members to be written to.
    if (plan.choices.mode == WriteMode::InPlace && !overlay.empty())
        return fail(ErrorCode::Unsupported, plan.array.name);
    if (plan.choices.mode == WriteMode::Overlay && overlay.empty())
        return fail(ErrorCode::Unsupported, plan.array.name);
    return assembleFrom(plan, {look, open, createNewFile});
}

Result<StopOutcome> stop(Array& array)
{
    auto& state = array.state();
    // Whatever is under way ends first; what comes later finds the array stopped.
    const auto rows = state.rows.take({{}, kMaxSector}, RowUse::Sync);
    const auto guard = state.lock();
    StopOutcome outcome;
    const auto before = state.writtenBytes;
    if (state.mode != WriteMode::ReadOnly)
        BM_TRY(writeCleanState(state));
    if (state.bitmap)
        outcome.chunksKept = state.bitmap->setCount();
    state.isStopped = true;
    state.publish();
    state.frames.publish(LiveFrames::Pace::Now);
    outcome.events = state.events;
    outcome.writtenBytes = state.writtenBytes - before;
    log(LogEvent::ArrayStopped, state.name, {}, state.events);
    return outcome;
}

} // namespace bitmend
