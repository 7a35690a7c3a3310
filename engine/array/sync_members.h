// SPDX-License-Identifier: Apache-2.0
// Between whom a sync copies, asked anew for each window: writes that go on beside it may fail a
// member at any time.
#pragma once

#include "engine/array/array_state.h"

#include <vector>

namespace bitmend {

struct SyncMembers // by pointer: only the strand, which asks, adds members or takes some away
{
    std::vector<ArrayMember*> copies; // as they are trusted
    std::vector<ArrayMember*> targets;
};

SyncMembers resyncMembers(ArrayState& state, SectorRange range);
Sectors resyncLength(const ArrayState& state); // what is due

// The error of the member that was being rebuilt when there is none any more.
Result<SyncMembers> recoveryMembers(ArrayState& state);
Sectors recoveryStart(const ArrayState& state);

} // namespace bitmend
