// SPDX-License-Identifier: Apache-2.0
// Members that are filled to replace another one which is still there. Both have the role: the
// replacement follows what is written to the original (io/followed_device.h) and is never asked
// itself, but where the original fails and it has come so far. When it has all, the original goes.
//
// Threads: under the array's lock.
#pragma once

#include "engine/array/array_state.h"

namespace bitmend {

// The replacement, which is among the members, begins to follow. Unsupported when nobody in sync
// has its role.
Result<void> followOriginal(ArrayState& state, ArrayMember& replacement);

// How much of it is valid, as recoveryOffset says.
void noteReplaced(ArrayMember& replacement);

// It has all of the original, which counts as faulty from the next superblocks on, as in md.
void takeOver(ArrayState& state, ArrayMember& replacement);

// The original is gone: what replaced it is an ordinary member that is being rebuilt.
void standAlone(ArrayState& state, int role);

// Loses those that did not take what was written; whether there were any.
bool loseFollowers(ArrayState& state);

} // namespace bitmend
