// SPDX-License-Identifier: Apache-2.0
// What the window does to the array on view: reviews, questions, and the jobs that follow.
#include "ui/dialogs/assembly_dialog.h"
#include "ui/dialogs/hot_add_dialog.h"
#include "ui/main_window.h"
#include "ui/mount_folder.h"
#include "ui/outcomes.h"
#include "ui/text.h"
#include "ui/widgets/array_page.h"

#include <QAction>
#include <QFutureWatcher>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>

namespace bitmend {

void MainWindow::reviewAssembly()
{
    const auto array = current();
    if (!array)
        return;
    AssemblyDialog dialog(m_engine, *array, this);
    if (dialog.exec() == QDialog::Accepted)
        m_jobs->assemble(dialog.plan(), dialog.overlay());
}

void MainWindow::reviewHotAdd(const std::string& original)
{
    const auto array = current();
    if (!array)
        return;
    HotAddDialog dialog(m_engine, *array, original, this);
    if (dialog.exec() == QDialog::Accepted)
        m_jobs->hotAdd(array->report, dialog.plan());
}

// Asks before something that a later job cannot simply undo. The safe answer is the default.
bool MainWindow::confirm(const QString& question, const QString& explanation, const QString& verb)
{
    QMessageBox box(QMessageBox::NoIcon, verb, question, QMessageBox::Cancel, this);
    box.setObjectName(QStringLiteral("confirmation"));
    box.setInformativeText(explanation);
    QPushButton* yes = box.addButton(verb, QMessageBox::AcceptRole);
    yes->setObjectName(QStringLiteral("confirmNow"));
    yes->setAutoDefault(false);
    box.setDefaultButton(QMessageBox::Cancel);
    box.setEscapeButton(QMessageBox::Cancel);
    box.exec();
    return box.clickedButton() == yes;
}

void MainWindow::sync(SyncAction action)
{
    if (const auto array = current())
        m_jobs->sync(array->report, action);
}

void MainWindow::repair()
{
    const auto array = current();
    if (!array)
        return;
    const QString cost = costOf(costOfCheck(array->report, SyncAction::Repair));
    if (confirm(tr("Repair %1?").arg(QString::fromStdString(array->report.name)),
            tr("All members are read and compared. Where they differ, the copy of the lowest slot "
               "is taken as the right one and written over the others: %1. A check only counts "
               "what differs.")
                .arg(cost),
            tr("Repair")))
        m_jobs->sync(array->report, SyncAction::Repair);
}

void MainWindow::reAdd()
{
    const auto array = current();
    if (!array)
        return;
    const Returning* returning = returningMember(situationOf(&*array));
    if (returning && returning->plan)
        m_jobs->reAdd(array->report, *returning->plan);
}

void MainWindow::failMember()
{
    const auto array = current();
    const std::string path = m_arrayPage->chosenMember();
    if (!array || path.empty())
        return;
    if (confirm(tr("Mark %1 as failed?").arg(nameOf(path)),
            tr("The superblocks of the other members will say that it failed, and it is not "
               "written any more. What it holds stays as it is. With a bitmap, a re-add brings it "
               "back by copying only what was written meanwhile."),
            tr("Fail %1").arg(nameOf(path))))
        m_jobs->failMember(array->report, path);
}

void MainWindow::removeMember()
{
    const auto array = current();
    const std::string path = m_arrayPage->chosenMember();
    if (!array || path.empty())
        return;
    if (confirm(tr("Remove %1 from the array?").arg(nameOf(path)),
            tr("The superblocks of the others forget it. It is not written itself."),
            tr("Remove %1").arg(nameOf(path))))
        m_jobs->removeMember(array->report, path);
}

// Where it fits and how fine it can be is the engine's to say; then a person does.
void MainWindow::planBitmap()
{
    const auto array = current();
    if (!array)
        return;
    auto* planning = new QFutureWatcher<Result<BitmapAddPlan>>(this);
    connect(planning, &QFutureWatcher<Result<BitmapAddPlan>>::finished, this, [this, planning] {
        planning->deleteLater();
        reviewBitmap(planning->result());
    });
    planning->setFuture(m_engine.planBitmapAdd(array->report.uuid).result);
}

void MainWindow::reviewBitmap(const Result<BitmapAddPlan>& plan)
{
    const auto array = current();
    if (!array)
        return;
    const QString name = QString::fromStdString(array->report.name);
    if (!plan) {
        QMessageBox::warning(this, tr("Add a bitmap"), text(plan.error()));
        return;
    }
    std::uint64_t bytes = 0;
    for (const auto& write : plan->writes)
        bytes += write.length;
    if (confirm(tr("Give %1 a write-intent bitmap?").arg(name),
            tr("One bit stands for %1; %2 in all, beside every superblock. Written: at most %3, "
               "first the bitmaps, then the superblocks. The bits are all set at first and go by "
               "themselves.")
                .arg(sizeText(plan->chunkBytes), numberText(plan->chunks), sizeText(bytes)),
            tr("Add the bitmap")))
        m_jobs->addBitmap(array->report, *plan);
}

void MainWindow::removeBitmap()
{
    const auto array = current();
    if (!array)
        return;
    if (confirm(tr("Remove the bitmap of %1?").arg(QString::fromStdString(array->report.name)),
            tr("After the next power cut a resync has to go through the whole array, and a member "
               "that comes back has to be rebuilt in full. What lies in the bitmap's place is not "
               "erased."),
            tr("Remove the bitmap")))
        m_jobs->removeBitmap(array->report);
}

// A program that has a mounted file open loses it with the window.
bool MainWindow::confirmLeaving()
{
    return confirm(tr("A program still uses a mounted array. Quit all the same?"),
        tr("It gets errors from then on. What it has written so far is in the array."),
        tr("Unmount and quit"));
}

// Mounted already, it only opens the folder or copies the address.
void MainWindow::mount()
{
    const auto array = current();
    if (!array)
        return;
    const bool isInPlace = array->assembled && array->assembled->mode == WriteMode::InPlace;
    if (array->mounted.empty() && isInPlace &&
        !confirm(tr("Let programs write to the members of %1?")
                     .arg(QString::fromStdString(array->report.name)),
            tr("The array is assembled in place. What a program writes to the mounted file goes "
               "to the members themselves, anywhere in their data, and cannot be taken back."),
            tr("Mount to be written")))
        return;
    if (!array->address.empty()) {
        copyAddress(QString::fromStdString(array->address));
    } else if (array->mounted.empty()) {
        m_jobs->mount(array->report, mountFolder(array->report).toStdString());
    } else {
        openFolder(QString::fromStdString(array->mounted.string()));
    }
}

void MainWindow::unmount()
{
    if (const auto array = current())
        m_jobs->unmount(array->report);
}

void MainWindow::stop()
{
    if (const auto array = current())
        m_jobs->stop(array->report);
}

void MainWindow::showMemberMenu(QPoint globalPosition)
{
    QMenu menu(this);
    menu.setObjectName(QStringLiteral("memberMenu"));
    menu.setToolTipsVisible(true);
    menu.addActions({m_actions.replace, m_actions.reAdd, m_actions.fail, m_actions.remove});
    menu.exec(globalPosition);
}

} // namespace bitmend
