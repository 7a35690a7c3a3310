// SPDX-License-Identifier: Apache-2.0
// What mouse, wheel and keys mean to the cells.
#include "ui/widgets/heatmap_grid.h"
#include "ui/widgets/heatmap_tip.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>

#include <algorithm>

namespace bitmend {

namespace {

constexpr int kWheelStep = 120; // one notch
constexpr int kRowsPerNotch = 3;

} // namespace

std::optional<std::uint64_t> HeatmapGrid::cellUnder(QPoint position) const
{
    if (m_looks.empty())
        return {};
    const QPointF device = QPointF(position) * devicePixelRatioF();
    const auto index = m_layout.indexAt({int(device.x()), int(device.y())});
    if (!index)
        return {};
    return m_layout.firstCell() + std::uint64_t(*index);
}

void HeatmapGrid::mousePressEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton)
        return;
    hideTip();
    const auto cell = cellUnder(event->position().toPoint());
    if (!cell) {
        select({});
        return;
    }
    const bool extends = event->modifiers().testFlag(Qt::ShiftModifier);
    m_dragFrom = extends ? m_current : m_layout.rangeOf(*cell).first;
    if (!extends)
        setCurrentCell(*cell);
    extendSelection(*cell);
}

void HeatmapGrid::mouseMoveEvent(QMouseEvent* event)
{
    const QPoint inside(std::clamp(event->position().toPoint().x(), 0, width() - 1),
        std::clamp(event->position().toPoint().y(), 0, height() - 1));
    const auto cell = cellUnder(m_dragFrom ? inside : event->position().toPoint());
    if (m_dragFrom && event->buttons().testFlag(Qt::LeftButton)) {
        if (cell)
            extendSelection(*cell);
        return;
    }
    hover(cell);
}

void HeatmapGrid::mouseReleaseEvent(QMouseEvent*) { m_dragFrom.reset(); }

void HeatmapGrid::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (const auto cell = cellUnder(event->position().toPoint()))
        zoomBy(1, m_layout.rangeOf(*cell).first);
}

void HeatmapGrid::leaveEvent(QEvent*) { hover({}); }

void HeatmapGrid::hover(std::optional<std::uint64_t> cell)
{
    if (cell == m_hovered)
        return;
    if (m_hovered)
        updateCells(m_layout.rangeOf(std::min(*m_hovered, m_layout.cells() - 1)));
    m_hovered = cell;
    if (!m_hovered) {
        hideTip();
        emit hoverEnded();
        return;
    }
    const ChunkRange range = m_layout.rangeOf(*m_hovered);
    updateCells(range);
    emit hovered(range.first, range.last);
    // Once it is there it follows at once.
    if (m_tip && m_tip->isVisible()) {
        showTip();
    } else {
        m_tipDelay.start();
    }
}

void HeatmapGrid::showTip()
{
    const auto index = m_hovered ? m_layout.indexOf(*m_hovered) : std::nullopt;
    if (!index || !m_frame)
        return;
    if (!m_tip)
        m_tip = new HeatmapTip(window());
    m_tip->showFor(*m_frame, m_layout.rangeOf(*m_hovered), this, rectOf(*index));
}

void HeatmapGrid::hideTip()
{
    m_tipDelay.stop();
    if (m_tip)
        m_tip->hide();
}

void HeatmapGrid::wheelEvent(QWheelEvent* event)
{
    event->accept();
    m_wheelRest += event->angleDelta().y();
    if (event->modifiers().testFlag(Qt::ControlModifier)) {
        const int steps = m_wheelRest / kWheelStep;
        m_wheelRest -= steps * kWheelStep;
        if (const auto cell = cellUnder(event->position().toPoint()); cell && steps != 0) {
            hover({});
            const ChunkRange range = m_layout.rangeOf(*cell);
            zoomBy(steps, range.first + range.length() / 2);
        }
        return;
    }
    // Touchpads turn in small parts; whole rows are scrolled.
    const int rows = m_wheelRest * kRowsPerNotch / kWheelStep;
    m_wheelRest -= rows * kWheelStep / kRowsPerNotch;
    const std::int64_t by = -std::int64_t{rows} * m_layout.columns();
    const auto first = std::int64_t(m_layout.firstCell()) + by;
    hover({});
    scrollTo(std::uint64_t(std::max<std::int64_t>(first, 0)));
}

