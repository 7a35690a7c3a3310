// SPDX-License-Identifier: Apache-2.0
#include "ui/actions.h"

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
    // What a button says; the menu's words grow by what the command would read and write.
    action->setIconText(QString(words).remove(u'&'));
    return action;
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
    , check(make(parent, "check", tr("Chec&k"), QKeySequence(Qt::CTRL | Qt::Key_K)))
    , repair(make(parent, "repair", tr("Re&pair\u2026")))
    , hotAdd(make(parent, "hotAdd", tr("&Hot-add\u2026"), QKeySequence(Qt::CTRL | Qt::Key_H)))
    , addBitmap(make(parent, "addBitmap", tr("Add a &bitmap\u2026")))
    , removeBitmap(make(parent, "removeBitmap", tr("Remove the b&itmap\u2026")))
    , mount(make(parent, "mount", tr("&Mount and open"), QKeySequence(Qt::CTRL | Qt::Key_M)))
    , unmount(make(parent, "unmount", tr("&Unmount")))
    , stop(make(parent, "stop", tr("&Stop")))
    , lookAtMembers(make(parent, "lookAtMembers", tr("Look at the &members themselves")))
    , pauseJob(make(parent, "pauseJobAction", tr("Pause or resume &job")))
    , replace(make(parent, "replace", tr("Rep&lace\u2026")))
    , reAdd(make(parent, "reAdd", tr("R&e-add")))
    , fail(make(parent, "fail", tr("&Fail\u2026")))
    , remove(make(parent, "remove", tr("Rem&ove\u2026")))
    , demo(make(parent, "demo", tr("Open the &demo array")))
    , writeSomething(make(parent, "writeSomething", tr("&Write something to the demo"),
          QKeySequence(Qt::CTRL | Qt::Key_W)))
    , pullPlug(make(parent, "pullPlug", tr("&Pull the plug")))
    , shortcuts(make(parent, "shortcuts", tr("&Keyboard and mouse"), QKeySequence(Qt::Key_F1)))
    , about(make(parent, "about", tr("&About Bitmend")))
    , busy(make(parent, "busy", {}))
{
    writeSomething->setIconText(tr("Write something"));
    openImages->setToolTip(tr("Open images of members; they are only read (Ctrl+O)"));
    scanDisks->setToolTip(tr("Look at this computer's disks; they are only read"));
    rescan->setToolTip(tr("Read everything in the list again (F5)"));
    busy->setEnabled(false);
    busy->setProperty("busy", true);
    allow({});
}

QAction* Actions::nextStep(const ArrayView& array, Activity activity) const
{
    if (activity != Activity::None) {
        QString doing = badgeOf(array, activity).word;
        doing[0] = doing[0].toUpper();
        busy->setIconText(doing + u'\u2026');
        return busy;
    }
    if (!array.assembled && !assemble->isEnabled())
        return array.report.needs == Needs::MembersMissing ? openImages : nullptr;
    if (!array.assembled)
        return assemble;
    for (QAction* step : {resync, recover, reAdd, hotAdd}) {
        if (step->isEnabled())
            return step;
    }
    return stop;
}

} // namespace bitmend
