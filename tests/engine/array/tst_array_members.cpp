// SPDX-License-Identifier: Apache-2.0
// Members come and go on every level: who gets which slot, what the superblocks say then, and what
// is refused.
#include "engine/array/membership.h"
#include "engine/array/sync.h"
#include "engine/base/log.h"
#include "tests/engine/array/array_damage.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint32_t kBitmapChunk = 16'384;

Superblock stored(MemoryArray& members, std::size_t device)
{
    const auto& bytes = members.bytes(device);
    const auto decoded = formatOf(MetadataVersion::V1_2)
                             .decode(std::span(bytes).subspan(4096, kSuperblockBytes),
                                 {MetadataVersion::V1_2, {8}}, {bytes.size() / kSectorBytes});
    return decoded ? decoded->superblock : Superblock{};
}

// Members that are there and are left out by choice, so that the array knows of them.
std::unique_ptr<Array> withoutSome(MemoryArray& members, const std::vector<std::string>& leaveOut)
{
    AssemblyChoices choices;
    choices.leaveOut = leaveOut;
    const auto plan = planAssembly(members.scan(), kMirrorUuid, choices);
    auto array = plan ? assembleFrom(*plan, members.access()) : std::unexpected(plan.error());
    return array ? std::move(*array) : nullptr;
}

} // namespace

class TestArrayMembers : public QObject
{
    Q_OBJECT

private slots:
    void hotAdd_takesTheLowestVacantSlot_data();
    void hotAdd_takesTheLowestVacantSlot();
    void hotAdd_toLevel10WaitsForItsResync();
    void hotAdd_toAnArrayWithoutRedundancyHasNoSlot();
    void reAdd_wantsItsOwnSlot();
    void recoveryByBitmap_goesOnWhereItWasStopped_data();
    void recoveryByBitmap_goesOnWhereItWasStopped();
    void stop_storesTheSizeInWholeChunks();
    void estimates_countWhatTheLevelReads();
};

void TestArrayMembers::hotAdd_takesTheLowestVacantSlot_data()
{
    QTest::addColumn<int>("level");
    QTest::addColumn<int>("layout");
    QTest::addColumn<QList<int>>("missing");
    QTest::newRow("level 4") << 4 << 0 << QList<int>{3};
    QTest::newRow("level 5") << 5 << 2 << QList<int>{1};
    QTest::newRow("level 6") << 6 << 2 << QList<int>{1, 3};
    QTest::newRow("level 10") << 10 << 0x102 << QList<int>{1, 2};
    QTest::newRow("level 10, far") << 10 << 0x201 << QList<int>{2};
}

void TestArrayMembers::hotAdd_takesTheLowestVacantSlot()
{
    QFETCH(int, level);
    QFETCH(int, layout);
    QFETCH(QList<int>, missing);
    MemoryArray members({.level = level,
        .layout = std::uint32_t(layout),
        .component = Sectors{1000},
        .bitmapChunk = kBitmapChunk,
        .blanks = 1});
    members.fill(1);
    const std::vector<int> without(missing.begin(), missing.end());
    const auto array = members.running(WriteMode::Overlay, without);
    const auto plan = planHotAdd(*array, "blank0");
    QVERIFY(plan);
    QCOMPARE(plan->role, missing.front());
    const auto data = std::ranges::find(plan->writes, WritePurpose::Data, &PlannedWrite::purpose);
    QCOMPARE(data->length, Sectors{992}.bytes());
    const auto added = hotAdd(*array, *plan);
    QVERIFY(added);
    QVERIFY(added->pagesWritten > 0);
    QVERIFY(array->snapshot().recoveryDue);

    const auto newcomer = stored(members, 4);
    QCOMPARE(int(newcomer.role()), missing.front());
    QVERIFY(newcomer.has(feature::kRecoveryOffset));
    QCOMPARE(newcomer.recoveryOffset, Sectors{});
    for (int role = 0; role < 4; ++role) {
        if (std::ranges::find(without, role) != without.end())
            continue;
        const auto other = stored(members, std::size_t(role));
        QCOMPARE(other.events, newcomer.events);
        QCOMPARE(int(other.devRoles[newcomer.devNumber]), missing.front());
    }
}

