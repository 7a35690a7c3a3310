// SPDX-License-Identifier: Apache-2.0
#include "engine/array/sync_members.h"

#include <algorithm>

namespace bitmend {

SyncMembers resyncMembers(ArrayState& state, SectorRange range)
{
    const auto guard = state.lock();
    SyncMembers taking{state.copies(), {}};
    for (auto& member : state.members) {
        // A member that is being rebuilt claims to be valid below its offset: there it has to
        // follow, above it the recovery will come by.
        if (member.inSync || (member.isRebuilding() && range.begin < member.recoveryOffset))
            taking.targets.push_back(&member);
    }
    return taking;
}

Sectors resyncLength(const ArrayState& state)
{
    const auto guard = state.lock();
    if (state.bitmap)
        return state.bitmap->neededSectors();
    return state.arraySize - std::min(state.resyncOffset, state.arraySize);
}

Result<SyncMembers> recoveryMembers(ArrayState& state)
{
    const auto guard = state.lock();
    SyncMembers taking{state.copies(), {}};
    Error why{ErrorCode::NothingToDo, state.name};
    for (auto& member : state.members) {
        if (member.isRebuilding())
            taking.targets.push_back(&member);
        if (member.fault)
            why = *member.fault;
    }
    if (taking.targets.empty())
        return std::unexpected(why);
    return taking;
}

Sectors recoveryStart(const ArrayState& state)
{
    const auto guard = state.lock();
    auto from = state.arraySize;
    for (const auto& member : state.members) {
        if (member.isRebuilding())
            from = std::min(from, member.recoveryOffset);
    }
    return from;
}

} // namespace bitmend
