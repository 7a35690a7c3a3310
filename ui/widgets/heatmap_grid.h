// SPDX-License-Identifier: Apache-2.0
// The cells: paints the frame it was given, lets a person move, zoom and select in it. Knows only
// frames. What the frame shows is kept in one image; a new frame repaints the cells that differ.
#pragma once

#include "engine/array/bitmap_frame.h"
#include "ui/widgets/heatmap_layout.h"
#include "ui/widgets/heatmap_tiles.h"

#include <QImage>
#include <QPointer>
#include <QTimer>
#include <QWidget>

#include <optional>
#include <vector>

namespace bitmend {

class HeatmapTip;

class HeatmapGrid final : public QWidget
{
    Q_OBJECT

public:
    explicit HeatmapGrid(QWidget* parent = nullptr);

    // `changes` is where it differs from the frame before, by changedChunks().
    void setFrame(BitmapFramePtr frame, const std::vector<ChunkRange>& changes);
    const BitmapFramePtr& frame() const { return m_frame; }
    const HeatmapLayout& layoutOfCells() const { return m_layout; }
    CellLook lookAt(int index) const { return m_looks[std::size_t(index)]; }

    std::optional<ChunkRange> selection() const { return m_selection; }
    void select(std::optional<ChunkRange> range);
    void show(std::uint64_t chunk); // scrolls until it is visible

    // Where the keyboard is. A cell of the whole array, not of what is visible.
    std::uint64_t currentCell() const;
    void setCurrentCell(std::uint64_t cell);
    QRect rectOf(int index) const; // in the widget's own coordinates

    void scrollTo(std::uint64_t firstCell);
    void setZoom(int zoom, std::uint64_t chunk); // keeps that chunk where it is
    void zoomBy(int steps) { zoomBy(steps, m_current); }
    void goToRun(bool forward);
    QString selectionText() const; // for the clipboard

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

signals:
    void viewChanged(); // scrolled, zoomed or resized
    void selectionChanged(quint64 first, quint64 last);
    void selectionCleared();
    void hovered(quint64 first, quint64 last);
    void hoverEnded();
    void offsetWanted();
    void menuWanted(QPoint globalPosition);

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    QSize devicePixels() const;
    void layOut(int zoom);
    void rebuild();
    void repaintChanged(const std::vector<ChunkRange>& changes);
    void updateCells(ChunkRange chunks);
    void paintMarks(QPainter& painter) const;
    void outline(QPainter& painter, ChunkRange chunks) const;
    void zoomBy(int steps, std::uint64_t chunk);
    void moveCurrent(std::int64_t by, Qt::KeyboardModifiers modifiers);
    bool handleCommandKey(QKeyEvent* event);
    std::optional<std::uint64_t> cellUnder(QPoint position) const;
    void extendSelection(std::uint64_t toCell);
    void hover(std::optional<std::uint64_t> cell);
    void showTip();
    void hideTip();

    BitmapFramePtr m_frame;
    HeatmapLayout m_layout;
    HeatmapTiles m_tiles;
    QImage m_image;
    std::vector<CellLook> m_looks; // of the visible cells, as painted

    std::uint64_t m_current = 0; // chunk; its cell has the focus ring
    std::optional<ChunkRange> m_selection;
    std::optional<std::uint64_t> m_dragFrom; // chunk
    std::optional<std::uint64_t> m_hovered;  // cell
    int m_wheelRest = 0;
    QPointer<HeatmapTip> m_tip; // the window's child; made when first needed
    QTimer m_tipDelay;
};

} // namespace bitmend
