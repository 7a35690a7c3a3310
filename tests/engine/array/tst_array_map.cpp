// SPDX-License-Identifier: Apache-2.0
// Where things lie, from a report alone: both ways, for missing and rebuilding members, and what a
// member's own sectors belong to.
#include "engine/array/array_map.h"
#include "tests/support/array_images.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr Sectors kData{256}; // where the images' data begins
constexpr std::uint64_t kChunk = 128;

ArrayMap mapOf(const ArrayReport& array, std::uint64_t sector)
{
    const auto map = mapArraySector(array, {sector});
    return map ? *map : ArrayMap{};
}

} // namespace

class TestArrayMap : public QObject
{
    Q_OBJECT

private slots:
    void bothWays_agreeOnEveryLevel()
    {
        for (const int level : {-1, 0, 1, 4, 5, 6, 10}) {
            const ArrayImages images(level, 4);
            const auto array = theArray(images.scan());
            QVERIFY(array.arraySize.count != 0);
            for (std::uint64_t sector = 0; sector < array.arraySize.count; sector += 61) {
                const ArrayMap map = mapOf(array, sector);
                QVERIFY(!map.copies.empty());
                for (const auto& copy : map.copies) {
                    QVERIFY(copy.isValid && copy.sector);
                    const auto back = mapMemberSector(array, copy.path, *copy.sector);
                    QVERIFY(back.has_value());
                    QCOMPARE(back->around.arraySector, Sectors{sector});
                    QCOMPARE(back->asked.role, copy.role);
                }
            }
        }
    }

    void missingMember_isGivenByTheOthers()
    {
        const auto array = theArray(ArrayImages(6, 5).scan({0, 1, 3}));
        const ArrayMap map = mapOf(array, 0);
        QCOMPARE(map.stripe, std::optional<std::uint64_t>(0));
        QCOMPARE(map.members.size(), std::size_t{5});
        for (const auto& place : map.members) {
            const bool there = place.role != 2 && place.role != 4;
            QCOMPARE(place.isValid, there);
            QCOMPARE(place.sector.has_value(), there);
            QCOMPARE(place.from, there ? std::vector<int>{} : std::vector<int>({1, 3, 0}));
        }
    }

    void tooManyMissing_nothingGivesThem()
    {
        const auto array = theArray(ArrayImages(5, 3).scan({1}));
        const ArrayMap map = mapOf(array, 0);
        QVERIFY(map.members[1].isValid);
        QVERIFY(!map.members[0].isValid);
        QVERIFY(map.members[0].from.empty());
    }

    void rebuildingMember_countsBelowItsOffset()
    {
        ArrayImages images(5, 3);
        images[1].featureMap |= feature::kRecoveryOffset;
        images[1].recoveryOffset = {2 * kChunk};
        const auto array = theArray(images.scan());
        QCOMPARE(memberInRole(array, 1)->state, MemberState::Rebuilding);
        QVERIFY(mapRow(array, {2 * kChunk - 1})->members[1].isValid);
        const auto behind = mapRow(array, {2 * kChunk})->members[1];
        QVERIFY(!behind.isValid);
        QCOMPARE(behind.from.size(), std::size_t{2});
        QVERIFY(behind.sector.has_value());
    }

    void farCopies_lieInAnotherRow()
    {
        ArrayImages images(10, 4);
        images.onAll([](Superblock& s) { s.layout = 0x201; });
        const auto array = theArray(images.scan({0, 2, 3}));
        const ArrayMap map = mapOf(array, kChunk);
        QCOMPARE(map.copies.size(), std::size_t{2});
        QCOMPARE(map.copies[0].role, 1);
        QVERIFY(!map.copies[0].isValid);
        QCOMPARE(map.copies[0].from, std::vector<int>{2});
        QVERIFY(map.copies[0].inData != map.copies[1].inData);
    }

    void structures_areNamed()
    {
        ArrayImages images(5, 3);
        images.addBitmaps({});
        images.onAll([](Superblock& s) { s.badBlockLog = {48, 8, 0}; });
        const auto array = theArray(images.scan());
        const Member& member = *memberInRole(array, 0);
        const auto at = [&](std::uint64_t sector) {
            return regionAt(member, {sector});
        };
        QCOMPARE(at(0), Region::Reserved);
        QCOMPARE(at(8), Region::Superblock);
        QCOMPARE(at(15), Region::Superblock);
        QCOMPARE(at(16), Region::Bitmap);
        QCOMPARE(at(56), Region::BadBlockLog);
        QCOMPARE(at(64), Region::Reserved);
        QCOMPARE(at(kData.count), Region::Data);
        QCOMPARE(at(kData.count + 3840), Region::Reserved);
        const auto asked = mapMemberSector(array, member.path, {9});
        QVERIFY(asked && asked->around.members.empty());
        QCOMPARE(asked->asked.region, Region::Superblock);
    }

    void whatCannotBeTold_isAnError()
    {
        ArrayImages images(5, 3);
        const auto array = theArray(images.scan());
        QCOMPARE(mapArraySector(array, array.arraySize).error().code, ErrorCode::ShortRead);
        QCOMPARE(mapMemberSector(array, "x.img", {0}).error().code, ErrorCode::NotAMember);
        images.onAll([](Superblock& s) { s.layout = 7; });
        QCOMPARE(mapRow(theArray(images.scan()), {}).error().code, ErrorCode::BadGeometry);
        images.onAll([](Superblock& s) { s.level = 99; });
        QCOMPARE(mapRow(theArray(images.scan()), {}).error().code, ErrorCode::Unsupported);
    }
};

QTEST_APPLESS_MAIN(TestArrayMap)
#include "tst_array_map.moc"
