// SPDX-License-Identifier: Apache-2.0
#include "engine/array/sync.h"
#include "engine/base/log.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

#include <cerrno>
#include <thread>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kChunk = 65'536;

// Equal members, except where `dirty` says so: there every member has bytes of its own.
void fill(MemoryMirror& mirror, std::size_t members, const std::vector<std::uint64_t>& dirty)
{
    for (std::size_t i = 0; i < members; ++i)
        fillPattern(mirror.data(i), 1);
    for (const auto chunk : dirty) {
        mirror.setBit(chunk);
        for (std::size_t i = 0; i < members; ++i)
            fillPattern(mirror.chunk(i, chunk), 100 + chunk + 1000 * i);
    }
}

bool sameData(MemoryMirror& mirror, std::size_t left, std::size_t right)
{
    return std::ranges::equal(mirror.data(left), mirror.data(right));
}

std::vector<std::byte> copyOf(std::span<const std::byte> bytes)
{
    return {bytes.begin(), bytes.end()};
}

} // namespace

class TestSync : public QObject
{
    Q_OBJECT

private slots:
    void resync_copiesExactlyTheDueChunks();
    void resync_lowestRoleWins();
    void resync_writeMostlyIsNotTheSource();
    void resync_readsAndWritesNoMoreThanTheDirtyChunks();
    void resync_equalChunksAreNotWritten();
    void resync_leavesDifferencesUnderClearBits();
    void resync_endsCleanWithNoBitSet();
    void resync_withNothingDueOnlySaysClean();
    void resync_doesNotMoveEventsCleared();
    void resync_cancelledKeepsTheRestAndGoesOn();
    void resync_pausesAndResumes();
    void rateLimit_holdsBackTheNextWindow();
    void rateLimit_isLiftedWhileTheJobRuns();
    void resync_withoutBitmapGoesOnFromItsCheckpoint();
    void resync_staleBitmapCopiesEverything();
    void resync_degradedOfThreeKeepsTheBits();
    void resync_sourceErrorTakesTheOtherCopy();
    void resync_unreadableEverywhereKeepsTheBitAndDoesTheRest();
    void resync_targetWriteErrorKeepsTheBits();
    void resync_memberThatTakesNoBitmapPageIsFailed();
    void resync_superblockErrorFailsTheMemberAndTheUpdateIsRepeated();
    void resync_lastCopysSuperblockErrorStopsTheArray();
    void resync_notDueIsNothingToDo();
    void cleanArray_bitsFadeAtStopWithoutACopy();
    void readOnly_writesNothing();
    void readAt_fallsBackToTheOtherCopy();
    void changedSincePlan_isRefused();
};

void TestSync::resync_copiesExactlyTheDueChunks()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {3, 4, 77});
    auto array = mirror.running();
    QCOMPARE(array->snapshot().resync.chunks, 3U);
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(outcome && outcome->completed);
    QCOMPARE(outcome->chunks, 3U);
    QCOMPARE(outcome->checkedBytes, 3 * kChunk);
    QCOMPARE(outcome->skippedBytes, (128 - 3) * kChunk);
    QVERIFY(stop(*array));
    QVERIFY(sameData(mirror, 0, 1));
}

void TestSync::resync_lowestRoleWins()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {5});
    const auto expected = copyOf(mirror.chunk(0, 5));
    auto array = mirror.running();
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Resync, control));
    QVERIFY(std::ranges::equal(mirror.chunk(0, 5), expected));
    QVERIFY(std::ranges::equal(mirror.chunk(1, 5), expected));
}

void TestSync::resync_writeMostlyIsNotTheSource()
{
    MemoryMirror mirror({.writeMostlyRoles = 1});
    fill(mirror, 2, {5});
    const auto expected = copyOf(mirror.chunk(1, 5));
    auto array = mirror.running();
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Resync, control));
    QVERIFY(std::ranges::equal(mirror.chunk(0, 5), expected));
    QVERIFY(mirror.superblock(0).isWriteMostly());
}

