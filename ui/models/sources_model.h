// SPDX-License-Identifier: Apache-2.0
// What the panel on the left lists: arrays, the most urgent first, then every image and disk that
// was opened, each with what was found on it.
#pragma once

#include "ui/badge.h"

#include <QAbstractItemModel>

#include <map>
#include <vector>

namespace bitmend {

class SourcesModel : public QAbstractItemModel
{
    Q_OBJECT

public:
    enum Group { Arrays, Images, Disks, Groups };

    enum Role {
        BadgeRole = Qt::UserRole, // Badge, of an array
        DetailRole,               // the second line of an array, the note beside a source
        GroupRole,                // Group, of any index
        PathRole,                 // of a source
    };

    explicit SourcesModel(QObject* parent = nullptr);

    void setArrays(std::vector<ArrayView> arrays);
    void setActivity(const Uuid& uuid, Activity activity);
    void setSource(const ScannedSource& source); // adds it, or replaces what is known of it
    void removeSource(const std::string& path);

    const ArrayView* array(const QModelIndex& index) const; // null when it is no array
    QModelIndex indexOf(const Uuid& uuid) const;
    Activity activity(const Uuid& uuid) const;
    int count(Group group) const;

    QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    QModelIndex parent(const QModelIndex& child) const override;
    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;

private:
    QModelIndex groupIndex(Group group) const;
    std::vector<ScannedSource>& sources(Group group);
    QVariant arrayData(const ArrayView& array, int role) const;
    QVariant sourceData(const ScannedSource& source, int role) const;
    QString note(const ScannedSource& source) const;
    QString arrayDetail(const ArrayView& array) const;

    std::vector<ArrayView> m_arrays;
    std::vector<ScannedSource> m_images;
    std::vector<ScannedSource> m_disks;
    std::map<Uuid, Activity> m_activities;
};

} // namespace bitmend
