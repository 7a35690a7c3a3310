// SPDX-License-Identifier: Apache-2.0
// The Superblocks tab: every field of every member side by side, differences marked, and the raw
// bytes of the chosen member. Choosing a field marks its bytes, choosing a byte goes to its field.
#pragma once

#include "engine/array/assembly.h"

#include <QWidget>

class QCheckBox;
class QLabel;
class QModelIndex;
class QTableView;

namespace bitmend {

class HexPane;
class SuperblocksModel;

class SuperblocksView final : public QWidget
{
    Q_OBJECT

public:
    explicit SuperblocksView(QWidget* parent = nullptr);

    void setMembers(const std::vector<Member>& members);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void showBytesOf(const QModelIndex& index);
    void goToByte(quint64 offset);
    void filterRows();
    void fitColumns();

    SuperblocksModel* m_model;
    QTableView* m_table;
    QCheckBox* m_onlyDifferences;
    QLabel* m_count;
    QLabel* m_bytesTitle;
    HexPane* m_hex;
    int m_shownColumn = -1; // whose bytes the pane has
    int m_shownKind = -1;
};

} // namespace bitmend
