// SPDX-License-Identifier: Apache-2.0
#include "engine/array/data_ranges.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr std::uint64_t kGrainBytes = DataRanges::kGrain.bytes();

std::uint64_t roundedUp(std::uint64_t bytes)
{
    return (bytes + kGrainBytes - 1) / kGrainBytes * kGrainBytes;
}

} // namespace

// Relative to the part, at or after `from`.
DataStretch DataRanges::next(const Part& part, std::uint64_t from)
{
    auto known = std::ranges::find(m_known, part.source, &Known::source);
    if (known == m_known.end())
        known = m_known.insert(known, {part.source, {}});
    const auto at = part.offset + from;
    // A hole that was written to meanwhile must be seen, so only data is remembered.
    if (at < known->data.begin || at >= known->data.end)
        known->data = part.source->nextData(at);
    const auto begin = std::max(known->data.begin, at);
    return {begin - part.offset, std::max(known->data.end, begin) - part.offset};
}

std::vector<SectorRange> DataRanges::find(std::span<const Part> parts, Sectors length)
{
    std::vector<SectorRange> found;
    const auto end = length.bytes();
    for (std::uint64_t at = 0; at < end;) {
        auto begin = end;
        auto until = std::uint64_t{0};
        for (const auto& part : parts) {
            const auto data = next(part, at);
            if (data.empty() || data.begin >= end)
                continue;
            // Of several that begin in one grain the longest counts; what lies behind it is asked
            // for again.
            const auto grain = data.begin / kGrainBytes * kGrainBytes;
            until = grain < begin ? data.end : grain == begin ? std::max(until, data.end) : until;
            begin = std::min(begin, grain);
        }
        if (begin >= end)
            break;
        begin = std::max(begin, at);
        until = std::min(roundedUp(until), end);
        const SectorRange range{
            {begin / kSectorBytes}, {(until + kSectorBytes - 1) / kSectorBytes}};
        if (!found.empty() && found.back().end == range.begin) {
            found.back().end = range.end;
        } else {
            found.push_back(range);
        }
        at = until;
    }
    return found;
}

} // namespace bitmend
