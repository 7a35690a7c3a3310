// SPDX-License-Identifier: Apache-2.0
// What the last check or repair of an array found, to be gone through place by place. Hidden while
// there is nothing to list.
#pragma once

#include "ui/models/differences_model.h"

#include <QWidget>

class QLabel;
class QListView;

namespace bitmend {

class DifferencesList final : public QWidget
{
    Q_OBJECT

public:
    explicit DifferencesList(QWidget* parent = nullptr);

    void setOutcome(const std::shared_ptr<const SyncOutcome>& outcome, bool parity);
    void chooseFirst();

signals:
    void chosen(const bitmend::DifferencesModel::Place& place);

private:
    DifferencesModel m_model;
    QLabel* m_heading;
    QListView* m_list;
};

} // namespace bitmend
