// SPDX-License-Identifier: Apache-2.0
// Bits in memory and in the picture of them, on all members that have a role. Writes nothing:
// array/commit does. The caller holds the array's lock.
#pragma once

#include "engine/array/array_state.h"

namespace bitmend {

void setBit(ArrayState& state, LiveBitmap& bitmap, std::uint64_t chunk);
void clearBits(ArrayState& state, LiveBitmap& bitmap, ChunkRun run, LiveBitmap::Pace pace);

// A chunk that is being written to keeps its bit; nothing else needs it any more, so that a later
// sweep takes it.
void clearUnlessWritten(ArrayState& state, LiveBitmap& bitmap, ChunkRun range);

} // namespace bitmend
