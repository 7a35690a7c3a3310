// SPDX-License-Identifier: Apache-2.0
// Counting set bits in many words, by the POPCNT instruction where the CPU has it. The choice is
// made at run time: the program has to run on plain x86-64.
#pragma once

#include <cstdint>
#include <span>

namespace bitmend {

std::uint64_t popcount(std::span<const std::uint64_t> words);

// The two ways, for tests and measurements. The first runs everywhere and gives what popcount()
// gives; the second exists where hasPopcntInstruction() says so, else it is the first.
std::uint64_t popcountPortable(std::span<const std::uint64_t> words);
std::uint64_t popcountByInstruction(std::span<const std::uint64_t> words);
bool hasPopcntInstruction();

// Makes popcount() take the portable way from now on, or again the best one. For measurements;
// not while other threads count.
void preferPortablePopcount(bool portable);

} // namespace bitmend
