// SPDX-License-Identifier: Apache-2.0
// What the kernel would write to a member now, as values. Pure: commit does the writing.
#pragma once

#include "engine/array/array_state.h"

namespace bitmend {

// Feature bits and the table of members are made anew; array-wide fields are those of the freshest
// member. In 0.90, which numbers its members by slot, the member's own number may change as well.
Superblock nextSuperblock(const ArrayState& state, const ArrayMember& member);

// The first superblock of a member that is new to the array: an idle spare, known to no other.
// `drawnUp` has what is its own: location, data area, number, UUID.
Superblock spareSuperblock(const ArrayState& state, Superblock drawnUp);

} // namespace bitmend
