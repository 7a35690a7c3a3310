// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_grid.h"

#include "ui/theme.h"
#include "ui/widgets/heatmap_accessible.h"

#include <QEvent>
#include <QPaintEvent>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>

namespace bitmend {

namespace {

constexpr int kTipDelayMs = 250;

// A widget may begin between two device pixels, at a scale of 1.5 for instance; its image must not.
void snapToDevice(QPainter& painter)
{
    const QPointF origin = painter.deviceTransform().map(QPointF(0, 0));
    const QPointF whole(std::round(origin.x()), std::round(origin.y()));
    painter.translate((whole - origin) / painter.device()->devicePixelRatioF());
}

} // namespace

HeatmapGrid::HeatmapGrid(QWidget* parent) : QWidget(parent)
{
    installHeatmapAccessibility();
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setAttribute(Qt::WA_OpaquePaintEvent);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleName(tr("Write-intent bitmap"));
    m_tipDelay.setSingleShot(true);
    m_tipDelay.setInterval(kTipDelayMs);
    connect(&m_tipDelay, &QTimer::timeout, this, &HeatmapGrid::showTip);
}

QSize HeatmapGrid::sizeHint() const { return {1048, 253}; }

QSize HeatmapGrid::minimumSizeHint() const { return {150, 73}; }

QSize HeatmapGrid::devicePixels() const
{
    const qreal scale = devicePixelRatioF();
    return {int(width() * scale), int(height() * scale)};
}

void HeatmapGrid::setFrame(BitmapFramePtr frame, const std::vector<ChunkRange>& changes)
{
    if (frame == m_frame)
        return;
    const BitmapFramePtr before = std::exchange(m_frame, std::move(frame));
    if (!before || !m_frame || before->chunks != m_frame->chunks ||
        before->array != m_frame->array) {
        hideTip();
        m_current = 0;
        m_hovered.reset();
        m_dragFrom.reset();
        select({});
        layOut(0);
        return;
    }
    repaintChanged(changes);
}

void HeatmapGrid::layOut(int zoom)
{
    const std::uint64_t chunk = m_layout.chunks() == 0 ? 0 : m_layout.visibleRange().first;
    m_hovered.reset();
    m_layout =
        HeatmapLayout(devicePixels(), devicePixelRatioF(), m_frame ? m_frame->chunks : 0, zoom);
    m_layout.scrollTo(m_layout.cellOf(chunk));
    rebuild();
    emit viewChanged();
}

void HeatmapGrid::rebuild()
{
    const qreal scale = devicePixelRatioF();
    if (m_image.size() != devicePixels() || m_image.devicePixelRatio() != scale) {
        m_image = QImage(devicePixels(), QImage::Format_RGB32);
        m_image.setDevicePixelRatio(scale);
    }
    m_image.fill(palette().color(QPalette::Window));
    m_tiles.prepare(m_layout.pitch() - m_layout.gap(), scale, palette());
    m_looks.clear();
    if (m_frame && m_frame->chunks > 0 && !m_image.isNull()) {
        const int count = m_layout.visibleCells();
        m_looks.reserve(std::size_t(count));
        for (int index = 0; index < count; ++index) {
            const std::uint64_t cell = m_layout.firstCell() + std::uint64_t(index);
            m_looks.push_back(lookOf(*m_frame, m_layout.rangeOf(cell)));
            const QRect rect = m_layout.rectOf(index);
            if (m_image.rect().contains(rect))
                m_tiles.paint(m_image, rect.topLeft(), m_looks.back());
        }
    }
    update();
}

void HeatmapGrid::repaintChanged(const std::vector<ChunkRange>& changes)
{
    if (m_looks.empty())
        return;
    const ChunkRange visible = m_layout.visibleRange();
    QRect rowRect; // what changed in the row at hand, in device pixels
    const auto flush = [&] {
        if (rowRect.isNull())
            return;
        const QRectF logical(QPointF(rowRect.topLeft()) / devicePixelRatioF(),
            QSizeF(rowRect.size()) / devicePixelRatioF());
        update(logical.toAlignedRect());
        rowRect = {};
    };
    int done = 0; // cells before it were looked at: several changes often fall into one cell
    for (const ChunkRange& change : changes) {
        if (change.last < visible.first || change.first > visible.last)
            continue;
        const std::uint64_t from = m_layout.cellOf(std::max(change.first, visible.first));
        const std::uint64_t to = m_layout.cellOf(std::min(change.last, visible.last));
        const int end = int(to - m_layout.firstCell()) + 1;
        for (int index = std::max(done, int(from - m_layout.firstCell())); index < end; ++index) {
            const std::uint64_t cell = m_layout.firstCell() + std::uint64_t(index);
            const CellLook look = lookOf(*m_frame, m_layout.rangeOf(cell));
            const QRect rect = m_layout.rectOf(index);
            if (look == m_looks[std::size_t(index)] || !m_image.rect().contains(rect))
                continue;
            m_looks[std::size_t(index)] = look;
            m_tiles.paint(m_image, rect.topLeft(), look);
            if (!rowRect.isNull() && rowRect.top() != rect.top())
                flush();
            rowRect |= rect;
        }
        done = std::max(done, end);
    }
    flush();
}

QRect HeatmapGrid::rectOf(int index) const
{
    const QRect rect = m_layout.rectOf(index);
    const qreal scale = devicePixelRatioF();
    return QRectF(QPointF(rect.topLeft()) / scale, QSizeF(rect.size()) / scale).toAlignedRect();
}

void HeatmapGrid::paintEvent(QPaintEvent* event)
{
    QPainter painter(this);
    if (m_looks.empty()) {
        painter.fillRect(rect(), palette().color(QPalette::Window));
        return;
    }
    snapToDevice(painter);
    const qreal scale = devicePixelRatioF();
    for (const QRect& part : event->region()) {
        // One logical pixel more on each side, for the fraction that was snapped away.
        const QRectF around = QRectF(part).adjusted(-1, -1, 1, 1) & QRectF(rect());
        painter.drawImage(around.topLeft(), m_image,
            QRectF(around.topLeft() * scale, around.size() * scale).toAlignedRect());
    }
    paintMarks(painter);
}

// Around the cells of a range, row by row, joined into one shape.
void HeatmapGrid::outline(QPainter& painter, ChunkRange chunks) const
{
    const ChunkRange visible = m_layout.visibleRange();
    if (chunks.last < visible.first || chunks.first > visible.last)
        return;
    const qreal scale = devicePixelRatioF();
    const int first =
        int(m_layout.cellOf(std::max(chunks.first, visible.first)) - m_layout.firstCell());
    const int last =
        int(m_layout.cellOf(std::min(chunks.last, visible.last)) - m_layout.firstCell());
    const double half = m_layout.gap() / 2.0;
    QPainterPath shape;
    for (int row = first / m_layout.columns(); row <= last / m_layout.columns(); ++row) {
        const int from = std::max(first, row * m_layout.columns());
        const int to = std::min(last, (row + 1) * m_layout.columns() - 1);
        const QRectF span =
            QRectF(m_layout.rectOf(from) | m_layout.rectOf(to)).adjusted(-half, -half, half, half);
        QPainterPath one;
        one.addRect(QRectF(span.topLeft() / scale, span.size() / scale));
        shape = shape.united(one);
    }
    // At the widget's edge half a pen would be cut off.
    const double inset = painter.pen().widthF() / 2;
    QPainterPath inside;
    inside.addRect(QRectF(rect()).adjusted(inset, inset, -inset, -inset));
    shape = shape.intersected(inside);
    painter.drawPath(shape);
}

void HeatmapGrid::paintMarks(QPainter& painter) const
{
    painter.setRenderHint(QPainter::Antialiasing);
    QColor accent = palette().color(QPalette::Highlight);
    if (m_selection) {
        QColor veil = accent;
        veil.setAlphaF(0.18F);
        painter.setBrush(veil);
        painter.setPen(QPen(accent, 1.5, Qt::SolidLine, Qt::SquareCap, Qt::RoundJoin));
        outline(painter, *m_selection);
    }
    painter.setBrush(Qt::NoBrush);
    if (m_hovered) {
        painter.setPen(QPen(palette().color(QPalette::WindowText), 1));
        outline(painter, m_layout.rangeOf(*m_hovered));
    }
    if (hasFocus()) {
        painter.setPen(QPen(palette().color(QPalette::Window), 4));
        outline(painter, m_layout.rangeOf(currentCell()));
        painter.setPen(QPen(palette().color(QPalette::WindowText), 2));
        outline(painter, m_layout.rangeOf(currentCell()));
    }
}

void HeatmapGrid::updateCells(ChunkRange chunks)
{
    if (m_looks.empty())
        return;
    const ChunkRange visible = m_layout.visibleRange();
    if (chunks.last < visible.first || chunks.first > visible.last)
        return;
    const auto first = m_layout.indexOf(m_layout.cellOf(std::max(chunks.first, visible.first)));
    const auto last = m_layout.indexOf(m_layout.cellOf(std::min(chunks.last, visible.last)));
    if (!first || !last)
        return;
    QRect area = rectOf(*first) | rectOf(*last);
    if (*first / m_layout.columns() != *last / m_layout.columns()) {
        area.setLeft(0);
        area.setRight(width());
    }
    update(area.adjusted(-4, -4, 4, 4));
}

void HeatmapGrid::resizeEvent(QResizeEvent*) { layOut(m_layout.zoom()); }

bool HeatmapGrid::event(QEvent* event)
{
    // A window moved to a screen of another scale.
    if (event->type() == QEvent::ScreenChangeInternal)
        layOut(m_layout.zoom());
    return QWidget::event(event);
}

void HeatmapGrid::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::StyleChange)
        rebuild();
    QWidget::changeEvent(event);
}

void HeatmapGrid::focusInEvent(QFocusEvent* event)
{
    update();
    QWidget::focusInEvent(event);
}

void HeatmapGrid::focusOutEvent(QFocusEvent* event)
{
    update();
    QWidget::focusOutEvent(event);
}

} // namespace bitmend
