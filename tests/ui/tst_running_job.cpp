// SPDX-License-Identifier: Apache-2.0
// A job that takes a while: pause, resume, cancel, closing the window in the middle, and carrying
// on from there in another run of the program.
#include "tests/support/member_files.h"
#include "tests/ui/window_driver.h"
#include "ui/widgets/job_bar.h"

#include <QLabel>
#include <QMessageBox>

using namespace bitmend;
using namespace bitmend::test;

class TestRunningJob : public QObject
{
    Q_OBJECT

public:
    static void initMain() { useOwnHome(); }

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_overlays = std::make_unique<QTemporaryDir>();
        // A quarter of a gibibyte, all of it due, at a mebibyte a second: the resync outlives every
        // click below however busy the machine is.
        m_uuid.bytes.fill(1);
        writeMembers(m_folder->path().toStdString(),
            {.name = "big:store", .dirty = chunksUpTo(4096), .component = {524'288}});
        start();
    }

    void cleanup()
    {
        m_window.reset();
        m_engine.reset();
    }

    void pausedJob_restsAndGoesOn()
    {
        assembleOnOverlays();
        startAndPauseTheResync();
        QCOMPARE(named<QPushButton>(*m_window, "pauseJob")->text(), QStringLiteral("Resume"));
        QVERIFY(!toolButton(*m_window, "stop")->isEnabled());
        picture(*m_window, QStringLiteral("paused"));

        action(*m_window, "limit0").trigger();
        click(named<QPushButton>(*m_window, "pauseJob"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(!shown(*m_engine, m_uuid).assembled.value_or(ArraySnapshot{}).resyncDue);
    }

    void cancelledJob_saysHowFarItCameAndCarriesOn()
    {
        assembleOnOverlays();
        startAndPauseTheResync();
        click(named<QPushButton>(*m_window, "cancelJob"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(status().contains(QStringLiteral("carries on")));
        QVERIFY(shown(*m_engine, m_uuid).assembled.value_or(ArraySnapshot{}).resyncDue);
        QVERIFY(toolButton(*m_window, "resync")->isEnabled());
        picture(*m_window, QStringLiteral("cancelled"));
        click(named<QPushButton>(*m_window, "cancelJob")); // says "Dismiss" now
        QVERIFY(!named<QWidget>(*m_window, "job"));
    }

    void closingWhileRunning_asksAndCarriesOnInAnotherRun()
    {
        assembleOnOverlays();
        startAndPauseTheResync();

        whenAsked<QMessageBox>(*m_window, [](QMessageBox& question) {
            QCOMPARE(question.defaultButton()->objectName(), QStringLiteral("keepRunning"));
            picture(question, QStringLiteral("close-question"));
            QTest::keyClick(&question, Qt::Key_Return);
        });
        QVERIFY(!m_window->close());
        QVERIFY(m_window->isVisible() && !m_window->isIdle());

        whenAsked<QMessageBox>(*m_window, [](QMessageBox& question) {
            click(question.findChild<QPushButton*>(QStringLiteral("pauseAndQuit")));
        });
        QVERIFY(m_window->close());
        cleanup();

        start();
        assembleOnOverlays();
        QVERIFY(shown(*m_engine, m_uuid).assembled.value_or(ArraySnapshot{}).resyncDue);
    }

    void timeLeft_isRounded()
    {
        QCOMPARE(roughly(4.2), QStringLiteral("about 4 s"));
        QCOMPARE(roughly(250), QStringLiteral("about 4 min"));
    }

private:
    void start()
    {
        m_engine = std::make_unique<Engine>();
        m_window = openWindow(*m_engine, m_folder->path());
    }

    void assembleOnOverlays()
    {
        assembleChosen(*m_window, m_overlays->path() + QStringLiteral("/here"));
        QVERIFY(shown(*m_engine, m_uuid).assembled.has_value());
    }

    void startAndPauseTheResync()
    {
        action(*m_window, "limit1").trigger();
        click(toolButton(*m_window, "resync"));
        QTest::keyClick(m_window.get(), Qt::Key_Space);
        QTRY_VERIFY_WITH_TIMEOUT(status().contains(QStringLiteral("paused")), kPatience);
    }

    QString status() { return named<QLabel>(*m_window, "jobStatus")->text(); }

    Uuid m_uuid;
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<QTemporaryDir> m_overlays;
    std::unique_ptr<Engine> m_engine;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(TestRunningJob)
#include "tst_running_job.moc"