void TestSync::resync_readsAndWritesNoMoreThanTheDirtyChunks()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {0, 9, 127});
    auto array = mirror.running();
    mirror.device(0).resetCounts();
    mirror.device(1).resetCounts();
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(outcome);
    QCOMPARE(outcome->readBytes, 2 * 3 * kChunk);
    QCOMPARE(outcome->writtenBytes, 3 * kChunk);
    QCOMPARE(outcome->differingBytes, 3 * kChunk);
    // One header page and one superblock an update, one page of cleared bits.
    const std::uint64_t metadata = 4096;
    QVERIFY(mirror.device(0).counts().writtenBytes <= metadata);
    QVERIFY(mirror.device(1).counts().writtenBytes <= metadata + 3 * kChunk);
    QVERIFY(mirror.device(0).counts().writtenBytes > 0);
}

void TestSync::resync_equalChunksAreNotWritten()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {});
    for (const std::uint64_t chunk : {1U, 2U, 3U})
        mirror.setBit(chunk);
    mirror.chunk(1, 2)[5000] ^= std::byte{1};
    auto array = mirror.running();
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(outcome);
    QCOMPARE(outcome->writtenBytes, 4096U);
    QCOMPARE(outcome->differingBytes, 4096U);
    QVERIFY(sameData(mirror, 0, 1));
}

void TestSync::resync_leavesDifferencesUnderClearBits()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {7});
    mirror.chunk(1, 20)[0] ^= std::byte{0xff};
    const auto expected = copyOf(mirror.chunk(1, 20));
    auto array = mirror.running();
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Resync, control));
    QVERIFY(std::ranges::equal(mirror.chunk(1, 20), expected));
}

void TestSync::resync_endsCleanWithNoBitSet()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {7, 8});
    {
        auto array = mirror.running();
        JobControl control;
        QVERIFY(sync(*array, SyncAction::Resync, control));
        const auto stopped = stop(*array);
        QVERIFY(stopped);
        QCOMPARE(stopped->chunksKept, 0U);
        QVERIFY(array->snapshot().stopped);
    }
    for (const std::size_t i : {0U, 1U}) {
        QCOMPARE(mirror.setBits(i), 0U);
        QCOMPARE(mirror.superblock(i).resyncOffset, kMaxSector);
        QCOMPARE(mirror.superblock(i).events, 11U);
        QCOMPARE(mirror.header(i).events, 11U);
        QVERIFY(mirror.decode(i)->problems.empty());
    }
    auto array = mirror.running();
    QVERIFY(!array->snapshot().resyncDue);
    QCOMPARE(array->snapshot().report.needs, Needs::Nothing);
}

void TestSync::resync_withNothingDueOnlySaysClean()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {});
    auto array = mirror.running();
    QVERIFY(array->snapshot().resyncDue);
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(outcome && outcome->completed);
    QCOMPARE(outcome->readBytes, 0U);
    QCOMPARE(mirror.superblock(1).resyncOffset, kMaxSector);
}

void TestSync::resync_doesNotMoveEventsCleared()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {7});
    auto array = mirror.running();
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Resync, control));
    QVERIFY(stop(*array));
    QCOMPARE(mirror.header(0).eventsCleared, 4U);
}

void TestSync::resync_cancelledKeepsTheRestAndGoesOn()
{
    MemoryMirror mirror({});
    std::vector<std::uint64_t> dirty;
    for (std::uint64_t chunk = 0; chunk < 128; chunk += 3)
        dirty.push_back(chunk);
    fill(mirror, 2, dirty);
    std::uint64_t done = 0;
    for (int round = 0; done < dirty.size(); ++round) {
        QVERIFY(round < 100);
        auto array = mirror.running();
        QCOMPARE(array->snapshot().resync.chunks, dirty.size() - done);
        JobControl control;
        std::uint64_t windows = 0;
        // Stop it after the fourth. A single worker, or another one might by then have the last.
        setLogSink([&](const LogRecord& record) {
            if (record.event == LogEvent::ChunkDiffered && ++windows == 4)
                control.cancel();
        });
        const auto outcome = sync(*array, SyncAction::Resync, control, {.workers = 1});
        setLogSink(nullptr);
        QVERIFY(outcome);
        done += outcome->chunks;
        QCOMPARE(outcome->completed, done == dirty.size());
        QVERIFY(stop(*array));
        QCOMPARE(mirror.setBits(0), dirty.size() - done);
        QCOMPARE(mirror.superblock(0).isDirty(), done < dirty.size());
    }
    QVERIFY(sameData(mirror, 0, 1));
}

