// SPDX-License-Identifier: Apache-2.0
// The list of planned writes in a review: a line that sums it up, and every range below it.
#pragma once

#include "ui/models/writes_model.h"

#include <QWidget>

class QLabel;
class QTreeView;

namespace bitmend {

class WritesView : public QWidget
{
    Q_OBJECT

public:
    explicit WritesView(QWidget* parent = nullptr);

    // `nothing` is what is said when the list is empty, `where` where the writes go.
    void setWrites(std::vector<PlannedWrite> writes, const QString& nothing, const QString& where);

private:
    WritesModel m_model;
    QLabel* m_summary;
    QTreeView* m_list;
};

} // namespace bitmend
