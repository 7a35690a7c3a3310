// SPDX-License-Identifier: Apache-2.0
// What array/commit is made of: one write or one flush of one member, or of the
// file that holds the bitmap, and what becomes of a member
// that does not take it. Used by nobody else; the caller holds the array's lock.
#pragma once

#include "engine/array/array_state.h"

#include <cstddef>
#include <span>

namespace bitmend {

// What a culprit's error names in place of an offset when it was a flush that was not taken.
inline constexpr std::int64_t kWholeDevice = -1;

// Bytes of the member itself. An error is remembered as the culprit's.
Result<void> writeMember(
    ArrayState& state, ArrayMember& member, std::uint64_t offset, std::span<const std::byte> bytes);
Result<void> flushMember(ArrayState& state, ArrayMember& member); // when something was written
Result<void> writeFile(
    ArrayState& state, BitmapFile& file, std::uint64_t offset, std::span<const std::byte> bytes);
Result<void> flushFile(ArrayState& state, BitmapFile& file);
Result<void> flushAll(ArrayState& state);

// Logs the error and remembers it under the member's path, for loseCulprit(). Returns it.
Result<void> noteRefusal(
    ArrayState& state, const ArrayMember& member, const Error& error, std::uint64_t offset);

// Not a full disk, on which the others lie as well, nor a write that was ours to plan.
bool isMembersFault(const Error& why);

bool canLose(const ArrayState& state, const ArrayMember& member, const Error& why);

// Takes a member's role away; the others' superblocks do not say so yet.
void loseMember(ArrayState& state, ArrayMember& member, const Error& why);

// Loses the member over which a commit broke off. False when the array cannot do without it.
bool loseCulprit(ArrayState& state);

} // namespace bitmend
