// SPDX-License-Identifier: Apache-2.0
#include "engine/base/popcount.h"

#include <algorithm>
#include <atomic>
#include <bit>

namespace bitmend {

namespace {

// A byte lane holds at most 8 per word, so 31 words fit before it overflows.
constexpr std::size_t kWordsPerSum = 31;

constexpr std::uint64_t bytesOf(std::uint64_t byte) { return byte * 0x0101010101010101; }

std::uint64_t bitsPerByte(std::uint64_t word)
{
    word -= (word >> 1) & bytesOf(0x55);
    word = (word & bytesOf(0x33)) + ((word >> 2) & bytesOf(0x33));
    return (word + (word >> 4)) & bytesOf(0x0f);
}

std::uint64_t sumOfBytes(std::uint64_t lanes)
{
    const std::uint64_t pairs = (lanes & 0x00ff00ff00ff00ff) + ((lanes >> 8) & 0x00ff00ff00ff00ff);
    return (pairs * 0x0001000100010001) >> 48;
}

using Count = std::uint64_t (*)(std::span<const std::uint64_t>);

Count best() { return hasPopcntInstruction() ? popcountByInstruction : popcountPortable; }

std::atomic<Count>& chosen()
{
    static std::atomic<Count> count = best();
    return count;
}

} // namespace

std::uint64_t popcount(std::span<const std::uint64_t> words)
{
    return chosen().load(std::memory_order_relaxed)(words);
}

std::uint64_t popcountPortable(std::span<const std::uint64_t> words)
{
    std::uint64_t sum = 0;
    while (!words.empty()) {
        const auto group = words.first(std::min(words.size(), kWordsPerSum));
        std::uint64_t lanes = 0;
        for (const std::uint64_t word : group)
            lanes += bitsPerByte(word);
        sum += sumOfBytes(lanes);
        words = words.subspan(group.size());
    }
    return sum;
}

#if defined(__x86_64__)

bool hasPopcntInstruction() { return __builtin_cpu_supports("popcnt") != 0; }

__attribute__((target("popcnt"))) std::uint64_t popcountByInstruction(
    std::span<const std::uint64_t> words)
{
    // Four sums, so that one addition does not wait for the one before.
    std::uint64_t sums[4] = {};
    const std::uint64_t* word = words.data();
    std::size_t left = words.size();
    for (; left >= 4; left -= 4, word += 4) {
        for (int i = 0; i < 4; ++i)
            sums[i] += static_cast<std::uint64_t>(__builtin_popcountll(word[i]));
    }
    for (; left > 0; --left, ++word)
        sums[0] += static_cast<std::uint64_t>(__builtin_popcountll(*word));
    return sums[0] + sums[1] + sums[2] + sums[3];
}

#else

// Other CPUs' compilers use their instruction anyway.
bool hasPopcntInstruction() { return false; }

std::uint64_t popcountByInstruction(std::span<const std::uint64_t> words)
{
    return popcountPortable(words);
}

#endif

void preferPortablePopcount(bool portable)
{
    chosen().store(portable ? popcountPortable : best(), std::memory_order_relaxed);
}

} // namespace bitmend