void TestSync::resync_pausesAndResumes()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {1, 30, 60, 90});
    auto array = mirror.running();
    JobControl control;
    control.pause();
    Result<SyncOutcome> outcome = fail(ErrorCode::Cancelled);
    std::thread job([&] { outcome = sync(*array, SyncAction::Resync, control); });
    while (!control.isPaused())
        std::this_thread::yield();
    QCOMPARE(control.progress().done, Sectors{0});
    QVERIFY(!sameData(mirror, 0, 1));
    control.resume();
    job.join();
    QVERIFY(outcome && outcome->completed);
    QCOMPARE(control.progress().done, control.progress().total);
    QVERIFY(sameData(mirror, 0, 1));
}

// At a byte a second the second window is due in half a day, however slow this machine is.
void TestSync::rateLimit_holdsBackTheNextWindow()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {1, 30, 60, 90});
    auto array = mirror.running();
    JobControl control;
    control.limitTo(1);
    Result<SyncOutcome> outcome = fail(ErrorCode::Cancelled);
    std::thread job([&] { outcome = sync(*array, SyncAction::Resync, control, {.workers = 2}); });
    while (control.progress().done == Sectors{0})
        std::this_thread::yield();
    control.cancel();
    job.join();
    QVERIFY(outcome && !outcome->completed);
    QCOMPARE(outcome->checkedBytes, kChunk);
    QCOMPARE(outcome->chunks, std::uint64_t{1});
}

void TestSync::rateLimit_isLiftedWhileTheJobRuns()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {1, 30, 60, 90});
    auto array = mirror.running();
    JobControl control;
    control.limitTo(1);
    Result<SyncOutcome> outcome = fail(ErrorCode::Cancelled);
    std::thread job([&] { outcome = sync(*array, SyncAction::Resync, control); });
    while (control.progress().done == Sectors{0})
        std::this_thread::yield();
    control.limitTo(0);
    job.join(); // not in half a day
    QVERIFY(outcome && outcome->completed);
    QVERIFY(sameData(mirror, 0, 1));
}

void TestSync::resync_withoutBitmapGoesOnFromItsCheckpoint()
{
    MemoryMirror mirror({.bitmapChunk = 0});
    fillPattern(mirror.data(0), 1);
    fillPattern(mirror.data(1), 2);
    {
        auto array = mirror.running();
        JobControl control;
        setLogSink([&](const LogRecord& record) {
            if (record.event == LogEvent::Checkpoint)
                control.cancel();
        });
        const auto outcome = sync(*array, SyncAction::Resync, control, {.workers = 1});
        setLogSink(nullptr);
        QVERIFY(outcome && !outcome->completed);
        QVERIFY(stop(*array));
    }
    const auto reached = mirror.superblock(0).resyncOffset;
    QVERIFY(reached > Sectors{0} && reached != kMaxSector);
    QCOMPARE(mirror.superblock(1).resyncOffset, reached);
    auto array = mirror.running();
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(outcome && outcome->completed);
    QCOMPARE(outcome->skippedBytes, reached.bytes());
    QVERIFY(sameData(mirror, 0, 1));
    QCOMPARE(mirror.superblock(0).resyncOffset, kMaxSector);
}

void TestSync::resync_staleBitmapCopiesEverything()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {});
    mirror.chunk(1, 99)[77] ^= std::byte{1};
    auto header = mirror.header(0);
    header.events = 9;
    for (const std::size_t i : {0U, 1U}) {
        const auto bytes = encodeBitmapHeader(header, mirror.bitmapArea(i).first(256));
        std::ranges::copy(bytes, mirror.bitmapArea(i).begin());
    }
    auto array = mirror.running();
    QCOMPARE(mirror.setBits(1), 128U);
    QCOMPARE(mirror.header(1).events, 10U);
    QCOMPARE(mirror.header(1).eventsCleared, 10U);
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(outcome);
    QCOMPARE(outcome->skippedBytes, 0U);
    QVERIFY(sameData(mirror, 0, 1));
}

