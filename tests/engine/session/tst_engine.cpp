// SPDX-License-Identifier: Apache-2.0
// The engine's door, with real files behind it.
#include "engine/session/engine.h"
#include "tests/support/member_files.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

class TestEngine : public QObject
{
    Q_OBJECT

private slots:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void scan_deliversEverySourceQuickAndThenDeep()
    {
        writeMembers(folder(), {});
        writeBlank(folder() / "empty.img", 0);
        Engine engine;
        QMap<QString, QList<ScanStage>> stages;
        connect(&engine, &Engine::sourceChanged, this, [&stages](const ScannedSource& source) {
            stages[QString::fromStdString(source.path)] += source.stage;
        });
        QSignalSpy finished(&engine, &Engine::scanFinished);
        engine.open({folder().string()});
        QVERIFY(finished.wait());
        QCOMPARE(stages.size(), 3);
        for (const auto& seen : stages) {
            QCOMPARE(seen, (QList{ScanStage::Waiting, ScanStage::QuickDone, ScanStage::DeepDone}));
        }
        QCOMPARE(engine.arrays().size(), std::size_t(1));
        QTRY_VERIFY(engine.isQuiet());
    }

    void scan_reportsWhatCannotBeReadAndGoesOn()
    {
        auto paths = writeMembers(folder(), {});
        paths.insert(paths.begin(), (folder() / "not-there.img").string());
        Engine engine;
        QSignalSpy finished(&engine, &Engine::scanFinished);
        engine.open(paths);
        QVERIFY(finished.wait());
        QVERIFY(engine.sources().front().report->error.has_value());
        QCOMPARE(engine.arrays().size(), std::size_t(1));
        QVERIFY(engine.arrays().front().report.canStart);
    }

    void cancelledScan_finishesWithTheCancelledSourcesSayingSo()
    {
        writeMembers(folder(), {});
        Engine engine;
        QSignalSpy finished(&engine, &Engine::scanFinished);
        connect(&engine, &Engine::scanStarted, &engine, &Engine::pauseScan);
        engine.open({folder().string()});
        QTRY_COMPARE(engine.scanProgress().total, std::size_t(2));
        QVERIFY(engine.scanProgress().paused);
        engine.cancelScan();
        QVERIFY(finished.wait());
        QVERIFY(!engine.isScanning());
        for (const auto& source : engine.sources())
            QCOMPARE(source.report->error.value_or(Error{}).code, ErrorCode::Cancelled);
    }

    void pausedScan_goesOnWhenResumed()
    {
        writeMembers(folder(), {});
        Engine engine;
        QSignalSpy finished(&engine, &Engine::scanFinished);
        connect(&engine, &Engine::scanStarted, &engine, &Engine::pauseScan);
        engine.open({folder().string()});
        QTRY_COMPARE(engine.scanProgress().total, std::size_t(2));
        QVERIFY(finished.isEmpty());
        engine.resumeScan();
        QVERIFY(finished.wait());
        QCOMPARE(engine.arrays().size(), std::size_t(1));
    }

    void jobsOnAnArrayThatIsNotAssembled_fail()
    {
        Engine engine;
        const auto resync = engine.sync(Uuid{}, SyncAction::Resync).result.result();
        QCOMPARE(resync.error().code, ErrorCode::NoSuchArray);
        const auto stop = engine.stop(Uuid{}).result.result();
        QCOMPARE(stop.error().code, ErrorCode::NoSuchArray);
    }

