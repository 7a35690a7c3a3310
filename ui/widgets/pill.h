// SPDX-License-Identifier: Apache-2.0
// A badge drawn as a pill: outlined, its shape before its word.
#pragma once

#include "ui/badge.h"

#include <QWidget>

class QPainter;

namespace bitmend {

QFont pillFont(const QFont& font); // of a pill beside text in `font`
QSize pillSize(const Badge& badge, const QFont& font);
void paintPill(QPainter& painter, const QRect& rect, const Badge& badge, const QPalette& palette);
void paintShape(QPainter& painter, const QRectF& rect, Shape shape, const QColor& color);

class Pill : public QWidget
{
    Q_OBJECT

public:
    explicit Pill(QWidget* parent = nullptr);

    void setBadge(const Badge& badge);
    const Badge& badge() const { return m_badge; }

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    Badge m_badge;
};

} // namespace bitmend
