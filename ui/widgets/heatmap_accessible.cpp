// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_accessible.h"

#include "ui/widgets/heatmap_grid.h"
#include "ui/widgets/heatmap_text.h"

#include <QAccessible>
#include <QAccessibleWidget>
#include <QHash>
#include <QPointer>

namespace bitmend {

namespace {

// By its place on the screen: what is shown there changes, the place stays.
class CellAccessible final : public QAccessibleInterface, public QAccessibleTableCellInterface
{
public:
    CellAccessible(HeatmapGrid* grid, int index) : m_grid(grid), m_index(index) {}
    ~CellAccessible() override = default;

    bool isValid() const override
    {
        return m_grid && m_grid->frame() && m_grid->frame()->chunks > 0 &&
               m_index < m_grid->layoutOfCells().visibleCells();
    }
    QObject* object() const override { return nullptr; }
    QWindow* window() const override { return parent() ? parent()->window() : nullptr; }
    QAccessibleInterface* parent() const override
    {
        return QAccessible::queryAccessibleInterface(m_grid.data());
    }
    QAccessibleInterface* child(int) const override { return nullptr; }
    QAccessibleInterface* childAt(int, int) const override { return nullptr; }
    int childCount() const override { return 0; }
    int indexOfChild(const QAccessibleInterface*) const override { return -1; }
    QString text(QAccessible::Text kind) const override
    {
        return kind == QAccessible::Name && isValid() ? heatmap::cellName(*m_grid->frame(), range())
                                                      : QString();
    }
    void setText(QAccessible::Text, const QString&) override {}
    QRect rect() const override
    {
        const QRect local = isValid() ? m_grid->rectOf(m_index) : QRect();
        return m_grid ? QRect(m_grid->mapToGlobal(local.topLeft()), local.size()) : QRect();
    }
    QAccessible::Role role() const override { return QAccessible::Cell; }
    QAccessible::State state() const override
    {
        QAccessible::State state;
        state.focusable = true;
        state.selectable = true;
        state.readOnly = true;
        state.selected = isSelected();
        state.focused = isValid() && m_grid->hasFocus() && cell() == m_grid->currentCell();
        return state;
    }
    void* interface_cast(QAccessible::InterfaceType type) override
    {
        return type == QAccessible::TableCellInterface
                   ? static_cast<QAccessibleTableCellInterface*>(this)
                   : nullptr;
    }

    bool isSelected() const override
    {
        const auto selection = isValid() ? m_grid->selection() : std::nullopt;
        return selection && selection->first <= range().last && range().first <= selection->last;
    }
    QList<QAccessibleInterface*> columnHeaderCells() const override { return {}; }
    QList<QAccessibleInterface*> rowHeaderCells() const override { return {}; }
    int columnIndex() const override { return m_index % m_grid->layoutOfCells().columns(); }
    int rowIndex() const override { return m_index / m_grid->layoutOfCells().columns(); }
    int columnExtent() const override { return 1; }
    int rowExtent() const override { return 1; }
    QAccessibleInterface* table() const override { return parent(); }

    int index() const { return m_index; }

private:
    std::uint64_t cell() const
    {
        return m_grid->layoutOfCells().firstCell() + std::uint64_t(m_index);
    }
    ChunkRange range() const { return m_grid->layoutOfCells().rangeOf(cell()); }

    QPointer<HeatmapGrid> m_grid;
    int m_index;
};

class GridAccessible final : public QAccessibleWidget, public QAccessibleTableInterface
{
public:
    explicit GridAccessible(HeatmapGrid* grid) : QAccessibleWidget(grid, QAccessible::Table) {}
    ~GridAccessible() override
    {
        for (const QAccessible::Id id : std::as_const(m_cells))
            QAccessible::deleteAccessibleInterface(id);
    }

