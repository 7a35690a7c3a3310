// SPDX-License-Identifier: Apache-2.0
// Writing through arrays of every level but 1: every copy gets the bytes and parity follows, after
// the bits that name them, and the superblocks say what md's would.
#include "engine/array/membership.h"
#include "engine/array/sync.h"
#include "engine/base/job_control.h"
#include "tests/engine/array/array_damage.h"
#include "tests/engine/array/shape_rows.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kBitmapChunk = 16'384;

std::vector<ArrayShape> parityShapes()
{
    std::vector<ArrayShape> all{
        {.level = 4, .layout = 0, .raidDisks = 3}, {.level = 5, .raidDisks = 2}};
    for (std::uint32_t layout = 0; layout <= 5; ++layout)
        all.push_back({.level = 5, .layout = layout, .raidDisks = 4, .bitmapChunk = kBitmapChunk});
    for (const std::uint32_t layout :
        {0U, 1U, 2U, 3U, 4U, 5U, 8U, 9U, 10U, 16U, 17U, 18U, 19U, 20U})
        all.push_back({.level = 6, .layout = layout, .raidDisks = 5, .bitmapChunk = kBitmapChunk});
    all.push_back({.level = 6, .raidDisks = 4, .chunk = Sectors{8}});
    all.push_back({.level = 6, .raidDisks = 8, .chunk = Sectors{128}, .component = Sectors{1024}});
    return all;
}

std::vector<ArrayShape> shapes()
{
    std::vector<ArrayShape> all;
    for (const std::uint32_t layout : {0x102U, 0x201U, 0x10201U, 0x103U, 0x40201U}) {
        for (const std::uint32_t disks : {4U, 5U}) {
            all.push_back(
                {.level = 10, .layout = layout, .raidDisks = disks, .bitmapChunk = kBitmapChunk});
        }
    }
    all.push_back({.level = 10, .layout = 0x102, .raidDisks = 2});
    for (const std::uint32_t layout : {1U, 2U}) {
        all.push_back({.level = 0, .layout = layout, .raidDisks = 4});
        all.back().sizes = {Sectors{600}, Sectors{1400}, Sectors{1000}, Sectors{1400}};
    }
    all.push_back({.level = -1, .layout = 0, .raidDisks = 3, .chunk = {}});
    all.back().sizes = {Sectors{600}, Sectors{1001}, Sectors{300}};
    std::ranges::move(parityShapes(), std::back_inserter(all));
    return all;
}

// Each set of members that the level stands to lose.
std::vector<std::vector<int>> lossesOf(const ArrayShape& shape)
{
    std::vector<std::vector<int>> all;
    for (int first = 0; first < int(shape.raidDisks); ++first) {
        all.push_back({first});
        for (int second = 0; shape.level == 6 && second < first; ++second)
            all.push_back({second, first});
    }
    return all;
}

// As much as writes may touch of each member: all but superblock and bitmap.
std::vector<Bytes> dataOf(MemoryArray& members)
{
    std::vector<Bytes> all;
    all.reserve(members.devices());
    for (std::size_t i = 0; i < members.devices(); ++i)
        all.emplace_back(members.data(i).begin(), members.data(i).end());
    return all;
}

// Whether each member, but for those named, holds what it should of the content.
bool membersHold(MemoryArray& members, const ArrayShape& shape, std::span<const std::byte> content,
    const std::vector<int>& without = {})
{
    MemoryArray expected(shape);
    expected.lay(content);
    for (std::size_t i = 0; i < members.devices(); ++i) {
        const bool counts = std::ranges::find(without, int(i)) == without.end();
        if (counts && !std::ranges::equal(members.data(i), expected.data(i)))
            return false;
    }
    return true;
}

