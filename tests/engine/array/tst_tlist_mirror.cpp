// SPDX-License-Identifier: Apache-2.0
// The rules of md's bitmap, resync, re-add, check and recovery on a mirror, each under the number
// that it has in the checklist: what the kernel was seen to do.
#include "engine/array/hot_add.h"
#include "engine/array/membership.h"
#include "engine/array/sync.h"
#include "engine/base/log.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kChunk = 65'536; // 128 of them

void fill(MemoryMirror& mirror, std::size_t members)
{
    for (std::size_t i = 0; i < members; ++i)
        fillPattern(mirror.data(i), 1);
}

void differ(MemoryMirror& mirror, std::initializer_list<std::uint64_t> chunks)
{
    for (const auto chunk : chunks)
        fillPattern(mirror.chunk(1, chunk), 100 + chunk);
}

bool isEqual(MemoryMirror& mirror, std::uint64_t chunk)
{
    return std::ranges::equal(mirror.chunk(0, chunk), mirror.chunk(1, chunk));
}

void setHeader(MemoryMirror& mirror, std::uint64_t events, std::uint64_t eventsCleared)
{
    for (std::size_t i = 0; mirror.decode(i); ++i) {
        auto header = mirror.header(i);
        header.events = events;
        header.eventsCleared = eventsCleared;
        std::ranges::copy(encodeBitmapHeader(header, mirror.bitmapArea(i).first(256)),
            mirror.bitmapArea(i).begin());
    }
}

SyncOutcome run(Array& array, SyncAction action)
{
    JobControl control;
    auto outcome = sync(array, action, control);
    return outcome ? std::move(*outcome) : SyncOutcome{};
}

// Cancelled at the first checkpoint or copy after `steps` others. For a single worker: of several,
// another may have the last window by then.
void cancelAfter(JobControl& control, LogEvent event, int steps)
{
    setLogSink([&control, event, steps](const LogRecord& record) mutable {
        if (record.event == event && --steps == 0)
            control.cancel();
    });
}

Result<std::unique_ptr<Array>> without(MemoryMirror& mirror, const std::string& path)
{
    AssemblyChoices choices;
    choices.leaveOut = {path};
    choices.mode = WriteMode::Overlay;
    return assembleFrom(
        BM_TRY(planAssembly(mirror.scan(), MemoryMirror::kUuid, choices)), mirror.access());
}

constexpr MirrorShape kClean{.resyncOffset = kMaxSector};

} // namespace

class TestTListMirror : public QObject
{
    Q_OBJECT

private slots:
    void t99_cleanArrayCopiesNothingAndBitsGo();
    void t100_dirtyArrayCopiesExactlyTheSetChunks();
    void t101_staleBitmapOfACleanArrayCopiesNothing();
    void t102_staleBitmapOfADirtyArrayCopiesEverything();
    void t103_chunksBeforeTheCheckpointAreSkipped();
    void t104_bitsPastTheEndAreIgnored();
    void t105_degradedStartKeepsBits();
    void t106_degradedStartLetsBitsFadeWhenNothingWasCleared();
    void t107_oneMembersBitsCount();
    void t109_writeAllReachesEveryPageToTheSector();
    void t110_idleSparesBitmapIsUntouched();
    void t111_cleanStopClearsWhatIsNotNeeded();
    void t112_interruptedResyncClearsWhatIsFinished();
    void t113_reAddCopiesOnlyDirtyChunks();
    void t114_reAddFromBeforeEventsClearedIsRefused();
    void t115_withoutBitmapOneEventBehindIsRefused();
    void t116_withoutBitmapEqualEventsAreTakenWithoutACopy();
    void t128_dirtyWithOneMemberLeftStartsWithoutResync();
    void t139_oneByteCountsAs128Sectors();
    void t140_lowestSlotWinsARepair();
    void t141_writeMostlySlotIsNotTheSource();
    void t142_interruptedRecoveryGoesOnFromItsOffset();
    void t143_readOnlyStartAndStopChangeNothing();
};

void TestTListMirror::t99_cleanArrayCopiesNothingAndBitsGo()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    differ(mirror, {3});
    mirror.setBit(3);
    auto array = mirror.running();
    auto now = ArrayState::Clock::time_point(std::chrono::hours(1));
    array->state().clock = [&now] {
        return now;
    };
    QVERIFY(!array->snapshot().resyncDue);
    for (int period = 0; period < 4; ++period) {
        QVERIFY(array->maintain());
        now += std::chrono::seconds(5);
    }
    QCOMPARE(mirror.setBits(0) + mirror.setBits(1), 0U);
    QVERIFY(!isEqual(mirror, 3));
}

