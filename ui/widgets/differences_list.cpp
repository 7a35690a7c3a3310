// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/differences_list.h"

#include "ui/text.h"

#include <QItemSelectionModel>
#include <QLabel>
#include <QListView>
#include <QVBoxLayout>

namespace bitmend {

DifferencesList::DifferencesList(QWidget* parent)
    : QWidget(parent)
    , m_heading(new QLabel(this))
    , m_list(new QListView(this))
{
    setObjectName(QStringLiteral("differences"));
    m_heading->setObjectName(QStringLiteral("differencesHeading"));
    m_heading->setTextFormat(Qt::PlainText);
    m_heading->setWordWrap(true);
    m_list->setObjectName(QStringLiteral("differencesList"));
    m_list->setAccessibleName(tr("Places that a check found"));
    m_list->setModel(&m_model);
    m_list->setUniformItemSizes(true); // there may be very many
    m_list->setSpacing(2);
    m_list->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_list->setFixedWidth(m_list->fontMetrics().averageCharWidth() * 42);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    column->addWidget(m_heading);
    column->addWidget(m_list, 1);
    m_heading->setMaximumWidth(m_list->width());
    connect(m_list->selectionModel(), &QItemSelectionModel::currentChanged, this,
        [this](const QModelIndex& index) {
            if (index.isValid())
                emit chosen(m_model.place(index.row()));
        });
    hide();
}

void DifferencesList::setOutcome(const std::shared_ptr<const SyncOutcome>& outcome, bool parity)
{
    if (outcome == m_model.outcome())
        return;
    m_model.setOutcome(outcome, parity);
    const int count = m_model.rowCount();
    setVisible(count > 0);
    if (count == 0)
        return;
    const QString places = count == 1 ? tr("1 place") : tr("%1 places").arg(numberText(count));
    m_heading->setText(outcome->action == SyncAction::Repair
                           ? tr("The repair made these equal: %1").arg(places)
                           : tr("Found by the check: %1").arg(places));
}

void DifferencesList::chooseFirst()
{
    if (m_model.rowCount() == 0)
        return;
    m_list->setCurrentIndex(m_model.index(0));
    m_list->setFocus();
}

} // namespace bitmend
