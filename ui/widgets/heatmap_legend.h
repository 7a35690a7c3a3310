// SPDX-License-Identifier: Apache-2.0
// What the cells' colours and shapes mean. Lists clean and dirty, and of the rest what the frame
// has.
#pragma once

#include "ui/widgets/heatmap_tiles.h"

#include <QWidget>

#include <vector>

namespace bitmend {

class HeatmapLegend final : public QWidget
{
    Q_OBJECT

public:
    explicit HeatmapLegend(QWidget* parent = nullptr);

    void setFrame(const BitmapFramePtr& frame);
    QStringList words() const;

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;
    bool hasHeightForWidth() const override { return true; }
    int heightForWidth(int width) const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool event(QEvent* event) override;

private:
    struct Item
    {
        CellLook look;
        QString word;
        QString meaning;
    };

    int widthOf(const Item& item) const;
    std::vector<QRect> placesIn(int width) const; // from the right, in as many rows as it takes

    std::vector<Item> m_items;
};

} // namespace bitmend
