// SPDX-License-Identifier: Apache-2.0
#include "ui/main_window.h"

#include "ui/demo.h"
#include "ui/mount_folder.h"
#include "ui/stripe_reader.h"
#include "ui/text.h"
#include "ui/widgets/array_page.h"
#include "ui/widgets/empty_page.h"
#include "ui/widgets/log_panel.h"
#include "ui/widgets/source_page.h"
#include "ui/widgets/sources_panel.h"

#include <QAction>
#include <QCloseEvent>
#include <QDropEvent>
#include <QFileDialog>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QVBoxLayout>

namespace bitmend {

namespace {

constexpr int kFrameMilliseconds = 33;

std::vector<std::string> localPaths(const QMimeData& data)
{
    std::vector<std::string> paths;
    for (const QUrl& url : data.urls()) {
        if (url.isLocalFile())
            paths.push_back(pathOf(url.toLocalFile()));
    }
    return paths;
}

} // namespace

MainWindow::MainWindow(Engine& engine, QWidget* parent)
    : QMainWindow(parent)
    , m_engine(engine)
    , m_actions(this)
{
    setObjectName(QStringLiteral("mainWindow"));
    setWindowTitle(tr("Bitmend"));
    setAcceptDrops(true);
    resize(1200, 800);

    m_stack = new QSplitter(Qt::Vertical, this);
    m_stack->setHandleWidth(1);
    m_stack->setChildrenCollapsible(false);
    m_stack->addWidget(makeCentre());
    m_stack->addWidget(makeBottom());
    m_stack->setStretchFactor(0, 1);
    m_stack->setSizes({640, 110});
    setCentralWidget(m_stack);

    m_jobs = new ArrayJobs(engine, *m_jobBar, *m_log, this);
    new StripeReader(engine, m_arrayPage->stripe(), this);
    makeToolBar();
    makeMenus();
    connectActions();
    connectEngine();
    m_frameTimer.setInterval(kFrameMilliseconds);
    m_frameTimer.callOnTimeout(this, &MainWindow::refreshFrame);
    restoreSession();
    showCurrent();
}

MainWindow::~MainWindow() = default;

QWidget* MainWindow::makeCentre()
{
    m_panel = new SourcesPanel(m_sources, this);
    m_pages = new QStackedWidget(this);
    m_empty = new EmptyPage({m_actions.openImages, m_actions.scanDisks, m_actions.demo}, this);
    m_arrayPage = new ArrayPage(this);
    m_sourcePage = new SourcePage(this);
    for (QWidget* page : {static_cast<QWidget*>(m_empty), static_cast<QWidget*>(m_arrayPage),
             static_cast<QWidget*>(m_sourcePage)})
        m_pages->addWidget(page);
    m_sides = new QSplitter(Qt::Horizontal, this);
    m_sides->setHandleWidth(1);
    m_sides->setChildrenCollapsible(false);
    m_sides->addWidget(m_panel);
    m_sides->addWidget(m_pages);
    m_sides->setStretchFactor(1, 1);
    m_sides->setSizes({268, 932});
    return m_sides;
}

QWidget* MainWindow::makeBottom()
{
    auto* bottom = new QWidget(this);
    bottom->setAutoFillBackground(true);
    bottom->setBackgroundRole(QPalette::Base);
    m_jobBar = new JobBar(bottom);
    m_log = new LogPanel(bottom);
    auto* column = new QVBoxLayout(bottom);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_jobBar);
    column->addWidget(m_log, 1);
    return bottom;
}

