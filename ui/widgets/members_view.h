// SPDX-License-Identifier: Apache-2.0
// The members of an array as a calm table: hairlines between rows, the state as a pill, the reason
// of a state under its row. As high as its rows, up to a limit.
#pragma once

#include "ui/models/members_model.h"

#include <QTreeView>

#include <string>

namespace bitmend {

class MembersView : public QTreeView
{
    Q_OBJECT

public:
    explicit MembersView(MembersModel& model, QWidget* parent = nullptr);

    std::string chosen() const; // the path of the current member; empty: none
    void choose(const std::string& path);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

signals:
    void chosenChanged();
    void menuWanted(QPoint globalPosition);

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;
    void currentChanged(const QModelIndex& current, const QModelIndex& previous) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;
    void drawRow(QPainter* painter, const QStyleOptionViewItem& option,
        const QModelIndex& index) const override;
    void drawBranches(
        QPainter* painter, const QRect& rect, const QModelIndex& index) const override;

private:
    void arrange(); // spans, open reasons, column widths, height
    int contentHeight() const;

    MembersModel& m_model;
};

} // namespace bitmend
