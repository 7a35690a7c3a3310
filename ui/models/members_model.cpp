// SPDX-License-Identifier: Apache-2.0
#include "ui/models/members_model.h"

#include "ui/text.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr quintptr kMemberId = 0; // a reason row carries its member's row + 1

const QString& dash()
{
    static const QString text = QStringLiteral("\u2013");
    return text;
}

} // namespace

QString reasonText(const Member& member)
{
    QStringList sentences;
    if (member.reason.code != ReasonCode::None)
        sentences += text(reasonOf(member));
    if (const auto bad = badBlocksOf(member))
        sentences += text(*bad);
    for (const auto& problem : member.problems)
        sentences += text(sentence(problem, member.path));
    return sentences.join(u' ');
}

MembersModel::MembersModel(QObject* parent) : QAbstractItemModel(parent) {}

void MembersModel::setMembers(std::vector<Member> members)
{
    const auto place = [](const Member& member) {
        return std::pair(member.path, member.role);
    };
    const auto shape = [this, &place](const Member& member) {
        return std::pair(place(member), hasReason(member));
    };
    if (std::ranges::equal(members, m_members, {}, shape, shape)) {
        m_members = std::move(members);
        if (!m_members.empty())
            emit dataChanged(index(0, 0), index(int(m_members.size()) - 1, Columns - 1));
        return;
    }
    beginResetModel();
    m_members = std::move(members);
    endResetModel();
}

void MembersModel::setLabels(std::vector<ScannedSource> sources) { m_sources = std::move(sources); }

void MembersModel::setBits(BitmapFramePtr frame)
{
    if (frame == m_frame)
        return;
    m_frame = std::move(frame);
    if (!m_members.empty())
        emit dataChanged(index(0, Dirty), index(int(m_members.size()) - 1, Dirty));
}

QModelIndex MembersModel::indexOf(const std::string& path) const
{
    const auto found = std::ranges::find(m_members, path, &Member::path);
    return found == m_members.end() || path.empty() ? QModelIndex()
                                                    : index(int(found - m_members.begin()), 0);
}

const Member* MembersModel::member(const QModelIndex& index) const
{
    if (!index.isValid())
        return nullptr;
    const auto row =
        index.internalId() == kMemberId ? std::size_t(index.row()) : index.internalId() - 1;
    return row < m_members.size() ? &m_members[row] : nullptr;
}

bool MembersModel::hasReason(const Member& member) const
{
    return member.reason.code != ReasonCode::None || !member.badBlocks.empty() ||
           !member.problems.empty();
}

QModelIndex MembersModel::index(int row, int column, const QModelIndex& parent) const
{
    if (row < 0 || column < 0 || column >= Columns || row >= rowCount(parent))
        return {};
    return createIndex(row, column, parent.isValid() ? quintptr(parent.row()) + 1 : kMemberId);
}

QModelIndex MembersModel::parent(const QModelIndex& child) const
{
    if (!child.isValid() || child.internalId() == kMemberId)
        return {};
    return createIndex(int(child.internalId() - 1), 0, kMemberId);
}

int MembersModel::rowCount(const QModelIndex& parent) const
{
    if (!parent.isValid())
        return int(m_members.size());
    if (parent.internalId() != kMemberId || parent.column() > 0)
        return 0;
    return hasReason(m_members[std::size_t(parent.row())]) ? 1 : 0;
}

int MembersModel::columnCount(const QModelIndex&) const { return Columns; }

QString MembersModel::name(const Member& member) const
{
    if (member.path.empty())
        return dash();
    const auto source = std::ranges::find(m_sources, member.path, &ScannedSource::path);
    return nameOf(member.path, source == m_sources.end() ? std::string() : source->label);
}

QString MembersModel::display(const Member& member, Column column) const
{
    const bool there = !member.path.empty();
    switch (column) {
    case Slot:
        return member.role < 0 || member.state == MemberState::Spare ? dash()
                                                                     : QString::number(member.role);
    case State:
        return badgeOf(member.state).word;
    case Name:
        return name(member);
    case Events:
        return there && member.superblock ? numberText(member.events) : dash();
    case Updated:
        return timeText(member.updateTime);
    case Dirty:
        return dirty(member);
    case Columns:
        break;
    }
    return {};
}

QString MembersModel::dirty(const Member& member) const
{
    if (m_frame && !member.path.empty()) {
        const auto bits = std::ranges::find(m_frame->members, member.path, &MemberBits::path);
        const bool hasSlot = member.state == MemberState::InSync ||
                             member.state == MemberState::Rebuilding ||
                             member.state == MemberState::Replacement;
        if (hasSlot && bits != m_frame->members.end() && bits->set.size() > 0)
            return numberText(bits->set.total());
    }
    if (!member.bitmap || !member.bitmapIsEvidence)
        return dash();
    return member.bitmap->usable() ? numberText(member.bitmap->dirty) : tr("not usable");
}

QString MembersModel::tip(const Member& member) const
{
    QStringList lines;
    if (!member.path.empty())
        lines += pathText(member.path);
    if (!member.deviceUuid.isNull())
        lines += tr("Device UUID %1").arg(QString::fromStdString(toString(member.deviceUuid)));
    if (member.superblock) {
        const auto& superblock = *member.superblock;
        lines += tr("Data: %1 from sector %2")
                     .arg(sizeText(superblock.dataSize.bytes()),
                         numberText(superblock.dataOffset.count));
    }
    if (member.isFreshest)
        lines += tr("Its superblock speaks for the array.");
    if (member.writeMostly)
        lines += tr("Marked write-mostly: read only when no other copy can be.");
    if (const QString reason = reasonText(member); !reason.isEmpty())
        lines += reason;
    return lines.join(u'\n');
}

QVariant MembersModel::data(const QModelIndex& index, int role) const
{
    const Member* of = member(index);
    if (!of)
        return {};
    if (index.internalId() != kMemberId) {
        const bool wanted = role == ReasonRole || role == Qt::AccessibleTextRole ||
                            role == Qt::DisplayRole || role == Qt::ToolTipRole;
        return wanted && index.column() == 0 ? QVariant(reasonText(*of)) : QVariant();
    }
    const auto column = Column(index.column());
    switch (role) {
    case Qt::DisplayRole:
        return display(*of, column);
    case Qt::AccessibleTextRole:
        return tr("%1: %2").arg(
            headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(), display(*of, column));
    case Qt::ToolTipRole:
        return tip(*of);
    case BadgeRole:
        return column == State ? QVariant::fromValue(badgeOf(of->state)) : QVariant();
    case ReasonRole:
        return reasonText(*of);
    default:
        return {};
    }
}

QVariant MembersModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole)
        return {};
    switch (Column(section)) {
    case Slot:
        return tr("Slot");
    case State:
        return tr("State");
    case Name:
        return tr("Member");
    case Events:
        return tr("Events");
    case Updated:
        return tr("Last update (UTC)");
    case Dirty:
        return tr("Dirty chunks");
    case Columns:
        break;
    }
    return {};
}

} // namespace bitmend