void MainWindow::connectActions()
{
    connect(m_actions.openImages, &QAction::triggered, this, &MainWindow::chooseImages);
    connect(m_actions.openFolder, &QAction::triggered, this, &MainWindow::chooseFolder);
    connect(m_actions.scanDisks, &QAction::triggered, &m_engine, &Engine::scanDisks);
    connect(m_actions.rescan, &QAction::triggered, &m_engine, &Engine::rescan);
    connect(m_actions.saveLog, &QAction::triggered, this, &MainWindow::saveLog);
    connect(m_actions.quit, &QAction::triggered, this, &QWidget::close);
    connect(m_actions.assemble, &QAction::triggered, this, &MainWindow::reviewAssembly);
    connect(m_actions.hotAdd, &QAction::triggered, this, [this] { reviewHotAdd({}); });
    connect(m_actions.replace, &QAction::triggered, this,
        [this] { reviewHotAdd(m_arrayPage->chosenMember()); });
    const std::pair<QAction*, SyncAction> syncs[] = {{m_actions.resync, SyncAction::Resync},
        {m_actions.recover, SyncAction::Recover}, {m_actions.check, SyncAction::Check}};
    for (const auto& [command, what] : syncs)
        connect(command, &QAction::triggered, this, [this, what = what] { sync(what); });
    connect(m_actions.repair, &QAction::triggered, this, &MainWindow::repair);
    connect(m_actions.reAdd, &QAction::triggered, this, &MainWindow::reAdd);
    connect(m_actions.fail, &QAction::triggered, this, &MainWindow::failMember);
    connect(m_actions.remove, &QAction::triggered, this, &MainWindow::removeMember);
    connect(m_actions.addBitmap, &QAction::triggered, this, &MainWindow::planBitmap);
    connect(m_actions.removeBitmap, &QAction::triggered, this, &MainWindow::removeBitmap);
    connect(m_actions.mount, &QAction::triggered, this, &MainWindow::mount);
    connect(m_actions.unmount, &QAction::triggered, this, &MainWindow::unmount);
    connect(m_actions.stop, &QAction::triggered, this, &MainWindow::stop);
    connect(m_actions.writeSomething, &QAction::triggered, this, [this] {
        if (const auto array = current())
            m_jobs->writeSomething(array->report);
    });
    connect(m_actions.pullPlug, &QAction::triggered, this, [this] {
        if (const auto array = current())
            m_jobs->pullPlug(array->report);
    });
    connect(m_arrayPage, &ArrayPage::memberMenuWanted, this, &MainWindow::showMemberMenu);
    connect(m_arrayPage, &ArrayPage::memberChosen, this, [this] {
        const auto array = current();
        allowActions(array ? &*array : nullptr);
    });
    connect(m_actions.pauseJob, &QAction::triggered, m_jobBar, &JobBar::togglePause);
    connect(m_actions.lookAtMembers, &QAction::triggered, this, [this] {
        std::vector<std::string> paths;
        if (const auto array = current()) {
            for (const auto& member : array->report.members) {
                if (!member.path.empty())
                    paths.push_back(member.path);
            }
        }
        m_engine.lookThrough(paths, {});
    });
    connect(m_actions.demo, &QAction::triggered, this, &MainWindow::openDemo);
    connect(m_actions.shortcuts, &QAction::triggered, this, &MainWindow::showShortcuts);
    connect(m_actions.about, &QAction::triggered, this, &MainWindow::showAbout);
    connect(m_log, &LogPanel::saveAsked, this, &MainWindow::saveLog);
}

