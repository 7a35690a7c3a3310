// SPDX-License-Identifier: Apache-2.0
#include "ui/badge.h"

#include "ui/text.h"

#include <QCoreApplication>

namespace bitmend {

namespace {

QString translated(const char* word) { return QCoreApplication::translate("badge", word); }

Badge working(const char* word) { return {translated(word), Shape::Half, Tone::Active}; }

Badge needing(Needs needs)
{
    switch (needs) {
    case Needs::Nothing:
        return {text(word(needs)), Shape::Disc, Tone::Good};
    case Needs::Resync:
    case Needs::Recovery:
        return {text(word(needs)), Shape::Triangle, Tone::Warning};
    case Needs::Choice:
    case Needs::Force:
        return {text(word(needs)), Shape::Diamond, Tone::Bad};
    case Needs::MembersMissing:
    case Needs::Unsupported:
        return {text(word(needs)), Shape::Cross, Tone::Bad};
    }
    return {};
}

} // namespace

Badge badgeOf(MemberState state)
{
    const QString name = text(word(state));
    switch (state) {
    case MemberState::InSync:
        return {name, Shape::Disc, Tone::Good};
    case MemberState::Rebuilding:
        return {name, Shape::Half, Tone::Active};
    case MemberState::Spare:
        return {name, Shape::Ring, Tone::Neutral};
    case MemberState::Journal:
    case MemberState::Replacement:
        return {name, Shape::Square, Tone::Neutral};
    case MemberState::Stale:
    case MemberState::Duplicate:
        return {name, Shape::Triangle, Tone::Warning};
    case MemberState::Foreign:
        return {name, Shape::Diamond, Tone::Warning};
    case MemberState::Faulty:
    case MemberState::Missing:
    case MemberState::Damaged:
        return {name, Shape::Cross, Tone::Bad};
    }
    return {};
}

Badge badgeOf(const ArrayView& array, Activity activity)
{
    switch (activity) {
    case Activity::Assembling:
        return working(QT_TRANSLATE_NOOP("badge", "assembling"));
    case Activity::Resyncing:
        return working(QT_TRANSLATE_NOOP("badge", "resyncing"));
    case Activity::Recovering:
        return working(QT_TRANSLATE_NOOP("badge", "recovering"));
    case Activity::Checking:
        return working(QT_TRANSLATE_NOOP("badge", "checking"));
    case Activity::Repairing:
        return working(QT_TRANSLATE_NOOP("badge", "repairing"));
    case Activity::Adding:
        return working(QT_TRANSLATE_NOOP("badge", "adding"));
    case Activity::Changing:
        return working(QT_TRANSLATE_NOOP("badge", "changing"));
    case Activity::Stopping:
        return working(QT_TRANSLATE_NOOP("badge", "stopping"));
    case Activity::Writing: // these say nothing about its state
    case Activity::Mounting:
    case Activity::None:
        break;
    }
    const ArrayReport& report = array.report;
    if (array.assembled && array.assembled->resyncDue)
        return needing(Needs::Resync);
    if (array.assembled && array.assembled->recoveryDue)
        return needing(Needs::Recovery);
    const bool well =
        report.needs == Needs::Nothing || report.needs == Needs::MembersMissing || array.assembled;
    if (well && report.canStart && report.missing > 0)
        return {translated(QT_TRANSLATE_NOOP("badge", "degraded")), Shape::Triangle, Tone::Warning};
    if (array.assembled)
        return {translated(QT_TRANSLATE_NOOP("badge", "in sync")), Shape::Disc, Tone::Good};
    return needing(report.needs);
}

int urgency(const ArrayView& array)
{
    if (!array.report.canStart)
        return 0;
    if (array.report.needs != Needs::Nothing)
        return 1;
    return array.report.missing > 0 ? 2 : 3;
}

} // namespace bitmend
