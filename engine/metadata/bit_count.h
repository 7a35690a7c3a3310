// SPDX-License-Identifier: Apache-2.0
// Counting set bits, with POPCNT where the CPU has it: the compiler may not assume it on amd64.
#pragma once

#include <cstdint>
#include <span>

namespace bitmend {

std::uint64_t countBits(std::span<const std::uint64_t> words); // the fastest that works here

// The two ways; all CPUs agree on the result.
std::uint64_t countBitsPortably(std::span<const std::uint64_t> words);
std::uint64_t countBitsByPopcnt(std::span<const std::uint64_t> words); // only if cpuHasPopcnt()
bool cpuHasPopcnt();

} // namespace bitmend