void MainWindow::connectEngine()
{
    connect(&m_engine, &Engine::scanStarted, this, &MainWindow::followScan);
    connect(&m_engine, &Engine::sourceChanged, this, [this](const ScannedSource& source) {
        m_sources.setSource(source);
        if (m_pages->currentWidget() == m_sourcePage && m_sourcePage->path() == source.path)
            m_sourcePage->setSource(source, m_engine.arrays());
    });
    connect(&m_engine, &Engine::sourceClosed, &m_sources, &SourcesModel::removeSource);
    connect(&m_engine, &Engine::arraysChanged, this, &MainWindow::refreshArrays);
    connect(&m_engine, &Engine::scanFinished, this, [this] {
        m_jobBar->remove(std::exchange(m_scanRow, 0));
        showCurrent();
    });
    connect(&m_engine, &Engine::logged, m_log, qOverload<const LogRecord&>(&LogPanel::add));
    connect(m_panel, &SourcesPanel::chosen, this, [this](const QModelIndex& index) {
        if (const auto* array = m_sources.array(index)) {
            m_current = array->report.uuid;
        } else {
            m_current.reset();
        }
        showCurrent();
    });
    connect(m_panel, &SourcesPanel::removeAsked, this,
        [this](const QString& path) { m_engine.close(pathOf(path)); });
    connect(m_sourcePage, &SourcePage::arrayAsked, this, &MainWindow::choose);
    connect(m_jobs, &ArrayJobs::activityChanged, this, [this](const Uuid& uuid, Activity activity) {
        m_sources.setActivity(uuid, activity);
        refreshArrays();
    });
    connect(m_jobs, &ArrayJobs::compared, this,
        [this](const Uuid& uuid, const std::shared_ptr<const SyncOutcome>& outcome) {
            m_compared[uuid] = outcome;
            showCurrent();
        });
    connect(m_jobs, &ArrayJobs::mounted, this, &openFolder);
    connect(m_jobs, &ArrayJobs::differencesAsked, this, [this](const Uuid& uuid) {
        choose(uuid);
        m_arrayPage->showDifferences();
    });
}

void MainWindow::open(const QStringList& paths)
{
    std::vector<std::string> encoded;
    for (const QString& path : paths)
        encoded.push_back(pathOf(path));
    m_engine.open(std::move(encoded));
}

void MainWindow::openDemo()
{
    auto images = unpackDemo(demoFolder());
    if (images) {
        m_engine.open(std::move(*images));
    } else {
        QMessageBox::warning(this, tr("Demo"), text(images.error()));
    }
}

bool MainWindow::isIdle() const { return m_engine.isQuiet() && !m_jobs->isBusy(); }

std::optional<ArrayView> MainWindow::current() const
{
    return m_current ? m_engine.array(*m_current) : std::nullopt;
}

void MainWindow::choose(const Uuid& uuid)
{
    m_current = uuid;
    m_panel->select(m_sources.indexOf(uuid));
    showCurrent();
}

void MainWindow::refreshArrays()
{
    m_sources.setArrays(m_engine.arrays());
    if (m_current && !m_sources.indexOf(*m_current).isValid())
        m_current.reset();
    // The first array that comes up is shown; later ones do not take the view away.
    const QModelIndex chosen = m_panel->currentIndex();
    const QModelIndex wanted =
        m_current ? m_sources.indexOf(*m_current) : m_sources.index(0, 0, m_sources.index(0, 0));
    if (m_current || !chosen.isValid() || !chosen.parent().isValid()) {
        if (const auto* array = m_sources.array(wanted))
            m_current = array->report.uuid;
        if (wanted.isValid() && wanted != chosen)
            m_panel->select(wanted);
    }
    showCurrent();
}

void MainWindow::showCurrent()
{
    if (const auto array = current()) {
        showArray(*array);
        return;
    }
    setWindowTitle(tr("Bitmend"));
    allowActions(nullptr);
    m_frameTimer.stop();
    const QString path = m_panel->currentIndex().data(SourcesModel::PathRole).toString();
    for (const auto& source : m_engine.sources()) {
        if (!path.isEmpty() && source.path == pathOf(path)) {
            m_sourcePage->setSource(source, m_engine.arrays());
            m_pages->setCurrentWidget(m_sourcePage);
            return;
        }
    }
    m_empty->setNothingFound(!m_engine.sources().empty() && !m_engine.isScanning());
    m_pages->setCurrentWidget(m_empty);
}

