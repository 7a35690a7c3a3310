// SPDX-License-Identifier: Apache-2.0
// Check and repair: all of a mirror read and compared, whatever its bitmap says.
#pragma once

#include "engine/array/sync.h"

namespace bitmend {

struct ArrayState;

// For sync(): `action` is Check or Repair. Goes on beside reads and writes. A repair that is
// completed on an array that was due for a resync ends that as well.
Result<SyncOutcome> checkMirror(ArrayState& state, SyncAction action, JobControl& control);

} // namespace bitmend