    void assembledArray_isResyncedAndStoppedOnItsOverlays()
    {
        Engine engine;
        const Uuid uuid = openArray(engine, {.dirty = {1, 2, 5}});
        const auto plan = engine.plan(uuid, {});
        QVERIFY(plan.has_value());
        const auto opened = engine.assemble(*plan, overlay()).result.result();
        QVERIFY(opened.has_value());
        QVERIFY(opened->resyncDue);
        QVERIFY(view(engine, uuid).assembled.has_value());
        QCOMPARE(view(engine, uuid).overlay, overlay());
        QVERIFY(engine.frame(uuid) != nullptr);

        const auto again = engine.assemble(*plan, overlay()).result.result();
        QCOMPARE(again.error().code, ErrorCode::InUse);

        const auto synced = engine.sync(uuid, SyncAction::Resync).result.result();
        QVERIFY(synced.has_value());
        QVERIFY(synced->completed);
        QCOMPARE(synced->chunks, std::uint64_t(3));
        const auto stopped = engine.stop(uuid).result.result();
        QVERIFY(stopped.has_value());

        // The sources are now shown as the overlays have them, and only on wish as they are.
        QTRY_VERIFY(engine.isQuiet());
        QCOMPARE(view(engine, uuid).report.needs, Needs::Nothing);
        QCOMPARE(view(engine, uuid).overlay, overlay());
        const auto onOverlay = engine.planOn(uuid, {}, overlay()).result.result();
        QVERIFY(onOverlay.has_value());
        QCOMPARE(onOverlay->array.needs, Needs::Nothing);
        const auto onMembers = engine.planOn(uuid, {}, {}).result.result();
        QCOMPARE(onMembers->array.needs, Needs::Resync);
    }

    void readOnlyArray_refusesToBeResynced()
    {
        Engine engine;
        const Uuid uuid = openArray(engine, {.dirty = {1}});
        AssemblyChoices choices;
        choices.mode = WriteMode::ReadOnly;
        const auto plan = engine.plan(uuid, choices);
        QVERIFY(engine.assemble(*plan, {}).result.result().has_value());
        QVERIFY(!engine.sync(uuid, SyncAction::Resync).result.result().has_value());
        QVERIFY(view(engine, uuid).overlay.empty());
    }

    void hotAdd_addsAndRecovers()
    {
        writeBlank(folder() / "spare.bin", 4 << 20);
        Engine engine;
        const Uuid uuid = openArray(engine, {.missing = 1});
        const auto plan = engine.plan(uuid, {});
        QVERIFY(engine.assemble(*plan, overlay()).result.result().has_value());
        const auto spare = (folder() / "spare.bin").string();
        const auto planned = engine.planHotAdd(uuid, spare, {}).result.result();
        QVERIFY(planned.has_value());
        const auto added = engine.hotAdd(uuid, *planned).result.result();
        QVERIFY(added.has_value());
        QVERIFY(added->recovery.value_or(SyncOutcome{}).completed);
        QCOMPARE(view(engine, uuid).report.missing, 0);
    }

    void failedMember_isShownWithWhatItsReturnTakes()
    {
        Engine engine;
        const Uuid uuid = openArray(engine, {});
        const auto plan = engine.plan(uuid, {});
        QVERIFY(engine.assemble(*plan, overlay()).result.result().has_value());
        const auto path = plan->taking.back();
        QVERIFY(view(engine, uuid).returning.empty());
        QVERIFY(engine.failMember(uuid, path).result.result().has_value());
        auto returning = view(engine, uuid).returning;
        QCOMPARE(returning.size(), std::size_t(1));
        QVERIFY(!returning.front().plan.has_value()); // it is still listed as failed
        QVERIFY(engine.removeMember(uuid, path).result.result().has_value());
        returning = view(engine, uuid).returning;
        QCOMPARE(returning.size(), std::size_t(1));
        QVERIFY(returning.front().plan.has_value());
        const auto back = engine.reAdd(uuid, *returning.front().plan).result.result();
        QVERIFY(back.has_value());
        QCOMPARE(view(engine, uuid).report.missing, 0);
        QVERIFY(view(engine, uuid).returning.empty());
        const auto checked = engine.sync(uuid, SyncAction::Check).result.result();
        QVERIFY(checked.has_value() && checked->differing.empty());
    }

