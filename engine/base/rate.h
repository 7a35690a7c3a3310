// SPDX-License-Identifier: Apache-2.0
// How fast a job has been lately and how long it will take: a mean over a sliding window. No
// estimate before the job has run long enough for one to be honest, none while it stands still.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace bitmend {

class Rate
{
public:
    // `milliseconds` rise; time in which the job was paused must not be counted in them. A total of
    // 0 says that nothing is counted yet. What is behind already when counting begins, as of a job
    // that is carried on, counts for no time; a total or a count that falls is another job's.
    void add(std::int64_t milliseconds, std::uint64_t bytesDone, std::uint64_t bytesTotal);

    std::optional<double> bytesPerSecond() const;
    std::optional<double> secondsLeft() const;

private:
    struct Sample
    {
        std::int64_t at;
        std::uint64_t bytes;
    };

    std::int64_t m_begin = 0; // of the first sample
    std::uint64_t m_total = 0;
    std::deque<Sample> m_samples;
};

} // namespace bitmend
