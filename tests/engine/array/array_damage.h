// SPDX-License-Identifier: Apache-2.0
// What has happened to an array in memory before a test begins: a recovery that stopped half way,
// bits that are set.
#pragma once

#include "engine/metadata/bad_block_log.h"
#include "engine/metadata/field_checks.h"
#include "tests/engine/array/memory_array.h"

#include <algorithm>

namespace bitmend::test {

// The member counts as rebuilt up to there, and holds nothing of the array from there on.
inline void interruptRecovery(MemoryArray& array, std::uint32_t number, Sectors offset)
{
    auto written = array.superblock(number);
    written.featureMap |= feature::kRecoveryOffset;
    written.recoveryOffset = offset;
    std::ranges::copy(formatOf(written.version).encode(written),
        array.bytes(number).begin() + std::ptrdiff_t(written.location.bytes()));
    std::ranges::fill(array.data(number).subspan(offset.bytes()), std::byte{0xee});
}

// In the member's bad block log, of 8 sectors; and nothing of the array is in those sectors any
// more. The ranges are of its data.
inline constexpr BadBlockLogPlace kBadBlockLog{40, 8, 0};

inline void listBad(MemoryArray& array, std::uint32_t number, const BadBlocks& inData)
{
    auto written = array.superblock(number);
    written.badBlockLog = kBadBlockLog;
    BadBlocks listed;
    for (const auto& range : inData) {
        listed.push_back({written.dataOffset + range.begin, written.dataOffset + range.end});
        std::ranges::fill(array.data(number).subspan(range.begin.bytes(), range.length().bytes()),
            std::byte{0xbb});
    }
    if (!listed.empty())
        written.featureMap |= feature::kBadBlocks;
    const auto put = [&](std::span<const std::byte> bytes, std::uint64_t offset) {
        std::ranges::copy(bytes, array.bytes(number).begin() + std::ptrdiff_t(offset));
    };
    put(formatOf(written.version).encode(written), written.location.bytes());
    if (const auto log = encodeBadBlocks(listed, written))
        put(*log, badBlockLogArea(written)->begin.bytes());
}

// In the bitmap of every member.
inline void setBits(MemoryArray& array, std::uint64_t chunk)
{
    for (int role = 0; role < array.geometry().raidDisks; ++role) {
        auto& bytes = array.bytes(std::size_t(role));
        bytes[MemoryArray::kBitmapAt.bytes() + 256 + chunk / 8] |= std::byte(1U << chunk % 8);
    }
}

} // namespace bitmend::test
