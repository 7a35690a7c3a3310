// SPDX-License-Identifier: Apache-2.0
#include "engine/io/extent_set.h"

#include <algorithm>

namespace bitmend {

void ExtentSet::insert(SectorRange range)
{
    if (range.empty())
        return;
    std::uint64_t begin = range.begin.count;
    std::uint64_t end = range.end.count;
    auto next = m_ranges.upper_bound(begin);
    if (next != m_ranges.begin() && std::prev(next)->second >= begin)
        --next;
    while (next != m_ranges.end() && next->first <= end) {
        begin = std::min(begin, next->first);
        end = std::max(end, next->second);
        next = m_ranges.erase(next);
    }
    m_ranges.emplace_hint(next, begin, end);
}

void ExtentSet::erase(SectorRange range)
{
    if (range.empty())
        return;
    const std::uint64_t begin = range.begin.count;
    const std::uint64_t end = range.end.count;
    auto next = m_ranges.lower_bound(begin);
    if (next != m_ranges.begin() && std::prev(next)->second > begin)
        --next;
    while (next != m_ranges.end() && next->first < end) {
        const auto [first, last] = *next;
        next = m_ranges.erase(next);
        if (first < begin)
            m_ranges.emplace(first, begin);
        if (last > end)
            m_ranges.emplace(end, last);
    }
}

std::vector<SectorRange> ExtentSet::ranges() const
{
    std::vector<SectorRange> result;
    result.reserve(m_ranges.size());
    for (const auto& [begin, end] : m_ranges)
        result.push_back({{begin}, {end}});
    return result;
}

SectorRange ExtentSet::next(Sectors from) const
{
    auto next = m_ranges.upper_bound(from.count);
    if (next != m_ranges.begin() && std::prev(next)->second > from.count)
        --next;
    return next == m_ranges.end() ? SectorRange{} : SectorRange{{next->first}, {next->second}};
}

std::vector<ExtentSet::Piece> ExtentSet::split(SectorRange range) const
{
    std::vector<Piece> pieces;
    std::uint64_t at = range.begin.count;
    const std::uint64_t end = range.end.count;
    auto next = m_ranges.upper_bound(at);
    if (next != m_ranges.begin() && std::prev(next)->second > at)
        --next;
    while (at < end) {
        const bool inside = next != m_ranges.end() && next->first <= at;
        std::uint64_t until = end;
        if (next != m_ranges.end())
            until = std::min(end, inside ? next->second : next->first);
        if (inside)
            ++next;
        pieces.push_back({{{at}, {until}}, inside});
        at = until;
    }
    return pieces;
}

} // namespace bitmend
