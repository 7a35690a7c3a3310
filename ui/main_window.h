// SPDX-License-Identifier: Apache-2.0
// The one window: sources on the left, the chosen array or source in the middle, jobs and the log
// at the bottom.
#pragma once

#include "ui/actions.h"
#include "ui/array_jobs.h"
#include "ui/models/sources_model.h"

#include <QMainWindow>
#include <QTimer>

class QLabel;
class QSplitter;
class QStackedWidget;

namespace bitmend {

class ArrayPage;
class EmptyPage;
class LogPanel;
class SourcePage;
class SourcesPanel;

class MainWindow : public QMainWindow
{
    Q_OBJECT

public:
    explicit MainWindow(Engine& engine, QWidget* parent = nullptr);
    ~MainWindow() override;

    void open(const QStringList& paths);
    void openDemo();

    // For whoever drives the window from outside: nothing is being read or written.
    bool isIdle() const;

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void makeMenus();
    void makeToolBar();
    void makeSchemeMenu(QMenu& view);
    void makeLimitMenu(QMenu& array);
    QWidget* makeCentre();
    QWidget* makeBottom();
    void connectActions();
    void connectEngine();
    void restoreSession();
    void saveSession();

    void chooseImages();
    void chooseFolder();
    void saveLog();
    void showShortcuts();
    void showAbout();

    void reviewAssembly();
    void reviewHotAdd(const std::string& original); // empty: into the vacant slot
    void sync(SyncAction action);
    void repair();
    void reAdd();
    void failMember();
    void removeMember();
    void planBitmap();
    void reviewBitmap(const Result<BitmapAddPlan>& plan);
    void removeBitmap();
    bool confirmLeaving();
    void mount();
    void unmount();
    void stop();
    bool confirm(const QString& question, const QString& explanation, const QString& verb);
    void showMemberMenu(QPoint globalPosition);

    void refreshArrays();
    void showCurrent();
    void showArray(const ArrayView& array);
    void allowActions(const ArrayView* array);
    void refreshFrame();
    void followScan();
    void choose(const Uuid& uuid);
    std::optional<ArrayView> current() const;
    Situation situationOf(const ArrayView* array) const;

    Engine& m_engine;
    Actions m_actions;
    SourcesModel m_sources;
    SourcesPanel* m_panel = nullptr;
    QStackedWidget* m_pages = nullptr;
    EmptyPage* m_empty = nullptr;
    ArrayPage* m_arrayPage = nullptr;
    SourcePage* m_sourcePage = nullptr;
    JobBar* m_jobBar = nullptr;
    LogPanel* m_log = nullptr;
    QSplitter* m_sides = nullptr;
    QSplitter* m_stack = nullptr;
    ArrayJobs* m_jobs = nullptr;
    std::map<Uuid, std::shared_ptr<const SyncOutcome>> m_compared; // the last check or repair
    JobBar::Id m_scanRow = 0;
    std::optional<Uuid> m_current; // the array on view
    bool m_closing = false;
    QTimer m_frameTimer;
};

} // namespace bitmend
