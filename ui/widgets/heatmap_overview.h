// SPDX-License-Identifier: Apache-2.0
// The whole array on one line, with a frame around what the cells show and a mark where the sync
// is.
#pragma once

#include "engine/array/bitmap_frame.h"
#include "ui/widgets/heatmap_strip.h"

#include <QWidget>

#include <vector>

namespace bitmend {

class HeatmapOverview final : public QWidget
{
    Q_OBJECT

public:
    explicit HeatmapOverview(QWidget* parent = nullptr);

    // `changes` is where it differs from the frame before, by changedChunks().
    void setFrame(BitmapFramePtr frame, const std::vector<ChunkRange>& changes);
    void setVisibleChunks(ChunkRange range);

    QSize sizeHint() const override;

signals:
    void chunkWanted(quint64 chunk); // clicked or dragged to

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;

private:
    void rebuild();
    void want(QPointF position);
    QRect columnRect(int column) const;

    BitmapFramePtr m_frame;
    ChunkRange m_visible;
    StripColumns m_columns;
    std::vector<CellLook> m_looks;
};

} // namespace bitmend
