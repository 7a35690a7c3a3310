// SPDX-License-Identifier: Apache-2.0
// Reading an array of any level gives what was laid out on its members, with every set of them
// missing that the level stands and with places that cannot be read; what is lost is an error.
#include "tests/engine/array/array_damage.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Bytes = std::vector<std::byte>;

// One that is not a whole number of chunks, so that the end of the data is met.
constexpr Sectors kComponent{1000};

std::vector<ArrayShape> shapes()
{
    std::vector<ArrayShape> all;
    const auto add = [&all](int level, std::uint32_t layout, std::uint32_t disks) {
        for (const std::uint64_t chunk : {8U, 16U, 256U}) {
            all.push_back({.level = level,
                .layout = layout,
                .raidDisks = disks,
                .chunk = level == 1 ? Sectors{} : Sectors{chunk},
                .component = kComponent});
        }
    };
    for (const std::uint32_t disks : {2U, 3U})
        add(1, 0, disks);
    add(4, 0, 4);
    for (std::uint32_t layout = 0; layout <= 5; ++layout)
        add(5, layout, layout == 2 ? 3 : 5);
    for (const std::uint32_t layout : {0, 1, 2, 3, 4, 5, 8, 9, 10, 16, 17, 18, 19, 20})
        add(6, layout, layout == 2 ? 4 : 6);
    for (const std::uint32_t layout :
        {0x102U, 0x201U, 0x10201U, 0x103U, 0x20201U, 0x40201U, 0x50201U})
        add(10, layout, 5);
    add(10, 0x202, 4);
    for (const std::uint32_t layout : {1U, 2U}) {
        add(0, layout, 4);
        all.back().sizes = {Sectors{600}, Sectors{1400}, Sectors{1000}, Sectors{1400}};
    }
    add(-1, 0, 3);
    all.back().chunk = {};
    all.back().sizes = {Sectors{600}, Sectors{1001}, Sectors{300}};
    return all;
}

QByteArray nameOf(const ArrayShape& shape)
{
    return QByteArray::number(shape.level) + " layout " + QByteArray::number(shape.layout, 16) +
           ", " + QByteArray::number(shape.raidDisks) + " members, chunk " +
           QByteArray::number(qulonglong(shape.chunk.count));
}

bool hasAllCopies(const MemoryArray& array, const std::vector<bool>& present)
{
    const auto geometry = array.geometry();
    const auto step = std::max<std::uint64_t>(geometry.chunk.count, 1);
    for (std::uint64_t sector = 0; sector < array.arraySize().count; sector += step) {
        const auto places = personality(geometry.level)->locate(geometry, {sector});
        if (std::ranges::none_of(
                places, [&](const Place& place) { return present[std::size_t(place.role)]; }))
            return false;
    }
    return true;
}

// The kernel starts some of level 10 with far copies in sets though data are lost: not those.
std::vector<std::vector<int>> missingSets(const MemoryArray& array)
{
    const auto geometry = array.geometry();
    const auto disks = unsigned(geometry.raidDisks);
    std::vector<std::vector<int>> sets;
    for (unsigned mask = 0; mask < 1U << disks; ++mask) {
        std::vector<bool> present(disks);
        std::vector<int> missing;
        for (unsigned role = 0; role < disks; ++role) {
            present[role] = (mask >> role & 1U) == 0;
            if (!present[role])
                missing.push_back(int(role));
        }
        if (personality(geometry.level)->canStart(geometry, present, false) &&
            (geometry.level != 10 || hasAllCopies(array, present)))
            sets.push_back(missing);
    }
    return sets;
}

bool reads(const Array& array, const Bytes& content, std::uint64_t offset, std::size_t length)
{
    Bytes found(length);
    return array.readAt(offset, found) &&
           std::ranges::equal(found, std::span(content).subspan(offset, length));
}

ArrayShape ofLevel(int level, std::uint32_t layout, std::uint32_t disks)
{
    return {.level = level, .layout = layout, .raidDisks = disks, .component = kComponent};
}

} // namespace