void TestTListMirror::t100_dirtyArrayCopiesExactlyTheSetChunks()
{
    MemoryMirror mirror(MirrorShape{});
    fill(mirror, 2);
    differ(mirror, {3, 64, 100});
    mirror.setBit(3);
    mirror.setBit(64);
    QCOMPARE(run(*mirror.running(), SyncAction::Resync).checkedBytes, 2 * kChunk);
    QVERIFY(isEqual(mirror, 3) && isEqual(mirror, 64) && !isEqual(mirror, 100));
}

void TestTListMirror::t101_staleBitmapOfACleanArrayCopiesNothing()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    differ(mirror, {3});
    setHeader(mirror, 9, 4);
    auto array = mirror.running();
    QVERIFY(!array->snapshot().resyncDue);
    QCOMPARE(mirror.setBits(1), 128U);
    QVERIFY(stop(*array));
    QCOMPARE(mirror.setBits(1), 0U);
    QVERIFY(!isEqual(mirror, 3));
}

void TestTListMirror::t102_staleBitmapOfADirtyArrayCopiesEverything()
{
    MemoryMirror mirror(MirrorShape{});
    fill(mirror, 2);
    differ(mirror, {3, 127});
    setHeader(mirror, 9, 4);
    QCOMPARE(run(*mirror.running(), SyncAction::Resync).checkedBytes, 128 * kChunk);
    QVERIFY(isEqual(mirror, 3) && isEqual(mirror, 127));
}

void TestTListMirror::t103_chunksBeforeTheCheckpointAreSkipped()
{
    MirrorShape shape;
    shape.resyncOffset = Sectors{5 * 128}; // where chunk 4 ends, which is still included
    MemoryMirror mirror(shape);
    fill(mirror, 2);
    differ(mirror, {3, 4, 5});
    for (const std::uint64_t chunk : {3U, 4U, 5U})
        mirror.setBit(chunk);
    QCOMPARE(run(*mirror.running(), SyncAction::Resync).checkedBytes, 2 * kChunk);
    QVERIFY(!isEqual(mirror, 3) && isEqual(mirror, 4) && isEqual(mirror, 5));
}

void TestTListMirror::t104_bitsPastTheEndAreIgnored()
{
    MemoryMirror mirror(MirrorShape{});
    fill(mirror, 2);
    for (std::uint64_t chunk = 128; chunk < 128 + 188; ++chunk)
        mirror.setBit(chunk);
    auto array = mirror.running();
    QCOMPARE(array->snapshot().resync.chunks, 0U);
    const auto outcome = run(*array, SyncAction::Resync);
    QVERIFY(outcome.completed);
    QCOMPARE(outcome.checkedBytes, 0U);
    QVERIFY(stop(*array));
    QVERIFY(mirror.bit(0, 128 + 187)); // and left as they were found
}

void TestTListMirror::t105_degradedStartKeepsBits()
{
    auto shape = kClean;
    shape.raidDisks = 3;
    MemoryMirror mirror(shape);
    mirror.setBit(3);
    QVERIFY(stop(*mirror.running()));
    QCOMPARE(mirror.setBits(0), 1U);
    QCOMPARE(mirror.setBits(1), 1U);
}

void TestTListMirror::t106_degradedStartLetsBitsFadeWhenNothingWasCleared()
{
    auto shape = kClean;
    shape.raidDisks = 3;
    shape.eventsCleared = shape.events;
    MemoryMirror mirror(shape);
    mirror.setBit(3);
    QVERIFY(stop(*mirror.running()));
    QCOMPARE(mirror.setBits(0) + mirror.setBits(1), 0U);
}

// That of the member whose superblock speaks for the array: mdadm adds it last, and md asks it
// first.
void TestTListMirror::t107_oneMembersBitsCount()
{
    MemoryMirror mirror(MirrorShape{});
    fill(mirror, 2);
    differ(mirror, {3, 5});
    mirror.setBit(0, 3);
    mirror.setBit(1, 5);
    QCOMPARE(run(*mirror.running(), SyncAction::Resync).checkedBytes, kChunk);
    QVERIFY(isEqual(mirror, 3) && !isEqual(mirror, 5));
}

