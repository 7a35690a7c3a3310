// SPDX-License-Identifier: Apache-2.0
// Moving about in the cells, and the selection: what the keys, the wheel and the actions of the
// window all come down to.
#include "ui/widgets/heatmap_grid.h"
#include "ui/widgets/heatmap_text.h"

#include <QAccessible>

#include <algorithm>

namespace bitmend {

std::uint64_t HeatmapGrid::currentCell() const { return m_layout.cellOf(m_current); }

void HeatmapGrid::setCurrentCell(std::uint64_t cell)
{
    if (m_looks.empty())
        return;
    updateCells(m_layout.rangeOf(currentCell()));
    m_current = m_layout.rangeOf(std::min(cell, m_layout.cells() - 1)).first;
    show(m_current);
    updateCells(m_layout.rangeOf(currentCell()));
    if (const auto index = m_layout.indexOf(currentCell()); index && hasFocus()) {
        QAccessibleEvent moved(this, QAccessible::Focus);
        moved.setChild(*index);
        QAccessible::updateAccessibility(&moved);
    }
}

void HeatmapGrid::select(std::optional<ChunkRange> range)
{
    if (range == m_selection)
        return;
    if (m_selection)
        updateCells(*m_selection);
    m_selection = range;
    if (!m_selection) {
        emit selectionCleared();
        return;
    }
    updateCells(*m_selection);
    emit selectionChanged(m_selection->first, m_selection->last);
}

void HeatmapGrid::extendSelection(std::uint64_t toCell)
{
    const ChunkRange from = m_layout.rangeOf(m_layout.cellOf(m_dragFrom.value_or(m_current)));
    const ChunkRange to = m_layout.rangeOf(toCell);
    select(ChunkRange{std::min(from.first, to.first), std::max(from.last, to.last)});
}

void HeatmapGrid::show(std::uint64_t chunk)
{
    if (m_looks.empty())
        return;
    const std::uint64_t cell = m_layout.cellOf(chunk);
    if (m_layout.indexOf(cell))
        return;
    // The least that brings it into view when it is near, else to the middle.
    const auto columns = std::uint64_t(m_layout.columns());
    const auto page = std::uint64_t(m_layout.pageCells());
    const std::uint64_t first = m_layout.firstCell();
    if (cell < first && first - cell <= columns) {
        scrollTo(first >= columns ? first - columns : 0);
    } else if (cell >= first + page && cell - first - page < columns) {
        scrollTo(first + columns);
    } else {
        scrollTo(cell > page / 2 ? (cell - page / 2) / columns * columns : 0);
    }
}

void HeatmapGrid::scrollTo(std::uint64_t firstCell)
{
    if (m_looks.empty() || std::min(firstCell, m_layout.lastFirstCell()) == m_layout.firstCell())
        return;
    m_layout.scrollTo(firstCell);
    hideTip();
    rebuild();
    emit viewChanged();
}

void HeatmapGrid::setZoom(int zoom, std::uint64_t chunk)
{
    if (m_looks.empty())
        return;
    const std::uint64_t place =
        std::uint64_t(m_layout.indexOf(m_layout.cellOf(chunk)).value_or(m_layout.pageCells() / 2));
    HeatmapLayout layout(devicePixels(), devicePixelRatioF(), m_frame->chunks, zoom);
    const std::uint64_t cell = layout.cellOf(chunk);
    layout.scrollTo(cell > place ? cell - place : 0);
    if (layout == m_layout)
        return;
    m_hovered.reset();
    m_layout = layout;
    hideTip();
    rebuild();
    emit viewChanged();
}

void HeatmapGrid::zoomBy(int steps, std::uint64_t chunk)
{
    setZoom(std::clamp(m_layout.zoom() + steps, 0, m_layout.deepestZoom()), chunk);
}

void HeatmapGrid::goToRun(bool forward)
{
    if (m_looks.empty())
        return;
    // From the run that was found last, else from where the keyboard is. Past the end it begins
    // again at the other one.
    const ChunkRange from = m_selection.value_or(ChunkRange{m_current, m_current});
    const bool here = !m_selection && m_frame->state(m_current) > ChunkState::Done;
    std::optional<ChunkRange> run;
    if (forward) {
        run = m_frame->nextRun(here ? from.first : from.last + 1);
        run = run ? run : m_frame->nextRun(0);
    } else {
        if (from.first > 0)
            run = m_frame->previousRun(from.first - 1);
        run = run ? run : m_frame->previousRun(m_frame->chunks - 1);
    }
    if (!run)
        return;
    setCurrentCell(m_layout.cellOf(run->first));
    m_current = run->first;
    select(run);
}

QString HeatmapGrid::selectionText() const
{
    if (!m_frame || m_frame->chunks == 0)
        return {};
    const ChunkRange range = m_selection.value_or(m_layout.rangeOf(currentCell()));
    return heatmap::plainLines(*m_frame, range);
}

} // namespace bitmend
