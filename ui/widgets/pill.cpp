// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/pill.h"

#include <QFontMetrics>
#include <QPainter>

namespace bitmend {

namespace {

constexpr int kSidePadding = 9;
constexpr int kShapeGap = 5;
constexpr int kHeightPadding = 5;

int shapeWidth(const QFontMetrics& metrics) { return metrics.xHeight() + 1; }

} // namespace

QFont pillFont(const QFont& font)
{
    QFont small = font;
    small.setPointSizeF(font.pointSizeF() * 0.88);
    small.setWeight(QFont::DemiBold);
    return small;
}

QSize pillSize(const Badge& badge, const QFont& font)
{
    const QFontMetrics metrics(pillFont(font));
    return {
        2 * kSidePadding + shapeWidth(metrics) + kShapeGap + metrics.horizontalAdvance(badge.word),
        metrics.height() + kHeightPadding};
}

void paintShape(QPainter& painter, const QRectF& rect, Shape shape, const QColor& color)
{
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(color);
    const QRectF inner = rect.adjusted(0.75, 0.75, -0.75, -0.75);
    const QPen line(color, 1.5, Qt::SolidLine, Qt::RoundCap);
    switch (shape) {
    case Shape::Disc:
        painter.drawEllipse(rect);
        break;
    case Shape::Half:
        painter.drawPie(inner, 90 * 16, 180 * 16);
        painter.setBrush(Qt::NoBrush);
        painter.setPen(line);
        painter.drawEllipse(inner);
        break;
    case Shape::Ring:
        painter.setBrush(Qt::NoBrush);
        painter.setPen(line);
        painter.drawEllipse(inner);
        break;
    case Shape::Triangle:
        painter.drawPolygon(
            QPolygonF{{rect.center().x(), rect.top()}, rect.bottomRight(), rect.bottomLeft()});
        break;
    case Shape::Cross:
        painter.setPen(QPen(color, 2, Qt::SolidLine, Qt::RoundCap));
        painter.drawLine(inner.topLeft(), inner.bottomRight());
        painter.drawLine(inner.topRight(), inner.bottomLeft());
        break;
    case Shape::Square:
        painter.drawRect(inner);
        break;
    case Shape::Diamond:
        painter.translate(rect.center());
        painter.rotate(45);
        painter.drawRect(QRectF(
            -rect.width() * 0.36, -rect.width() * 0.36, rect.width() * 0.72, rect.width() * 0.72));
        break;
    }
    painter.restore();
}

void paintPill(QPainter& painter, const QRect& rect, const Badge& badge, const QPalette& palette)
{
    const QColor color = toneColor(badge.tone, palette);
    const QFont font = pillFont(painter.font());
    const QFontMetrics metrics(font);
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF outline = QRectF(rect).adjusted(0.75, 0.75, -0.75, -0.75);
    painter.setPen(QPen(color, 1.25));
    painter.setBrush(blend(palette.color(QPalette::Base), color, 0.07));
    painter.drawRoundedRect(outline, outline.height() / 2, outline.height() / 2);

    const int side = shapeWidth(metrics);
    const QRectF shape(
        rect.left() + kSidePadding, rect.top() + (rect.height() - side) / 2.0, side, side);
    paintShape(painter, shape, badge.shape, color);
    painter.setFont(font);
    painter.setPen(color);
    painter.drawText(rect.adjusted(kSidePadding + side + kShapeGap, 0, -kSidePadding / 2, 0),
        int(Qt::AlignLeft) | Qt::AlignVCenter, badge.word);
    painter.restore();
}

Pill::Pill(QWidget* parent) : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

void Pill::setBadge(const Badge& badge)
{
    if (m_badge == badge)
        return;
    m_badge = badge;
    setAccessibleName(badge.word);
    updateGeometry();
    update();
}

QSize Pill::sizeHint() const { return pillSize(m_badge, font()); }

void Pill::paintEvent(QPaintEvent*)
{
    if (m_badge.word.isEmpty())
        return;
    QPainter painter(this);
    paintPill(painter, rect(), m_badge, palette());
}

} // namespace bitmend
