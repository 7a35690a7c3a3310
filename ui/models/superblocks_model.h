// SPDX-License-Identifier: Apache-2.0
// Every field of every member's superblock, and below them of its bitmap header: a row per field, a
// column per member. Fields that members of one array must share and do not are marked.
#pragma once

#include "engine/array/member.h"
#include "engine/metadata/to_text.h"

#include <QAbstractTableModel>

#include <vector>

namespace bitmend {

// Which bytes a field is made of.
enum class RawBytes : std::uint8_t { Superblock, BitmapHeader };

struct ByteRange
{
    RawBytes of = RawBytes::Superblock;
    std::size_t offset = 0;
    std::size_t length = 0;
};

class SuperblocksModel final : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Role { DiffersRole = Qt::UserRole, MemberColumnRole };
    static constexpr int kFirstMember = 1; // column 0 has the field's name

    explicit SuperblocksModel(QObject* parent = nullptr);

    // Those of them that have a superblock.
    void setMembers(const std::vector<Member>& members);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

    bool differs(int row) const { return m_rows[std::size_t(row)].differs; }
    RawBytes kindOf(int row) const { return m_rows[std::size_t(row)].kind; }

    // None when that member has no such field.
    std::optional<ByteRange> bytesOf(const QModelIndex& index) const;
    std::span<const std::byte> raw(int column, RawBytes kind) const;
    QModelIndex fieldAt(int column, RawBytes kind, std::size_t offset) const;
    QString memberName(int column) const;

private:
    struct Row
    {
        QString name;
        QString field; // md's own
        RawBytes kind = RawBytes::Superblock;
        bool differs = false;
        std::vector<std::optional<FieldText>> values; // by member
    };

    void addRows(RawBytes kind, std::size_t member, const std::vector<FieldText>& fields);
    void markDifferences();

    std::vector<Member> m_members;
    std::vector<Row> m_rows;
};

} // namespace bitmend
