// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/force_choices.h"

#include "ui/text.h"

#include <QCheckBox>
#include <QGridLayout>
#include <QLabel>
#include <QSpinBox>

#include <algorithm>

namespace bitmend {

namespace {

bool isBehind(const Member& member)
{
    return member.state == MemberState::Stale || member.reason.code == ReasonCode::NotInTable ||
           (member.state == MemberState::Faulty && member.reason.where != member.path);
}

// Members that only a person can bring in: behind, or without a slot of their own.
bool isLeftOut(const Member& member)
{
    const bool mayBeASpare = member.state == MemberState::Spare && member.events != 0;
    return member.superblock && member.reason.code != ReasonCode::ChosenAgainst &&
           (isBehind(member) || member.state == MemberState::Faulty || mayBeASpare);
}

bool hasRemark(const ArrayReport& array, RemarkCode code)
{
    return std::ranges::find(array.remarks, code, &Remark::code) != array.remarks.end();
}

// Now, or once enough members are accepted.
bool isDirtyAndDegraded(const ArrayReport& array)
{
    return hasRemark(array, RemarkCode::DirtyAndDegraded) ||
           hasRemark(array, RemarkCode::DirtyWouldFollow);
}

QLabel* note(const QString& words, QWidget* parent)
{
    auto* label = new QLabel(words, parent);
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    label->setForegroundRole(QPalette::PlaceholderText);
    return label;
}

} // namespace

bool offersForce(const ArrayReport& unforced)
{
    if (unforced.needs == Needs::Unsupported)
        return false;
    return isDirtyAndDegraded(unforced) || (hasRemark(unforced, RemarkCode::TooFewMembers) &&
                                               std::ranges::any_of(unforced.members, isLeftOut));
}

ForceChoices::ForceChoices(const ArrayReport& unforced, QWidget* parent)
    : QWidget(parent)
    , m_offered(offersForce(unforced))
{
    setObjectName(QStringLiteral("forceChoices"));
    if (!m_offered)
        return;
    const bool dirty = isDirtyAndDegraded(unforced);
    const bool tooFew = hasRemark(unforced, RemarkCode::TooFewMembers);

    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(12);
    grid->setVerticalSpacing(4);
    grid->setColumnStretch(0, 1);
    auto* title = new QLabel(tr("What you accept although md does not"), this);
    QFont bold = title->font();
    bold.setWeight(QFont::DemiBold);
    title->setFont(bold);
    grid->addWidget(title, 0, 0, 1, 3);
    if (tooFew) {
        for (const auto& member : unforced.members) {
            if (isLeftOut(member))
                addMember(member, unforced, *grid);
        }
    }
    if (dirty) {
        m_dirty = new QCheckBox(tr("Start it &dirty and degraded"), this);
        m_dirty->setObjectName(QStringLiteral("acceptDirty"));
        connect(m_dirty, &QCheckBox::toggled, this, &ForceChoices::changed);
        grid->addWidget(m_dirty, grid->rowCount(), 0, 1, 3);
        auto* why = note(tr("Where writes were unfinished, what is computed for the missing member "
                            "may be wrong. The plan says which stripes those are."),
            this);
        why->setContentsMargins(24, 0, 0, 0);
        grid->addWidget(why, grid->rowCount(), 0, 1, 3);
    }
}

void ForceChoices::addMember(const Member& member, const ArrayReport& array, QGridLayout& grid)
{
    const int row = grid.rowCount();
    const QString name = nameOf(member.path);
    Row choice;
    choice.path = member.path;
    if (isBehind(member)) {
        const std::uint64_t behind = array.events - std::min(array.events, member.events);
        choice.accept = new QCheckBox(
            tr("Take %1 although it is %2 events behind").arg(name, numberText(behind)), this);
        choice.accept->setObjectName(QStringLiteral("acceptStale"));
        choice.accept->setToolTip(text(reasonOf(member)));
        connect(choice.accept, &QCheckBox::toggled, this, &ForceChoices::changed);
        grid.addWidget(choice.accept, row, 0);
    } else {
        auto* label = new QLabel(tr("%1: %2").arg(name, text(reasonOf(member))), this);
        label->setWordWrap(true);
        label->setTextFormat(Qt::PlainText);
        grid.addWidget(label, row, 0);
    }
    auto* word = new QLabel(tr("Slot"), this);
    choice.slot = new QSpinBox(this);
    choice.slot->setObjectName(QStringLiteral("giveSlot"));
    choice.slot->setAccessibleName(tr("Slot of %1").arg(name));
    choice.slot->setRange(-1, array.geometry.raidDisks - 1);
    choice.slot->setSpecialValueText(tr("as recorded"));
    choice.slot->setValue(-1);
    word->setBuddy(choice.slot);
    connect(choice.slot, &QSpinBox::valueChanged, this, &ForceChoices::changed);
    grid.addWidget(word, row, 1);
    grid.addWidget(choice.slot, row, 2);
    m_rows.push_back(std::move(choice));
}

void ForceChoices::addTo(AssemblyChoices& choices) const
{
    for (const auto& row : m_rows) {
        if (row.accept && row.accept->isChecked())
            choices.acceptStale.push_back(row.path);
        if (row.slot->value() >= 0)
            choices.roles.push_back({row.path, row.slot->value()});
    }
    choices.acceptDirtyDegraded = m_dirty && m_dirty->isChecked();
}

} // namespace bitmend
