// SPDX-License-Identifier: Apache-2.0
#include "engine/array/array_state.h"

#include "engine/array/as_scanned.h"
#include "engine/array/assembly_parts.h"

#include <algorithm>

namespace bitmend {

namespace {

// What was planned from superblocks as they will be shows them as they are. By that of a faulty
// member, which is not written any more, it would only be out of date.
void sayHowTheyAre(const ArrayState& state, ArrayReport& report)
{
    for (auto& member : report.members) {
        const auto* running = state.member(member.path);
        if (!running)
            continue;
        member.superblock = running->superblock;
        if (member.path == report.reference)
            report.superblock = running->superblock;
        if (!running->isFaulty())
            continue;
        member.state = MemberState::Faulty;
        member.reason = {ReasonCode::RecordedFaulty, 0, 0, report.reference};
    }
}

// What the kernel takes of each member once it runs the array, and writes back as the size.
Sectors usedOfMember(const Geometry& geometry, Sectors arraySize)
{
    const auto chunk = geometry.chunk.count;
    switch (geometry.level) {
    case 4:
    case 5:
    case 6:
        return {geometry.componentSize.count / chunk * chunk};
    case 10: {
        const auto members = static_cast<std::uint64_t>(geometry.raidDisks);
        const auto copies = arraySize.count / chunk * copiesOfEach(geometry);
        return {(copies + members - 1) / members * chunk};
    }
    default:
        return geometry.componentSize;
    }
}

SyncEstimate resyncEstimate(const ArrayState& state)
{
    auto due = state.syncSize - std::min(state.resyncOffset, state.syncSize);
    if (state.bitmap)
        due = state.bitmap->neededSectors();
    auto estimate = resyncCost(state.geometry, state.inSyncCount(), due.bytes());
    if (state.bitmap)
        estimate.chunks = state.bitmap->neededCount();
    return estimate;
}

// md's rule of what level 10 stands does not know that sets of members keep far copies to
// themselves. Where copies lie repeats after as many chunks as there are members.
bool hasAllCopies(const ArrayState& state, const std::vector<bool>& inSync)
{
    const auto chunk = state.geometry.chunk.count;
    for (std::uint64_t i = 0; state.geometry.level == 10 && i < inSync.size(); ++i) {
        if (i * chunk >= state.arraySize.count)
            break;
        const auto places = state.level->locate(state.geometry, {i * chunk});
        if (std::ranges::none_of(places, [&inSync](const Place& place) {
                return inSync[static_cast<std::size_t>(place.role)];
            }))
            return false;
    }
    return true;
}

// Members that are read for each one that is written.
std::uint64_t recoverySources(const Geometry& geometry)
{
    const auto members = static_cast<std::uint64_t>(geometry.raidDisks);
    switch (geometry.level) {
    case 4:
    case 5:
        return members - 1;
    case 6:
        return members - 2;
    default:
        return 1;
    }
}

SyncEstimate recoveryEstimate(const ArrayState& state)
{
    Sectors from = state.componentSize;
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
    return recoveryCost(state, from, targets);
}

} // namespace

SyncEstimate recoveryCost(const ArrayState& state, Sectors from, std::uint64_t targets)
{
    const auto bytes = (state.componentSize - from).bytes();
    // Copies of level 10 are those of other places for each target; elsewhere one read serves all.
    const auto passes = state.geometry.level == 10 ? targets : 1;
    SyncEstimate cost;
    cost.readBytes = bytes * recoverySources(state.geometry) * passes;
    cost.writeBytes = bytes * targets;
    return cost;
}

ArrayState::ArrayState(AssemblyPlan thePlan, MemberAccess theAccess)
    : plan(std::move(thePlan))
    , access(std::move(theAccess))
    , mode(plan.choices.mode)
    , name(plan.array.name)
    , reference(plan.array.superblock)
    , geometry(plan.array.geometry)
    , level(personality(geometry.level))
    , arraySize(plan.array.arraySize)
    , componentSize(usedOfMember(geometry, arraySize))
    , syncSize(bitmapSyncSize(*reference, arraySize))
    , events(plan.array.events)
    , resyncOffset(plan.array.resyncOffset)
    , allowed(std::make_shared<AllowedWrites>())
    , frames(plan.array)
    , m_readers(std::make_shared<const ArrayReaders>())
{
    access.open = [open = access.open, allowed = allowed](
                      const std::string& path) -> Result<DevicePtr> {
        return guardWrites(BM_TRY(open(path)), path, allowed);
    };
}

Result<void> ArrayState::authorize(const std::vector<PlannedWrite>& writes)
{
    const auto guard = lock();
    if (mode == WriteMode::InPlace) {
        if (!restoreFile) {
            auto path = plan.choices.restoreFile.empty()
                            ? defaultRestoreFile(plan.array)
                            : std::filesystem::path(plan.choices.restoreFile);
            restoreFile = BM_TRY(RestoreFile::create(path, plan.array));
        }
        BM_TRY(restoreFile->save(areasToSave(plan.array, writes), access.look));
    }
    for (const auto& write : writes)
        allowed->allow(write.path, write.offset, write.length);
    return {};
}

ArrayMember asPlanned(const ArrayState& state, const Member& planned)
{
    ArrayMember member;
    member.path = planned.path;
    member.superblock = planned.superblock;
    member.dataOffset = planned.superblock->dataOffset;
    member.replaces = planned.state == MemberState::Replacement;
    const bool rebuilding = planned.state == MemberState::Rebuilding || member.replaces;
    member.inSync = planned.state == MemberState::InSync;
    member.accepted = planned.isAccepted();
    if (member.inSync || rebuilding)
        member.role = planned.role;
    if (rebuilding) {
        const auto& superblock = *planned.superblock;
        member.recoveryOffset = state.componentSize;
        if (superblock.has(feature::kRecoveryOffset))
            member.recoveryOffset = std::min(superblock.recoveryOffset, state.componentSize);
        member.byBitmap = planned.superblock->has(feature::kRecoveryBitmap);
    }
    member.badListed = planned.badBlocks;
    member.badSettled = planned.badBlocks;
    // With a role that was given comes a place in the table that nobody else has.
    if (planned.isAccepted() && std::uint32_t(planned.devNumber) != planned.superblock->devNumber) {
        auto renumbered = *planned.superblock;
        renumbered.devNumber = static_cast<std::uint32_t>(planned.devNumber);
        member.superblock = std::make_shared<const Superblock>(std::move(renumbered));
    }
    return member;
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

ArrayMember* ArrayState::holderOf(int role)
{
    const auto found = std::ranges::find_if(members,
        [role](const ArrayMember& member) { return member.stands() && member.role == role; });
    return found == members.end() ? nullptr : &*found;
}

const ArrayMember* ArrayState::holderOf(int role) const
{
    return const_cast<ArrayState*>(this)->holderOf(role);
}

std::size_t ArrayState::inSyncCount() const
{
    return static_cast<std::size_t>(std::ranges::count(members, true, &ArrayMember::inSync));
}

bool ArrayState::canDoWithout(const ArrayMember& member) const
{
    if (!member.inSync)
        return true;
    std::vector<bool> others(reference->raidDisks);
    for (const auto& one : members) {
        if (one.inSync && &one != &member)
            others[static_cast<std::size_t>(one.role)] = true;
    }
    return level->canStart(geometry, others, false) && hasAllCopies(*this, others);
}

bool ArrayState::isRedundant() const
{
    return std::ranges::any_of(members,
        [this](const ArrayMember& member) { return member.inSync && canDoWithout(member); });
}

SectorRange ArrayState::syncRows(SectorRange arraySectors) const
{
    if (!hasParity(geometry) || arraySectors.empty())
        return arraySectors;
    const auto chunk = geometry.chunk.count;
    const auto row = chunk * recoverySources(geometry);
    const auto last = arraySectors.end.count - 1;
    // Inside one chunk it is only these sectors of its row, else whole rows.
    if (arraySectors.begin.count / chunk == last / chunk) {
        const auto base = last / row * chunk;
        return {{base + arraySectors.begin.count % chunk}, {base + last % chunk + 1}};
    }
    return {{arraySectors.begin.count / row * chunk}, {(last / row + 1) * chunk}};
}

// With nothing left to compare, a mirror or a row of parity has nothing to resync. Level 10 always
// goes through what copies there are.
bool ArrayState::resyncDue() const
{
    if (resyncOffset == kMaxSector || syncSize == Sectors{})
        return false;
    return geometry.level == 10 || isRedundant();
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
    // As in the kernel: level 10 gives no slot away before its copies agree.
    if (!vacantRole() || (geometry.level == 10 && resyncDue()))
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
    if (plan.array.opens != Opens::ToWrite)
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
    auto readers = std::make_shared<ArrayReaders>();
    for (const auto* member : copies())
        readers->all.push_back({member->role, member->source, member->dataOffset.bytes()});
    for (const auto& member : members) {
        if (member.stands() && !member.inSync) {
            readers->all.push_back({member.role, member.source, member.dataOffset.bytes(),
                member.recoveryOffset.bytes()});
        }
    }
    readers->settle(geometry);
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
        sayHowTheyAre(*this, snapshot.report);
    }
    snapshot.mode = mode;
    if (restoreFile)
        snapshot.restoreFile = restoreFile->path().string();
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
