// SPDX-License-Identifier: Apache-2.0
// Members of 0.90 arrays: its own rules for what may differ, for numbers, and for who is a spare.
#include "tests/support/array_images.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

MemberState stateOf(const ArrayReport& array, const std::string& path)
{
    return memberAt(array, path).state;
}

// One 32-bit word of the second member's 0.90 superblock, checksum made to fit.
ArrayReport with090WordChanged(std::size_t word)
{
    ArrayImages images(1, 2, MetadataVersion::V0_90);
    images.members[1].spoil = [word](std::span<std::byte> bytes) {
        const auto bump = [&](std::size_t at) {
            le32 value;
            std::ranges::copy(
                bytes.subspan(at * 4, 4), std::as_writable_bytes(std::span(&value, 1)).begin());
            value = value + 1;
            std::ranges::copy(
                std::as_bytes(std::span(&value, 1)), bytes.begin() + std::ptrdiff_t(at * 4));
        };
        bump(word);
        bump(38); // sb_csum: the sum of all other words
    };
    return theArray(images.scan());
}

} // namespace

class TestMembers090 : public QObject
{
    Q_OBJECT

private slots:
    void T59_T60_T61_T62_T63_090FixedWordsDiffer_isForeign_data()
    {
        QTest::addColumn<int>("word");
        QTest::newRow("T59 ctime") << 6;
        QTest::newRow("T60 md_minor") << 11;
        QTest::newRow("T61 size") << 8;
        QTest::newRow("T62 gvalid_words") << 4;
        QTest::newRow("T63 reserved") << 20;
    }
    void T59_T60_T61_T62_T63_090FixedWordsDiffer_isForeign()
    {
        QFETCH(int, word);
        const auto array = with090WordChanged(std::size_t(word));
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Foreign);
        const auto reason = memberAt(array, "m1.img").reason;
        QCOMPARE(reason.code, ReasonCode::FixedFieldsDiffer);
        QCOMPARE(reason.number, std::uint64_t(word));
        QVERIFY(array.canStart);
    }

    void T64_T65_090NrDisksOrUtimeDiffer_isInSync()
    {
        QCOMPARE(stateOf(with090WordChanged(9), "m1.img"), MemberState::InSync);
        QCOMPARE(stateOf(with090WordChanged(32), "m1.img"), MemberState::InSync);
    }

    void T66_T67_090EventsBehind()
    {
        ArrayImages images(1, 2, MetadataVersion::V0_90);
        images[1].events = 99;
        QCOMPARE(stateOf(theArray(images.scan()), "m1.img"), MemberState::InSync);
        images[1].events = 98;
        QCOMPARE(stateOf(theArray(images.scan()), "m1.img"), MemberState::Stale);
    }

    void T68_090DescriptorBeyondTheTable_keepsAMemberOut()
    {
        ArrayImages images(1, 2, MetadataVersion::V0_90);
        images.members[1].spoil = [](std::span<std::byte> bytes) {
            // this_disk.number: 1 becomes 27, and the checksum with it.
            bytes[3968] = std::byte(27);
            le32 sum;
            std::ranges::copy(
                bytes.subspan(152, 4), std::as_writable_bytes(std::span(&sum, 1)).begin());
            sum = sum + 26;
            std::ranges::copy(std::as_bytes(std::span(&sum, 1)), bytes.begin() + 152);
        };
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Damaged);
        QVERIFY(array.canStart);
    }

    void T69_090SameNumberTwice_needsAChoice()
    {
        ArrayImages images(1, 2, MetadataVersion::V0_90);
        images[1].devNumber = 0;
        images[1].utime += 1;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Duplicate);
        QCOMPARE(array.needs, Needs::Choice);
    }

    void T73_T74_090FaultyAndSpare()
    {
        ArrayImages images(1, 2, MetadataVersion::V0_90, 2);
        images.onAll([](Superblock& s) { s.devRoles[3] = kRoleFaulty; });
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m2.img"), MemberState::Spare);
        QCOMPARE(stateOf(array, "m3.img"), MemberState::Faulty);
        QVERIFY(array.canStart);
    }

    void bigEndian090_isUnderstoodButNotStartedByThisKernel()
    {
        ArrayImages images(1, 2, MetadataVersion::V0_90);
        images.onAll([](Superblock& s) { s.byteOrder = std::endian::big; });
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m0.img"), MemberState::InSync);
        QCOMPARE(stateOf(array, "m1.img"), MemberState::InSync);
        QVERIFY(array.canStart);
        QVERIFY(!array.kernelWouldStart);
        QCOMPARE(toString(array.uuid), "abababab:abababab:abababab:abababab");
    }

    void name090_isMadeFromTheUuid()
    {
        QCOMPARE(theArray(ArrayImages(1, 2, MetadataVersion::V0_90).scan()).name, "abababab");
    }
};

QTEST_GUILESS_MAIN(TestMembers090)
#include "tst_members090.moc"
