// SPDX-License-Identifier: Apache-2.0
// The members of one array as a table. Under a member whose state needs a reason lies one child row
// with that reason, so that nobody has to ask for it.
#pragma once

#include "ui/badge.h"

#include <QAbstractItemModel>

#include <string>
#include <vector>

namespace bitmend {

class MembersModel : public QAbstractItemModel
{
    Q_OBJECT

public:
    enum Column { Slot, State, Name, Events, Updated, Dirty, Columns };
    enum Role { BadgeRole = Qt::UserRole, ReasonRole };

    explicit MembersModel(QObject* parent = nullptr);

    void setMembers(std::vector<Member> members);
    void setLabels(std::vector<ScannedSource> sources); // for the names of disks
    void setBits(BitmapFramePtr frame); // as they are now, while the array is assembled; or null
    const Member* member(const QModelIndex& index) const;
    QModelIndex indexOf(const std::string& path) const;

    QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    QModelIndex parent(const QModelIndex& child) const override;
    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    bool hasReason(const Member& member) const;
    QString display(const Member& member, Column column) const;
    QString tip(const Member& member) const;
    QString name(const Member& member) const;
    QString dirty(const Member& member) const;

    std::vector<Member> m_members;
    std::vector<ScannedSource> m_sources;
    BitmapFramePtr m_frame;
};

// The reason of a member's state, with what is wrong with its superblock, if anything.
QString reasonText(const Member& member);

} // namespace bitmend
