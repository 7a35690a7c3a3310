// SPDX-License-Identifier: Apache-2.0
#include "ui/models/sources_model.h"

#include "ui/text.h"

#include <QLocale>

#include <algorithm>
#include <tuple>

namespace bitmend {

namespace {

constexpr quintptr kGroupId = 0; // children carry their group + 1

QString describeError(const Error& error) { return text(error); }

// What is on a source or on any of its partitions, by the first superblock in a fixed slot.
const FoundSuperblock* firstFound(const SourceReport& report)
{
    for (const auto& found : report.found) {
        if (!found.leftBehind && !found.ambiguous)
            return &found;
    }
    for (const auto& partition : report.partitions) {
        if (const auto* found = firstFound(partition))
            return found;
    }
    return nullptr;
}

} // namespace

SourcesModel::SourcesModel(QObject* parent) : QAbstractItemModel(parent) {}

void SourcesModel::setArrays(std::vector<ArrayView> arrays)
{
    std::ranges::sort(arrays, {}, [](const ArrayView& view) {
        return std::tuple(urgency(view), view.report.name, view.report.uuid);
    });
    const bool same = std::ranges::equal(
        arrays, m_arrays, {}, [](const ArrayView& view) { return view.report.uuid; },
        [](const ArrayView& view) { return view.report.uuid; });
    if (same) { // no row moves, so the selection stays where it is
        m_arrays = std::move(arrays);
    } else {
        const QModelIndex group = groupIndex(Arrays);
        if (!m_arrays.empty()) {
            beginRemoveRows(group, 0, int(m_arrays.size()) - 1);
            m_arrays.clear();
            endRemoveRows();
        }
        if (!arrays.empty()) {
            beginInsertRows(group, 0, int(arrays.size()) - 1);
            m_arrays = std::move(arrays);
            endInsertRows();
        }
    }
    if (!m_arrays.empty()) {
        emit dataChanged(index(0, 0, groupIndex(Arrays)),
            index(int(m_arrays.size()) - 1, 0, groupIndex(Arrays)));
    }
    // What a source is to its array is said beside it.
    for (const auto group : {Images, Disks}) {
        if (const int rows = count(group); rows > 0)
            emit dataChanged(index(0, 0, groupIndex(group)), index(rows - 1, 0, groupIndex(group)));
    }
}

void SourcesModel::setActivity(const Uuid& uuid, Activity activity)
{
    m_activities[uuid] = activity;
    if (const auto changed = indexOf(uuid); changed.isValid())
        emit dataChanged(changed, changed);
}

Activity SourcesModel::activity(const Uuid& uuid) const
{
    const auto found = m_activities.find(uuid);
    return found == m_activities.end() ? Activity::None : found->second;
}

std::vector<ScannedSource>& SourcesModel::sources(Group group)
{
    return group == Disks ? m_disks : m_images;
}

void SourcesModel::setSource(const ScannedSource& source)
{
    const Group group = source.kind == SourceKind::Disk ? Disks : Images;
    auto& list = sources(group);
    const auto known = std::ranges::find(list, source.path, &ScannedSource::path);
    const QModelIndex parent = groupIndex(group);
    if (known != list.end()) {
        *known = source;
        const auto changed = index(int(known - list.begin()), 0, parent);
        emit dataChanged(changed, changed);
        return;
    }
    beginInsertRows(parent, int(list.size()), int(list.size()));
    list.push_back(source);
    endInsertRows();
}

void SourcesModel::removeSource(const std::string& path)
{
    for (const auto group : {Images, Disks}) {
        auto& list = sources(group);
        const auto known = std::ranges::find(list, path, &ScannedSource::path);
        if (known == list.end())
            continue;
        const int row = int(known - list.begin());
        beginRemoveRows(groupIndex(group), row, row);
        list.erase(known);
        endRemoveRows();
    }
}

const ArrayView* SourcesModel::array(const QModelIndex& index) const
{
    if (index.internalId() != quintptr(Arrays) + 1 || index.row() >= int(m_arrays.size()))
        return nullptr;
    return &m_arrays[std::size_t(index.row())];
}

QModelIndex SourcesModel::indexOf(const Uuid& uuid) const
{
    for (std::size_t row = 0; row < m_arrays.size(); ++row) {
        if (m_arrays[row].report.uuid == uuid)
            return index(int(row), 0, groupIndex(Arrays));
    }
    return {};
}

int SourcesModel::count(Group group) const
{
    switch (group) {
    case Arrays:
        return int(m_arrays.size());
    case Images:
        return int(m_images.size());
    case Disks:
        return int(m_disks.size());
    case Groups:
        break;
    }
    return 0;
}

QModelIndex SourcesModel::groupIndex(Group group) const
{
    return createIndex(int(group), 0, kGroupId);
}

QModelIndex SourcesModel::index(int row, int column, const QModelIndex& parent) const
{
    if (column != 0 || row < 0 || row >= rowCount(parent))
        return {};
    return parent.isValid() ? createIndex(row, 0, quintptr(parent.row()) + 1)
                            : createIndex(row, 0, kGroupId);
}

QModelIndex SourcesModel::parent(const QModelIndex& child) const
{
    if (!child.isValid() || child.internalId() == kGroupId)
        return {};
    return groupIndex(Group(child.internalId() - 1));
}

int SourcesModel::rowCount(const QModelIndex& parent) const
{
    if (!parent.isValid())
        return Groups;
    return parent.internalId() == kGroupId ? count(Group(parent.row())) : 0;
}

int SourcesModel::columnCount(const QModelIndex&) const { return 1; }

Qt::ItemFlags SourcesModel::flags(const QModelIndex& index) const
{
    if (!index.isValid())
        return Qt::NoItemFlags;
    // Headings are read, not chosen.
    return index.internalId() == kGroupId ? Qt::ItemIsEnabled
                                          : Qt::ItemIsEnabled | Qt::ItemIsSelectable;
}

QVariant SourcesModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    const bool heading = index.internalId() == kGroupId;
    const auto group = heading ? Group(index.row()) : Group(index.internalId() - 1);
    if (role == GroupRole)
        return int(group);
    if (heading) {
        if (role != Qt::DisplayRole && role != Qt::AccessibleTextRole)
            return {};
        return group == Arrays ? tr("Arrays") : group == Images ? tr("Images") : tr("Disks");
    }
    const auto row = std::size_t(index.row());
    switch (group) {
    case Arrays:
        return arrayData(m_arrays[row], role);
    case Images:
        return sourceData(m_images[row], role);
    case Disks:
        return sourceData(m_disks[row], role);
    case Groups:
        break;
    }
    return {};
}

