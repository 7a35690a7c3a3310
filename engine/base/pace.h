// SPDX-License-Identifier: Apache-2.0
// Keeps work to so many bytes a second: whoever takes a piece says so, and then looks from when on
// the next one may be taken. Arithmetic only; the waiting and the clock are the caller's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bitmend {

class Pace
{
public:
    using Clock = std::chrono::steady_clock;

    explicit Pace(std::uint64_t bytesPerSecond) // 0: no limit
        : m_bytesPerSecond(bytesPerSecond)
    {
    }

    Clock::time_point notBefore() const { return m_notBefore; }

    // Time in which nothing was taken, as in a pause, is not made up for.
    void take(std::uint64_t bytes, Clock::time_point now)
    {
        if (m_bytesPerSecond == 0)
            return;
        const std::chrono::duration<double> takes(double(bytes) / double(m_bytesPerSecond));
        const auto most = std::chrono::duration<double>(kLongest);
        m_notBefore = std::max(m_notBefore, now) +
                      std::chrono::duration_cast<Clock::duration>(std::min(takes, most));
    }

private:
    // Of one piece; more would not fit the clock's count of nanoseconds before long.
    static constexpr std::chrono::hours kLongest{24 * 365};

    std::uint64_t m_bytesPerSecond;
    Clock::time_point m_notBefore;
};

} // namespace bitmend