void TestArrayMembers::hotAdd_toLevel10WaitsForItsResync()
{
    MemoryArray members(
        {.level = 10, .layout = 0x102, .resyncOffset = {}, .spares = 1, .blanks = 1});
    members.fill(1);
    const auto array = members.running(WriteMode::Overlay, {1});
    QVERIFY(array->snapshot().resyncDue);
    QVERIFY(!array->snapshot().recoveryDue);
    QVERIFY(!planHotAdd(*array, "blank0"));
}

void TestArrayMembers::hotAdd_toAnArrayWithoutRedundancyHasNoSlot()
{
    MemoryArray members({.level = 0, .layout = 1, .blanks = 1});
    members.fill(1);
    const auto array = members.running(WriteMode::Overlay);
    const auto plan = planHotAdd(*array, "blank0");
    QVERIFY(!plan);
    QCOMPARE(int(plan.error().code), int(ErrorCode::NoVacantSlot));
}

void TestArrayMembers::reAdd_wantsItsOwnSlot()
{
    for (const bool mirror : {false, true}) {
        MemoryArray members({.level = mirror ? 1 : 6,
            .layout = mirror ? 0U : 2U,
            .chunk = mirror ? Sectors{} : Sectors{16},
            .bitmapChunk = kBitmapChunk,
            .blanks = 1});
        members.fill(1);
        const auto array = withoutSome(members, {"m1", "m2"});
        QVERIFY(array);
        QCOMPARE(planReAdd(*array, "m1")->role, 1);
        QCOMPARE(planReAdd(*array, "m2")->role, 2);
        QVERIFY(hotAdd(*array, *planHotAdd(*array, "blank0")));
        QCOMPARE(planReAdd(*array, "m2")->role, 2);
        // Somebody else has the slot now: only a mirror's copies are alike.
        const auto other = planReAdd(*array, "m1");
        QCOMPARE(other.has_value(), mirror);
        const auto back = planReAdd(*array, "m2");
        QVERIFY(back->byBitmap);
        QVERIFY(reAdd(*array, *back));
        QVERIFY(stored(members, 2).has(feature::kRecoveryBitmap));
    }
}

void TestArrayMembers::recoveryByBitmap_goesOnWhereItWasStopped_data()
{
    QTest::addColumn<int>("level");
    QTest::addColumn<int>("layout");
    QTest::addColumn<int>("members");
    QTest::newRow("level 5") << 5 << 2 << 4;
    QTest::newRow("level 10, near") << 10 << 0x102 << 4;
    QTest::newRow("level 10, near, odd") << 10 << 0x102 << 5;
    QTest::newRow("level 10, far") << 10 << 0x201 << 4;
    QTest::newRow("level 10, offset") << 10 << 0x10201 << 5;
    QTest::newRow("level 10, near and far") << 10 << 0x202 << 5;
}

