// SPDX-License-Identifier: Apache-2.0
// The list on the left, as a view of a SourcesModel.
#pragma once

#include "ui/models/sources_model.h"

#include <QTreeView>

namespace bitmend {

class SourcesPanel : public QTreeView
{
    Q_OBJECT

public:
    explicit SourcesPanel(SourcesModel& model, QWidget* parent = nullptr);

    void select(const QModelIndex& index);
    QSize sizeHint() const override;

signals:
    void chosen(const QModelIndex& index); // a row, never a heading
    void removeAsked(const QString& path);

protected:
    QModelIndex moveCursor(CursorAction action, Qt::KeyboardModifiers modifiers) override;
    void currentChanged(const QModelIndex& current, const QModelIndex& previous) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void drawBranches(
        QPainter* painter, const QRect& rect, const QModelIndex& index) const override;

private:
    void tidy(); // headings of empty groups are hidden, all others open

    SourcesModel& m_model;
};

} // namespace bitmend
