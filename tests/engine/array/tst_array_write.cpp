// SPDX-License-Identifier: Apache-2.0
// Writing through arrays of level 0, 10 and linear: every copy gets the bytes, on level 10 after
// the bits that name them, and the superblocks say what md's would. Levels with parity refuse.
#include "engine/array/membership.h"
#include "tests/engine/array/memory_array.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kBitmapChunk = 16'384;

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
    return all;
}

QByteArray nameOf(const ArrayShape& shape)
{
    return QByteArray::number(shape.level) + " layout " + QByteArray::number(shape.layout, 16) +
           ", " + QByteArray::number(shape.raidDisks) + " members";
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
    void write_reachesEveryCopy_data();
    void write_reachesEveryCopy();
    void write_toLevel10SetsItsBitsFirst();
    void write_toLevel0AndLinearLeavesTheSuperblocksAlone();
    void write_whileDegradedKeepsItsBitsForTheReturn();
    void write_goesOnWithoutAMemberThatFails();
    void write_ofLevel0IsAnErrorWhereTheMemberFails();
    void write_toParityIsRefused();
    void fail_takesWhatTheLevelStandsAndNoMore();
};

void TestArrayWrite::write_reachesEveryCopy_data()
{
    QTest::addColumn<int>("index");
    int index = 0;
    for (const auto& shape : shapes())
        QTest::newRow(nameOf(shape).constData()) << index++;
}

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

    MemoryArray expected(shape);
    expected.fill(1);
    expected.lay(content);
    QVERIFY(dataOf(members) == dataOf(expected));
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

void TestArrayWrite::write_toParityIsRefused()
{
    for (const int level : {4, 5, 6}) {
        MemoryArray members({.level = level}, true);
        members.fill(1);
        const auto array = members.running(WriteMode::Overlay);
        const auto written = array->writeAt(0, Bytes(4096));
        QVERIFY(!written);
        QCOMPARE(int(written.error().code), int(ErrorCode::Unsupported));
        QVERIFY(members.journal()->entries().empty());
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
