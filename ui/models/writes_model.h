// SPDX-License-Identifier: Apache-2.0
// Every byte range a plan would write, as a table. Nothing is summed up or left out.
#pragma once

#include "engine/array/assembly.h"

#include <QAbstractTableModel>

#include <vector>

namespace bitmend {

class WritesModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Column { Member, Purpose, First, Length, Columns };

    explicit WritesModel(QObject* parent = nullptr);

    void setWrites(std::vector<PlannedWrite> writes);
    std::uint64_t bytes(bool data) const; // of data, or of metadata

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::vector<PlannedWrite> m_writes;
};

} // namespace bitmend
