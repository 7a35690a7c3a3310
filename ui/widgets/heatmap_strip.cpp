// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_strip.h"

#include <algorithm>

namespace bitmend {

StripColumns::StripColumns(ChunkRange chunks, int width)
    : m_chunks(chunks)
    , m_width(width)
    , m_count(int(std::min<std::uint64_t>(
          std::uint64_t(std::max(width / kStripColumn, 1)), chunks.length())))
{
}

ChunkRange StripColumns::rangeOf(int column) const
{
    // No overflow: nothing has room for so many bits on disk.
    const auto at = [&](int i) {
        return m_chunks.first + m_chunks.length() * unsigned(i) / unsigned(m_count);
    };
    return {at(column), at(column + 1) - 1};
}

double StripColumns::leftOf(int column) const { return double(m_width) * column / m_count; }

int StripColumns::columnAt(std::uint64_t chunk) const
{
    const std::uint64_t inside = std::clamp(chunk, m_chunks.first, m_chunks.last) - m_chunks.first;
    // The inverse of rangeOf's rounding down.
    return int(((inside + 1) * unsigned(m_count) - 1) / m_chunks.length());
}

double StripColumns::positionOf(std::uint64_t chunk) const
{
    return double(m_width) * double(chunk - m_chunks.first) / double(m_chunks.length());
}

std::uint64_t StripColumns::chunkAt(double x) const
{
    const double part = std::clamp(x / m_width, 0.0, 1.0) * double(m_chunks.length());
    return std::min(m_chunks.first + std::uint64_t(part), m_chunks.last);
}

} // namespace bitmend
