// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/bitmap_heatmap.h"

#include "ui/text.h"
#include "ui/widgets/heatmap_grid.h"
#include "ui/widgets/heatmap_legend.h"
#include "ui/widgets/heatmap_members.h"
#include "ui/widgets/heatmap_overview.h"
#include "ui/widgets/heatmap_text.h"
#include "ui/widgets/offset_dialog.h"

#include <QApplication>
#include <QClipboard>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QToolButton>

#include <algorithm>

namespace bitmend {

BitmapHeatmap::BitmapHeatmap(QWidget* parent)
    : QWidget(parent)
    , m_chunkSize(new QLabel(this))
    , m_legend(new HeatmapLegend(this))
    , m_overview(new HeatmapOverview(this))
    , m_membersShown(new QToolButton(this))
    , m_members(new HeatmapMembers(this))
    , m_grid(new HeatmapGrid(this))
    , m_line(new QLabel(this))
    , m_cellSize(new QLabel(this))
{
    setFocusProxy(m_grid);
    m_members->hide();
    m_line->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_line->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    m_line->setAccessibleName(tr("Selected chunks"));
    m_cellSize->setForegroundRole(QPalette::PlaceholderText);
    m_chunkSize->setForegroundRole(QPalette::PlaceholderText);

    auto* foot = new QHBoxLayout;
    foot->setSpacing(16);
    foot->addWidget(m_line, 1);
    foot->addWidget(m_cellSize);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(8);
    layout->addLayout(makeHeading());
    layout->addWidget(m_overview);
    layout->addWidget(m_members);
    layout->addWidget(m_grid, 1);
    layout->addLayout(foot);
    connectParts();
    setFrame({});
}

QLayout* BitmapHeatmap::makeHeading()
{
    auto* heading = new QLabel(tr("Write-intent bitmap"), this);
    QFont bold = heading->font();
    bold.setBold(true);
    heading->setFont(bold);
    heading->setBuddy(m_grid);

    m_membersShown->setText(tr("Copies"));
    m_membersShown->setToolTip(tr("Show what each member's own copy of the bitmap says"));
    m_membersShown->setAccessibleName(tr("Show the members' copies"));
    m_membersShown->setCheckable(true);
    m_membersShown->setAutoRaise(true);
    m_membersShown->setArrowType(Qt::RightArrow);
    m_membersShown->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);

    auto* row = new QHBoxLayout;
    row->setSpacing(16);
    row->addWidget(heading);
    row->addWidget(m_membersShown);
    row->addWidget(m_legend, 1);
    row->addWidget(m_chunkSize);
    return row;
}

void BitmapHeatmap::connectParts()
{
    connect(m_membersShown, &QToolButton::toggled, this, &BitmapHeatmap::setMembersShown);
    connect(m_overview, &HeatmapOverview::chunkWanted, this, [this](quint64 chunk) {
        const HeatmapLayout& cells = m_grid->layoutOfCells();
        const auto half = std::uint64_t(cells.pageCells()) / 2;
        const std::uint64_t cell = cells.cellOf(chunk);
        m_grid->scrollTo(cell > half ? cell - half : 0);
        m_grid->setCurrentCell(cell);
    });
    connect(m_grid, &HeatmapGrid::viewChanged, this, &BitmapHeatmap::followView);
    connect(m_grid, &HeatmapGrid::selectionChanged, this, &BitmapHeatmap::tellSelection);
    connect(m_grid, &HeatmapGrid::selectionChanged, this, &BitmapHeatmap::selectionChanged);
    connect(m_grid, &HeatmapGrid::selectionCleared, this, &BitmapHeatmap::tellSelection);
    connect(m_grid, &HeatmapGrid::selectionCleared, this, &BitmapHeatmap::selectionCleared);
    connect(m_grid, &HeatmapGrid::hovered, this, [this](quint64 first, quint64 last) {
        if (!m_grid->selection())
            tell(ChunkRange{first, last});
        emit hovered(first, last);
    });
    connect(m_grid, &HeatmapGrid::hoverEnded, this, &BitmapHeatmap::tellSelection);
    connect(m_grid, &HeatmapGrid::offsetWanted, this, &BitmapHeatmap::askForPlace);
    connect(m_grid, &HeatmapGrid::menuWanted, this, &BitmapHeatmap::showMenu);
}

bool BitmapHeatmap::hasChunks() const { return m_grid->frame() && m_grid->frame()->chunks > 0; }

BitmapFramePtr BitmapHeatmap::frame() const { return m_grid->frame(); }