void writeAtRandom(Array& array, Bytes& content, unsigned seed, int count)
{
    std::mt19937_64 random(seed);
    for (int i = 0; i < count; ++i) {
        const auto offset = random() % content.size();
        Bytes bytes(1 + random() % std::min<std::size_t>(content.size() - offset, 100'000));
        fillPattern(bytes, random());
        QVERIFY(array.writeAt(offset, bytes));
        std::ranges::copy(bytes, content.begin() + std::ptrdiff_t(offset));
    }
}

bool holds(const Array& array, const Bytes& content)
{
    Bytes found(content.size());
    return array.readAt(0, found) && found == content;
}

bool isSet(std::span<const std::byte> member, std::uint64_t chunk)
{
    const auto at = MemoryArray::kBitmapAt.bytes() + 256 + chunk / 8;
    return (member[at] >> (chunk % 8) & std::byte{1}) != std::byte{};
}

} // namespace

class TestArrayWrite : public QObject
{
    Q_OBJECT

private slots:
    void write_goesRoundReadsThatFailNowAndThen_data();
    void write_goesRoundReadsThatFailNowAndThen();
    void write_reachesEveryCopy_data();
    void write_reachesEveryCopy();
    void write_toLevel10SetsItsBitsFirst();
    void write_toLevel0AndLinearLeavesTheSuperblocksAlone();
    void write_whileDegradedKeepsItsBitsForTheReturn();
    void write_goesOnWithoutAMemberThatFails();
    void write_ofLevel0IsAnErrorWhereTheMemberFails();
    void write_withMembersMissingKeepsWhatTheyWouldHold_data();
    void write_withMembersMissingKeepsWhatTheyWouldHold();
    void write_toAMemberThatIsBeingRebuiltIsThereWhenItIsDone();
    void write_leavesNothingStaleWhereARecoveryHasComeByUnrecorded();
    void write_makesParityRightWhereItIsInDoubt();
    void write_readsNothingOfAWholeStripe();
    void write_computesWhatAMemberDoesNotGive();
    void write_isAnErrorWhereParityCannotBeTold();
    void write_toParityGoesOnWithoutAMemberThatFails();
    void write_toParitySetsItsBitsFirst();
    void fail_takesWhatTheLevelStandsAndNoMore();
};

void TestArrayWrite::write_goesRoundReadsThatFailNowAndThen_data() { addShapeRows(parityShapes()); }

// One member does not give some places once, twice or three times, and then does.
void TestArrayWrite::write_goesRoundReadsThatFailNowAndThen()
{
    const auto shape = shapeOfRow(parityShapes());
    if (shape.raidDisks < 3)
        return; // nothing is read for a stripe of one
    MemoryArray members(shape);
    auto content = members.fill(2);
    const auto array = members.running(WriteMode::Overlay);
    std::mt19937_64 random(9);
    for (int i = 0; i < 40; ++i) {
        auto& device = members.device(random() % shape.raidDisks);
        const auto at = MemoryArray::kData.bytes() + random() % (shape.component.bytes() - 8192);
        device.failReads(at, at + 5000, EIO, 1 + unsigned(random() % 3));
        const auto offset = random() % (content.size() - 20'000);
        Bytes bytes(1 + random() % 20'000);
        fillPattern(bytes, random());
        QVERIFY(array->writeAt(offset, bytes));
        std::ranges::copy(bytes, content.begin() + std::ptrdiff_t(offset));
        device.heal();
    }
    QVERIFY(holds(*array, content));
    QVERIFY(stop(*array));
    QVERIFY(membersHold(members, shape, content));
}

void TestArrayWrite::write_reachesEveryCopy_data() { addShapeRows(shapes()); }

void TestArrayWrite::write_reachesEveryCopy()
{
    QFETCH(int, index);
    const auto shape = shapes()[std::size_t(index)];
    MemoryArray members(shape);
    auto content = members.fill(1);
    const auto array = members.running(WriteMode::Overlay);
    writeAtRandom(*array, content, 5, 40);
    QVERIFY(holds(*array, content));
    QVERIFY(stop(*array));

    QVERIFY(membersHold(members, shape, content));
    QCOMPARE(int(members.plan(WriteMode::ReadOnly)->array.needs), int(Needs::Nothing));
}

void TestArrayWrite::write_toLevel10SetsItsBitsFirst()
{
    ArrayShape shape{.level = 10, .layout = 0x201, .raidDisks = 3, .bitmapChunk = kBitmapChunk};
    MemoryArray members(shape, true);
    members.fill(1);
    std::vector<Bytes> before;
    before.reserve(members.devices());
    for (std::size_t i = 0; i < members.devices(); ++i)
        before.push_back(members.bytes(i));
    const auto array = members.running(WriteMode::Overlay);
    const std::uint64_t chunk = 9;
    QVERIFY(array->writeAt(chunk * kBitmapChunk + 300, Bytes(1000, std::byte{7})));

    const auto entries = members.journal()->entries();
    std::size_t written = 0;
    for (std::size_t k = 0; k < entries.size(); ++k) {
        if (entries[k].isFlush || entries[k].offset < MemoryArray::kData.bytes())
            continue;
        ++written;
        // All that had been flushed until then, and nothing else.
        for (std::size_t i = 0; i < members.devices(); ++i) {
            const auto left = afterPowerCut(before[i], entries, i, k, [] { return false; });
            QVERIFY(isSet(left, chunk));
        }
    }
    QCOMPARE(written, 2U);
}

void TestArrayWrite::write_toLevel0AndLinearLeavesTheSuperblocksAlone()
{
    for (const auto& shape : shapes()) {
        if (shape.level > 0)
            continue;
        MemoryArray members(shape, true);
        auto content = members.fill(1);
        const auto array = members.running(WriteMode::Overlay);
        writeAtRandom(*array, content, 3, 5);
        QVERIFY(array->maintain());
        QVERIFY(stop(*array));
        for (const auto& entry : members.journal()->entries())
            QVERIFY(entry.isFlush || entry.offset >= MemoryArray::kData.bytes());
    }
}

void TestArrayWrite::write_whileDegradedKeepsItsBitsForTheReturn()
{
    ArrayShape shape{.level = 10, .layout = 0x102, .raidDisks = 4, .bitmapChunk = kBitmapChunk};
    MemoryArray members(shape);
    auto content = members.fill(1);
    {
        const auto array = members.running(WriteMode::Overlay, {1});
        QVERIFY(array->writeAt(0, Bytes(100, std::byte{7})));
        QVERIFY(array->writeAt(5 * kBitmapChunk, Bytes(100, std::byte{7})));
        QCOMPARE(stop(*array)->chunksKept, 2U);
    }
    const auto plan = members.plan(WriteMode::ReadOnly, {1});
    QCOMPARE(plan->array.bitmap->dirty, 2U);
    QCOMPARE(plan->array.resyncOffset, kMaxSector);
}

void TestArrayWrite::write_goesOnWithoutAMemberThatFails()
{
    ArrayShape shape{.level = 10, .layout = 0x102, .raidDisks = 4, .bitmapChunk = kBitmapChunk};
    MemoryArray members(shape);
    auto content = members.fill(1);
    const auto array = members.running(WriteMode::Overlay);
    members.device(2).vanishAfter(4);
    writeAtRandom(*array, content, 5, 20);
    QVERIFY(holds(*array, content));
    QVERIFY(array->state().member("m2")->isFaulty());
    // Its partner cannot go as well, but one of the other pair can.
    members.device(0).vanishAfter(0);
    writeAtRandom(*array, content, 6, 20);
    QVERIFY(holds(*array, content));
    QVERIFY(stop(*array));
    const auto again = members.running(WriteMode::ReadOnly, {0, 2});
    QVERIFY(holds(*again, content));
}

void TestArrayWrite::write_ofLevel0IsAnErrorWhereTheMemberFails()
{
    ArrayShape shape{.level = 0, .layout = 1, .raidDisks = 2};
    MemoryArray members(shape);
    members.fill(1);
    const auto array = members.running(WriteMode::Overlay);
    const auto at = MemoryArray::kData.bytes();
    members.device(1).failWrites(at, at + 8192, EIO);
    QVERIFY(!array->writeAt(0, Bytes(16'384)));
    // The disk is as it was before: whoever writes elsewhere can go on.
    QVERIFY(array->writeAt(0, Bytes(8192)));
    QVERIFY(array->writeAt(65'536, Bytes(8192)));
}

void TestArrayWrite::write_withMembersMissingKeepsWhatTheyWouldHold_data()
{
    addShapeRows(parityShapes());
}

void TestArrayWrite::write_withMembersMissingKeepsWhatTheyWouldHold()
{
    QFETCH(int, index);
    const auto shape = parityShapes()[std::size_t(index)];
    for (const auto& missing : lossesOf(shape)) {
        MemoryArray members(shape);
        auto content = members.fill(1);
        const auto array = members.running(WriteMode::Overlay, missing);
        writeAtRandom(*array, content, 5, 12);
        QVERIFY(holds(*array, content));
        QVERIFY(stop(*array));
        QVERIFY(membersHold(members, shape, content, missing));
    }
}

void TestArrayWrite::write_toAMemberThatIsBeingRebuiltIsThereWhenItIsDone()
{
    for (const int level : {5, 6}) {
        for (const std::uint32_t rebuilt : {0U, 2U, 3U}) {
            const ArrayShape shape{.level = level, .raidDisks = 4, .bitmapChunk = kBitmapChunk};
            MemoryArray members(shape);
            auto content = members.fill(1);
            // In the middle of a chunk.
            interruptRecovery(members, rebuilt, Sectors{1000 + 3});
            const auto array = members.running(WriteMode::Overlay);
            writeAtRandom(*array, content, 7, 40);
            QVERIFY(holds(*array, content));
            JobControl control;
            QVERIFY(sync(*array, SyncAction::Recover, control));
            QVERIFY(stop(*array));
            QVERIFY(membersHold(members, shape, content));
        }
    }
}

// A recovery comes by windows, and records seldom how far it has come.
void TestArrayWrite::write_leavesNothingStaleWhereARecoveryHasComeByUnrecorded()
{
    for (const int level : {5, 6}) {
        for (const std::uint32_t rebuilt : {0U, 2U, 3U}) {
            const ArrayShape shape{.level = level, .raidDisks = 4, .bitmapChunk = kBitmapChunk};
            MemoryArray members(shape);
            auto content = members.fill(1);
            interruptRecovery(members, rebuilt, Sectors{96});
            members.lay(content);
            const auto array = members.running(WriteMode::Overlay);
            writeAtRandom(*array, content, 7, 40);
            QVERIFY(membersHold(members, shape, content));
        }
    }
}

// Parity that a resync has still to make is not built upon.
void TestArrayWrite::write_makesParityRightWhereItIsInDoubt()
{
    for (const int level : {5, 6}) {
        ArrayShape shape{.level = level, .raidDisks = 5};
        shape.resyncOffset = Sectors{};
        MemoryArray members(shape);
        const auto content = members.fill(1);
        const auto rows = shape.chunk.bytes();
        const auto roles = stripeRoles(members.geometry(), 0);
        std::ranges::fill(members.data(std::size_t(roles.p)).first(rows), std::byte{0x5a});
        const auto array = members.running(WriteMode::Overlay);
        QVERIFY(array->writeAt(512, Bytes(1024, std::byte{7})));
        auto changed = content;
        std::ranges::fill(std::span(changed).subspan(512, 1024), std::byte{7});
        MemoryArray expected(shape);
        expected.lay(changed);
        for (const int parity : {roles.p, roles.q}) {
            QVERIFY(parity < 0 ||
                    std::ranges::equal(members.data(std::size_t(parity)).subspan(512, 1024),
                        expected.data(std::size_t(parity)).subspan(512, 1024)));
        }
    }
}

void TestArrayWrite::write_readsNothingOfAWholeStripe()
{
    for (const int level : {5, 6}) {
        const ArrayShape shape{.level = level, .raidDisks = 5};
        MemoryArray members(shape);
        auto content = members.fill(1);
        const auto array = members.running(WriteMode::Overlay);
        const auto begin = MemoryArray::kData.bytes();
        for (std::size_t i = 0; i < members.devices(); ++i)
            members.device(i).failReads(begin, members.bytes(i).size(), EIO);
        const auto stripe = shape.chunk.bytes() * (shape.raidDisks - (level == 6 ? 2 : 1));
        Bytes bytes(stripe * 3);
        fillPattern(bytes, 99);
        QVERIFY(array->writeAt(stripe * 2, bytes));
        QVERIFY(!array->writeAt(0, Bytes(512)));
    }
}

void TestArrayWrite::write_computesWhatAMemberDoesNotGive()
{
    for (const int level : {5, 6}) {
        for (std::size_t bad = 0; bad < 5; ++bad) {
            const ArrayShape shape{.level = level, .raidDisks = 5};
            MemoryArray members(shape);
            auto content = members.fill(1);
            const auto begin = MemoryArray::kData.bytes();
            members.device(bad).failReads(begin + 4096 + 512, begin + 40'000, EIO);
            const auto array = members.running(WriteMode::Overlay);
            writeAtRandom(*array, content, unsigned(bad), 20);
            QVERIFY(stop(*array));
            QVERIFY(membersHold(members, shape, content));
        }
    }
}

// What cannot be computed is not written over: the bytes that were there stay as good as they were.
void TestArrayWrite::write_isAnErrorWhereParityCannotBeTold()
{
    const ArrayShape shape{.level = 5, .raidDisks = 4, .bitmapChunk = kBitmapChunk};
    MemoryArray members(shape);
    auto content = members.fill(1);
    const auto begin = MemoryArray::kData.bytes();
    for (const std::size_t bad : {0U, 1U, 2U, 3U})
        members.device(bad).failReads(begin, begin + 4096, EIO);
    const auto array = members.running(WriteMode::Overlay);
    const auto before = dataOf(members);
    const auto written = array->writeAt(512, Bytes(1024, std::byte{7}));
    QVERIFY(!written);
    QCOMPARE(int(written.error().code), int(ErrorCode::Io));
    QVERIFY(dataOf(members) == before);
    // Elsewhere it goes on.
    Bytes bytes(5000, std::byte{9});
    QVERIFY(array->writeAt(400'000, bytes));
    Bytes found(bytes.size());
    QVERIFY(array->readAt(400'000, found));
    QVERIFY(found == bytes);
}

void TestArrayWrite::write_toParityGoesOnWithoutAMemberThatFails()
{
    for (const int level : {4, 5, 6}) {
        const ArrayShape shape{.level = level,
            .layout = level == 4 ? 0U : 2U,
            .raidDisks = 5,
            .bitmapChunk = kBitmapChunk};
        MemoryArray members(shape);
        auto content = members.fill(1);
        const auto array = members.running(WriteMode::Overlay);
        std::vector<int> gone{2};
        members.device(2).vanishAfter(4);
        writeAtRandom(*array, content, 5, 20);
        QVERIFY(array->state().member("m2")->isFaulty());
        if (level == 6) {
            members.device(4).vanishAfter(1);
            gone.push_back(4);
            writeAtRandom(*array, content, 6, 20);
        }
        QVERIFY(holds(*array, content));
        QVERIFY(stop(*array));
        QVERIFY(holds(*members.running(WriteMode::ReadOnly, gone), content));
        QVERIFY(membersHold(members, shape, content, gone));
    }
}

// Bits stand for rows of all members, so that a resync by them comes by every stripe in doubt.
void TestArrayWrite::write_toParitySetsItsBitsFirst()
{
    for (const int level : {5, 6}) {
        const ArrayShape shape{.level = level, .raidDisks = 5, .bitmapChunk = kBitmapChunk};
        MemoryArray members(shape, true);
        members.fill(1);
        std::vector<Bytes> before;
        for (std::size_t i = 0; i < members.devices(); ++i)
            before.push_back(members.bytes(i));
        const auto array = members.running(WriteMode::Overlay);
        const auto row = kBitmapChunk * (shape.raidDisks - (level == 6 ? 2U : 1U));
        QVERIFY(array->writeAt(9ULL * row + 300, Bytes(1000, std::byte{7})));
        const auto entries = members.journal()->entries();
        std::size_t written = 0;
        for (std::size_t k = 0; k < entries.size(); ++k) {
            if (entries[k].isFlush || entries[k].offset < MemoryArray::kData.bytes())
                continue;
            ++written;
            for (std::size_t i = 0; i < members.devices(); ++i)
                QVERIFY(isSet(afterPowerCut(before[i], entries, i, k, [] { return false; }), 9));
        }
        QCOMPARE(written, level == 6 ? 3U : 2U);
    }
}

void TestArrayWrite::fail_takesWhatTheLevelStandsAndNoMore()
{
    const auto lose = [](const ArrayShape& shape, const std::vector<int>& taken, int refused) {
        MemoryArray members(shape);
        auto content = members.fill(1);
        const auto array = members.running(WriteMode::Overlay);
        for (const auto role : taken)
            QVERIFY(failMember(*array, "m" + std::to_string(role)));
        const auto last = failMember(*array, "m" + std::to_string(refused));
        QVERIFY(!last);
        QCOMPARE(int(last.error().code), int(ErrorCode::NotEnoughMembers));
        QVERIFY(holds(*array, content));
        QVERIFY(stop(*array));
    };
    lose({.level = 4, .layout = 0}, {3}, 0);
    lose({.level = 5}, {0}, 1);
    lose({.level = 6}, {1, 2}, 0);
    lose({.level = 10, .layout = 0x102}, {1, 2}, 0);
    lose({.level = 0, .layout = 1}, {}, 0);
}

QTEST_APPLESS_MAIN(TestArrayWrite)
#include "tst_array_write.moc"
