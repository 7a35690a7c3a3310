// SPDX-License-Identifier: Apache-2.0
#include "ui/icon.h"

#include <QPainter>
#include <QPixmap>

namespace bitmend {

namespace {

// The drawing's own units. All edges lie on multiples of 4, so that they are sharp at 16 pixels.
constexpr double kGrid = 64;

QPixmap draw(int side)
{
    QPixmap pixmap(side, side);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.scale(side / kGrid, side / kGrid);
    painter.setPen(Qt::NoPen);
    painter.setBrush(QColor(0x0b, 0x5e, 0x93));
    painter.drawRoundedRect(QRectF(0, 0, kGrid, kGrid), 8, 8);

    const QColor clean(0xe8, 0xf1, 0xf8);
    const QColor dirty(0xe6, 0x9f, 0x00);
    const QColor done(0x56, 0xb4, 0xe9);
    const QColor cells[] = {clean, clean, dirty, clean, done, clean, dirty, clean, clean};
    for (int cell = 0; cell < 9; ++cell) {
        painter.setBrush(cells[cell]);
        const QPoint place(4 + cell % 3 * 20, 4 + cell / 3 * 20);
        painter.drawRoundedRect(QRect(place, QSize(16, 16)), 2, 2);
    }
    painter.setPen(QPen(Qt::white, 2.4, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter.drawPolyline(QPolygonF{{28, 32.4}, {31, 35.4}, {36, 29}});
    return pixmap;
}

} // namespace

QIcon applicationIcon()
{
    QIcon icon;
    for (const int side : {16, 24, 32, 48, 64, 128, 256})
        icon.addPixmap(draw(side));
    return icon;
}

} // namespace bitmend
