// SPDX-License-Identifier: Apache-2.0
// Reading and writing an assembled array beside whatever job runs on it, and what is left to do
// when nobody writes any more.
//
// A write, in md's order: its rows are taken; the bits of its chunks and superblocks that say dirty
// become durable on every member that has a role; then the data goes to all of them; then its
// chunks count as idle, and maintain() lets their bits go later. Writes that wait for their bits at
// the same time share one round of pages and flushes.
//
// Threads: from any.
#pragma once

#include "engine/array/array_state.h"

#include <cstddef>
#include <span>
#include <vector>

namespace bitmend {

// From members in sync: where one fails, from another copy, by parity, or from one that is being
// rebuilt and has come so far.
Result<void> readForeground(const ArrayState& state, std::uint64_t offset, std::span<std::byte> to);

// The same for whoever holds the rows already, alone.
Result<void> readInOwnRows(const ArrayState& state, std::uint64_t offset, std::span<std::byte> to);

// ShortRead when it does not lie inside the array.
Result<void> checkRange(const ArrayState& state, std::uint64_t offset, std::size_t length);
SectorRange sectorsOf(std::uint64_t offset, std::size_t length); // those that it touches

// Where one byte lies on a member that is not looked at for its state.
struct CopyPlace
{
    int role = -1;
    std::uint64_t offset = 0; // bytes behind its data_offset
};

// Every copy of an array byte in the order in which md asks them, and how far what follows lies
// beside it on the same members.
std::vector<CopyPlace> placesOf(const ArrayState& state, std::uint64_t offset);
std::uint64_t extentEnd(const ArrayState& state, std::uint64_t offset, std::uint64_t end);

// Done when every member with a role has the data, in cache at least. A member that does not take
// it is failed first, in the superblocks of the others.
Result<void> writeForeground(
    ArrayState& state, std::uint64_t offset, std::span<const std::byte> from);

// What is due by the array's clock: a sweep of the bitmap when the format's daemon_sleep has
// passed, clean superblocks when nothing was written for a while.
Result<void> maintain(ArrayState& state);

} // namespace bitmend