Situation MainWindow::situationOf(const ArrayView* array) const
{
    Situation now;
    now.array = array;
    if (!array)
        return now;
    now.activity = m_jobs->activity(array->report.uuid);
    now.isWriting = m_jobs->isRunning(array->report.uuid, Activity::Writing);
    now.isMounting = m_jobs->isRunning(array->report.uuid, Activity::Mounting);
    now.isDemo = isDemo(array->report.uuid);
    now.member = m_arrayPage->chosenMember();
    return now;
}

void MainWindow::allowActions(const ArrayView* array) { m_actions.allow(situationOf(array)); }

void MainWindow::showArray(const ArrayView& array)
{
    const Activity activity = m_jobs->activity(array.report.uuid);
    setWindowTitle(tr("%1 \u2014 Bitmend").arg(QString::fromStdString(array.report.name)));
    m_arrayPage->setArray(array, activity, m_engine.sources());
    const auto compared = m_compared.find(array.report.uuid);
    m_arrayPage->setCompared(compared == m_compared.end() ? nullptr : compared->second);
    allowActions(&array);
    m_arrayPage->setStep(m_actions.nextStep(array, activity));
    refreshFrame();
    m_pages->setCurrentWidget(m_arrayPage);
    // An open array's bits also move when no job runs.
    if (activity == Activity::None && !array.assembled) {
        m_frameTimer.stop();
    } else if (!m_frameTimer.isActive()) {
        m_frameTimer.start();
    }
}

void MainWindow::refreshFrame()
{
    if (m_current)
        m_arrayPage->setFrame(m_engine.frame(*m_current));
}

void MainWindow::followScan()
{
    JobView view;
    view.title = tr("Reading sources");
    view.state = [this] {
        const ScanProgress progress = m_engine.scanProgress();
        JobState state;
        state.fraction = progress.fraction;
        state.paused = progress.paused;
        return state;
    };
    view.pause = [this](bool pause) {
        pause ? m_engine.pauseScan() : m_engine.resumeScan();
    };
    view.cancel = [this] {
        m_engine.cancelScan();
    };
    m_scanRow = m_jobBar->add(std::move(view));
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (!localPaths(*event->mimeData()).empty())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event)
{
    if (auto paths = localPaths(*event->mimeData()); !paths.empty()) {
        event->acceptProposedAction();
        m_engine.open(std::move(paths));
    }
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    if (m_engine.openFiles() > 0 && !m_closing && !confirmLeaving()) {
        event->ignore();
        return;
    }
    if (m_jobs->isBusy() && !m_closing) {
        QMessageBox question(QMessageBox::NoIcon, tr("A job is running"),
            tr("%1 is running.").arg(m_jobs->running().join(QStringLiteral(", "))),
            QMessageBox::NoButton, this);
        question.setObjectName(QStringLiteral("closeQuestion"));
        question.setInformativeText(tr("What was done so far is recorded. When you assemble the "
                                       "array again on the same overlays, it carries on."));
        QPushButton* quit = question.addButton(tr("Pause and quit"), QMessageBox::DestructiveRole);
        QPushButton* keep = question.addButton(tr("Keep running"), QMessageBox::RejectRole);
        quit->setObjectName(QStringLiteral("pauseAndQuit"));
        keep->setObjectName(QStringLiteral("keepRunning"));
        keep->setProperty("primary", true);
        // Return must not take the way out just because that button is the first.
        quit->setAutoDefault(false);
        question.setDefaultButton(keep);
        question.setEscapeButton(keep);
        keep->setFocus();
        question.exec();
        if (question.clickedButton() != quit) {
            event->ignore();
            return;
        }
    }
    m_closing = true;
    saveSession();
    m_engine.shutDown();
    event->accept();
}

void MainWindow::keyPressEvent(QKeyEvent* event)
{
    // Here, not as a shortcut: a shortcut would take the key away from buttons and boxes.
    if (event->key() == Qt::Key_Space && event->modifiers() == Qt::NoModifier) {
        m_jobBar->togglePause();
        return;
    }
    QMainWindow::keyPressEvent(event);
}

} // namespace bitmend
