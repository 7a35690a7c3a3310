// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_overview.h"

#include "ui/theme.h"
#include "ui/widgets/heatmap_text.h"

#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>

namespace bitmend {

namespace {

constexpr int kStripHeight = 18;
constexpr int kMarkHeight = 7;

} // namespace

HeatmapOverview::HeatmapOverview(QWidget* parent) : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setFixedHeight(kStripHeight + kMarkHeight);
    setCursor(Qt::PointingHandCursor);
    setAccessibleName(tr("Overview of the whole bitmap"));
    setToolTip(tr("The whole array. Click or drag to move the cells below."));
}

QSize HeatmapOverview::sizeHint() const { return {1048, kStripHeight + kMarkHeight}; }

void HeatmapOverview::rebuild()
{
    m_looks.clear();
    if (m_frame && m_frame->chunks > 0) {
        m_columns = StripColumns({0, m_frame->chunks - 1}, std::max(width(), 1));
        for (int column = 0; column < m_columns.count(); ++column)
            m_looks.push_back(lookOf(*m_frame, m_columns.rangeOf(column)));
    }
    update();
}

void HeatmapOverview::setFrame(BitmapFramePtr frame, const std::vector<ChunkRange>& changes)
{
    const BitmapFramePtr before = std::exchange(m_frame, std::move(frame));
    if (before == m_frame)
        return;
    if (m_frame)
        setAccessibleDescription(heatmap::summary(*m_frame));
    if (!before || !m_frame || before->chunks != m_frame->chunks || m_looks.empty()) {
        rebuild();
        return;
    }
    int done = 0;
    for (const ChunkRange& change : changes) {
        const int end = m_columns.columnAt(change.last) + 1;
        for (int column = std::max(done, m_columns.columnAt(change.first)); column < end;
            ++column) {
            const CellLook look = lookOf(*m_frame, m_columns.rangeOf(column));
            if (std::exchange(m_looks[std::size_t(column)], look) != look)
                update(columnRect(column));
        }
        done = std::max(done, end);
    }
    if (before->syncPosition != m_frame->syncPosition)
        update(0, kStripHeight - 2, width(), kMarkHeight + 2);
}

void HeatmapOverview::setVisibleChunks(ChunkRange range)
{
    if (m_visible == range)
        return;
    m_visible = range;
    update();
}

QRect HeatmapOverview::columnRect(int column) const
{
    const int left = int(std::floor(m_columns.leftOf(column)));
    const int right = int(std::ceil(m_columns.leftOf(column + 1)));
    return {left, 0, right - left, kStripHeight};
}

void HeatmapOverview::paintEvent(QPaintEvent* event)
{
    QPainter painter(this);
    const QRectF strip(0, 0, width(), kStripHeight);
    QPainterPath shape;
    shape.addRoundedRect(strip, 3, 3);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillPath(shape, roleColor(ColorRole::Clean, palette()));
    if (m_looks.empty())
        return;

    // Runs of one look in one rectangle, on whole device pixels.
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setClipPath(shape);
    const int last = m_columns.count();
    for (int column = 0; column < last;) {
        const CellLook look = m_looks[std::size_t(column)];
        int end = column + 1;
        while (end < last && m_looks[std::size_t(end)] == look)
            ++end;
        const QRectF span(m_columns.leftOf(column), 0,
            m_columns.leftOf(end) - m_columns.leftOf(column), kStripHeight);
        column = end;
        if (look == CellLook{} || !QRectF(event->rect()).intersects(span))
            continue;
        const bool hollow = look.fill == ChunkState::Ignored || look.fill == ChunkState::Differs;
        if (look.fill != ChunkState::Clean) {
            painter.fillRect(hollow ? span.adjusted(0, kStripHeight / 2.0, 0, 0) : span,
                colorOf(look, palette()));
        }
        if (look.syncing)
            painter.fillRect(span, roleColor(ColorRole::Syncing, palette()));
        if (look.pageDue) {
            painter.fillRect(QRectF(span.left(), kStripHeight - 4, span.width(), 2),
                roleColor(ColorRole::PageDue, palette()));
        }
    }
    painter.restore();

    painter.setRenderHint(QPainter::Antialiasing);
    const QColor accent = roleColor(ColorRole::Syncing, palette());
    const double left = m_columns.positionOf(m_visible.first);
    const double right = std::max(m_columns.positionOf(m_visible.last + 1), left + 6);
    painter.setPen(QPen(accent, 2));
    painter.drawRoundedRect(QRectF(left, 0, std::min(right, double(width())) - left, kStripHeight)
                                .adjusted(1, 1, -1, -1),
        3, 3);
    if (m_frame->syncPosition < 0)
        return;
    const auto position = std::uint64_t(m_frame->syncPosition);
    const double x =
        std::clamp(m_columns.positionOf(std::min(position, m_frame->chunks)), 5.0, width() - 5.0);
    const double top = kStripHeight + 1;
    painter.setPen(Qt::NoPen);
    painter.setBrush(accent);
    painter.drawPolygon(
        QPolygonF({{x, top}, {x + 5, top + kMarkHeight - 2}, {x - 5, top + kMarkHeight - 2}}));
}

void HeatmapOverview::resizeEvent(QResizeEvent*) { rebuild(); }

void HeatmapOverview::want(QPointF position)
{
    if (!m_looks.empty())
        emit chunkWanted(m_columns.chunkAt(position.x()));
}

void HeatmapOverview::mousePressEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton)
        want(event->position());
}

void HeatmapOverview::mouseMoveEvent(QMouseEvent* event)
{
    if (event->buttons().testFlag(Qt::LeftButton))
        want(event->position());
}

} // namespace bitmend