// The member was away while a chunk here and there was written. Its recovery is stopped at the
// first checkpoint; the superblock has the position, and what lies before it is not written again.
void TestArrayMembers::recoveryByBitmap_goesOnWhereItWasStopped()
{
    QFETCH(int, level);
    QFETCH(int, layout);
    QFETCH(int, members);
    constexpr Sectors kComponent{16'384};
    MemoryArray memory({.level = level,
                           .layout = std::uint32_t(layout),
                           .raidDisks = std::uint32_t(members),
                           .chunk = {16},
                           .component = kComponent,
                           .bitmapChunk = kBitmapChunk},
        true);
    auto content = memory.fill(1);
    const std::vector<std::byte> old(memory.data(1).begin(), memory.data(1).end());
    const auto count =
        bitmapChunks(bitmapSyncSize(memory.superblock(0), memory.arraySize()), kBitmapChunk);
    std::vector<std::uint64_t> missed;
    for (std::uint64_t chunk = 5; chunk < count; chunk += 7) {
        setBits(memory, chunk);
        missed.push_back(chunk);
    }
    // Written while it was away: on the others only.
    const auto row = level == 5 ? std::uint64_t(members - 1) : 1U;
    for (const auto chunk : missed) {
        const auto begin = chunk * kBitmapChunk * row;
        const auto end = std::min<std::uint64_t>(begin + kBitmapChunk * row, content.size());
        for (auto at = begin; at < end; at += kSectorBytes)
            content[at] ^= std::byte{0x55};
    }
    memory.lay(content);
    std::ranges::copy(old, memory.data(1).begin());

    const auto comeBack = [&]() -> std::unique_ptr<Array> {
        auto array = withoutSome(memory, {"m1"});
        const auto back = planReAdd(*array, "m1");
        return back && back->byBitmap && reAdd(*array, *back) ? std::move(array) : nullptr;
    };
    Sectors stoppedAt;
    {
        const auto array = comeBack();
        QVERIFY(array);
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
    const auto left = stored(memory, 1);
    stoppedAt = left.recoveryOffset;
    QVERIFY(left.has(feature::kRecoveryOffset | feature::kRecoveryBitmap));
    QVERIFY(stoppedAt > Sectors{} && stoppedAt < kComponent);

    memory.wrap();
    const auto array = memory.running(WriteMode::Overlay);
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Recover, control);
    QVERIFY(outcome && outcome->completed);
    for (const auto& entry : memory.journal()->entries()) {
        const auto begin = MemoryArray::kData.bytes();
        QVERIFY(entry.isFlush || entry.device != 1 || entry.offset < begin ||
                entry.offset >= begin + stoppedAt.bytes());
    }
    QVERIFY(outcome->writtenBytes > 0);
    // Not all of it was copied: a fraction more than what was missed.
    QVERIFY(outcome->writtenBytes < kComponent.bytes() / 2);
    std::vector<std::byte> found(content.size());
    QVERIFY(array->readAt(0, found) && found == content);
    QCOMPARE(sync(*array, SyncAction::Check, control)->mismatch.count, 0U);
    QVERIFY(!array->snapshot().recoveryDue);
}

// As the kernel does once it has run an array.
void TestArrayMembers::stop_storesTheSizeInWholeChunks()
{
    for (const int level : {1, 5, 6, 10}) {
        MemoryArray members({.level = level,
            .layout = level == 10 ? 0x102U : 2U,
            .chunk = level == 1 ? Sectors{} : Sectors{16},
            .component = Sectors{1000},
            .bitmapChunk = kBitmapChunk});
        members.fill(1);
        const auto array = members.running(WriteMode::Overlay);
        QVERIFY(failMember(*array, "m3"));
        QVERIFY(stop(*array));
        QCOMPARE(stored(members, 0).componentSize, Sectors{level == 1 ? 1000U : 992U});
    }
}

void TestArrayMembers::estimates_countWhatTheLevelReads()
{
    const auto recovery = [](const ArrayShape& shape, const std::vector<int>& missing) {
        MemoryArray members(shape);
        members.fill(1);
        return members.running(WriteMode::Overlay, missing)->snapshot().recovery;
    };
    const auto component = Sectors{2048}.bytes();
    const auto five = recovery({.level = 5, .spares = 1}, {2});
    QCOMPARE(five.readBytes, 3 * component);
    QCOMPARE(five.writeBytes, component);
    const auto six = recovery({.level = 6, .spares = 1}, {2, 3});
    QCOMPARE(six.readBytes, 2 * component);
    const auto ten = recovery({.level = 10, .layout = 0x102, .spares = 1}, {2});
    QCOMPARE(ten.readBytes, component);

    MemoryArray dirty({.level = 5, .resyncOffset = {512}});
    dirty.fill(1);
    const auto resync = dirty.running(WriteMode::Overlay)->snapshot().resync;
    QCOMPARE(resync.readBytes, 4 * Sectors{2048 - 512}.bytes());
    QCOMPARE(resync.writeBytes, Sectors{2048 - 512}.bytes());
}

QTEST_APPLESS_MAIN(TestArrayMembers)
#include "tst_array_members.moc"
