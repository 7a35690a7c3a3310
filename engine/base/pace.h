// SPDX-License-Identifier: Apache-2.0
// Keeps work to so many bytes a second: whoever takes a piece says so, and then looks from when on
// the next one may be taken. The limit may change in between, and counts as it is now. Arithmetic
// only; the waiting and the clock are the caller's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bitmend {

class Pace
{
public:
    using Clock = std::chrono::steady_clock;

    Clock::time_point notBefore(std::uint64_t bytesPerSecond) const // 0: no limit
    {
        if (bytesPerSecond == 0)
            return {};
        const std::chrono::duration<double> takes(double(m_bytes) / double(bytesPerSecond));
        const auto most = std::chrono::duration<double>(kLongest);
        return m_begin + std::chrono::duration_cast<Clock::duration>(std::min(takes, most));
    }

    // Time in which nothing was taken, as in a pause, is not made up for.
    void take(std::uint64_t bytes, std::uint64_t bytesPerSecond, Clock::time_point now)
    {
        m_begin = std::max(notBefore(bytesPerSecond), now);
        m_bytes = bytes;
    }

private:
    // Of one piece; more would not fit the clock's count of nanoseconds before long.
    static constexpr std::chrono::hours kLongest{24 * 365};

    // Of the last piece.
    Clock::time_point m_begin;
    std::uint64_t m_bytes = 0;
};

} // namespace bitmend
