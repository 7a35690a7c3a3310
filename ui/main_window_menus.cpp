// SPDX-License-Identifier: Apache-2.0
// The window's menus, tool bar, small dialogs, and what it remembers between two runs.
#include "ui/appearance.h"
#include "ui/main_window.h"
#include "ui/text.h"
#include "ui/widgets/array_page.h"
#include "ui/widgets/bitmap_heatmap.h"
#include "ui/widgets/log_panel.h"

#include <QActionGroup>
#include <QDir>
#include <QFileDialog>
#include <QMenuBar>
#include <QMessageBox>
#include <QSettings>
#include <QSplitter>
#include <QToolBar>

#include <utility>

namespace bitmend {

namespace {

constexpr auto kSchemeKey = "view/scheme";
constexpr auto kFolderKey = "open/folder";

} // namespace

void MainWindow::makeMenus()
{
    QMenu* file = menuBar()->addMenu(tr("&File"));
    file->addActions({m_actions.openImages, m_actions.openFolder, m_actions.scanDisks});
    file->addSeparator();
    file->addActions({m_actions.rescan, m_actions.saveLog});
    file->addSeparator();
    file->addAction(m_actions.quit);

    QMenu* array = menuBar()->addMenu(tr("&Array"));
    array->setToolTipsVisible(true);
    array->addActions({m_actions.assemble, m_actions.stop});
    array->addSeparator();
    array->addActions({m_actions.mount, m_actions.unmount});
    array->addSeparator();
    array->addActions({m_actions.resync, m_actions.recover, m_actions.check, m_actions.repair});
    array->addSeparator();
    array->addActions(
        {m_actions.hotAdd, m_actions.replace, m_actions.reAdd, m_actions.fail, m_actions.remove});
    array->addSeparator();
    array->addActions({m_actions.addBitmap, m_actions.removeBitmap});
    array->addSeparator();
    array->addActions({m_actions.lookAtMembers, m_actions.pauseJob});
    makeLimitMenu(*array);

    QMenu* view = menuBar()->addMenu(tr("&View"));
    makeSchemeMenu(*view);
    view->addSeparator();
    BitmapHeatmap* map = &m_arrayPage->heatmap();
    const auto addMapAction = [view, map](const QString& words, const QKeySequence& keys,
                                  void (BitmapHeatmap::*does)()) {
        QAction* action = view->addAction(words);
        action->setShortcut(keys);
        connect(action, &QAction::triggered, map, does);
    };
    addMapAction(tr("Zoom &in"), QKeySequence::ZoomIn, &BitmapHeatmap::zoomIn);
    addMapAction(tr("Zoom &out"), QKeySequence::ZoomOut, &BitmapHeatmap::zoomOut);
    addMapAction(
        tr("&Whole bitmap"), QKeySequence(Qt::CTRL | Qt::Key_0), &BitmapHeatmap::zoomToAll);
    addMapAction(
        tr("&Go to\u2026"), QKeySequence(Qt::CTRL | Qt::Key_G), &BitmapHeatmap::askForPlace);
    addMapAction(tr("&Next dirty run"), {}, &BitmapHeatmap::goToNextRun);
    addMapAction(tr("&Previous dirty run"), {}, &BitmapHeatmap::goToPreviousRun);
    view->addSeparator();
    QAction* log = view->addAction(tr("&Log"));
    log->setObjectName(QStringLiteral("showLog"));
    log->setCheckable(true);
    log->setChecked(true);
    log->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_L));
    connect(log, &QAction::toggled, m_log, &QWidget::setVisible);

    QMenu* help = menuBar()->addMenu(tr("&Help"));
    help->setToolTipsVisible(true);
    help->addActions(
        {m_actions.demo, m_actions.writeSomething, m_actions.pullPlug, m_actions.shortcuts});
    help->addSeparator();
    help->addAction(m_actions.about);
}

void MainWindow::makeSchemeMenu(QMenu& view)
{
    auto* schemes = new QActionGroup(this);
    const std::pair<Scheme, QString> choices[] = {{Scheme::System, tr("As the &desktop")},
        {Scheme::Light, tr("&Light")}, {Scheme::Dark, tr("&Dark")}};
    const auto wanted = Scheme(QSettings().value(QLatin1String(kSchemeKey), 0).toInt());
    for (const auto& choiceOf : choices) {
        const auto scheme = choiceOf.first;
        QAction* choice = view.addAction(choiceOf.second);
        choice->setObjectName(QStringLiteral("scheme%1").arg(int(scheme)));
        choice->setCheckable(true);
        choice->setChecked(scheme == wanted);
        schemes->addAction(choice);
        connect(choice, &QAction::triggered, this, [scheme] {
            applyScheme(scheme);
            QSettings().setValue(QLatin1String(kSchemeKey), int(scheme));
        });
    }
    applyScheme(wanted);
}

// For the disks' sake, or for who works on them meanwhile. Not remembered: a limit of last month
// would be taken for slow disks.
void MainWindow::makeLimitMenu(QMenu& array)
{
    QMenu* menu = array.addMenu(tr("Spee&d limit"));
    auto* limits = new QActionGroup(this);
    const std::uint64_t choices[] = {0, 1, 10, 50, 200};
    for (const auto mebibytes : choices) {
        const std::uint64_t bytes = mebibytes << 20U;
        QAction* limit = menu->addAction(
            bytes == 0 ? tr("&No limit") : tr("%1/s of each member").arg(sizeText(bytes)));
        limit->setObjectName(QStringLiteral("limit%1").arg(mebibytes));
        limit->setCheckable(true);
        limit->setChecked(bytes == 0);
        limits->addAction(limit);
        connect(limit, &QAction::triggered, this, [this, bytes] { m_engine.limitTo(bytes); });
    }
}

