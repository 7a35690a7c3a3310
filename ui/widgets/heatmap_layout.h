// SPDX-License-Identifier: Apache-2.0
// Which chunks lie in which cell, and where that cell is on the screen. Pure arithmetic in device
// pixels, so that cells have the same whole number of pixels at any scale.
#pragma once

#include "engine/array/bit_pages.h"

#include <QPoint>
#include <QRect>
#include <QSize>

#include <optional>

namespace bitmend {

class HeatmapLayout
{
public:
    HeatmapLayout() = default;

    // The whole array at zoom 0; every further step halves the chunks in a cell. Few chunks get
    // larger cells, and the cell's size gives way a little so that the rows fill the width.
    HeatmapLayout(QSize devicePixels, qreal scale, std::uint64_t chunks, int zoom);

    std::uint64_t chunks() const { return m_chunks; }
    std::uint64_t chunksPerCell() const { return m_chunksPerCell; }
    int zoom() const { return m_zoom; }
    int deepestZoom() const { return m_deepestZoom; }
    int columns() const { return m_columns; }
    int pitch() const { return m_pitch; } // device pixels from cell to cell
    int gap() const { return m_gap; }     // of them, the empty ones

    std::uint64_t cells() const; // of the whole array
    std::uint64_t firstCell() const { return m_firstCell; }
    std::uint64_t lastFirstCell() const; // scrolled to the end
    void scrollTo(std::uint64_t firstCell);
    int visibleCells() const;
    int pageCells() const { return m_columns * m_rows; }

    std::uint64_t cellOf(std::uint64_t chunk) const { return chunk / m_chunksPerCell; }
    ChunkRange rangeOf(std::uint64_t cell) const;
    ChunkRange visibleRange() const; // there must be chunks

    // `index` counts visible cells from the top left.
    QRect rectOf(int index) const; // without the gap
    std::optional<int> indexAt(QPoint devicePixel) const;
    std::optional<int> indexOf(std::uint64_t cell) const; // none when scrolled out

    int leftOf(int column) const;

    bool operator==(const HeatmapLayout&) const = default;

private:
    std::uint64_t m_chunks = 0;
    std::uint64_t m_chunksPerCell = 1;
    std::uint64_t m_firstCell = 0;
    int m_zoom = 0;
    int m_deepestZoom = 0;
    int m_columns = 1;
    int m_rows = 1;
    int m_pitch = 15;
    int m_gap = 2;
    int m_rest = 0; // pixels that whole cells leave empty, at most one per gap: given to the gaps
};

} // namespace bitmend
