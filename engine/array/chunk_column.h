// SPDX-License-Identifier: Apache-2.0
// What reading and writing levels 4, 5 and 6 through the array share: the same bytes of each chunk
// of one stripe, and what to do where a member does not give all of its part.
#pragma once

#include "engine/array/array_state.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitmend {

// Short enough that what all members hold of it stays in the processor's cache while it is worked
// on.
inline constexpr std::size_t kLongestColumn = std::size_t{64} << 10U;

template <typename Bytes> struct ChunkColumn
{
    std::uint64_t stripe = 0;
    std::uint64_t begin = 0; // in the chunk
    std::size_t length = 0;
    std::vector<Bytes> parts; // by data chunk: where it goes or comes from; empty: not asked for

    std::uint64_t offset(std::uint64_t chunk) const { return stripe * chunk + begin; }
};

// What is given up or computed around an unreadable place.
inline constexpr std::size_t kUnreadableBlock = 4096;

// Calls `act` with one block of the column after the other, until it fails.
template <typename Bytes, typename Act>
Result<void> blockwise(const ChunkColumn<Bytes>& column, Act&& act)
{
    for (std::size_t at = 0; at < column.length;) {
        const auto left = column.length - at;
        const auto length =
            std::min(kUnreadableBlock - (column.begin + at) % kUnreadableBlock, left);
        ChunkColumn<Bytes> block{column.stripe, column.begin + at, length, column.parts};
        for (auto& part : block.parts)
            part = part.empty() ? part : part.subspan(at, length);
        BM_TRY(act(block));
        at += length;
    }
    return {};
}

// Bytes behind its data_offset, of a member that there is. Where it does not give them, that is
// logged.
Result<void> readRole(const ArrayState& state, const ArrayReaders& readers, int role,
    std::uint64_t offset, std::span<std::byte> to);

} // namespace bitmend