void MainWindow::makeToolBar()
{
    QToolBar* bar = addToolBar(tr("Main tool bar"));
    bar->setObjectName(QStringLiteral("toolBar"));
    bar->setMovable(false);
    bar->setToolButtonStyle(Qt::ToolButtonTextOnly);
    bar->setContextMenuPolicy(Qt::PreventContextMenu);
    bar->addActions({m_actions.openImages, m_actions.scanDisks});
    bar->addSeparator();
    bar->addActions(
        {m_actions.assemble, m_actions.resync, m_actions.check, m_actions.hotAdd, m_actions.stop});
    QAction* line = bar->addSeparator();
    bar->addActions({m_actions.writeSomething, m_actions.pullPlug});
    const auto follow = [line, write = m_actions.writeSomething] {
        line->setVisible(write->isVisible());
    };
    connect(m_actions.writeSomething, &QAction::changed, line, follow);
    follow();
}

void MainWindow::chooseImages()
{
    QSettings settings;
    const QStringList files = QFileDialog::getOpenFileNames(this, tr("Open images of members"),
        settings.value(QLatin1String(kFolderKey), QDir::homePath()).toString(),
        tr("All files (*)"));
    if (files.isEmpty())
        return;
    settings.setValue(QLatin1String(kFolderKey), QFileInfo(files.front()).path());
    open(files);
}

void MainWindow::chooseFolder()
{
    QSettings settings;
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Open a folder of images"),
        settings.value(QLatin1String(kFolderKey), QDir::homePath()).toString());
    if (folder.isEmpty())
        return;
    settings.setValue(QLatin1String(kFolderKey), folder);
    open({folder});
}

void MainWindow::saveLog()
{
    const QString path = QFileDialog::getSaveFileName(
        this, tr("Save the log"), QDir::homePath() + QStringLiteral("/bitmend.log"));
    QString error;
    if (!path.isEmpty() && !m_log->saveTo(path, &error)) {
        QMessageBox::warning(this, tr("Save the log"),
            tr("The log could not be saved to %1: %2. Choose another place.").arg(path, error));
    }
}

void MainWindow::showShortcuts()
{
    const std::pair<QString, QString> rows[] = {
        {tr("Ctrl+O, Ctrl+Shift+O"), tr("open images, open a folder of images")},
        {tr("Ctrl+D, F5"), tr("scan this computer's disks, read everything again")},
        {tr("Ctrl+A, Ctrl+R, Ctrl+K, Ctrl+H"), tr("assemble, resync, check, hot-add")},
        {tr("Shift+F10, menu key"), tr("what can be done with the chosen member")},
        {tr("Ctrl+W"), tr("write something into the demo array")},
        {tr("Space"), tr("pause or resume the running job")},
        {tr("Ctrl+L"), tr("show or hide the log")},
        {tr("Ctrl+wheel, Ctrl++, Ctrl+\u2212, Ctrl+0"), tr("zoom the bitmap")},
        {tr("Arrows, Home, End"), tr("move in the bitmap")},
        {tr("N, Shift+N"), tr("next and previous run of dirty chunks")},
        {tr("Ctrl+G"), tr("go to an offset of the array")},
    };
    QString table = QStringLiteral("<table cellspacing=6>");
    for (const auto& [keys, does] : rows) {
        table += QStringLiteral("<tr><td><b>%1</b></td><td>&nbsp;&nbsp;%2</td></tr>")
                     .arg(keys.toHtmlEscaped(), does.toHtmlEscaped());
    }
    QMessageBox box(QMessageBox::NoIcon, tr("Keyboard and mouse"),
        table + QStringLiteral("</table>"), QMessageBox::Close, this);
    box.exec();
}

void MainWindow::showAbout()
{
    QMessageBox box(QMessageBox::NoIcon, tr("About Bitmend"),
        tr("<h3>Bitmend %1</h3>"
           "<p>Looks at the members of a broken Linux software RAID, says what is wrong, and mends "
           "it from their write-intent bitmaps, without root and without touching the "
           "originals.</p><p>Free software under the Apache License 2.0.</p>")
            .arg(QLatin1String(BITMEND_VERSION)),
        QMessageBox::Close, this);
    box.setIconPixmap(windowIcon().pixmap(64));
    box.exec();
}

void MainWindow::restoreSession()
{
    const QSettings settings;
    restoreGeometry(settings.value(QStringLiteral("window/geometry")).toByteArray());
    m_sides->restoreState(settings.value(QStringLiteral("window/sides")).toByteArray());
    m_stack->restoreState(settings.value(QStringLiteral("window/stack")).toByteArray());
}

void MainWindow::saveSession()
{
    QSettings settings;
    settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
    settings.setValue(QStringLiteral("window/sides"), m_sides->saveState());
    settings.setValue(QStringLiteral("window/stack"), m_stack->saveState());
}

} // namespace bitmend
