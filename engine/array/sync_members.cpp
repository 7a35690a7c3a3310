// SPDX-License-Identifier: Apache-2.0
#include "engine/array/sync_members.h"

#include <algorithm>

namespace bitmend {

Sectors resyncLength(const ArrayState& state)
{
    const auto guard = state.lock();
    if (state.bitmap)
        return state.bitmap->neededSectors();
    return state.syncSize - std::min(state.resyncOffset, state.syncSize);
}

Sectors recoveryStart(const ArrayState& state)
{
    const auto guard = state.lock();
    auto from = state.componentSize;
    for (const auto& member : state.members) {
        if (member.isRebuilding())
            from = std::min(from, member.recoveryOffset);
    }
    return from;
}

bool recoversByBitmap(const ArrayState& state)
{
    const auto guard = state.lock();
    return state.bitmap && std::ranges::all_of(state.members, [](const ArrayMember& member) {
        return !member.isRebuilding() || member.byBitmap;
    });
}

Result<void> checkRebuilding(const ArrayState& state)
{
    const auto guard = state.lock();
    if (state.hasRebuilding())
        return {};
    Error why{ErrorCode::NothingToDo, state.name};
    for (const auto& member : state.members) {
        if (member.fault)
            why = *member.fault;
    }
    return std::unexpected(why);
}

} // namespace bitmend
