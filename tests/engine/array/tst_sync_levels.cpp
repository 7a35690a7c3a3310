// SPDX-License-Identifier: Apache-2.0
// Resync, recovery, check and repair of arrays with parity and of level 10.
#include "engine/array/sync.h"
#include "engine/base/log.h"
#include "engine/raid/member_content.h"
#include "tests/engine/array/array_damage.h"

#include <QTest>

#include <cerrno>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Ranges = std::vector<SectorRange>;

const std::vector<ArrayShape> kShapes{
    {.level = 4, .layout = 0, .raidDisks = 3, .component = Sectors{2560}},
    {.level = 5, .layout = 2, .raidDisks = 4, .component = Sectors{2560}},
    {.level = 5, .layout = 1, .raidDisks = 3, .chunk = Sectors{128}, .component = Sectors{2560}},
    {.level = 6, .layout = 2, .raidDisks = 5, .component = Sectors{2560}},
    {.level = 6, .layout = 9, .raidDisks = 4, .chunk = Sectors{8}, .component = Sectors{2560}},
    {.level = 6, .layout = 18, .raidDisks = 6, .chunk = Sectors{64}, .component = Sectors{2560}},
    {.level = 10, .layout = 0x102, .raidDisks = 3, .component = Sectors{2560}},
    {.level = 10, .layout = 0x201, .raidDisks = 4, .component = Sectors{2560}},
    {.level = 10,
        .layout = 0x10201,
        .raidDisks = 5,
        .chunk = Sectors{64},
        .component = Sectors{2560}},
};

Result<SyncOutcome> runSync(Array& array, SyncAction action, const SyncOptions& options = {})
{
    JobControl control;
    return sync(array, action, control, options);
}

void flip(MemoryArray& array, int role, std::uint64_t sector)
{
    array.data(std::size_t(role))[sector * kSectorBytes + 17] ^= std::byte{1};
}

std::vector<std::vector<std::byte>> contents(MemoryArray& array)
{
    std::vector<std::vector<std::byte>> all;
    all.reserve(array.devices());
    for (std::size_t i = 0; i < array.devices(); ++i)
        all.emplace_back(array.data(i).begin(), array.data(i).end());
    return all;
}

// Where the array reaches.
bool sameUsed(
    MemoryArray& array, int role, std::span<const std::byte> left, std::span<const std::byte> right)
{
    for (std::uint64_t at = 0; at < left.size() / kSectorBytes; ++at) {
        const bool isUsed = contentAt(array.geometry(), {role, {at}}).kind != Holds::Unused;
        if (isUsed && !std::ranges::equal(left.subspan(at * kSectorBytes, kSectorBytes),
                          right.subspan(at * kSectorBytes, kSectorBytes)))
            return false;
    }
    return true;
}

std::vector<std::byte> readAll(Array& array)
{
    std::vector<std::byte> content(array.sizeBytes());
    return array.readAt(0, content) ? content : std::vector<std::byte>();
}

} // namespace

class TestSyncLevels : public QObject
{
    Q_OBJECT

private slots:
    void check_ofAnArrayInSyncCountsNothing();
    void check_countsAPageOfParityAs8();
    void check_countsAPageOfLevel6OnceThoughPAndQDiffer();
    void check_countsRequestsOfLevel10();
    void check_countsRequestsOfLevel10ByTheBitmap();
    void check_countsRequestsOfLevel10AcrossChunksWhereAllMembersAreCopies();
    void check_namesTheMemberThatIsWrong();
    void check_writesNothing();
    void repair_rewritesParityAndNeverData();
    void repair_verifyingTheSlotMendsTheWrongBlock();
    void repair_ofLevel10FollowsTheFirstCopy();
    void resync_byBitmapTouchesOnlyItsRows();
    void resync_makesAllParityAnew();
    void recover_ofOneMember();
    void recover_ofTwoMembersAtOnce();
    void recover_goesOnFromItsOffset();
    void recover_takesFromAnotherWhatThatOneHasAlready();
    void unreadableSectors_areRecomputedAndRewritten();
    void unreadableSectors_thatNothingGivesAreListed();
    void workers_makeNoDifference();
    void pastTheCache_everythingIsReadThatWayAndIsTheSame();
};