void TestSync::resync_degradedOfThreeKeepsTheBits()
{
    MemoryMirror mirror({.raidDisks = 3, .present = 2});
    fill(mirror, 2, {3, 50});
    auto array = mirror.running();
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(outcome && outcome->completed);
    const auto stopped = stop(*array);
    QVERIFY(stopped);
    QCOMPARE(stopped->chunksKept, 2U);
    QVERIFY(sameData(mirror, 0, 1));
    QVERIFY(mirror.bit(0, 3) && mirror.bit(1, 50));
    QCOMPARE(mirror.superblock(0).resyncOffset, kMaxSector);
    QVERIFY(!mirror.running()->snapshot().resyncDue);
}

void TestSync::resync_sourceErrorTakesTheOtherCopy()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {3});
    const auto own = copyOf(mirror.chunk(0, 3));
    const auto other = copyOf(mirror.chunk(1, 3));
    auto array = mirror.running();
    const auto bad = kMirrorData.bytes() + 3 * kChunk + 8192;
    mirror.device(0).failReads(bad, bad + 512, EIO);
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(outcome && outcome->completed);
    QVERIFY(sameData(mirror, 0, 1));
    // The whole window comes from the copy that gives all of it.
    QVERIFY(std::ranges::equal(mirror.chunk(0, 3), other));
    QVERIFY(!std::ranges::equal(mirror.chunk(0, 3), own));
}

void TestSync::resync_unreadableEverywhereKeepsTheBitAndDoesTheRest()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {3, 40, 80});
    const auto before = copyOf(mirror.chunk(1, 40));
    auto array = mirror.running();
    const auto bad = kMirrorData.bytes() + 40 * kChunk + 8192;
    mirror.device(0).failReads(bad, bad + 512, EIO);
    mirror.device(1).failReads(bad, bad + 512, EIO);
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(outcome && !outcome->completed && outcome->lost);
    QCOMPARE(outcome->lost->code, ErrorCode::Io);
    QCOMPARE(outcome->lost->offset, std::int64_t(bad));
    QCOMPARE(outcome->unreadable, (std::vector<SectorRange>{{{40 * 128 + 16}, {40 * 128 + 24}}}));
    QVERIFY(stop(*array));
    QVERIFY(std::ranges::equal(mirror.chunk(0, 80), mirror.chunk(1, 80)));
    QVERIFY(std::ranges::equal(
        mirror.chunk(1, 40).subspan(8192, 4096), std::span(before).subspan(8192, 4096)));
    QCOMPARE(mirror.setBits(0), 1U);
    QVERIFY(mirror.bit(1, 40));
    mirror.wrap();
    auto again = mirror.running();
    QVERIFY(again->snapshot().resyncDue);
    QCOMPARE(again->snapshot().resync.chunks, 1U);
    JobControl second;
    QVERIFY(sync(*again, SyncAction::Resync, second));
    QVERIFY(sameData(mirror, 0, 1));
}

void TestSync::resync_targetWriteErrorKeepsTheBits()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {3, 40});
    auto array = mirror.running();
    const auto bad = kMirrorData.bytes() + 40 * kChunk;
    mirror.device(1).failWrites(bad, bad + kChunk, EIO, 1);
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Resync, control);
    QVERIFY(!outcome);
    QCOMPARE(outcome.error().code, ErrorCode::Io);
    QVERIFY(!mirror.bit(0, 3));
    QVERIFY(mirror.bit(0, 40));
    JobControl second;
    QVERIFY(sync(*array, SyncAction::Resync, second));
    QVERIFY(sameData(mirror, 0, 1));
}

void TestSync::resync_memberThatTakesNoBitmapPageIsFailed()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {3, 40});
    auto array = mirror.running();
    mirror.device(1).failWrites(
        MemoryMirror::kBitmapAt.bytes(), MemoryMirror::kBitmapAt.bytes() + 512, EIO, 1);
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Resync, control));
    QVERIFY(stop(*array));
    QCOMPARE(mirror.superblock(0).devRoles[1], kRoleFaulty);
    QVERIFY(!mirror.superblock(0).isDirty());
    QVERIFY(mirror.superblock(1).isDirty()); // never written again
    mirror.wrap();
    QCOMPARE(mirror.running()->snapshot().report.missing, 1);
}

