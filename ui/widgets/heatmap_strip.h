// SPDX-License-Identifier: Apache-2.0
// A range of chunks on one line, from left to right: how the overview and the members' strips cut
// it into columns.
#pragma once

#include "ui/widgets/heatmap_tiles.h"

#include <vector>

namespace bitmend {

// Columns so wide that a single chunk in one can be seen.
inline constexpr int kStripColumn = 3; // logical pixels

class StripColumns
{
public:
    StripColumns() = default;
    StripColumns(ChunkRange chunks, int width);

    int count() const { return m_count; }
    ChunkRange rangeOf(int column) const;
    double leftOf(int column) const; // logical pixels; leftOf(count()) is the right edge
    int columnAt(std::uint64_t chunk) const;
    double positionOf(std::uint64_t chunk) const;
    std::uint64_t chunkAt(double x) const; // the nearest one

    bool operator==(const StripColumns&) const = default;

private:
    ChunkRange m_chunks;
    int m_width = 0;
    int m_count = 0;
};

} // namespace bitmend
