// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/superblocks_view.h"

#include "ui/models/superblocks_model.h"
#include "ui/widgets/hex_pane.h"

#include <QCheckBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QSignalBlocker>
#include <QSplitter>
#include <QTableView>

#include <algorithm>

namespace bitmend {

namespace {

constexpr int kFieldWidth = 190;
constexpr int kNarrowest = 150;

} // namespace

SuperblocksView::SuperblocksView(QWidget* parent)
    : QWidget(parent)
    , m_model(new SuperblocksModel(this))
    , m_table(new QTableView(this))
    , m_onlyDifferences(new QCheckBox(tr("Only &differences"), this))
    , m_count(new QLabel(this))
    , m_bytesTitle(new QLabel(this))
    , m_hex(new HexPane(this))
{
    m_table->setModel(m_model);
    m_table->setAccessibleName(tr("Superblock fields of all members"));
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setShowGrid(false);
    m_table->setAlternatingRowColors(true);
    m_table->setFrameShape(QFrame::NoFrame);
    m_table->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    m_table->setTabKeyNavigation(false);
    m_table->setWordWrap(false);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 8);
    m_table->horizontalHeader()->setHighlightSections(false);
    m_table->viewport()->installEventFilter(this);
    m_count->setForegroundRole(QPalette::PlaceholderText);

    auto* top = new QHBoxLayout;
    top->addWidget(m_count, 1);
    top->addWidget(m_onlyDifferences);
    auto* bytes = new QWidget(this);
    auto* bytesLayout = new QVBoxLayout(bytes);
    bytesLayout->setContentsMargins(0, 4, 0, 0);
    bytesLayout->setSpacing(6);
    bytesLayout->addWidget(m_bytesTitle);
    bytesLayout->addWidget(m_hex, 1);
    auto* parts = new QSplitter(Qt::Vertical, this);
    parts->setChildrenCollapsible(false);
    parts->setHandleWidth(1);
    parts->addWidget(m_table);
    parts->addWidget(bytes);
    parts->setStretchFactor(0, 3);
    parts->setStretchFactor(1, 2);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(8);
    layout->addLayout(top);
    layout->addWidget(parts, 1);

    connect(m_table->selectionModel(), &QItemSelectionModel::currentChanged, this,
        &SuperblocksView::showBytesOf);
    connect(m_hex, &HexPane::byteChosen, this, &SuperblocksView::goToByte);
    connect(m_onlyDifferences, &QCheckBox::toggled, this, &SuperblocksView::filterRows);
    setMembers({});
}

void SuperblocksView::setMembers(const std::vector<Member>& members)
{
    // Where a person was looking stays, when the array still has such a place.
    const QModelIndex current = m_table->currentIndex();
    const int row = current.isValid() ? current.row() : 0;
    const int column = current.isValid() ? current.column() : SuperblocksModel::kFirstMember;
    m_shownColumn = -1;
    m_model->setMembers(members);
    fitColumns();
    filterRows();

    int differing = 0;
    for (int i = 0; i < m_model->rowCount(); ++i)
        differing += m_model->differs(i) ? 1 : 0;
    if (m_model->rowCount() == 0) {
        m_count->setText(tr("No superblock to show."));
    } else if (differing == 0) {
        m_count->setText(tr("The members agree in every field that they share."));
    } else {
        m_count->setText(tr("\u2260 The members differ in %n fields.", nullptr, differing));
    }
    m_onlyDifferences->setEnabled(differing > 0);
    m_onlyDifferences->setToolTip(differing > 0 ? QString() : tr("There are none."));
    if (m_model->rowCount() > 0) {
        m_table->setCurrentIndex(m_model->index(
            std::min(row, m_model->rowCount() - 1), std::min(column, m_model->columnCount() - 1)));
    } else {
        showBytesOf({});
    }
}

void SuperblocksView::fitColumns()
{
    const int members = m_model->columnCount() - SuperblocksModel::kFirstMember;
    m_table->setColumnWidth(0, kFieldWidth);
    if (members == 0)
        return;
    const int each = std::max(kNarrowest, (m_table->viewport()->width() - kFieldWidth) / members);
    for (int i = 0; i < members; ++i)
        m_table->setColumnWidth(SuperblocksModel::kFirstMember + i, each);
}

bool SuperblocksView::eventFilter(QObject* watched, QEvent* event)
{
    if (event->type() == QEvent::Resize)
        fitColumns();
    return QWidget::eventFilter(watched, event);
}

void SuperblocksView::filterRows()
{
    for (int row = 0; row < m_model->rowCount(); ++row)
        m_table->setRowHidden(row, m_onlyDifferences->isChecked() && !m_model->differs(row));
}

void SuperblocksView::showBytesOf(const QModelIndex& index)
{
    if (!index.isValid()) {
        m_hex->setBytes({});
        m_bytesTitle->clear();
        return;
    }
    // The field's name stands for the first member.
    const int column = std::max(index.column(), SuperblocksModel::kFirstMember);
    const RawBytes kind = m_model->kindOf(index.row());
    if (column != m_shownColumn || int(kind) != m_shownKind) {
        m_shownColumn = column;
        m_shownKind = int(kind);
        m_hex->setBytes(m_model->raw(column, kind));
        m_bytesTitle->setText(kind == RawBytes::Superblock
                                  ? tr("Superblock of %1").arg(m_model->memberName(column))
                                  : tr("Bitmap header of %1").arg(m_model->memberName(column)));
    }
    const auto bytes = m_model->bytesOf(m_model->index(index.row(), column));
    if (!bytes) {
        m_hex->clearMark();
        return;
    }
    m_hex->mark(bytes->offset, bytes->length,
        m_model->index(index.row(), 0).data(Qt::AccessibleTextRole).toString());
}

void SuperblocksView::goToByte(quint64 offset)
{
    const QModelIndex field =
        m_model->fieldAt(m_shownColumn, RawBytes(m_shownKind), std::size_t(offset));
    if (!field.isValid())
        return;
    m_table->setRowHidden(field.row(), false); // asked for, so shown
    m_table->setCurrentIndex(field);
    m_table->scrollTo(field);
}

} // namespace bitmend
