// SPDX-License-Identifier: Apache-2.0
// What a check or a repair found, one place per row: where copies or parity differed, on level 6
// whose block is wrong, and what no member gives.
#pragma once

#include "engine/array/sync.h"

#include <QAbstractListModel>

#include <memory>
#include <set>

namespace bitmend {

class DifferencesModel : public QAbstractListModel
{
    Q_OBJECT

public:
    explicit DifferencesModel(QObject* parent = nullptr);

    // Null: nothing was compared. `parity` tells whose sectors the outcome counts.
    void setOutcome(std::shared_ptr<const SyncOutcome> outcome, bool parity);

    const std::shared_ptr<const SyncOutcome>& outcome() const { return m_outcome; }

    struct Place
    {
        SectorRange range;
        bool ofArray = false; // otherwise of the members' data
        bool isUnreadable = false;
        std::set<int> wrongRoles; // the slots whose blocks are wrong, where that can be told
    };
    Place place(int row) const;

    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;

private:
    std::set<int> wrongRoles(const SectorRange& range) const;

    std::shared_ptr<const SyncOutcome> m_outcome;
    std::vector<WrongBlock> m_wrong; // by place
    bool m_parity = false;
};

} // namespace bitmend