void TestSyncLevels::check_ofAnArrayInSyncCountsNothing()
{
    for (const auto& shape : kShapes) {
        MemoryArray memory(shape);
        memory.fill(1);
        const auto outcome = runSync(*memory.running(WriteMode::ReadOnly), SyncAction::Check);
        QVERIFY(outcome && outcome->completed);
        QCOMPARE(outcome->mismatch.count, 0U);
        QCOMPARE(outcome->checkedBytes, memory.arraySize().bytes());
        QVERIFY(outcome->differing.empty() && outcome->wrong.empty());
    }
}

void TestSyncLevels::check_countsAPageOfParityAs8()
{
    for (const int level : {4, 5}) {
        MemoryArray memory({.level = level, .layout = level == 5 ? 2U : 0U});
        memory.fill(1);
        flip(memory, 1, 3);
        flip(memory, 1, 7);
        flip(memory, 3, 100);
        const auto outcome = runSync(*memory.running(WriteMode::ReadOnly), SyncAction::Check);
        QVERIFY(outcome);
        QCOMPARE(outcome->mismatch.count, 16U);
        QCOMPARE(outcome->differing, (Ranges{{{0}, {8}}, {{96}, {104}}}));
        QCOMPARE(outcome->differingBytes, 2 * 4096U);
    }
}

void TestSyncLevels::check_countsAPageOfLevel6OnceThoughPAndQDiffer()
{
    MemoryArray memory({.level = 6, .raidDisks = 5});
    memory.fill(1);
    const auto roles = stripeRoles(memory.geometry(), 2);
    flip(memory, roles.p, 2 * 16 + 1);
    flip(memory, roles.q, 2 * 16 + 2);
    const auto outcome = runSync(*memory.running(WriteMode::ReadOnly), SyncAction::Check);
    QVERIFY(outcome);
    QCOMPARE(outcome->mismatch.count, 8U);
    QVERIFY(outcome->wrong.empty());
}

void TestSyncLevels::check_countsRequestsOfLevel10()
{
    for (const auto& [chunk, expected] : {std::pair{32U, 32U}, {128U, 128U}, {512U, 128U}}) {
        MemoryArray memory({.level = 10, .layout = 0x102, .chunk = Sectors{chunk}});
        memory.fill(1);
        flip(memory, 1, 3);
        const auto outcome = runSync(*memory.running(WriteMode::ReadOnly), SyncAction::Check);
        QVERIFY(outcome);
        QCOMPARE(outcome->mismatch.count, std::uint64_t(expected));
        QCOMPARE(outcome->differing, (Ranges{{{3}, {4}}}));
    }
}

// md reads over the ends of bitmap chunks where it keeps no counters, for no bit is set near by.
void TestSyncLevels::check_countsRequestsOfLevel10ByTheBitmap()
{
    for (const bool bitIsSet : {false, true}) {
        MemoryArray memory(
            {.level = 10, .layout = 0x102, .chunk = Sectors{128}, .bitmapChunk = 8192});
        memory.fill(1);
        flip(memory, 1, 3);
        for (std::size_t device = 0; bitIsSet && device < 4; ++device)
            memory.bytes(device)[MemoryArray::kBitmapAt.bytes() + 256 + 5] = std::byte{1};
        const auto outcome = runSync(*memory.running(WriteMode::ReadOnly), SyncAction::Check);
        QVERIFY(outcome);
        QCOMPARE(outcome->mismatch.count, bitIsSet ? 16U : 128U);
    }
}