    void* interface_cast(QAccessible::InterfaceType type) override
    {
        return type == QAccessible::TableInterface ? static_cast<QAccessibleTableInterface*>(this)
                                                   : QAccessibleWidget::interface_cast(type);
    }
    QString text(QAccessible::Text kind) const override
    {
        return kind == QAccessible::Description ? summaryText() : QAccessibleWidget::text(kind);
    }
    int childCount() const override
    {
        return hasCells() ? grid().layoutOfCells().visibleCells() : 0;
    }
    QAccessibleInterface* child(int index) const override
    {
        if (index < 0 || index >= childCount())
            return nullptr;
        const auto known = m_cells.constFind(index);
        if (known != m_cells.constEnd())
            return QAccessible::accessibleInterface(*known);
        auto* cell = new CellAccessible(&grid(), index); // owned by the registry
        m_cells.insert(index, QAccessible::registerAccessibleInterface(cell));
        return cell;
    }
    int indexOfChild(const QAccessibleInterface* child) const override
    {
        const auto* cell = dynamic_cast<const CellAccessible*>(child);
        return cell ? cell->index() : -1;
    }
    QAccessibleInterface* focusChild() const override
    {
        if (!grid().hasFocus() || !hasCells())
            return nullptr;
        const auto index = grid().layoutOfCells().indexOf(grid().currentCell());
        return index ? child(*index) : nullptr;
    }
    QAccessibleInterface* childAt(int x, int y) const override
    {
        const QPointF local = grid().mapFromGlobal(QPointF(x, y)) * grid().devicePixelRatioF();
        const auto index = grid().layoutOfCells().indexAt(local.toPoint());
        return index && hasCells() ? child(*index) : nullptr;
    }

    QAccessibleInterface* caption() const override { return nullptr; }
    QAccessibleInterface* summary() const override { return nullptr; }
    QAccessibleInterface* cellAt(int row, int column) const override
    {
        if (row < 0 || column < 0 || column >= columnCount())
            return nullptr;
        return child(row * columnCount() + column);
    }
    int selectedCellCount() const override { return int(selectedCells().size()); }
    QList<QAccessibleInterface*> selectedCells() const override
    {
        QList<QAccessibleInterface*> cells;
        const auto selection = grid().selection();
        const HeatmapLayout& layout = grid().layoutOfCells();
        for (int index = 0; selection && index < childCount(); ++index) {
            const ChunkRange range = layout.rangeOf(layout.firstCell() + std::uint64_t(index));
            if (selection->first <= range.last && range.first <= selection->last)
                cells += child(index);
        }
        return cells;
    }
    QString columnDescription(int) const override { return {}; }
    QString rowDescription(int row) const override
    {
        const int first = row * columnCount();
        if (row < 0 || first >= childCount())
            return {};
        const HeatmapLayout& layout = grid().layoutOfCells();
        const int last = std::min(first + columnCount(), childCount()) - 1;
        return heatmap::cellName(
            *grid().frame(), {layout.rangeOf(layout.firstCell() + std::uint64_t(first)).first,
                                 layout.rangeOf(layout.firstCell() + std::uint64_t(last)).last});
    }
    int selectedColumnCount() const override { return 0; }
    int selectedRowCount() const override { return 0; }
    int columnCount() const override { return hasCells() ? grid().layoutOfCells().columns() : 0; }
    int rowCount() const override
    {
        const int columns = columnCount();
        return columns > 0 ? (childCount() + columns - 1) / columns : 0;
    }
    QList<int> selectedColumns() const override { return {}; }
    QList<int> selectedRows() const override { return {}; }
    bool isColumnSelected(int) const override { return false; }
    bool isRowSelected(int) const override { return false; }
    bool selectRow(int) override { return false; }
    bool selectColumn(int) override { return false; }
    bool unselectRow(int) override { return false; }
    bool unselectColumn(int) override { return false; }
    void modelChange(QAccessibleTableModelChangeEvent*) override {}

private:
    HeatmapGrid& grid() const { return *static_cast<HeatmapGrid*>(widget()); }
    bool hasCells() const { return grid().frame() && grid().frame()->chunks > 0; }
    QString summaryText() const
    {
        return grid().frame() ? heatmap::summary(*grid().frame()) : QString();
    }

    mutable QHash<int, QAccessible::Id> m_cells;
};

QAccessibleInterface* make(const QString&, QObject* object)
{
    auto* grid = qobject_cast<HeatmapGrid*>(object);
    return grid ? new GridAccessible(grid) : nullptr;
}

} // namespace

void installHeatmapAccessibility()
{
    static const bool once = [] {
        QAccessible::installFactory(make);
        return true;
    }();
    Q_UNUSED(once);
}

} // namespace bitmend
