// SPDX-License-Identifier: Apache-2.0
// What a forced start changes: the consequences in words, and every field of every superblock.
#pragma once

#include "engine/array/assembly.h"

#include <QWidget>

class QLabel;
class QTreeWidget;

namespace bitmend {

class ForceChanges : public QWidget
{
    Q_OBJECT

public:
    explicit ForceChanges(QWidget* parent = nullptr);

    void show(const Force& force, const ArrayReport& array);

private:
    QLabel* m_words;
    QTreeWidget* m_fields;
};

} // namespace bitmend