void BitmapHeatmap::setFrame(BitmapFramePtr frame)
{
    if (frame && frame == m_grid->frame())
        return;
    m_legend->setFrame(frame);
    std::vector<ChunkRange> changes;
    if (frame && m_grid->frame())
        changes = changedChunks(*m_grid->frame(), *frame, Compare::States);
    m_overview->setFrame(frame, changes);
    if (m_members->isVisibleTo(this))
        m_members->setFrame(frame);
    m_grid->setFrame(std::move(frame), changes);

    const bool chunks = hasChunks();
    m_overview->setVisible(chunks);
    m_legend->setVisible(chunks);
    m_membersShown->setVisible(
        chunks && std::ranges::any_of(m_grid->frame()->members,
                      [](const MemberBits& member) { return member.set.size() > 0; }));
    m_chunkSize->setText(
        chunks ? tr("%1 per chunk").arg(sizeText(m_grid->frame()->chunkBytes)) : QString());
    if (chunks)
        m_chunkSize->setToolTip(exactSize(m_grid->frame()->chunkBytes));
    tell(m_told);
    describeCells();
}

std::optional<ChunkRange> BitmapHeatmap::selection() const { return m_grid->selection(); }

void BitmapHeatmap::select(ChunkRange chunks)
{
    m_grid->setCurrentCell(m_grid->layoutOfCells().cellOf(chunks.first));
    m_grid->select(chunks);
}

void BitmapHeatmap::followView()
{
    const HeatmapLayout& cells = m_grid->layoutOfCells();
    if (!hasChunks())
        return;
    m_overview->setVisibleChunks(cells.visibleRange());
    m_members->setVisibleChunks(cells.visibleRange());
    describeCells();
}

void BitmapHeatmap::describeCells()
{
    if (!hasChunks()) {
        m_cellSize->clear();
        return;
    }
    const std::uint64_t chunks = m_grid->layoutOfCells().chunksPerCell();
    m_cellSize->setText(
        chunks == 1 ? tr("a cell is one chunk")
                    : tr("a cell is %1 chunks, %2")
                          .arg(numberText(chunks), sizeText(chunks * m_grid->frame()->chunkBytes)));
}

void BitmapHeatmap::tell(std::optional<ChunkRange> chunks)
{
    m_told = chunks;
    const BitmapFramePtr& shown = m_grid->frame();
    if (!shown) {
        m_line->clear();
    } else if (chunks && chunks->last < shown->chunks) {
        m_line->setText(heatmap::oneLine(*shown, *chunks));
    } else {
        m_line->setText(heatmap::summary(*shown));
    }
}

void BitmapHeatmap::tellSelection() { tell(m_grid->selection()); }

void BitmapHeatmap::setMembersShown(bool shown)
{
    m_membersShown->setChecked(shown);
    m_membersShown->setArrowType(shown ? Qt::DownArrow : Qt::RightArrow);
    if (shown == m_members->isVisibleTo(this))
        return;
    if (shown)
        m_members->setFrame(m_grid->frame());
    m_members->setVisible(shown);
    emit membersShownChanged(shown);
}

void BitmapHeatmap::goToNextRun() { m_grid->goToRun(true); }

void BitmapHeatmap::goToPreviousRun() { m_grid->goToRun(false); }

void BitmapHeatmap::askForPlace()
{
    if (!hasChunks())
        return;
    auto* dialog = new OffsetDialog(m_grid->frame(), window());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog] {
        const std::uint64_t chunk = dialog->chunk();
        select({chunk, chunk});
    });
    dialog->open();
}

void BitmapHeatmap::zoomIn() { m_grid->zoomBy(1); }

void BitmapHeatmap::zoomOut() { m_grid->zoomBy(-1); }

void BitmapHeatmap::zoomToAll() { m_grid->zoomBy(-m_grid->layoutOfCells().zoom()); }

void BitmapHeatmap::copySelection() { QApplication::clipboard()->setText(m_grid->selectionText()); }

void BitmapHeatmap::showMenu(QPoint globalPosition)
{
    if (!hasChunks())
        return;
    QMenu menu(this);
    menu.addAction(tr("Copy"), QKeySequence::Copy, this, &BitmapHeatmap::copySelection);
    menu.addAction(
        tr("Go to\u2026"), QKeySequence(Qt::CTRL | Qt::Key_G), this, &BitmapHeatmap::askForPlace);
    menu.addSeparator();
    menu.addAction(
        tr("Next dirty run"), QKeySequence(Qt::Key_N), this, &BitmapHeatmap::goToNextRun);
    menu.addAction(tr("Previous dirty run"), QKeySequence(Qt::SHIFT | Qt::Key_N), this,
        &BitmapHeatmap::goToPreviousRun);
    menu.addSeparator();
    menu.addAction(tr("Zoom in"), QKeySequence(Qt::Key_Plus), this, &BitmapHeatmap::zoomIn);
    menu.addAction(tr("Zoom out"), QKeySequence(Qt::Key_Backspace), this, &BitmapHeatmap::zoomOut);
    menu.addAction(
        tr("Whole array"), QKeySequence(Qt::CTRL | Qt::Key_0), this, &BitmapHeatmap::zoomToAll);
    menu.exec(globalPosition);
}

void BitmapHeatmap::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::PaletteChange) {
        for (QWidget* part : {static_cast<QWidget*>(m_overview), static_cast<QWidget*>(m_legend),
                 static_cast<QWidget*>(m_members)})
            part->update();
    }
    QWidget::changeEvent(event);
}

} // namespace bitmend
