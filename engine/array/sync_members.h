// SPDX-License-Identifier: Apache-2.0
// What a sync has to do, by the states of the members and the bitmap as they are now.
#pragma once

#include "engine/array/array_state.h"

namespace bitmend {

// In sync sectors.
Sectors resyncLength(const ArrayState& state);

// In component sectors.
Sectors recoveryStart(const ArrayState& state);

// Whether no member that is being rebuilt lacks more than the needed chunks.
bool recoversByBitmap(const ArrayState& state);

// The error of the member that was being rebuilt when there is none any more.
Result<void> checkRebuilding(const ArrayState& state);

} // namespace bitmend
