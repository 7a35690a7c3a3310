// SPDX-License-Identifier: Apache-2.0
#include "ui/models/writes_model.h"

#include "ui/outcomes.h"
#include "ui/text.h"

namespace bitmend {

WritesModel::WritesModel(QObject* parent) : QAbstractTableModel(parent) {}

void WritesModel::setWrites(std::vector<PlannedWrite> writes)
{
    beginResetModel();
    m_writes = std::move(writes);
    endResetModel();
}

std::uint64_t WritesModel::bytes(bool data) const
{
    std::uint64_t sum = 0;
    for (const auto& write : m_writes) {
        // Where the copy that counts cannot be read, the write goes there in place of elsewhere.
        if (write.purpose == WritePurpose::DataIfUnreadable)
            continue;
        if ((write.purpose == WritePurpose::Data) == data)
            sum += write.length;
    }
    return sum;
}

int WritesModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : int(m_writes.size());
}

int WritesModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : Columns;
}

QVariant WritesModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    const auto& write = m_writes[std::size_t(index.row())];
    if (role == Qt::TextAlignmentRole) {
        return index.column() == First || index.column() == Length
                   ? int(Qt::AlignRight | Qt::AlignVCenter)
                   : int(Qt::AlignLeft | Qt::AlignVCenter);
    }
    if (role == Qt::ToolTipRole)
        return index.column() == Member ? pathText(write.path) : exactSize(write.length);
    if (role != Qt::DisplayRole)
        return {};
    switch (Column(index.column())) {
    case Member:
        return nameOf(write.path);
    case Purpose:
        return purposeText(write.purpose);
    case First:
        return numberText(write.offset);
    case Length:
        return sizeText(write.length);
    case Columns:
        break;
    }
    return {};
}

QVariant WritesModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole) {
        return section == First || section == Length ? int(Qt::AlignRight | Qt::AlignVCenter)
                                                     : int(Qt::AlignLeft | Qt::AlignVCenter);
    }
    if (role != Qt::DisplayRole)
        return {};
    switch (Column(section)) {
    case Member:
        return tr("Member");
    case Purpose:
        return tr("What");
    case First:
        return tr("First byte");
    case Length:
        return tr("Length");
    case Columns:
        break;
    }
    return {};
}

} // namespace bitmend
