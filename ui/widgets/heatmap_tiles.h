// SPDX-License-Identifier: Apache-2.0
// What a cell looks like, and a picture of every look, drawn once and copied from then on: painting
// a cell is copying a few rows of pixels.
#pragma once

#include "engine/array/bitmap_frame.h"

#include <QImage>
#include <QPalette>
#include <QPolygonF>

#include <array>
#include <cstdint>

class QPainter;

namespace bitmend {

struct CellLook
{
    ChunkState fill = ChunkState::Clean; // the worst but Syncing, which is an outline around it
    std::uint8_t step = 0; // of a dirty cell, how much of it: 0 a trace .. 3 half or more
    bool syncing = false;
    bool pageDue = false;
    bool listedBad = false; // a member has known bad blocks there

    bool operator==(const CellLook&) const = default;
};

inline constexpr int kLooks = 256;
inline constexpr std::uint8_t kMostlyDirty = 3;

CellLook lookOf(const BitmapFrame& frame, ChunkRange range);

// The colour of a look where there is room for nothing else.
QColor colorOf(CellLook look, const QPalette& palette);

// The corner of a cell that says so.
QPolygonF listedBadMark(const QRectF& square);

// Draws one cell of `size` into a square with rounded corners, in the painter's units.
void drawCell(QPainter& painter, const QRectF& square, CellLook look, const QPalette& palette);

class HeatmapTiles
{
public:
    // Cells of size x size device pixels at that scale.
    void prepare(int size, qreal scale, const QPalette& palette);

    // Into a RGB32 image, which must hold the whole cell.
    void paint(QImage& onto, QPoint topLeft, CellLook look);

private:
    const QImage& tile(CellLook look);

    int m_size = 0;
    qreal m_scale = 1;
    QPalette m_palette;
    std::array<QImage, kLooks> m_tiles;
};

} // namespace bitmend
