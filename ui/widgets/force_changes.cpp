// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/force_changes.h"

#include "ui/text.h"

#include <QHeaderView>
#include <QLabel>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace bitmend {

ForceChanges::ForceChanges(QWidget* parent)
    : QWidget(parent)
    , m_words(new QLabel(this))
    , m_fields(new QTreeWidget(this))
{
    m_words->setObjectName(QStringLiteral("forceWords"));
    m_words->setWordWrap(true);
    m_words->setTextFormat(Qt::PlainText);
    m_fields->setObjectName(QStringLiteral("forceFields"));
    m_fields->setAccessibleName(tr("Fields of superblocks that change"));
    m_fields->setHeaderLabels({tr("Member"), tr("Bytes"), tr("Field"), tr("Now"), tr("Then")});
    m_fields->setRootIsDecorated(false);
    m_fields->setUniformRowHeights(true);
    m_fields->setAlternatingRowColors(true);
    m_fields->setMinimumHeight(96);
    m_fields->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_fields->header()->setStretchLastSection(true);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 6, 0, 0);
    column->setSpacing(6);
    column->addWidget(m_words);
    column->addWidget(m_fields, 1);
}

void ForceChanges::show(const Force& force, const ArrayReport& array)
{
    m_words->setText(text(consequences(force, array)));
    m_fields->clear();
    for (const auto& change : force.changes) {
        const QString bytes =
            QStringLiteral("%1\u2013%2").arg(change.offset).arg(change.offset + change.length - 1);
        auto* item = new QTreeWidgetItem(m_fields,
            {nameOf(change.path), bytes, QString::fromStdString(change.field),
                QString::fromStdString(change.before),
                change.after.empty() ? tr("as of then") : QString::fromStdString(change.after)});
        item->setToolTip(0, pathText(change.path));
    }
    m_fields->setVisible(!force.changes.empty());
}

} // namespace bitmend