void TestSync::resync_superblockErrorFailsTheMemberAndTheUpdateIsRepeated()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {3});
    auto array = mirror.running();
    mirror.device(1).failWrites(
        MemoryMirror::kSuperblockAt.bytes(), MemoryMirror::kSuperblockAt.bytes() + 512, EIO);
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Resync, control));
    QCOMPARE(mirror.superblock(0).events, 12U);
    QCOMPARE(mirror.superblock(0).devRoles[1], kRoleFaulty);
    QCOMPARE(mirror.superblock(1).events, 10U);
    QVERIFY(stop(*array));
}

void TestSync::resync_lastCopysSuperblockErrorStopsTheArray()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {3});
    auto array = mirror.running();
    for (const std::size_t i : {0U, 1U}) {
        mirror.device(i).failWrites(
            MemoryMirror::kSuperblockAt.bytes(), MemoryMirror::kSuperblockAt.bytes() + 512, EIO);
    }
    JobControl control;
    QVERIFY(!sync(*array, SyncAction::Resync, control));
    QVERIFY(!sync(*array, SyncAction::Resync, control));
    QVERIFY(!stop(*array));
    mirror.wrap();
    auto again = mirror.running();
    QCOMPARE(again->snapshot().report.missing, 0);
    QVERIFY(sameData(mirror, 0, 1));
}

void TestSync::resync_notDueIsNothingToDo()
{
    MemoryMirror mirror({.resyncOffset = kMaxSector});
    fill(mirror, 2, {});
    auto array = mirror.running();
    JobControl control;
    QCOMPARE(sync(*array, SyncAction::Resync, control).error().code, ErrorCode::NothingToDo);
    QCOMPARE(sync(*array, SyncAction::Recover, control).error().code, ErrorCode::NothingToDo);
}

void TestSync::cleanArray_bitsFadeAtStopWithoutACopy()
{
    MemoryMirror mirror({.resyncOffset = kMaxSector});
    fill(mirror, 2, {3, 4});
    auto array = mirror.running();
    QVERIFY(!array->snapshot().resyncDue);
    QVERIFY(stop(*array));
    QVERIFY(!sameData(mirror, 0, 1));
    QCOMPARE(mirror.setBits(0) + mirror.setBits(1), 0U);
    QCOMPARE(mirror.superblock(0).events, 10U);
}

void TestSync::readOnly_writesNothing()
{
    MemoryMirror mirror({});
    fill(mirror, 2, {3, 4});
    auto array = mirror.running(WriteMode::ReadOnly);
    std::vector<std::byte> content(array->sizeBytes());
    QVERIFY(array->readAt(0, content));
    QVERIFY(std::ranges::equal(content, mirror.data(0).first(content.size())));
    JobControl control;
    QVERIFY(!sync(*array, SyncAction::Resync, control));
    QVERIFY(stop(*array));
    for (const std::size_t i : {0U, 1U}) {
        QCOMPARE(mirror.device(i).counts().writes, 0U);
        QCOMPARE(mirror.device(i).counts().flushes, 0U);
    }
}

void TestSync::readAt_fallsBackToTheOtherCopy()
{
    MemoryMirror mirror({.resyncOffset = kMaxSector});
    fill(mirror, 2, {});
    auto array = mirror.running(WriteMode::ReadOnly);
    mirror.device(0).failReads(kMirrorData.bytes(), kMirrorData.bytes() + 512, EIO);
    std::vector<std::byte> content(4096);
    QVERIFY(array->readAt(0, content));
    QVERIFY(std::ranges::equal(content, mirror.data(1).first(4096)));
    QCOMPARE(array->readAt(array->sizeBytes() - 1, content).error().code, ErrorCode::ShortRead);
}

void TestSync::changedSincePlan_isRefused()
{
    MemoryMirror mirror({});
    const auto plan = mirror.plan();
    QVERIFY(plan);
    mirror.bytes(1)[MemoryMirror::kSuperblockAt.bytes() + 32] ^= std::byte{1};
    const auto array = assembleFrom(*plan, mirror.access());
    QVERIFY(!array);
    QCOMPARE(array.error().code, ErrorCode::ChangedSincePlan);
    QCOMPARE(mirror.device(0).counts().writes, 0U);
}

QTEST_APPLESS_MAIN(TestSync)
#include "tst_sync.moc"
