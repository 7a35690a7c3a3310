// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/bit_count.h"

#include <bit>

namespace bitmend {

namespace {

using Counter = std::uint64_t (*)(std::span<const std::uint64_t>);

} // namespace

std::uint64_t countBitsPortably(std::span<const std::uint64_t> words)
{
    // Sums of neighbours, in ever wider fields; the multiplication adds up the eight bytes.
    std::uint64_t total = 0;
    for (std::uint64_t word : words) {
        word -= word >> 1 & 0x5555555555555555;
        word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
        word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
        total += word * 0x0101010101010101 >> 56;
    }
    return total;
}

#if defined(__x86_64__)

bool cpuHasPopcnt() { return __builtin_cpu_supports("popcnt") != 0; }

__attribute__((target("popcnt"))) std::uint64_t countBitsByPopcnt(
    std::span<const std::uint64_t> words)
{
    std::uint64_t total = 0;
    for (const std::uint64_t word : words)
        total += static_cast<std::uint64_t>(__builtin_popcountll(word));
    return total;
}

#else

// Elsewhere std::popcount is already what the target's baseline does best.
bool cpuHasPopcnt() { return false; }

std::uint64_t countBitsByPopcnt(std::span<const std::uint64_t> words)
{
    std::uint64_t total = 0;
    for (const std::uint64_t word : words)
        total += static_cast<std::uint64_t>(std::popcount(word));
    return total;
}

#endif

std::uint64_t countBits(std::span<const std::uint64_t> words)
{
    static const Counter kCounter = cpuHasPopcnt() ? countBitsByPopcnt : countBitsPortably;
    return kCounter(words);
}

} // namespace bitmend