void TestTListMirror::t109_writeAllReachesEveryPageToTheSector()
{
    MemoryMirror mirror({.raidDisks = 2,
        .present = 1,
        .component = Sectors{32'768},
        .bitmapChunk = 512,
        .resyncOffset = kMaxSector});
    mirror.setBit(5);
    mirror.setBit(32'000);
    std::ranges::fill(mirror.bitmapArea(1), std::byte{0x5a});
    auto array = mirror.running();
    QVERIFY(hotAdd(*array, *planHotAdd(*array, "blank0")));
    constexpr std::size_t kBytes = 256 + 32'768 / 8;
    constexpr std::size_t kWritten = (kBytes + 511) / 512 * 512;
    QVERIFY(
        std::ranges::equal(mirror.bitmapArea(0).first(kBytes), mirror.bitmapArea(1).first(kBytes)));
    QVERIFY(std::ranges::all_of(mirror.bitmapArea(1).subspan(kWritten),
        [](std::byte byte) { return byte == std::byte{0x5a}; }));
}

void TestTListMirror::t110_idleSparesBitmapIsUntouched()
{
    MirrorShape shape;
    shape.spares = 1;
    MemoryMirror mirror(shape);
    fillPattern(mirror.bitmapArea(2), 7);
    const std::vector<std::byte> before(mirror.bitmapArea(2).begin(), mirror.bitmapArea(2).end());
    mirror.setBit(0, 3);
    mirror.setBit(1, 3);
    auto array = mirror.running();
    QVERIFY(run(*array, SyncAction::Resync).completed);
    QVERIFY(array->writeAt(0, std::vector<std::byte>(512)));
    QVERIFY(stop(*array));
    QVERIFY(std::ranges::equal(mirror.bitmapArea(2), before));
}

void TestTListMirror::t111_cleanStopClearsWhatIsNotNeeded()
{
    MemoryMirror mirror(kClean);
    for (std::uint64_t chunk = 0; chunk < 128; ++chunk)
        mirror.setBit(chunk);
    QVERIFY(stop(*mirror.running()));
    QCOMPARE(mirror.setBits(0) + mirror.setBits(1), 0U);
}

void TestTListMirror::t112_interruptedResyncClearsWhatIsFinished()
{
    MemoryMirror mirror(MirrorShape{});
    fill(mirror, 2);
    for (std::uint64_t chunk = 0; chunk < 128; ++chunk) {
        mirror.setBit(chunk);
        differ(mirror, {chunk});
    }
    auto array = mirror.running();
    JobControl control;
    cancelAfter(control, LogEvent::ChunkDiffered, 2);
    const auto outcome = sync(*array, SyncAction::Resync, control, {.workers = 1});
    setLogSink(nullptr);
    QVERIFY(outcome && !outcome->completed);
    QVERIFY(stop(*array));
    std::uint64_t first = 0;
    while (first < 128 && !mirror.bit(1, first))
        ++first;
    QVERIFY(first > 0 && first < 128);
    for (std::uint64_t chunk = 0; chunk < 128; ++chunk)
        QCOMPARE(mirror.bit(0, chunk), chunk >= first);
    QVERIFY(mirror.superblock(0).isDirty());
    QVERIFY(mirror.superblock(0).resyncOffset.count <= first * 128);
}

void TestTListMirror::t113_reAddCopiesOnlyDirtyChunks()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    {
        auto array = mirror.running();
        QVERIFY(failMember(*array, "m1"));
        QVERIFY(array->writeAt(3 * kChunk, std::vector<std::byte>(4096, std::byte{9})));
        QVERIFY(stop(*array));
    }
    differ(mirror, {64}); // corrupt where no bit is set
    auto array = mirror.running();
    QVERIFY(reAdd(*array, *planReAdd(*array, "m1")));
    QCOMPARE(run(*array, SyncAction::Recover).checkedBytes, kChunk);
    QVERIFY(isEqual(mirror, 3) && !isEqual(mirror, 64));
}

void TestTListMirror::t114_reAddFromBeforeEventsClearedIsRefused()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    {
        auto array = mirror.running();
        QVERIFY(failMember(*array, "m1"));
        QVERIFY(stop(*array));
    }
    const auto events = mirror.superblock(0).events;
    setHeader(mirror, events, mirror.superblock(1).events + 1);
    QCOMPARE(planReAdd(*mirror.running(), "m1").error().code, ErrorCode::CannotReAdd);
}

void TestTListMirror::t115_withoutBitmapOneEventBehindIsRefused()
{
    auto shape = kClean;
    shape.bitmapChunk = 0;
    MemoryMirror mirror(shape);
    fill(mirror, 2);
    auto superblock = mirror.superblock(1);
    superblock.events -= 1;
    const auto bytes = formatOf(superblock.version).encode(superblock);
    std::ranges::copy(bytes, mirror.bytes(1).begin() + MemoryMirror::kSuperblockAt.bytes());
    const auto array = without(mirror, "m1");
    QVERIFY(array);
    QCOMPARE(planReAdd(**array, "m1").error().code, ErrorCode::CannotReAdd);
}

