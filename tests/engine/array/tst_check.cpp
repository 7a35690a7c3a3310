// SPDX-License-Identifier: Apache-2.0
#include "engine/array/sync.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

#include <cerrno>
#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr MirrorShape kClean{.component = Sectors{4160}, .resyncOffset = kMaxSector};

void fill(MemoryMirror& mirror, std::size_t members)
{
    for (std::size_t i = 0; i < members; ++i)
        fillPattern(mirror.data(i), 1);
}

void flip(MemoryMirror& mirror, std::size_t device, std::uint64_t sector)
{
    mirror.data(device)[sector * kSectorBytes + 17] ^= std::byte{1};
}

SyncOutcome run(Array& array, SyncAction action)
{
    JobControl control;
    auto outcome = sync(array, action, control);
    return outcome ? std::move(*outcome) : SyncOutcome{};
}

using Ranges = std::vector<SectorRange>;

} // namespace

class TestCheck : public QObject
{
    Q_OBJECT

private slots:
    void check_ofEqualMembersCountsNothing();
    void check_countsWindowsOf128Sectors();
    void check_countsEveryMemberThatDiffers();
    void check_namesTheExactRanges();
    void check_looksUnderClearBits();
    void check_writesNothing();
    void check_ofOneCopyHasNothingToDo();
    void check_listsWhatNoMemberGives();
    void check_countsWhatOneMemberDoesNotGive();
    void check_cancelledSaysSo();
    void repair_makesTheLowestSlotWin();
    void repair_ofAWriteMostlyFirstSlotStillFollowsIt();
    void repair_endsAResyncThatWasDue();
    void repair_keepsAResyncDueWhereSomethingIsLost();
    void repair_survivesEveryCut();
};

void TestCheck::check_ofEqualMembersCountsNothing()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    const auto outcome = run(*mirror.running(WriteMode::ReadOnly), SyncAction::Check);
    QVERIFY(outcome.completed);
    QCOMPARE(outcome.checkedBytes, kClean.component.bytes());
    QCOMPARE(outcome.readBytes, 2 * kClean.component.bytes());
    QCOMPARE(outcome.mismatch.count, 0U);
    QVERIFY(outcome.differing.empty());
}

void TestCheck::check_countsWindowsOf128Sectors()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    flip(mirror, 1, 3);
    flip(mirror, 1, 127);
    flip(mirror, 1, 1000);
    flip(mirror, 1, 4159); // the last window has but 64 sectors
    const auto outcome = run(*mirror.running(WriteMode::ReadOnly), SyncAction::Check);
    QCOMPARE(outcome.mismatch.count, 128U + 128U + 64U);
}

void TestCheck::check_countsEveryMemberThatDiffers()
{
    MemoryMirror mirror(
        {.raidDisks = 3, .present = 3, .component = Sectors{4096}, .resyncOffset = kMaxSector});
    fill(mirror, 3);
    flip(mirror, 0, 500);
    const auto outcome = run(*mirror.running(WriteMode::ReadOnly), SyncAction::Check);
    QCOMPARE(outcome.mismatch.count, 256U);
    QCOMPARE(outcome.differing, (Ranges{{{500}, {501}}}));
}

void TestCheck::check_namesTheExactRanges()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    for (const std::uint64_t sector : {7U, 8U, 9U, 2047U, 2048U, 4159U})
        flip(mirror, 1, sector);
    const auto outcome = run(*mirror.running(WriteMode::ReadOnly), SyncAction::Check);
    QCOMPARE(outcome.differing, (Ranges{{{7}, {10}}, {{2047}, {2049}}, {{4159}, {4160}}}));
    QCOMPARE(outcome.differingBytes, 6 * kSectorBytes);
}

void TestCheck::check_looksUnderClearBits()
{
    MemoryMirror mirror({.component = Sectors{4096}});
    fill(mirror, 2);
    mirror.setBit(3);
    flip(mirror, 1, 4000);
    QCOMPARE(run(*mirror.running(), SyncAction::Resync).differingBytes, 0U);
    QCOMPARE(run(*mirror.running(), SyncAction::Check).mismatch.count, 128U);
}

void TestCheck::check_writesNothing()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    flip(mirror, 1, 40);
    auto array = mirror.running(WriteMode::ReadOnly);
    run(*array, SyncAction::Check);
    for (std::size_t i = 0; i < mirror.devices(); ++i)
        QCOMPARE(mirror.device(i).counts().writes, 0U);
    JobControl control;
    const auto repair = sync(*array, SyncAction::Repair, control);
    QCOMPARE(repair.error().code, ErrorCode::Unsupported);
}

void TestCheck::check_ofOneCopyHasNothingToDo()
{
    MemoryMirror mirror({.present = 1, .component = Sectors{4096}, .resyncOffset = kMaxSector});
    auto array = mirror.running();
    JobControl control;
    QCOMPARE(sync(*array, SyncAction::Check, control).error().code, ErrorCode::NothingToDo);
}

void TestCheck::check_listsWhatNoMemberGives()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    flip(mirror, 1, 4000);
    const auto bad = (kMirrorData + Sectors{800}).bytes();
    for (const std::size_t i : {0U, 1U})
        mirror.device(i).failReads(bad, bad + 512, EIO);
    const auto outcome = run(*mirror.running(WriteMode::ReadOnly), SyncAction::Check);
    QVERIFY(outcome.completed);
    QCOMPARE(outcome.unreadable, (Ranges{{{800}, {808}}}));
    QCOMPARE(outcome.differing, (Ranges{{{4000}, {4001}}}));
}

