// SPDX-License-Identifier: Apache-2.0
#include "ui/actions.h"

#include "ui/outcomes.h"
#include "ui/text.h"

#include <QAction>
#include <QCoreApplication>
#include <QKeySequence>

namespace bitmend {

namespace {

QString tr(const char* pattern) { return QCoreApplication::translate("Actions", pattern); }

QAction* make(
    QObject* parent, const char* name, const QString& words, const QKeySequence& shortcut = {})
{
    auto* action = new QAction(words, parent);
    action->setObjectName(QLatin1String(name));
    action->setShortcut(shortcut);
    return action;
}

// Possible when `reason` is empty; then the tooltip says what it does.
void permit(QAction* action, const QString& reason, const QString& does)
{
    action->setEnabled(reason.isEmpty());
    action->setToolTip(reason.isEmpty() ? does : reason);
    action->setStatusTip(action->toolTip());
}

// What forbids every operation that writes.
QString whyNoWriting(const ArrayView* array, Activity activity)
{
    if (!array)
        return tr("Choose an array first.");
    if (activity != Activity::None)
        return tr("Another job is running on this array.");
    if (!array->assembled)
        return tr("Assemble the array first.");
    if (array->assembled->mode == WriteMode::ReadOnly)
        return tr("The array is assembled read-only. Stop it and assemble it on overlays.");
    return {};
}

QString whyNotAssemble(const ArrayView* array, Activity activity)
{
    if (!array)
        return tr("Choose an array first.");
    if (activity != Activity::None)
        return tr("Another job is running on this array.");
    if (array->assembled)
        return tr("The array is assembled already.");
    // Where a choice would let it start, the review is where it is made.
    const auto& report = array->report;
    if (!report.canStart && report.needs != Needs::Choice)
        return text(headline(report));
    return {};
}

} // namespace

Actions::Actions(QObject* parent)
    : openImages(
          make(parent, "openImages", tr("&Open images\u2026"), QKeySequence(Qt::CTRL | Qt::Key_O)))
    , openFolder(make(parent, "openFolder", tr("Open &folder\u2026"),
          QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_O)))
    , scanDisks(make(parent, "scanDisks", tr("Scan &disks"), QKeySequence(Qt::CTRL | Qt::Key_D)))
    , rescan(make(parent, "rescan", tr("&Rescan"), QKeySequence(Qt::Key_F5)))
    , saveLog(
          make(parent, "saveLogAction", tr("&Save log\u2026"), QKeySequence(Qt::CTRL | Qt::Key_S)))
    , quit(make(parent, "quit", tr("&Quit"), QKeySequence(Qt::CTRL | Qt::Key_Q)))
    , assemble(make(parent, "assemble", tr("&Assemble\u2026"), QKeySequence(Qt::CTRL | Qt::Key_A)))
    , resync(make(parent, "resync", tr("&Resync"), QKeySequence(Qt::CTRL | Qt::Key_R)))
    , recover(make(parent, "recover", tr("Re&cover")))
    , hotAdd(make(parent, "hotAdd", tr("&Hot-add\u2026"), QKeySequence(Qt::CTRL | Qt::Key_H)))
    , stop(make(parent, "stop", tr("&Stop")))
    , lookAtMembers(make(parent, "lookAtMembers", tr("Look at the &members themselves")))
    , pauseJob(make(parent, "pauseJobAction", tr("&Pause or resume job")))
    , demo(make(parent, "demo", tr("Open the &demo array")))
    , shortcuts(make(parent, "shortcuts", tr("&Keyboard and mouse"), QKeySequence(Qt::Key_F1)))
    , about(make(parent, "about", tr("&About Bitmend")))
    , busy(make(parent, "busy", {}))
{
    openImages->setToolTip(tr("Open images of members; they are only read (Ctrl+O)"));
    scanDisks->setToolTip(tr("Look at this computer's disks; they are only read"));
    rescan->setToolTip(tr("Read everything in the list again (F5)"));
    busy->setEnabled(false);
    allow(nullptr, Activity::None);
}

void Actions::allow(const ArrayView* array, Activity activity)
{
    permit(assemble, whyNotAssemble(array, activity),
        tr("Review what takes part and what would be written, then assemble (Ctrl+A)"));

    QString reason = whyNoWriting(array, activity);
    const ArraySnapshot* open = array && array->assembled ? &*array->assembled : nullptr;

    permit(resync, reason.isEmpty() && !open->resyncDue ? tr("No resync is due.") : reason,
        open && open->resyncDue ? tr("Make the members equal where the bitmap says they may "
                                     "differ: %1 (Ctrl+R)")
                                      .arg(costOf(open->resync))
                                : QString());
    permit(recover, reason.isEmpty() && !open->recoveryDue ? tr("No recovery is due.") : reason,
        open && open->recoveryDue
            ? tr("Bring the new member up to date: %1").arg(costOf(open->recovery))
            : QString());

    QString whyNotAdd = reason;
    if (whyNotAdd.isEmpty() && array->report.missing == 0) {
        whyNotAdd = tr("No slot is vacant: every member is there.");
    } else if (whyNotAdd.isEmpty() && open->resyncDue) {
        whyNotAdd = tr("Resync the members that are there first.");
    } else if (whyNotAdd.isEmpty() && open->recoveryDue) {
        whyNotAdd = tr("Finish the recovery first.");
    }
    permit(hotAdd, whyNotAdd, tr("Give the vacant slot a new member (Ctrl+H)"));

    QString whyNotStop = reason;
    if (open && activity == Activity::None) {
        whyNotStop.clear();
    } else if (array && activity == Activity::None) {
        whyNotStop = tr("The array is not assembled.");
    }
    permit(stop, whyNotStop, tr("Close the array cleanly; what is still due stays recorded"));

    const bool throughOverlays = array && !array->overlay.empty() && !array->assembled;
    permit(lookAtMembers,
        throughOverlays ? QString() : tr("What is shown lies on the members themselves."),
        tr("Show the members as they are, without what lies on the overlays"));
}

QAction* Actions::nextStep(const ArrayView& array, Activity activity) const
{
    if (activity != Activity::None) {
        QString doing = badgeOf(array, activity).word;
        doing[0] = doing[0].toUpper();
        busy->setText(doing + u'\u2026');
        return busy;
    }
    if (!array.assembled && !assemble->isEnabled())
        return array.report.needs == Needs::MembersMissing ? openImages : nullptr;
    if (!array.assembled)
        return assemble;
    for (QAction* step : {resync, recover, hotAdd}) {
        if (step->isEnabled())
            return step;
    }
    return stop;
}

} // namespace bitmend
