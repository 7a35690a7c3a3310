// SPDX-License-Identifier: Apache-2.0
#include "engine/base/rate.h"

namespace bitmend {

namespace {

constexpr std::int64_t kWindow = 15'000;
constexpr std::int64_t kRateAfter = 500;
constexpr std::int64_t kEstimateAfter = 5'000;

} // namespace

void Rate::add(std::int64_t milliseconds, std::uint64_t bytesDone, std::uint64_t bytesTotal)
{
    if (bytesTotal < m_total || (!m_samples.empty() && bytesDone < m_samples.back().bytes))
        m_samples.clear();
    m_total = bytesTotal;
    if (bytesTotal == 0)
        return;
    if (m_samples.empty())
        m_begin = milliseconds;
    m_samples.push_back({milliseconds, bytesDone});
    while (m_samples.size() > 2 && milliseconds - m_samples.front().at > kWindow)
        m_samples.pop_front();
}

std::optional<double> Rate::bytesPerSecond() const
{
    if (m_samples.size() < 2)
        return std::nullopt;
    const auto& first = m_samples.front();
    const auto& last = m_samples.back();
    if (last.at - first.at < kRateAfter)
        return std::nullopt;
    return double(last.bytes - first.bytes) * 1000.0 / double(last.at - first.at);
}

std::optional<double> Rate::secondsLeft() const
{
    const auto rate = bytesPerSecond();
    if (!rate || *rate <= 0 || m_samples.back().at - m_begin < kEstimateAfter)
        return std::nullopt;
    const std::uint64_t done = m_samples.back().bytes;
    return done >= m_total ? 0.0 : double(m_total - done) / *rate;
}

} // namespace bitmend