void TestCheck::check_countsWhatOneMemberDoesNotGive()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    const auto bad = (kMirrorData + Sectors{800}).bytes();
    mirror.device(0).failReads(bad, bad + 512, EIO);
    const auto outcome = run(*mirror.running(WriteMode::ReadOnly), SyncAction::Check);
    QCOMPARE(outcome.mismatch.count, 128U);
    QCOMPARE(outcome.differing, (Ranges{{{800}, {808}}}));
    QVERIFY(outcome.unreadable.empty());
}

void TestCheck::check_cancelledSaysSo()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    auto array = mirror.running(WriteMode::ReadOnly);
    JobControl control;
    control.cancel();
    const auto outcome = sync(*array, SyncAction::Check, control);
    QVERIFY(outcome && !outcome->completed);
    QCOMPARE(outcome->checkedBytes, 0U);
}

void TestCheck::repair_makesTheLowestSlotWin()
{
    MemoryMirror mirror(kClean);
    fill(mirror, 2);
    flip(mirror, 0, 9);
    flip(mirror, 1, 3000);
    const std::vector<std::byte> first(mirror.data(0).begin(), mirror.data(0).end());
    auto array = mirror.running();
    const auto outcome = run(*array, SyncAction::Repair);
    QCOMPARE(outcome.mismatch.count, 256U);
    QCOMPARE(outcome.writtenBytes, 2U * 4096);
    QVERIFY(std::ranges::equal(mirror.data(0), first));
    QVERIFY(std::ranges::equal(mirror.data(1), first));
    QCOMPARE(run(*array, SyncAction::Check).mismatch.count, 0U);
}

void TestCheck::repair_ofAWriteMostlyFirstSlotStillFollowsIt()
{
    auto shape = kClean;
    shape.writeMostlyRoles = 1;
    MemoryMirror mirror(shape);
    fill(mirror, 2);
    flip(mirror, 0, 9);
    const std::vector<std::byte> first(mirror.data(0).begin(), mirror.data(0).end());
    run(*mirror.running(), SyncAction::Repair);
    QVERIFY(std::ranges::equal(mirror.data(1), first));
}

void TestCheck::repair_endsAResyncThatWasDue()
{
    MemoryMirror mirror({.component = Sectors{4096}});
    fill(mirror, 2);
    mirror.setBit(3);
    flip(mirror, 1, 400);
    flip(mirror, 1, 4000);
    auto array = mirror.running();
    QCOMPARE(run(*array, SyncAction::Repair).mismatch.count, 256U);
    QVERIFY(!array->snapshot().resyncDue);
    QVERIFY(stop(*array));
    for (const std::size_t i : {0U, 1U}) {
        QCOMPARE(mirror.setBits(i), 0U);
        QVERIFY(!mirror.superblock(i).isDirty());
    }
}

void TestCheck::repair_keepsAResyncDueWhereSomethingIsLost()
{
    MemoryMirror mirror({.component = Sectors{4096}});
    fill(mirror, 2);
    mirror.setBit(3);
    const auto bad = (kMirrorData + Sectors{400}).bytes();
    for (const std::size_t i : {0U, 1U})
        mirror.device(i).failReads(bad, bad + 512, EIO);
    auto array = mirror.running();
    QCOMPARE(run(*array, SyncAction::Repair).unreadable.size(), 1U);
    QVERIFY(array->snapshot().resyncDue);
    QVERIFY(mirror.bit(0, 3));
}

void TestCheck::repair_survivesEveryCut()
{
    // Dirty as well, so that data, bits and superblocks are all written.
    MirrorShape shape{.component = Sectors{4096}, .bitmapChunk = 16'384};
    MemoryMirror mirror(shape, true);
    fill(mirror, 2);
    for (const std::uint64_t chunk : {2U, 17U, 100U}) {
        mirror.setBit(chunk);
        fillPattern(mirror.chunk(1, chunk), 50 + chunk);
    }
    flip(mirror, 1, 2000);
    const std::vector<std::vector<std::byte>> before{
        mirror.bytes(0), mirror.bytes(1), mirror.bytes(2)};
    {
        auto array = mirror.running();
        QVERIFY(run(*array, SyncAction::Repair).completed);
        QVERIFY(stop(*array));
    }
    const auto entries = mirror.journal()->entries();
    std::mt19937 random(3);
    MemoryMirror cut(shape);
    for (std::size_t k = 0; k <= entries.size(); ++k) {
        for (std::size_t i = 0; i < cut.devices(); ++i) {
            cut.bytes(i) =
                afterPowerCut(before[i], entries, i, k, [&random] { return (random() & 1U) != 0; });
        }
        auto array = cut.running();
        // Whoever trusts the bits instead is right as well, but for what lay under clear ones.
        if (k % 2 == 0) {
            QVERIFY(run(*array, SyncAction::Repair).completed);
            QVERIFY(std::ranges::equal(cut.data(1), cut.data(0)));
        } else if (array->snapshot().resyncDue) {
            QVERIFY(run(*array, SyncAction::Resync).completed);
            for (const std::uint64_t chunk : {2U, 17U, 100U})
                QVERIFY(std::ranges::equal(cut.chunk(1, chunk), cut.chunk(0, chunk)));
        } else {
            QVERIFY(std::ranges::equal(cut.data(1), cut.data(0)));
        }
        QVERIFY(std::ranges::equal(cut.data(0),
            std::span(before[0]).subspan(kMirrorData.bytes(), shape.component.bytes())));
        QVERIFY(stop(*array));
        QCOMPARE(cut.setBits(0), 0U);
    }
}

QTEST_APPLESS_MAIN(TestCheck)
#include "tst_check.moc"
