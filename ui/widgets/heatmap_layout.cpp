// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_layout.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bitmend {

namespace {

constexpr int kPitch = 15; // logical pixels, of a cell among many
constexpr int kLargestPitch = 34;
constexpr double kGap = 2;

// The largest pitch at which all chunks fit, one in a cell; kPitch when there are too many.
int pitchFor(QSize pixels, qreal scale, std::uint64_t chunks)
{
    for (int pitch = kLargestPitch; pitch > kPitch; --pitch) {
        const double columns = std::floor((pixels.width() / scale + kGap) / pitch);
        const double rows = std::floor((pixels.height() / scale + kGap) / pitch);
        if (columns * rows >= double(chunks))
            return pitch;
    }
    return kPitch;
}

// Of the pitches close to the wanted one, that which leaves the least of the width empty.
// Not larger than `most`.
int snuggest(int wanted, int most, int width, int gap)
{
    const int play = std::max(1, wanted / 10);
    const auto rest = [&](int pitch) {
        return (width + gap) % pitch * 8 + std::abs(pitch - wanted);
    };
    int best = wanted;
    for (int pitch = wanted - play; pitch <= most; ++pitch) {
        if (rest(pitch) < rest(best))
            best = pitch;
    }
    return best;
}

std::uint64_t ceilDiv(std::uint64_t number, std::uint64_t by) { return (number + by - 1) / by; }

} // namespace

HeatmapLayout::HeatmapLayout(QSize devicePixels, qreal scale, std::uint64_t chunks, int zoom)
    : m_chunks(chunks)
    , m_gap(std::max(1, int(std::lround(kGap * scale))))
{
    const int pitch = pitchFor(devicePixels, scale, chunks);
    const int wanted = int(std::lround(pitch * scale));
    // Cells that were made large so that all chunks fit must not grow out of that again.
    const int most = pitch > kPitch ? wanted : wanted + wanted / 10;
    m_pitch = snuggest(wanted, most, devicePixels.width(), m_gap);
    m_columns = std::max(1, (devicePixels.width() + m_gap) / m_pitch);
    m_rest = std::clamp(devicePixels.width() - (m_columns * m_pitch - m_gap), 0, m_columns - 1);
    m_rows = std::max(1, (devicePixels.height() + m_gap) / m_pitch);

    const std::uint64_t all =
        std::max<std::uint64_t>(ceilDiv(chunks, std::uint64_t(pageCells())), 1);
    m_deepestZoom = int(std::bit_width(all - 1)); // after so many halvings a cell is one chunk
    m_zoom = std::clamp(zoom, 0, m_deepestZoom);
    m_chunksPerCell = ceilDiv(all, std::uint64_t{1} << m_zoom);
}

std::uint64_t HeatmapLayout::cells() const { return ceilDiv(m_chunks, m_chunksPerCell); }

std::uint64_t HeatmapLayout::lastFirstCell() const
{
    const auto page = std::uint64_t(pageCells());
    return cells() > page ? cells() - page : 0;
}

void HeatmapLayout::scrollTo(std::uint64_t firstCell)
{
    m_firstCell = std::min(firstCell, lastFirstCell());
}

int HeatmapLayout::visibleCells() const
{
    return int(std::min(cells() - m_firstCell, std::uint64_t(pageCells())));
}

ChunkRange HeatmapLayout::rangeOf(std::uint64_t cell) const
{
    const std::uint64_t first = cell * m_chunksPerCell;
    return {first, std::min(first + m_chunksPerCell, m_chunks) - 1};
}

ChunkRange HeatmapLayout::visibleRange() const
{
    const auto count = std::uint64_t(visibleCells());
    return {rangeOf(m_firstCell).first, rangeOf(m_firstCell + count - 1).last};
}

QRect HeatmapLayout::rectOf(int index) const
{
    const int size = m_pitch - m_gap;
    return {leftOf(index % m_columns), index / m_columns * m_pitch, size, size};
}

int HeatmapLayout::leftOf(int column) const
{
    return column * m_pitch + column * m_rest / std::max(1, m_columns - 1);
}

std::optional<int> HeatmapLayout::indexAt(QPoint devicePixel) const
{
    if (devicePixel.x() < 0 || devicePixel.y() < 0 || devicePixel.x() >= leftOf(m_columns))
        return {};
    int column = devicePixel.x() / m_pitch;
    while (column >= m_columns || leftOf(column) > devicePixel.x())
        --column;
    const int index = devicePixel.y() / m_pitch * m_columns + column;
    if (index >= visibleCells())
        return {};
    return index;
}

std::optional<int> HeatmapLayout::indexOf(std::uint64_t cell) const
{
    if (cell < m_firstCell || cell >= m_firstCell + std::uint64_t(visibleCells()))
        return {};
    return int(cell - m_firstCell);
}

} // namespace bitmend