QString SourcesModel::arrayDetail(const ArrayView& array) const
{
    const auto& report = array.report;
    QString detail = tr("%1 \u00b7 %2")
                         .arg(levelText(report.geometry.level), sizeText(report.arraySize.bytes()));
    if (report.missing > 0) {
        detail += tr(" \u00b7 %1 of %2")
                      .arg(report.geometry.raidDisks - report.missing)
                      .arg(report.geometry.raidDisks);
    }
    return detail;
}

QVariant SourcesModel::arrayData(const ArrayView& array, int role) const
{
    const auto& report = array.report;
    switch (role) {
    case Qt::DisplayRole:
        return QString::fromStdString(report.name);
    case DetailRole:
        return arrayDetail(array);
    case BadgeRole:
        return QVariant::fromValue(badgeOf(array, activity(report.uuid)));
    case Qt::AccessibleTextRole:
        return tr("Array %1, %2, %3")
            .arg(QString::fromStdString(report.name), arrayDetail(array),
                badgeOf(array, activity(report.uuid)).word);
    case Qt::ToolTipRole:
        return QString(tr("%1\nUUID %2\n%3")
                .arg(QString::fromStdString(report.name),
                    QString::fromStdString(toString(report.uuid)), text(headline(report))));
    default:
        return {};
    }
}

// "web:data \u00b7 0", "no RAID", "cannot be read"
QString SourcesModel::note(const ScannedSource& source) const
{
    if (!source.report)
        return tr("reading\u2026");
    for (const auto& array : m_arrays) {
        for (const auto& member : array.report.members) {
            const bool here =
                member.path == source.path || (member.path.starts_with(source.path + "#"));
            if (!here)
                continue;
            const QString place = member.role >= 0 && member.state != MemberState::Spare
                                      ? QString::number(member.role)
                                      : text(word(member.state));
            return tr("%1 \u00b7 %2").arg(QString::fromStdString(array.report.name), place);
        }
    }
    const auto& report = *source.report;
    if (report.error && firstFound(report) == nullptr)
        return report.error->code == ErrorCode::Empty ? tr("empty") : tr("not readable");
    if (firstFound(report) != nullptr)
        return tr("superblock");
    if (report.externalBitmap)
        return tr("bitmap file");
    if (!report.found.empty())
        return tr("left-over RAID");
    if (!report.content.type.empty())
        return QString::fromStdString(report.content.type);
    return tr("no RAID");
}

QVariant SourcesModel::sourceData(const ScannedSource& source, int role) const
{
    const QString name = nameOf(source.path, source.label);
    switch (role) {
    case Qt::DisplayRole:
        return name;
    case DetailRole:
        return note(source);
    case PathRole:
        return pathText(source.path);
    case Qt::AccessibleTextRole:
        return tr("%1, %2").arg(name, note(source));
    case Qt::ToolTipRole: {
        QStringList lines{pathText(source.path)};
        if (source.report) {
            const auto& report = *source.report;
            if (report.sizeBytes > 0)
                lines += tr("%1 (%2)").arg(sizeText(report.sizeBytes), exactSize(report.sizeBytes));
            if (report.error)
                lines += describeError(*report.error);
            for (const auto& found : report.found) {
                for (const auto& problem : found.problems)
                    lines += text(sentence(problem, source.path));
            }
        }
        return lines.join(u'\n');
    }
    default:
        return {};
    }
}

} // namespace bitmend
