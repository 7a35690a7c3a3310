// SPDX-License-Identifier: Apache-2.0
#include "ui/models/superblocks_model.h"

#include "ui/appearance.h"
#include "ui/text.h"

#include <QGuiApplication>

#include <algorithm>
#include <array>

namespace bitmend {

namespace {

// What is each member's own and says nothing when it differs.
bool isMembersOwn(const QString& field)
{
    static constexpr std::array kOwn = {"dev_number", "device_uuid", "sb_csum", "data_offset",
        "data_size", "super_offset", "recovery_offset", "journal_tail", "cnt_corrected_read",
        "devflags", "bblog_shift", "bblog_size", "bblog_offset", "new_offset"};
    return field.startsWith(QLatin1String("this_disk")) ||
           std::ranges::any_of(kOwn, [&](const char* own) { return field == QLatin1String(own); });
}

QString latin(const std::string& text) { return QString::fromStdString(text); }

} // namespace

SuperblocksModel::SuperblocksModel(QObject* parent) : QAbstractTableModel(parent) {}

void SuperblocksModel::setMembers(const std::vector<Member>& members)
{
    beginResetModel();
    m_members.clear();
    m_rows.clear();
    std::ranges::copy_if(members, std::back_inserter(m_members),
        [](const Member& member) { return member.superblock != nullptr; });
    for (std::size_t i = 0; i < m_members.size(); ++i)
        addRows(RawBytes::Superblock, i, describe(*m_members[i].superblock));
    for (std::size_t i = 0; i < m_members.size(); ++i) {
        if (m_members[i].bitmap)
            addRows(RawBytes::BitmapHeader, i, describeBitmapHeader(m_members[i].bitmap->raw));
    }
    for (Row& row : m_rows)
        row.values.resize(m_members.size());
    markDifferences();
    endResetModel();
}

// A field that the members before did not have goes behind the one it follows in this member.
void SuperblocksModel::addRows(
    RawBytes kind, std::size_t member, const std::vector<FieldText>& fields)
{
    auto at = m_rows.size();
    for (const FieldText& field : fields) {
        const QString name = latin(field.field);
        const auto known = std::ranges::find_if(
            m_rows, [&](const Row& row) { return row.kind == kind && row.field == name; });
        if (known == m_rows.end()) {
            at = std::min(at, m_rows.size());
            m_rows.insert(
                m_rows.begin() + std::ptrdiff_t(at), {latin(field.name), name, kind, false, {}});
        } else {
            at = std::size_t(known - m_rows.begin());
        }
        m_rows[at].values.resize(std::max(m_rows[at].values.size(), member + 1));
        m_rows[at].values[member] = field;
        ++at;
    }
}

void SuperblocksModel::markDifferences()
{
    const auto valueOf = [](const std::optional<FieldText>& field) {
        return field ? std::optional(field->value) : std::nullopt;
    };
    for (Row& row : m_rows) {
        const std::optional<FieldText>* first = nullptr;
        for (std::size_t i = 0; i < row.values.size(); ++i) {
            // A member without a bitmap has no header to differ.
            if (row.kind == RawBytes::BitmapHeader && !m_members[i].bitmap)
                continue;
            if (!first) {
                first = &row.values[i];
            } else if (valueOf(*first) != valueOf(row.values[i])) {
                row.differs = !isMembersOwn(row.field);
            }
        }
    }
}

int SuperblocksModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : int(m_rows.size());
}

int SuperblocksModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : kFirstMember + int(m_members.size());
}

QVariant SuperblocksModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    const Row& row = m_rows[std::size_t(index.row())];
    if (role == DiffersRole)
        return row.differs;
    if (role == Qt::ForegroundRole && row.differs)
        return toneColor(Tone::Warning, QGuiApplication::palette());
    if (index.column() < kFirstMember) {
        switch (role) {
        case Qt::DisplayRole:
            return row.differs ? tr("\u2260 %1").arg(row.name) : row.name;
        case Qt::ToolTipRole:
            return row.differs ? tr("%1: the members do not agree").arg(row.field) : row.field;
        case Qt::AccessibleTextRole:
            return row.differs ? tr("%1, differs").arg(row.name) : row.name;
        default:
            return {};
        }
    }
    const auto& value = row.values[std::size_t(index.column() - kFirstMember)];
    if (role == Qt::DisplayRole || role == Qt::AccessibleTextRole)
        return value ? latin(value->value) : QStringLiteral("\u2013");
    if (role == Qt::ToolTipRole && value) {
        return tr("%1, bytes %2 to %3%4")
            .arg(row.field)
            .arg(value->offset)
            .arg(value->offset + value->length - 1)
            .arg(value->raw ? tr(": 0x%1").arg(*value->raw, 0, 16) : QString());
    }
    return {};
}

QVariant SuperblocksModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation == Qt::Vertical || section < 0 || section >= columnCount())
        return {};
    if (role == Qt::TextAlignmentRole)
        return int(Qt::AlignLeft | Qt::AlignVCenter);
    if (section < kFirstMember)
        return role == Qt::DisplayRole ? QVariant(tr("Field")) : QVariant();
    if (role == Qt::DisplayRole)
        return memberName(section);
    if (role == Qt::ToolTipRole)
        return pathText(m_members[std::size_t(section - kFirstMember)].path);
    return {};
}

std::optional<ByteRange> SuperblocksModel::bytesOf(const QModelIndex& index) const
{
    if (!index.isValid() || index.column() < kFirstMember)
        return {};
    const Row& row = m_rows[std::size_t(index.row())];
    const auto& value = row.values[std::size_t(index.column() - kFirstMember)];
    if (!value)
        return {};
    return ByteRange{row.kind, value->offset, value->length};
}

std::span<const std::byte> SuperblocksModel::raw(int column, RawBytes kind) const
{
    if (column < kFirstMember || column >= columnCount())
        return {};
    const Member& member = m_members[std::size_t(column - kFirstMember)];
    if (kind == RawBytes::Superblock)
        return member.superblock->raw;
    return member.bitmap ? std::span<const std::byte>(member.bitmap->raw)
                         : std::span<const std::byte>();
}

QModelIndex SuperblocksModel::fieldAt(int column, RawBytes kind, std::size_t offset) const
{
    if (column < kFirstMember || column >= columnCount())
        return {};
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        const auto& value = m_rows[row].values[std::size_t(column - kFirstMember)];
        if (m_rows[row].kind == kind && value && offset >= value->offset &&
            offset < value->offset + value->length)
            return index(int(row), column);
    }
    return {};
}

QString SuperblocksModel::memberName(int column) const
{
    const Member& member = m_members[std::size_t(column - kFirstMember)];
    const QString name = nameOf(member.path);
    return member.role >= 0 ? tr("%1  %2").arg(member.role).arg(name) : name;
}

} // namespace bitmend
