// SPDX-License-Identifier: Apache-2.0
// The write-intent bitmap of one array, as a map: heading and legend, the whole array on one line,
// the members' own copies when unfolded, the cells, and a line about what is selected or under the
// mouse. The line of the whole array is what the cells are scrolled with. Knows only frames.
#pragma once

#include "engine/array/bitmap_frame.h"

#include <QWidget>

#include <optional>

class QLabel;
class QToolButton;

namespace bitmend {

class HeatmapGrid;
class HeatmapLegend;
class HeatmapMembers;
class HeatmapOverview;

class BitmapHeatmap final : public QWidget
{
    Q_OBJECT

public:
    explicit BitmapHeatmap(QWidget* parent = nullptr);

    void setFrame(BitmapFramePtr frame); // null: no array
    BitmapFramePtr frame() const;

    std::optional<ChunkRange> selection() const;
    void select(ChunkRange chunks); // and shows it
    HeatmapGrid& grid() const { return *m_grid; }

public slots:
    void setMembersShown(bool shown);
    void goToNextRun();
    void goToPreviousRun();
    void askForPlace(); // Ctrl+G
    void zoomIn();
    void zoomOut();
    void zoomToAll();
    void copySelection();

signals:
    void selectionChanged(quint64 first, quint64 last); // chunks, inclusive
    void selectionCleared();
    void hovered(quint64 first, quint64 last);
    void membersShownChanged(bool shown);

protected:
    void changeEvent(QEvent* event) override;

private:
    QLayout* makeHeading();
    void connectParts();
    void followView();
    void tell(std::optional<ChunkRange> chunks);
    void tellSelection();
    void describeCells();
    void showMenu(QPoint globalPosition);
    bool hasChunks() const;

    QLabel* m_chunkSize;
    HeatmapLegend* m_legend;
    HeatmapOverview* m_overview;
    QToolButton* m_membersShown;
    HeatmapMembers* m_members;
    HeatmapGrid* m_grid;
    QLabel* m_line;
    QLabel* m_cellSize;
    std::optional<ChunkRange> m_told; // what the line is about; none: the whole bitmap
};

} // namespace bitmend
