// SPDX-License-Identifier: Apache-2.0
#include "engine/array/array_state.h"

#include <algorithm>

namespace bitmend {

namespace {

// The members as a scan of them would find them now, those that do not take part included.
ScanReport asScanned(const ArrayState& state)
{
    ScanReport report;
    const auto add = [&report](const std::string& path, const SourcePtr& source,
                         std::shared_ptr<const Superblock> superblock,
                         std::shared_ptr<const BitmapCopy> bitmap, std::vector<Problem> problems) {
        SourceReport found;
        found.path = path;
        found.sizeBytes = source ? source->sizeBytes() : 0;
        auto& there = found.found.emplace_back();
        there.superblock = std::move(superblock);
        there.bitmap = std::move(bitmap);
        there.problems = std::move(problems);
        report.sources.push_back(std::move(found));
    };

    for (const auto& member : state.members) {
        std::shared_ptr<const BitmapCopy> copy;
        if (member.superblock->hasBitmap()) {
            auto read = readBitmap(*member.source, *member.superblock,
                bitmapSyncSize(*member.superblock, state.arraySize), false);
            if (read)
                copy = std::make_shared<const BitmapCopy>(std::move(*read));
        }
        add(member.path, member.source, member.superblock, std::move(copy), {});
    }
    if (state.bitmapFile) {
        auto read = readBitmap(*state.bitmapFile->device, *state.reference,
            bitmapSyncSize(*state.reference, state.arraySize), true);
        report.externalBitmapPath = state.bitmapFile->path;
        if (read)
            report.externalBitmap = std::make_shared<const BitmapCopy>(std::move(*read));
    }
    for (const auto& member : state.plan.array.members) {
        if (!state.member(member.path) && member.superblock)
            add(member.path, nullptr, member.superblock, member.bitmap, member.problems);
    }
    return report;
}

SyncEstimate resyncEstimate(const ArrayState& state)
{
    SyncEstimate estimate;
    const auto copies = state.inSyncCount();
    auto bytes = (state.arraySize - std::min(state.resyncOffset, state.arraySize)).bytes();
    if (state.bitmap) {
        estimate.chunks = state.bitmap->neededCount();
        bytes = state.bitmap->neededSectors().bytes();
    }
    estimate.readBytes = bytes * copies;
    estimate.writeBytes = bytes * (copies - 1);
    return estimate;
}

SyncEstimate recoveryEstimate(const ArrayState& state)
{
    SyncEstimate estimate;
    Sectors from = state.arraySize;
    std::uint64_t targets = 0;
    for (const auto& member : state.members) {
        if (!member.isRebuilding())
            continue;
        from = std::min(from, member.recoveryOffset);
        ++targets;
    }
    if (targets == 0) { // an idle spare's turn
        from = {};
        targets = 1;
    }
    estimate.readBytes = (state.arraySize - from).bytes();
    estimate.writeBytes = estimate.readBytes * targets;
    return estimate;
}

} // namespace

ArrayState::ArrayState(AssemblyPlan thePlan, MemberAccess theAccess)
    : plan(std::move(thePlan))
    , access(std::move(theAccess))
    , mode(plan.choices.mode)
    , name(plan.array.name)
    , reference(plan.array.superblock)
    , arraySize(plan.array.arraySize)
    , events(plan.array.events)
    , resyncOffset(plan.array.resyncOffset)
    , frames(plan.array)
    , m_readers(std::make_shared<const std::vector<Reader>>())
{
}

ArrayMember* ArrayState::member(const std::string& path)
{
    const auto found = std::ranges::find(members, path, &ArrayMember::path);
    return found == members.end() ? nullptr : &*found;
}

const ArrayMember* ArrayState::member(const std::string& path) const
{
    const auto found = std::ranges::find(members, path, &ArrayMember::path);
    return found == members.end() ? nullptr : &*found;
}

std::size_t ArrayState::inSyncCount() const
{
    return static_cast<std::size_t>(std::ranges::count(members, true, &ArrayMember::inSync));
}

std::optional<int> ArrayState::vacantRole() const
{
    for (int role = 0; role < static_cast<int>(reference->raidDisks); ++role) {
        if (std::ranges::find(members, role, &ArrayMember::role) == members.end())
            return role;
    }
    return {};
}

bool ArrayState::hasRebuilding() const
{
    return std::ranges::any_of(members, &ArrayMember::isRebuilding);
}

const ArrayMember* ArrayState::idleSpare() const
{
    if (!vacantRole())
        return nullptr;
    const auto spare = std::ranges::find_if(
        members, [](const ArrayMember& member) { return !member.hasRole() && !member.isFaulty(); });
    return spare == members.end() ? nullptr : &*spare;
}

bool ArrayState::recoveryDue() const { return hasRebuilding() || idleSpare() != nullptr; }

std::vector<ArrayMember*> ArrayState::copies()
{
    std::vector<ArrayMember*> inSync;
    for (auto& member : members) {
        if (member.inSync)
            inSync.push_back(&member);
    }
    std::ranges::sort(inSync, {}, [](const ArrayMember* member) {
        return std::pair(member->superblock->isWriteMostly(), member->role);
    });
    return inSync;
}

Result<void> ArrayState::writable() const
{
    const auto guard = lock();
    if (failure)
        return std::unexpected(*failure);
    if (mode == WriteMode::ReadOnly || isStopped)
        return fail(ErrorCode::Unsupported, name);
    return {};
}

Result<void> ArrayState::supportsWriting() const
{
    const auto& found = plan.array.bitmap;
    const bool level = reference->level == 1 && !reference->reshape;
    const bool map = !found || found->header.nodes == 0;
    if (!level || !map)
        return fail(ErrorCode::Unsupported, name);
    return {};
}

ArrayState::Readers ArrayState::readers() const
{
    const std::lock_guard lock(m_mutex);
    return m_readers;
}

ArraySnapshot ArrayState::published() const
{
    const std::lock_guard lock(m_mutex);
    return m_snapshot;
}

void ArrayState::publishReaders()
{
    const auto guard = lock();
    auto readers = std::make_shared<std::vector<Reader>>();
    for (const auto* member : copies())
        readers->push_back({member->source, member->dataOffset.bytes()});
    const std::lock_guard publishing(m_mutex);
    m_readers = std::move(readers);
}

void ArrayState::publish()
{
    const auto guard = lock();
    publishReaders();
    ArraySnapshot snapshot;
    snapshot.report = plan.array;
    if (mode != WriteMode::ReadOnly) {
        const auto now = planAssembly(asScanned(*this), plan.array.uuid, plan.choices);
        if (now)
            snapshot.report = now->array;
    }
    snapshot.mode = mode;
    snapshot.stopped = isStopped;
    snapshot.resyncDue = resyncDue();
    snapshot.recoveryDue = recoveryDue();
    if (snapshot.resyncDue)
        snapshot.resync = resyncEstimate(*this);
    if (snapshot.recoveryDue)
        snapshot.recovery = recoveryEstimate(*this);

    const std::lock_guard publishing(m_mutex);
    m_snapshot = std::move(snapshot);
}

} // namespace bitmend
