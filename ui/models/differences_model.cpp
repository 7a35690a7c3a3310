// SPDX-License-Identifier: Apache-2.0
#include "ui/models/differences_model.h"

#include "ui/text.h"

#include <algorithm>
#include <utility>

namespace bitmend {

namespace {

QString textOf(const DifferencesModel::Place& place)
{
    QStringList parts{DifferencesModel::tr("Sector %1").arg(numberText(place.range.begin.count)),
        sizeText(place.range.length().bytes())};
    if (place.isUnreadable) {
        parts.append(DifferencesModel::tr("not readable"));
    } else if (place.wrongRoles.size() == 1) {
        parts.append(DifferencesModel::tr("slot %1 wrong").arg(*place.wrongRoles.begin()));
    } else if (!place.wrongRoles.empty()) {
        parts.append(DifferencesModel::tr("several slots wrong"));
    }
    return parts.join(QStringLiteral("  \u00b7  "));
}

} // namespace

DifferencesModel::DifferencesModel(QObject* parent) : QAbstractListModel(parent) {}

void DifferencesModel::setOutcome(std::shared_ptr<const SyncOutcome> outcome, bool parity)
{
    beginResetModel();
    m_outcome = std::move(outcome);
    m_parity = parity;
    m_wrong = m_outcome ? m_outcome->wrong : std::vector<WrongBlock>{};
    std::ranges::sort(m_wrong, {}, [](const WrongBlock& block) { return block.range.begin; });
    endResetModel();
}

DifferencesModel::Place DifferencesModel::place(int row) const
{
    const auto at = std::size_t(row);
    const auto& differing = m_outcome->differing;
    if (at >= differing.size())
        return {m_outcome->unreadable.at(at - differing.size()), true, true, {}};
    return {differing[at], !m_parity, false, wrongRoles(differing[at])};
}

int DifferencesModel::rowCount(const QModelIndex& parent) const
{
    if (parent.isValid() || !m_outcome)
        return 0;
    return int(m_outcome->differing.size() + m_outcome->unreadable.size());
}

QVariant DifferencesModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    const Place here = place(index.row());
    switch (role) {
    case Qt::DisplayRole:
        return textOf(here);
    case Qt::ToolTipRole:
        return (here.ofArray ? tr("Sectors %1 to %2 of the array")
                             : tr("Sectors %1 to %2 of the members' data"))
            .arg(numberText(here.range.begin.count), numberText(here.range.end.count - 1));
    default:
        return {};
    }
}

// A range is what lies side by side, and may be made of several members' blocks.
std::set<int> DifferencesModel::wrongRoles(const SectorRange& range) const
{
    std::set<int> roles;
    auto block = std::ranges::lower_bound(
        m_wrong, range.begin, {}, [](const WrongBlock& one) { return one.range.begin; });
    for (; block != m_wrong.end() && block->range.begin < range.end; ++block)
        roles.insert(block->role);
    return roles;
}

} // namespace bitmend