// Where every member holds all, chunks are of no account.
void TestSyncLevels::check_countsRequestsOfLevel10AcrossChunksWhereAllMembersAreCopies()
{
    MemoryArray memory({.level = 10, .layout = 0x103, .raidDisks = 3, .chunk = Sectors{16}});
    memory.fill(1);
    flip(memory, 1, 3);
    const auto outcome = runSync(*memory.running(WriteMode::ReadOnly), SyncAction::Check);
    QVERIFY(outcome);
    QCOMPARE(outcome->mismatch.count, 128U);
}

void TestSyncLevels::check_namesTheMemberThatIsWrong()
{
    for (int role = 0; role < 5; ++role) {
        MemoryArray memory({.level = 6, .raidDisks = 5});
        memory.fill(1);
        flip(memory, role, 1000);
        const auto outcome = runSync(*memory.running(WriteMode::ReadOnly), SyncAction::Check);
        QVERIFY(outcome);
        QCOMPARE(outcome->wrong, (std::vector<WrongBlock>{{{{1000}, {1008}}, role}}));
    }
}

void TestSyncLevels::check_writesNothing()
{
    for (const auto& shape : kShapes) {
        MemoryArray memory(shape);
        memory.fill(1);
        flip(memory, 1, 40);
        auto array = memory.running(WriteMode::ReadOnly);
        QVERIFY(runSync(*array, SyncAction::Check));
        for (std::size_t i = 0; i < memory.devices(); ++i)
            QCOMPARE(memory.device(i).counts().writes, 0U);
    }
}

void TestSyncLevels::repair_rewritesParityAndNeverData()
{
    for (const auto& shape : kShapes) {
        if (shape.level == 10)
            continue;
        MemoryArray memory(shape);
        memory.fill(1);
        for (int role = 0; role < int(shape.raidDisks); ++role)
            flip(memory, role, 8 * unsigned(role) + 200);
        const auto before = readAll(*memory.running(WriteMode::ReadOnly));
        auto array = memory.running(WriteMode::Overlay);
        const auto outcome = runSync(*array, SyncAction::Repair);
        QVERIFY(outcome && outcome->completed);
        QCOMPARE(outcome->mismatch.count, 8U * shape.raidDisks);
        QCOMPARE(readAll(*array), before);
        QCOMPARE(runSync(*array, SyncAction::Check)->mismatch.count, 0U);
    }
}

void TestSyncLevels::repair_verifyingTheSlotMendsTheWrongBlock()
{
    for (int role = 0; role < 5; ++role) {
        MemoryArray memory({.level = 6, .layout = 3, .raidDisks = 5});
        memory.fill(1);
        const auto before = contents(memory);
        flip(memory, role, 1000);
        auto array = memory.running(WriteMode::Overlay);
        const auto outcome = runSync(*array, SyncAction::Repair, {.verifySlot = true});
        QVERIFY(outcome && outcome->completed);
        QCOMPARE(outcome->writtenBytes, 4096U);
        QVERIFY(contents(memory) == before);
    }
}

void TestSyncLevels::repair_ofLevel10FollowsTheFirstCopy()
{
    for (const auto& shape : kShapes) {
        if (shape.level != 10)
            continue;
        MemoryArray memory(shape);
        const auto content = memory.fill(1);
        const auto places =
            personality(10)->locate(memory.geometry(), Sectors{shape.chunk.count * 7 + 5});
        flip(memory, places[1].role, places[1].sector.count);
        auto array = memory.running(WriteMode::Overlay);
        const auto outcome = runSync(*array, SyncAction::Repair);
        QVERIFY(outcome && outcome->completed);
        QCOMPARE(outcome->differing.size(), std::size_t{1});
        QCOMPARE(runSync(*array, SyncAction::Check)->mismatch.count, 0U);
        QCOMPARE(readAll(*array), content);
    }
}

