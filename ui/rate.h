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
    // `milliseconds` rise; time in which the job was paused must not be counted in them.
    void add(std::int64_t milliseconds, std::uint64_t bytesDone);

    std::optional<double> bytesPerSecond() const;
    std::optional<double> secondsLeft(std::uint64_t bytesTotal) const;

private:
    struct Sample
    {
        std::int64_t at;
        std::uint64_t bytes;
    };

    std::int64_t m_begin = -1; // of the first sample
    std::deque<Sample> m_samples;
};

} // namespace bitmend