class TestArrayRead : public QObject
{
    Q_OBJECT

private slots:
    void read_givesTheContentWhateverIsMissing_data();
    void read_givesTheContentWhateverIsMissing();
    void read_goesRoundPlacesThatCannotBeRead_data();
    void read_goesRoundPlacesThatCannotBeRead();
    void read_isAnErrorWhereNothingIsLeft_data();
    void read_isAnErrorWhereNothingIsLeft();
    void read_takesWhatIsRebuiltWhereNothingElseGivesIt_data();
    void read_takesWhatIsRebuiltWhereNothingElseGivesIt();
    void read_computesNothingThatIsRebuilt();
    void read_asksEachMemberOnceForAStripe();
    void read_ofTooFewMembersIsRefused();
    void read_changesNothing();
};

void TestArrayRead::read_givesTheContentWhateverIsMissing_data()
{
    QTest::addColumn<int>("index");
    int index = 0;
    for (const auto& shape : shapes())
        QTest::newRow(nameOf(shape).constData()) << index++;
}

void TestArrayRead::read_givesTheContentWhateverIsMissing()
{
    QFETCH(int, index);
    MemoryArray members(shapes()[std::size_t(index)]);
    const auto content = members.fill(unsigned(index));
    std::mt19937_64 random(3);
    for (const auto& missing : missingSets(members)) {
        const auto array = members.running(WriteMode::ReadOnly, missing);
        QCOMPARE(array->sizeBytes(), content.size());
        QVERIFY(reads(*array, content, 0, content.size()));
        for (int i = 0; i < 12; ++i) {
            const auto offset = random() % content.size();
            const auto length = random() % std::min<std::size_t>(content.size() - offset, 300'000);
            QVERIFY2(reads(*array, content, offset, length),
                qPrintable(QStringLiteral("%1 bytes at %2").arg(length).arg(offset)));
        }
        QCOMPARE(array->recomputedBytes(), 0U);
        Bytes beyond(1);
        QVERIFY(!array->readAt(content.size(), beyond));
    }
}

void TestArrayRead::read_goesRoundPlacesThatCannotBeRead_data()
{
    QTest::addColumn<int>("level");
    QTest::addColumn<int>("layout");
    QTest::addColumn<QList<int>>("missing");
    QTest::addColumn<int>("bad"); // how many members fail at one place
    QTest::newRow("mirror") << 1 << 0 << QList<int>() << 3;
    QTest::newRow("level 5") << 5 << 2 << QList<int>() << 1;
    QTest::newRow("level 6") << 6 << 2 << QList<int>() << 2;
    QTest::newRow("level 6 without a member") << 6 << 10 << QList<int>{1} << 1;
    QTest::newRow("level 10") << 10 << 0x102 << QList<int>() << 1;
    QTest::newRow("level 10, far") << 10 << 0x201 << QList<int>() << 1;
}

void TestArrayRead::read_goesRoundPlacesThatCannotBeRead()
{
    QFETCH(int, level);
    QFETCH(int, layout);
    QFETCH(QList<int>, missing);
    QFETCH(int, bad);
    auto shape = ofLevel(level, std::uint32_t(layout), 4);
    shape.chunk = level == 1 ? Sectors{} : Sectors{256};
    MemoryArray members(shape);
    const auto content = members.fill(7);
    // Another block of every member each time, and the same one of as many as the level stands.
    for (std::uint64_t block = 0; block < kComponent.bytes() / 4096; ++block) {
        for (int i = 0; i < bad; ++i) {
            const auto at = MemoryArray::kData.bytes() + block * 4096;
            members.device((block + std::size_t(i)) % 4).failReads(at + 512, at + 1024, EIO);
        }
    }
    const auto array =
        members.running(WriteMode::ReadOnly, std::vector<int>(missing.begin(), missing.end()));
    QVERIFY(reads(*array, content, 0, content.size()));
    QVERIFY(array->recomputedBytes() > 0);
    QVERIFY(array->recomputedBytes() < content.size());
}

void TestArrayRead::read_isAnErrorWhereNothingIsLeft_data()
{
    QTest::addColumn<int>("level");
    QTest::addColumn<int>("layout");
    QTest::addColumn<QList<int>>("missing");
    QTest::addColumn<QList<int>>("bad"); // members that fail at member sector 40
    QTest::newRow("mirror") << 1 << 0 << QList<int>() << QList<int>{0, 1, 2, 3};
    QTest::newRow("level 5") << 5 << 2 << QList<int>{0} << QList<int>{1};
    QTest::newRow("level 6") << 6 << 2 << QList<int>{0, 1} << QList<int>{2};
    QTest::newRow("level 10") << 10 << 0x102 << QList<int>{0} << QList<int>{1};
    QTest::newRow("level 0") << 0 << 1 << QList<int>() << QList<int>{2};
}

// All but one block is still given.
void TestArrayRead::read_isAnErrorWhereNothingIsLeft()
{
    QFETCH(int, level);
    QFETCH(int, layout);
    QFETCH(QList<int>, missing);
    QFETCH(QList<int>, bad);
    auto shape = ofLevel(level, std::uint32_t(layout), 4);
    shape.chunk = level == 1 ? Sectors{} : Sectors{64};
    MemoryArray members(shape);
    const auto content = members.fill(9);
    const auto at = (MemoryArray::kData + Sectors{40}).bytes();
    for (const auto role : bad)
        members.device(std::size_t(role)).failReads(at, at + kSectorBytes, EIO);
    const auto array =
        members.running(WriteMode::ReadOnly, std::vector<int>(missing.begin(), missing.end()));
    Bytes all(content.size());
    QVERIFY(!array->readAt(0, all));
    std::size_t lost = 0;
    for (std::size_t block = 0; block < content.size(); block += 4096) {
        const auto length = std::min<std::size_t>(4096, content.size() - block);
        lost += reads(*array, content, block, length) ? 0 : 1;
    }
    // Of a stripe of parity both the place itself and what it would have helped to compute.
    QVERIFY(lost >= 1 && lost <= 3);
}

void TestArrayRead::read_takesWhatIsRebuiltWhereNothingElseGivesIt_data()
{
    QTest::addColumn<int>("level");
    QTest::addColumn<int>("layout");
    QTest::addColumn<QList<int>>("missing"); // besides member 0, which is being rebuilt
    QTest::addColumn<QList<int>>("bad");
    QTest::newRow("mirror") << 1 << 0 << QList<int>{2} << QList<int>{1, 3};
    QTest::newRow("level 4") << 4 << 0 << QList<int>() << QList<int>{1};
    QTest::newRow("level 5") << 5 << 2 << QList<int>() << QList<int>{3};
    QTest::newRow("level 6") << 6 << 2 << QList<int>{2} << QList<int>{1};
    QTest::newRow("level 10") << 10 << 0x102 << QList<int>() << QList<int>{1};
    QTest::newRow("level 10, far") << 10 << 0x201 << QList<int>() << QList<int>{1, 3};
    QTest::newRow("level 10, offset") << 10 << 0x10201 << QList<int>() << QList<int>{1, 3};
}

// One block after the other, on every member that could give it but the one that is being rebuilt:
// below its offset the array reads as if nothing were wrong, behind it nothing is made up.
void TestArrayRead::read_takesWhatIsRebuiltWhereNothingElseGivesIt()
{
    QFETCH(int, level);
    QFETCH(int, layout);
    QFETCH(QList<int>, missing);
    QFETCH(QList<int>, bad);
    auto shape = ofLevel(level, std::uint32_t(layout), 4);
    shape.chunk = level == 1 ? Sectors{} : Sectors{64};
    MemoryArray members(shape);
    const auto content = members.fill(11);
    constexpr Sectors kRebuilt{424}; // in the middle of a chunk
    interruptRecovery(members, 0, kRebuilt);
    const auto at = MemoryArray::kData.bytes();
    for (const auto role : bad)
        members.device(std::size_t(role)).failReads(at, at + kComponent.bytes(), EIO);
    const auto array =
        members.running(WriteMode::ReadOnly, std::vector<int>(missing.begin(), missing.end()));
    const auto geometry = members.geometry();
    std::size_t given = 0;
    for (std::uint64_t sector = 0; sector + 8 <= members.arraySize().count; sector += 8) {
        const auto places = personality(level)->locate(geometry, {sector});
        const bool onRebuilt = std::ranges::any_of(places, [&](const Place& place) {
            return place.role == 0 && place.sector + Sectors{8} <= kRebuilt;
        });
        const bool onOthers = std::ranges::any_of(places, [&](const Place& place) {
            return place.role != 0 && !missing.contains(place.role) && !bad.contains(place.role);
        });
        const bool computed = hasParity(geometry) && places.front().sector + Sectors{8} <= kRebuilt;
        Bytes found(4096);
        const bool is = array->readAt(sector * kSectorBytes, found).has_value();
        QCOMPARE(is, onRebuilt || onOthers || computed);
        QVERIFY(!is ||
                std::ranges::equal(found, std::span(content).subspan(sector * kSectorBytes, 4096)));
        given += is && !onOthers ? 1 : 0;
    }
    QVERIFY(given > 0);
}

// As in md: what is rebuilt is read where it lies, and the others are left alone.
void TestArrayRead::read_computesNothingThatIsRebuilt()
{
    auto shape = ofLevel(5, 2, 4);
    shape.chunk = Sectors{64};
    MemoryArray members(shape);
    const auto content = members.fill(12);
    interruptRecovery(members, 1, {512});
    const auto array = members.running(WriteMode::ReadOnly);
    for (std::size_t i = 0; i < members.devices(); ++i)
        members.device(i).resetCounts();
    // Stripe 0 of level 5, left-symmetric: its data are on members 0, 1 and 2.
    QVERIFY(reads(*array, content, 64 * kSectorBytes, 64 * kSectorBytes));
    QCOMPARE(members.device(1).counts().readBytes, 64 * kSectorBytes);
    for (const std::size_t i : {0U, 2U, 3U})
        QCOMPARE(members.device(i).counts().reads, 0U);
    QVERIFY(reads(*array, content, 0, content.size()));
}

void TestArrayRead::read_asksEachMemberOnceForAStripe()
{
    auto shape = ofLevel(6, 2, 6);
    shape.chunk = Sectors{128};
    MemoryArray members(shape);
    const auto content = members.fill(4);
    const auto array = members.running(WriteMode::ReadOnly, {1, 3});
    for (std::size_t i = 0; i < members.devices(); ++i)
        members.device(i).resetCounts();
    QVERIFY(reads(*array, content, 0, content.size()));
    const auto stripes = kComponent.count / 128;
    for (const std::size_t i : {0U, 2U, 4U, 5U})
        QVERIFY(members.device(i).counts().readBytes <= stripes * Sectors{128}.bytes());
}

void TestArrayRead::read_ofTooFewMembersIsRefused()
{
    for (const int level : {4, 5, 6, 10}) {
        const auto layout = level == 10 ? 0x102U : 2U;
        MemoryArray members(ofLevel(level, layout, 4));
        members.fill(2);
        const auto array = members.assemble(WriteMode::ReadOnly, {0, 1, 2});
        QVERIFY(!array);
        QCOMPARE(int(array.error().code), int(ErrorCode::NotEnoughMembers));
    }
}

void TestArrayRead::read_changesNothing()
{
    for (const auto& shape : shapes()) {
        MemoryArray members(shape, true);
        const auto content = members.fill(3);
        const auto array = members.running(WriteMode::ReadOnly);
        QVERIFY(reads(*array, content, 0, content.size()));
        QVERIFY(stop(*array));
        QVERIFY(members.journal()->entries().empty());
    }
}

QTEST_APPLESS_MAIN(TestArrayRead)
#include "tst_array_read.moc"