void TestSyncLevels::resync_byBitmapTouchesOnlyItsRows()
{
    // Each bit is 64 KiB of what the level counts in: rows of the members, or the array.
    for (const int level : {5, 6, 10}) {
        MemoryArray memory({.level = level,
            .layout = level == 10 ? 0x102U : 2U,
            .component = Sectors{5120},
            .bitmapChunk = 65'536,
            .resyncOffset = {}});
        memory.fill(1);
        for (std::uint32_t i = 0; i < 4; ++i)
            memory.bytes(i)[MemoryArray::kBitmapAt.bytes() + 256] |= std::byte{0x08};
        const auto at = level == 10 ? personality(10)->locate(memory.geometry(), {3 * 128 + 9})[1]
                                    : Place{stripeRoles(memory.geometry(), 24).p, {3 * 128 + 9}};
        const auto elsewhere = level == 10 ? personality(10)->locate(memory.geometry(), {5000})[1]
                                           : Place{stripeRoles(memory.geometry(), 300).p, {4801}};
        flip(memory, at.role, at.sector.count);
        flip(memory, elsewhere.role, elsewhere.sector.count);
        auto array = memory.running(WriteMode::Overlay);
        const auto outcome = runSync(*array, SyncAction::Resync);
        QVERIFY(outcome && outcome->completed);
        QCOMPARE(outcome->chunks, 1U);
        // One page; on level 10 more than a quarter of a chunk, which then goes whole.
        QCOMPARE(outcome->writtenBytes, level == 10 ? 8192U : 4096U);
        QCOMPARE(outcome->readBytes, (level == 10 ? 2U : 4U) * 65'536);
        QVERIFY(stop(*array));
        QCOMPARE(memory.running(WriteMode::ReadOnly)->snapshot().report.needs, Needs::Nothing);
        const auto left = runSync(*memory.running(WriteMode::ReadOnly), SyncAction::Check);
        QCOMPARE(left->differing.size(), std::size_t{1});
    }
}

void TestSyncLevels::resync_makesAllParityAnew()
{
    for (auto shape : kShapes) {
        shape.resyncOffset = {};
        MemoryArray memory(shape);
        for (std::uint32_t i = 0; i < shape.raidDisks; ++i)
            fillPattern(memory.data(i), 7 + i);
        const auto before = readAll(*memory.running(WriteMode::ReadOnly));
        auto array = memory.running(WriteMode::Overlay);
        const auto outcome = runSync(*array, SyncAction::Resync);
        QVERIFY(outcome && outcome->completed);
        QCOMPARE(readAll(*array), before);
        QCOMPARE(runSync(*array, SyncAction::Check)->mismatch.count, 0U);
        QVERIFY(stop(*array));
        QVERIFY(!memory.running(WriteMode::Overlay)->snapshot().resyncDue);
    }
}

void TestSyncLevels::recover_ofOneMember()
{
    for (auto shape : kShapes) {
        shape.spares = 1;
        for (std::uint32_t lost = 0; lost < shape.raidDisks; ++lost) {
            MemoryArray memory(shape);
            memory.fill(1);
            const auto before = contents(memory);
            std::ranges::fill(memory.data(shape.raidDisks), std::byte{0x5a});
            auto array = memory.running(WriteMode::Overlay, {int(lost)});
            const auto outcome = runSync(*array, SyncAction::Recover);
            QVERIFY(outcome && outcome->completed);
            QVERIFY(stop(*array));
            QVERIFY(sameUsed(memory, int(lost), memory.data(shape.raidDisks), before[lost]));
            array = memory.running(WriteMode::ReadOnly, {int(lost)});
            QCOMPARE(array->snapshot().report.missing, 0);
            QCOMPARE(runSync(*array, SyncAction::Check)->mismatch.count, 0U);
        }
    }
}

void TestSyncLevels::recover_ofTwoMembersAtOnce()
{
    for (auto shape : kShapes) {
        if (shape.level != 6)
            continue;
        shape.spares = 2;
        for (int first = 0; first < int(shape.raidDisks); ++first) {
            for (int second = first + 1; second < int(shape.raidDisks); ++second) {
                MemoryArray memory(shape);
                const auto content = memory.fill(1);
                auto array = memory.running(WriteMode::Overlay, {first, second});
                const auto outcome = runSync(*array, SyncAction::Recover);
                QVERIFY(outcome && outcome->completed);
                // Each of the others was read once for both.
                QVERIFY(outcome->readBytes <= (shape.raidDisks - 2) * shape.component.bytes());
                QVERIFY(!array->snapshot().recoveryDue);
                QCOMPARE(readAll(*array), content);
                QCOMPARE(runSync(*array, SyncAction::Check)->mismatch.count, 0U);
            }
        }
    }
}

void TestSyncLevels::recover_goesOnFromItsOffset()
{
    for (auto shape : kShapes) {
        shape.spares = 1;
        shape.component = Sectors{8192};
        MemoryArray memory(shape);
        const auto content = memory.fill(1);
        {
            auto array = memory.running(WriteMode::Overlay, {1});
            JobControl control;
            setLogSink([&control](const LogRecord& record) {
                if (record.event == LogEvent::Checkpoint)
                    control.cancel();
            });
            const auto outcome = sync(*array, SyncAction::Recover, control, {.workers = 1});
            setLogSink(nullptr);
            QVERIFY(outcome && !outcome->completed);
            QVERIFY(stop(*array));
        }
        auto array = memory.running(WriteMode::Overlay, {1});
        const auto outcome = runSync(*array, SyncAction::Recover);
        QVERIFY(outcome && outcome->completed);
        QVERIFY(outcome->skippedBytes > 0);
        QCOMPARE(readAll(*array), content);
        QCOMPARE(runSync(*array, SyncAction::Check)->mismatch.count, 0U);
    }
}

// Two members are being rebuilt, one has come further: where those in sync cannot be read it is the
// source, and nothing is written to what it has already.
void TestSyncLevels::recover_takesFromAnotherWhatThatOneHasAlready()
{
    std::vector<ArrayShape> shapes{{.level = 1, .layout = 0, .raidDisks = 3, .chunk = Sectors{}},
        {.level = 6, .layout = 2, .raidDisks = 5}, {.level = 10, .layout = 0x103, .raidDisks = 3}};
    for (auto& shape : shapes) {
        shape.component = Sectors{2560};
        MemoryArray memory(shape, true);
        const auto content = memory.fill(1);
        interruptRecovery(memory, 1, {1200});
        interruptRecovery(memory, 2, {400});
        const auto bad = (MemoryArray::kData + Sectors{800}).bytes();
        memory.device(0).failReads(bad, bad + 512, EIO);
        auto array = memory.running(WriteMode::Overlay);
        const auto outcome = runSync(*array, SyncAction::Recover);
        QVERIFY(outcome && outcome->completed && outcome->unreadable.empty());
        for (const auto& entry : memory.journal()->entries()) {
            const auto begin = MemoryArray::kData.bytes();
            QVERIFY(entry.isFlush || entry.offset < begin || entry.device != 1 ||
                    entry.offset >= begin + Sectors{1200}.bytes());
        }
        QCOMPARE(readAll(*array), content);
    }
}

void TestSyncLevels::unreadableSectors_areRecomputedAndRewritten()
{
    for (const auto& shape : kShapes) {
        MemoryArray memory(shape);
        memory.fill(1);
        const auto before = contents(memory);
        const auto bad = (MemoryArray::kData + Sectors{320}).bytes();
        memory.device(2).failReads(bad, bad + 512, EIO);
        auto array = memory.running(WriteMode::Overlay);
        auto outcome = runSync(*array, SyncAction::Check);
        QVERIFY(outcome && outcome->completed && outcome->unreadable.empty());
        QCOMPARE(outcome->recomputedBytes, 4096U);
        outcome = runSync(*array, SyncAction::Repair);
        QVERIFY(outcome && outcome->completed);
        QCOMPARE(outcome->recomputedBytes, 4096U);
        memory.device(2).heal();
        QVERIFY(contents(memory) == before);
    }
}

void TestSyncLevels::unreadableSectors_thatNothingGivesAreListed()
{
    for (const auto& shape : kShapes) {
        MemoryArray memory(shape);
        memory.fill(1);
        // Every copy of one sector, or one page of three members.
        const auto sector = Sectors{shape.chunk.count * 9 + 3};
        const auto place = personality(shape.level)->locate(memory.geometry(), sector);
        for (std::size_t i = 0; i < 3; ++i) {
            const bool copies = shape.level == 10;
            if (copies && i >= place.size())
                break;
            const auto at = copies ? place[i] : Place{int(i), place[0].sector};
            const auto bad = (MemoryArray::kData + at.sector).bytes();
            memory.device(std::size_t(at.role)).failReads(bad, bad + 512, EIO);
        }
        const auto outcome = runSync(*memory.running(WriteMode::ReadOnly), SyncAction::Check);
        QVERIFY(outcome && outcome->completed && outcome->lost);
        QVERIFY(!outcome->unreadable.empty());
        std::uint64_t lost = 0;
        for (const auto& range : outcome->unreadable)
            lost += range.length().count;
        QVERIFY(lost == 8 || lost == 16 || lost == 24);
    }
}

void TestSyncLevels::workers_makeNoDifference()
{
    for (auto shape : kShapes) {
        shape.component = Sectors{6144};
        std::vector<SyncOutcome> outcomes;
        for (const unsigned workers : {1U, 4U}) {
            MemoryArray memory(shape);
            memory.fill(1);
            for (std::uint64_t at = 0; at < 6144; at += 397)
                flip(memory, int(at % shape.raidDisks), at);
            auto array = memory.running(WriteMode::Overlay);
            const auto checked = runSync(*array, SyncAction::Check, {.workers = workers});
            const auto repaired = runSync(*array, SyncAction::Repair, {.workers = workers});
            QVERIFY(checked && repaired);
            outcomes.push_back(*checked);
            outcomes.push_back(*repaired);
        }
        for (const std::size_t i : {0U, 1U}) {
            QCOMPARE(outcomes[i].mismatch, outcomes[i + 2].mismatch);
            QCOMPARE(outcomes[i].differing, outcomes[i + 2].differing);
            QCOMPARE(outcomes[i].writtenBytes, outcomes[i + 2].writtenBytes);
            QCOMPARE(outcomes[i].wrong, outcomes[i + 2].wrong);
        }
        QVERIFY(outcomes[0].mismatch.count > 0);
    }
}

void TestSyncLevels::pastTheCache_everythingIsReadThatWayAndIsTheSame()
{
    for (const auto& shape : kShapes) {
        std::vector<SyncOutcome> outcomes;
        for (const auto reading : {Reading::AsItFits, Reading::PastCache}) {
            MemoryArray memory(shape);
            memory.fill(1);
            flip(memory, 0, 17);
            auto array = memory.running(WriteMode::ReadOnly);
            for (std::uint32_t i = 0; i < shape.raidDisks; ++i)
                memory.device(i).resetCounts();
            const auto checked = runSync(*array, SyncAction::Check, {.reading = reading});
            QVERIFY(checked);
            outcomes.push_back(*checked);
            for (std::uint32_t i = 0; i < shape.raidDisks; ++i) {
                const auto counts = memory.device(i).counts();
                QVERIFY(counts.reads != 0);
                QCOMPARE(counts.readsOnce, reading == Reading::PastCache ? counts.reads : 0U);
            }
        }
        QCOMPARE(outcomes[0].mismatch, outcomes[1].mismatch);
        QCOMPARE(outcomes[0].differing, outcomes[1].differing);
        QCOMPARE(outcomes[0].readBytes, outcomes[1].readBytes);
    }
}

QTEST_APPLESS_MAIN(TestSyncLevels)
#include "tst_sync_levels.moc"
