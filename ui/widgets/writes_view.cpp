// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/writes_view.h"

#include "ui/text.h"

#include <QHeaderView>
#include <QLabel>
#include <QTreeView>
#include <QVBoxLayout>

namespace bitmend {

WritesView::WritesView(QWidget* parent)
    : QWidget(parent)
    , m_summary(new QLabel(this))
    , m_list(new QTreeView(this))
{
    m_summary->setWordWrap(true);
    m_summary->setTextFormat(Qt::PlainText);
    m_summary->setAlignment(Qt::AlignLeft | Qt::AlignTop);
    m_summary->setObjectName(QStringLiteral("writesSummary"));
    m_list->setObjectName(QStringLiteral("writes"));
    m_list->setAccessibleName(tr("Byte ranges that would be written"));
    m_list->setModel(&m_model);
    m_list->setRootIsDecorated(false);
    m_list->setUniformRowHeights(true);
    m_list->setAlternatingRowColors(true);
    m_list->setMinimumHeight(96);
    m_list->header()->setStretchLastSection(false);
    m_list->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_list->header()->setSectionResizeMode(WritesModel::Purpose, QHeaderView::Stretch);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    column->addWidget(m_summary);
    column->addWidget(m_list, 1);
}

void WritesView::setWrites(
    std::vector<PlannedWrite> writes, const QString& nothing, const QString& where)
{
    const bool empty = writes.empty();
    m_model.setWrites(std::move(writes));
    m_list->setVisible(!empty);
    if (empty) {
        m_summary->setText(nothing);
        return;
    }
    const int ranges = m_model.rowCount();
    QString summary =
        ranges == 1 ? tr("1 range") : tr("%1 ranges").arg(numberText(std::uint64_t(ranges)));
    summary += tr(", %1 of metadata").arg(sizeText(m_model.bytes(false)));
    if (const std::uint64_t content = m_model.bytes(true); content > 0)
        summary += tr(" and at most %1 of data").arg(sizeText(content));
    m_summary->setText(tr("%1, %2.").arg(summary, where));
}

} // namespace bitmend