void TestTListMirror::t116_withoutBitmapEqualEventsAreTakenWithoutACopy()
{
    auto shape = kClean;
    shape.bitmapChunk = 0;
    MemoryMirror mirror(shape);
    fill(mirror, 2);
    mirror.data(1)[3] ^= std::byte{1};
    const auto array = without(mirror, "m1");
    QVERIFY(array);
    const auto plan = planReAdd(**array, "m1");
    QVERIFY(plan && reAdd(**array, *plan));
    QVERIFY(!(*array)->snapshot().recoveryDue);
    QCOMPARE((*array)->state().inSyncCount(), std::size_t{2});
    QVERIFY(mirror.data(0)[3] != mirror.data(1)[3]);
}

void TestTListMirror::t128_dirtyWithOneMemberLeftStartsWithoutResync()
{
    MirrorShape shape;
    shape.present = 1;
    MemoryMirror mirror(shape);
    mirror.setBit(3);
    auto array = mirror.running();
    QVERIFY(!array->snapshot().resyncDue);
    QVERIFY(stop(*array));
    QVERIFY(!mirror.superblock(0).isDirty());
}

void TestTListMirror::t139_oneByteCountsAs128Sectors()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    mirror.data(1)[1'000'000] ^= std::byte{1};
    auto array = mirror.running();
    QCOMPARE(run(*array, SyncAction::Check).mismatch, Sectors{128});
    QCOMPARE(run(*array, SyncAction::Repair).mismatch, Sectors{128});
    QCOMPARE(run(*array, SyncAction::Check).mismatch, Sectors{0});
}

void TestTListMirror::t140_lowestSlotWinsARepair()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    const std::vector<std::byte> before(mirror.data(0).begin(), mirror.data(0).end());
    differ(mirror, {3});
    QVERIFY(run(*mirror.running(), SyncAction::Repair).completed);
    QVERIFY(std::ranges::equal(mirror.data(0), before));
    QVERIFY(isEqual(mirror, 3));
}

void TestTListMirror::t141_writeMostlySlotIsNotTheSource()
{
    MirrorShape shape;
    shape.writeMostlyRoles = 1;
    MemoryMirror mirror(shape);
    fill(mirror, 2);
    differ(mirror, {3});
    mirror.setBit(3);
    const std::vector<std::byte> kept(mirror.chunk(1, 3).begin(), mirror.chunk(1, 3).end());
    QVERIFY(run(*mirror.running(), SyncAction::Resync).completed);
    QVERIFY(std::ranges::equal(mirror.chunk(0, 3), kept));
}

void TestTListMirror::t142_interruptedRecoveryGoesOnFromItsOffset()
{
    auto shape = kClean;
    shape.present = 1;
    MemoryMirror mirror(shape);
    fill(mirror, 1);
    {
        auto array = mirror.running();
        QVERIFY(hotAdd(*array, *planHotAdd(*array, "blank0")));
        JobControl control;
        cancelAfter(control, LogEvent::Checkpoint, 2);
        const auto outcome = sync(*array, SyncAction::Recover, control, {.workers = 1});
        setLogSink(nullptr);
        QVERIFY(outcome && !outcome->completed);
        QVERIFY(stop(*array));
    }
    const auto half = mirror.superblock(1);
    QVERIFY(half.has(feature::kRecoveryOffset) && half.recoveryOffset.count > 0);
    QCOMPARE(half.role(), Role{1});
    QVERIFY(half.recoveryOffset < Sectors{16'384});
    fillPattern(mirror.chunk(1, 0), 77); // below it, where nobody comes by again
    const auto outcome = run(*mirror.running(), SyncAction::Recover);
    QVERIFY(outcome.completed);
    QCOMPARE(outcome.checkedBytes, (Sectors{16'384} - half.recoveryOffset).bytes());
    QVERIFY(!isEqual(mirror, 0) && isEqual(mirror, 127));
}

void TestTListMirror::t143_readOnlyStartAndStopChangeNothing()
{
    MemoryMirror mirror(MirrorShape{});
    fill(mirror, 2);
    mirror.setBit(3);
    auto array = mirror.running(WriteMode::ReadOnly);
    QVERIFY(stop(*array));
    for (const std::size_t i : {0U, 1U}) {
        QCOMPARE(mirror.device(i).counts().writes, 0U);
        QCOMPARE(mirror.device(i).counts().flushes, 0U);
    }
}

QTEST_APPLESS_MAIN(TestTListMirror)
#include "tst_tlist_mirror.moc"