    void writtenArray_becomesCleanByItself()
    {
        Engine engine;
        const Uuid uuid = openArray(engine, {});
        const auto plan = engine.plan(uuid, {});
        QVERIFY(engine.assemble(*plan, overlay()).result.result().has_value());
        const auto before = view(engine, uuid).report.events;
        const auto writing = engine.writeSomething(uuid);
        const auto dirty = [&engine, uuid] {
            return engine.frame(uuid)->in(ChunkState::Dirty).total();
        };
        QTRY_VERIFY(dirty() > 0);
        writing.control->cancel();
        const auto written = writing.result.result();
        QVERIFY(written.has_value() && written->writes > 0);
        // Once when it became dirty, once when it became clean; then the bits, sweep by sweep.
        QTRY_COMPARE(view(engine, uuid).report.events, before + 2);
        QTRY_COMPARE_WITH_TIMEOUT(dirty(), std::uint64_t(0), 60'000);
        QVERIFY(engine.isQuiet());
    }

    void stop_endsWhoeverWrites()
    {
        Engine engine;
        const Uuid uuid = openArray(engine, {});
        const auto plan = engine.plan(uuid, {});
        QVERIFY(engine.assemble(*plan, overlay()).result.result().has_value());
        const auto writing = engine.writeSomething(uuid);
        QTRY_VERIFY(writing.control->progress().done.count > 0);
        QVERIFY(engine.stop(uuid).result.result().has_value());
        QVERIFY(writing.result.isFinished());
        QVERIFY(writing.result.result().has_value());
        QVERIFY(!writing.result.result()->completed);
    }

    void shutDown_stopsWhatIsAssembledAndKeepsWhatIsDue()
    {
        Uuid uuid;
        {
            Engine engine;
            uuid = openArray(engine, {.dirty = chunksUpTo(16'384), .component = {2'097'152}});
            const auto plan = engine.plan(uuid, {});
            QVERIFY(engine.assemble(*plan, overlay()).result.result().has_value());
            const auto job = engine.sync(uuid, SyncAction::Resync);
            job.control->pause();
            engine.shutDown();
            const auto cancelled = job.result.result();
            QVERIFY(cancelled.has_value());
            QVERIFY(!cancelled->completed);
        }
        Engine engine;
        engine.open({folder().string()});
        QTRY_VERIFY(!engine.arrays().empty() && engine.isQuiet());
        const auto plan = engine.planOn(uuid, {}, overlay()).result.result();
        QVERIFY(plan.has_value());
        QCOMPARE(plan->array.needs, Needs::Resync);
        const auto opened = engine.assemble(*plan, overlay()).result.result();
        QVERIFY(opened.has_value()); // the overlays' locks were released
        QVERIFY(opened->resyncDue);
    }

    void arraysDoNotWaitForEachOther()
    {
        writeMembers(folder(), {.name = "lab:other", .number = 9, .dirty = {3}});
        Engine engine;
        const Uuid slow = openArray(engine, {.dirty = chunksUpTo(4096), .component = {524'288}});
        Uuid quick;
        quick.bytes.fill(9);
        for (const Uuid& uuid : {slow, quick}) {
            const auto plan = engine.plan(uuid, {});
            const auto to = overlay() / toString(uuid).substr(0, 8);
            QVERIFY(engine.assemble(*plan, to).result.result().has_value());
        }
        const auto paused = engine.sync(slow, SyncAction::Resync);
        paused.control->pause();
        QVERIFY(engine.sync(quick, SyncAction::Resync).result.result()->completed);
        paused.control->cancel();
        QVERIFY(paused.result.result().has_value());
    }

    void log_reachesTheListener()
    {
        Engine engine;
        QList<LogEvent> events;
        connect(&engine, &Engine::logged, this,
            [&events](const LogRecord& record) { events += record.event; });
        openArray(engine, {});
        QTRY_VERIFY(events.contains(LogEvent::ScanFinished));
        QVERIFY(events.contains(LogEvent::ScanStarted));
    }

private:
    std::filesystem::path folder() const { return m_folder->path().toStdString(); }
    // Not inside the folder of images: opening that again must not list overlays as images.
    std::filesystem::path overlay()
    {
        return std::filesystem::path(m_overlays.path().toStdString()) / folder().filename();
    }

    static ArrayView view(const Engine& engine, const Uuid& uuid)
    {
        return engine.array(uuid).value_or(ArrayView{});
    }

    Uuid openArray(Engine& engine, const ArrayFiles& files)
    {
        writeMembers(folder(), files);
        QSignalSpy finished(&engine, &Engine::scanFinished);
        engine.open({folder().string()});
        finished.wait(20'000);
        Uuid uuid;
        uuid.bytes.fill(files.number);
        return uuid;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    QTemporaryDir m_overlays;
};

QTEST_GUILESS_MAIN(TestEngine)
#include "tst_engine.moc"
