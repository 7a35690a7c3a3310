// SPDX-License-Identifier: Apache-2.0
// Force, as choices of a person: a member that fell behind, a slot for a member that has none, a
// parity array that is dirty and degraded. Each on its own, with its reason; nothing is chosen
// beforehand. Shown where an array does not start without.
#pragma once

#include "engine/array/assembly.h"

#include <QWidget>

#include <vector>

class QCheckBox;
class QGridLayout;
class QLabel;
class QSpinBox;

namespace bitmend {

// Whether a choice of force could let it start.
bool offersForce(const ArrayReport& unforced);

class ForceChoices : public QWidget
{
    Q_OBJECT

public:
    explicit ForceChoices(const ArrayReport& unforced, QWidget* parent = nullptr);

    bool isOffered() const { return m_offered; }
    void addTo(AssemblyChoices& choices) const;

signals:
    void changed();

private:
    struct Row
    {
        std::string path;
        QCheckBox* accept = nullptr; // null: it is not behind
        QSpinBox* slot = nullptr;
    };

    void addMember(const Member& member, const ArrayReport& array, QGridLayout& grid);

    std::vector<Row> m_rows;
    QCheckBox* m_dirty = nullptr;
    bool m_offered = false;
};

} // namespace bitmend
