// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_tiles.h"

#include "ui/appearance.h"
#include "ui/theme.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cstring>

namespace bitmend {

namespace {

constexpr std::array kFills = {
    ChunkState::Bad,
    ChunkState::Dirty,
    ChunkState::Differs,
    ChunkState::Stale,
    ChunkState::Ignored,
    ChunkState::Done,
};

// How much of the dirty colour a partly dirty cell shows. A single chunk among millions is still
// far from clean.
constexpr std::array kDirtyPart = {0.62, 0.75, 0.88, 1.0};

std::uint8_t stepOf(std::uint64_t dirty, std::uint64_t all)
{
    if (dirty * 2 >= all)
        return kMostlyDirty;
    if (dirty * 8 >= all)
        return 2;
    return dirty * 64 >= all ? 1 : 0;
}

std::size_t keyOf(CellLook look)
{
    return static_cast<std::size_t>(look.fill) | std::size_t{look.step} << 3 |
           std::size_t{look.syncing} << 5 | std::size_t{look.pageDue} << 6 |
           std::size_t{look.listedBad} << 7;
}

void drawFill(QPainter& painter, const QRectF& body, CellLook look, const QPalette& palette)
{
    const QColor clean = roleColor(ColorRole::Clean, palette);
    const QColor color = colorOf(look, palette);
    const double radius = std::min(body.height(), body.width()) * 0.17;
    QPainterPath shape;
    shape.addRoundedRect(body, radius, radius);

    switch (look.fill) {
    case ChunkState::Ignored: {
        painter.fillPath(shape, clean);
        const double width = std::max(1.0, body.width() * 0.11);
        const double inset = width / 2;
        painter.setPen(QPen(roleColor(ColorRole::Dirty, palette), width));
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(
            body.adjusted(inset, inset, -inset, -inset), radius * 0.8, radius * 0.8);
        break;
    }
    case ChunkState::Stale: {
        painter.fillPath(shape, clean);
        const double inset = body.width() * 0.3;
        painter.fillRect(
            body.adjusted(inset, body.height() * 0.3, -inset, -body.height() * 0.3), color);
        break;
    }
    case ChunkState::Differs: {
        painter.fillPath(shape, clean);
        QPainterPath half;
        half.addPolygon(QPolygonF({body.topLeft(), body.topRight(), body.bottomLeft()}));
        painter.fillPath(shape.intersected(half), color);
        break;
    }
    case ChunkState::Bad: {
        painter.fillPath(shape, color);
        painter.save();
        painter.setClipPath(shape);
        painter.setPen(QPen(palette.color(QPalette::Window), std::max(1.0, body.width() * 0.13)));
        const double reach = body.width();
        painter.drawLine(body.bottomLeft() - QPointF(reach * 0.1, 0),
            body.bottomLeft() + QPointF(reach * 0.9, -reach));
        painter.drawLine(body.bottomLeft() + QPointF(reach * 0.5, 0),
            body.bottomLeft() + QPointF(reach * 1.5, -reach));
        painter.restore();
        break;
    }
    case ChunkState::Clean:
    case ChunkState::Done:
    case ChunkState::Dirty:
    case ChunkState::Syncing:
        painter.fillPath(shape, color);
        break;
    }
}

} // namespace

CellLook lookOf(const BitmapFrame& frame, ChunkRange range)
{
    CellLook look;
    for (const ChunkState state : kFills) {
        const BitPages& bits = frame.in(state);
        if (bits.total() == 0)
            continue;
        const std::uint64_t count = bits.count(range.first, range.last);
        if (count == 0)
            continue;
        look.fill = state;
        if (state == ChunkState::Dirty)
            look.step = stepOf(count, range.length());
        break;
    }
    const BitPages& syncing = frame.in(ChunkState::Syncing);
    look.syncing = syncing.total() > 0 && syncing.count(range.first, range.last) > 0;
    look.pageDue = frame.pageDue(range);
    look.listedBad = frame.hasListedBad(range);
    return look;
}

QColor colorOf(CellLook look, const QPalette& palette)
{
    const QColor color = roleColor(roleOf(look.fill), palette);
    if (look.fill != ChunkState::Dirty)
        return color;
    return blend(roleColor(ColorRole::Clean, palette), color, kDirtyPart[look.step]);
}

QPolygonF listedBadMark(const QRectF& square)
{
    const double reach = std::max(4.0, square.width() * 0.5);
    const QPointF corner = square.topRight();
    return QPolygonF({corner, corner - QPointF(reach, 0), corner + QPointF(0, reach)});
}

void drawCell(QPainter& painter, const QRectF& square, CellLook look, const QPalette& palette)
{
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    QRectF body = square;
    if (look.pageDue) {
        // The bar is 2 logical pixels; the painter works in them.
        const QRectF bar(square.left(), square.bottom() - 2, square.width(), 2);
        painter.fillRect(bar, roleColor(ColorRole::PageDue, palette));
        body.setBottom(bar.top() - 1);
    }
    drawFill(painter, body, look, palette);
    if (look.syncing) {
        const double width = std::max(2.0, body.width() * 0.09);
        const double inset = width / 2;
        const double radius = std::max(1.5, body.width() * 0.13);
        painter.setPen(QPen(roleColor(ColorRole::Syncing, palette), width));
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(body.adjusted(inset, inset, -inset, -inset), radius, radius);
    }
    if (look.listedBad) {
        painter.setPen(QPen(palette.color(QPalette::Window), 1));
        painter.setBrush(roleColor(ColorRole::Bad, palette));
        painter.drawPolygon(listedBadMark(square));
    }
    painter.restore();
}

void HeatmapTiles::prepare(int size, qreal scale, const QPalette& palette)
{
    if (size == m_size && scale == m_scale && palette == m_palette)
        return;
    m_size = size;
    m_scale = scale;
    m_palette = palette;
    m_tiles.fill({});
}

const QImage& HeatmapTiles::tile(CellLook look)
{
    QImage& image = m_tiles[keyOf(look)];
    if (image.isNull()) {
        image = QImage(m_size, m_size, QImage::Format_RGB32);
        image.fill(m_palette.color(QPalette::Window));
        QPainter painter(&image);
        painter.scale(m_scale, m_scale);
        drawCell(painter, QRectF(0, 0, m_size / m_scale, m_size / m_scale), look, m_palette);
    }
    return image;
}

void HeatmapTiles::paint(QImage& onto, QPoint topLeft, CellLook look)
{
    const QImage& from = tile(look);
    const auto rowBytes = std::size_t(m_size) * sizeof(QRgb);
    const qsizetype stride = onto.bytesPerLine();
    uchar* to = onto.bits() + topLeft.y() * stride + topLeft.x() * qsizetype(sizeof(QRgb));
    for (int y = 0; y < m_size; ++y, to += stride)
        std::memcpy(to, from.constScanLine(y), rowBytes);
}

} // namespace bitmend