void HeatmapGrid::moveCurrent(std::int64_t by, Qt::KeyboardModifiers modifiers)
{
    const auto last = std::int64_t(m_layout.cells()) - 1;
    const std::int64_t to = std::clamp(std::int64_t(currentCell()) + by, std::int64_t{0}, last);
    if (!modifiers.testFlag(Qt::ShiftModifier)) {
        setCurrentCell(std::uint64_t(to));
        select({});
        return;
    }
    // The far end moves, the near one stays where the current cell was when Shift went down.
    const ChunkRange here = m_layout.rangeOf(currentCell());
    const ChunkRange had = m_selection.value_or(here);
    const std::uint64_t anchor = had.first < here.first ? had.first : had.last;
    setCurrentCell(std::uint64_t(to));
    const ChunkRange end = m_layout.rangeOf(std::uint64_t(to));
    const ChunkRange start = m_layout.rangeOf(m_layout.cellOf(anchor));
    select(ChunkRange{std::min(start.first, end.first), std::max(start.last, end.last)});
}

bool HeatmapGrid::handleCommandKey(QKeyEvent* event)
{
    if (event->matches(QKeySequence::Copy)) {
        QApplication::clipboard()->setText(selectionText());
        return true;
    }
    const bool control = event->modifiers().testFlag(Qt::ControlModifier);
    switch (event->key()) {
    case Qt::Key_G:
        if (!control)
            return false;
        emit offsetWanted();
        return true;
    case Qt::Key_N:
        if (control)
            return false;
        goToRun(!event->modifiers().testFlag(Qt::ShiftModifier));
        return true;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        zoomBy(1, m_current);
        return true;
    case Qt::Key_Minus:
    case Qt::Key_Backspace:
        zoomBy(-1, m_current);
        return true;
    case Qt::Key_0:
        if (!control)
            return false;
        setZoom(0, m_current);
        return true;
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space:
        select(m_layout.rangeOf(currentCell()));
        return true;
    case Qt::Key_Escape:
        if (!m_selection)
            return false; // the window may have a use for it
        select({});
        return true;
    default:
        return false;
    }
}

void HeatmapGrid::keyPressEvent(QKeyEvent* event)
{
    if (m_looks.empty()) {
        QWidget::keyPressEvent(event);
        return;
    }
    const auto cells = std::int64_t(m_layout.cells());
    const std::int64_t row = m_layout.columns();
    // The keyboard may be in a cell above what is visible.
    const auto place = std::int64_t(currentCell()) - std::int64_t(m_layout.firstCell());
    const std::int64_t column = (place % row + row) % row;
    const bool control = event->modifiers().testFlag(Qt::ControlModifier);
    switch (event->key()) {
    case Qt::Key_Left:
        return moveCurrent(-1, event->modifiers());
    case Qt::Key_Right:
        return moveCurrent(1, event->modifiers());
    case Qt::Key_Up:
        return moveCurrent(std::int64_t(currentCell()) >= row ? -row : 0, event->modifiers());
    case Qt::Key_Down:
        return moveCurrent(std::int64_t(currentCell()) + row < cells ? row : 0, event->modifiers());
    case Qt::Key_PageUp:
        return moveCurrent(-std::int64_t{m_layout.pageCells()}, event->modifiers());
    case Qt::Key_PageDown:
        return moveCurrent(m_layout.pageCells(), event->modifiers());
    case Qt::Key_Home:
        return moveCurrent(control ? -cells : -column, event->modifiers());
    case Qt::Key_End:
        return moveCurrent(control ? cells : row - 1 - column, event->modifiers());
    default:
        break;
    }
    if (!handleCommandKey(event))
        QWidget::keyPressEvent(event);
}

void HeatmapGrid::contextMenuEvent(QContextMenuEvent* event)
{
    hideTip();
    if (event->reason() == QContextMenuEvent::Mouse) {
        emit menuWanted(event->globalPos());
        return;
    }
    const auto index = m_looks.empty() ? std::nullopt : m_layout.indexOf(currentCell());
    emit menuWanted(mapToGlobal(index ? rectOf(*index).center() : rect().center()));
}

} // namespace bitmend
