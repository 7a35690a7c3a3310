// SPDX-License-Identifier: Apache-2.0
// Copies of one member, halves that went on separately, arrays mixed: what needs a choice, and what
// the choice settles.
#include "tests/support/array_images.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

MemberState stateOf(const ArrayReport& array, const std::string& path)
{
    return memberAt(array, path).state;
}

ReasonCode reasonIn(const ArrayReport& array, const std::string& path)
{
    return memberAt(array, path).reason.code;
}

} // namespace

class TestConflicts : public QObject
{
    Q_OBJECT

private slots:
    void twoIdenticalCopies_theFirstCounts()
    {
        ArrayImages images(1, 2);
        auto report = images.scan();
        report.sources.push_back(report.sources[1]);
        report.sources.back().path = "copy.img";
        const auto array = theArray(report);
        QCOMPARE(stateOf(array, "m1.img"), MemberState::InSync);
        QCOMPARE(stateOf(array, "copy.img"), MemberState::Duplicate);
        QCOMPARE(reasonIn(array, "copy.img"), ReasonCode::SameDeviceUuid);
        QVERIFY(array.canStart);
    }

    void twoIdenticalCopiesOf090_theFirstCounts()
    {
        auto report = ArrayImages(1, 2, MetadataVersion::V0_90).scan();
        report.sources.push_back(report.sources[1]);
        report.sources.back().path = "copy.img";
        const auto array = theArray(report);
        QCOMPARE(stateOf(array, "copy.img"), MemberState::Duplicate);
        QVERIFY(array.canStart);
    }

    void olderCopy_isADuplicateWhateverTheOrder()
    {
        ArrayImages images(1, 2);
        ArrayImages older = images;
        older[1].events = 90;
        auto report = older.scan({1});
        report.sources.front().path = "older.img";
        const auto newer = images.scan();
        report.sources.insert(report.sources.end(), newer.sources.begin(), newer.sources.end());
        const auto array = theArray(report);
        QCOMPARE(stateOf(array, "older.img"), MemberState::Duplicate);
        QCOMPARE(memberAt(array, "older.img").reason.where, "m1.img");
        QCOMPARE(stateOf(array, "m1.img"), MemberState::InSync);
        QVERIFY(array.canStart);
    }

    void copiesThatWentOnSeparately_needAChoice()
    {
        ArrayImages images(1, 2);
        ArrayImages other = images;
        other[1].utime += 5;
        auto report = images.scan();
        auto more = other.scan({1});
        more.sources.front().path = "copy.img";
        report.sources.push_back(more.sources.front());
        const auto array = theArray(report);
        QCOMPARE(array.needs, Needs::Choice);
        QVERIFY(!array.canStart);
    }

    void splitWithEqualEvents_needsAChoice()
    {
        ArrayImages images(1, 2);
        images[0].devRoles[1] = kRoleFaulty;
        images[1].devRoles[0] = kRoleFaulty;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m0.img"), MemberState::InSync);
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Foreign);
        QCOMPARE(reasonIn(array, "m1.img"), ReasonCode::SplitBrain);
        QCOMPARE(array.needs, Needs::Choice);
        QVERIFY(!array.canStart);
        QVERIFY(array.kernelWouldStart);
        const auto remark = array.remarks.front();
        QCOMPARE(remark.code, RemarkCode::SplitBrain);
        QCOMPARE(remark.where, "m1.img");
    }

    void splitWithDivergedEvents_needsAChoiceToo()
    {
        ArrayImages images(1, 2);
        images[0].devRoles[1] = kRoleSpare;
        images[1].devRoles[0] = kRoleSpare;
        images[1].events = 140;
        const auto array = theArray(images.scan());
        QCOMPARE(array.reference, "m1.img");
        QCOMPARE(reasonIn(array, "m0.img"), ReasonCode::SplitBrain);
        const auto remark = array.remarks.front();
        QCOMPARE(remark.number, 100u);
        QCOMPARE(remark.other, 140u);
        QCOMPARE(array.needs, Needs::Choice);
    }

    // The reference took another's place after the member had left: it is unknown to it, not
    // missing.
    void memberFromBeforeTheReference_isStale()
    {
        ArrayImages images(1, 3);
        images[0].devNumber = 5;
        for (const std::size_t i : {0U, 2U}) {
            images[i].devRoles[0] = kRoleSpare;
            images[i].devRoles[1] = kRoleSpare;
            images[i].devRoles[5] = 0;
            images[i].events = 140;
        }
        const auto array = theArray(images.scan());
        QCOMPARE(array.reference, "m0.img");
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Stale);
        QVERIFY(array.canStart);
        QCOMPARE(array.missing, 1);
    }

    void splitOf090_isSeen()
    {
        ArrayImages images(1, 2, MetadataVersion::V0_90);
        images[0].devRoles[1] = kRoleFaulty;
        images[1].devRoles[0] = kRoleFaulty;
        images[1].events = 104;
        QCOMPARE(theArray(images.scan()).needs, Needs::Choice);
    }

    void split_isSettledByNamingTheReference()
    {
        ArrayImages images(1, 2);
        images[0].devRoles[1] = kRoleFaulty;
        images[1].devRoles[0] = kRoleFaulty;
        images[1].events = 140;
        const auto plan =
            planAssembly(images.scan(), images[0].arrayUuid, {{}, "m0.img", WriteMode::ReadOnly});
        QVERIFY(plan.has_value());
        QVERIFY(plan->array.canStart);
        QCOMPARE(plan->array.reference, "m0.img");
        QCOMPARE(plan->array.events, 100u);
        QVERIFY(memberAt(plan->array, "m1.img").state != MemberState::InSync);
        QCOMPARE(plan->taking, std::vector<std::string>{"m0.img"});
    }

    void staleMember_thatDoesNotCallTheOthersMissing_isOnlyStale()
    {
        ArrayImages images(1, 2);
        images[0].devRoles[1] = kRoleFaulty;
        images[1].events = 90;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Stale);
        QVERIFY(array.canStart);
    }

    void crashWhileSlottingASpare_isNoSplit()
    {
        // The newcomer's superblock with its role got out, the other member's did not yet.
        ArrayImages images(1, 2);
        images[0].devRoles[0] = 0;
        images[0].featureMap |= feature::kRecoveryOffset;
        images[0].events = 101;
        images[1].devRoles[0] = kRoleSpare;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m0.img"), MemberState::Rebuilding);
        QCOMPARE(stateOf(array, "m1.img"), MemberState::InSync);
        QVERIFY(array.canStart);
    }

    void referenceChosenByHand_leavesNewerMembersOut()
    {
        ArrayImages images(1, 2);
        images[1].events = 120;
        const auto plan =
            planAssembly(images.scan(), images[0].arrayUuid, {{}, "m0.img", WriteMode::ReadOnly});
        QCOMPARE(plan->array.reference, "m0.img");
        QCOMPARE(reasonIn(plan->array, "m1.img"), ReasonCode::ChosenAgainst);
    }

    void twoArraysMixed_areTwoArrays()
    {
        ArrayImages one(1, 2);
        ArrayImages two(5, 3);
        two.onAll([](Superblock& s) {
            s.arrayUuid.bytes.fill(0x11);
            s.name = "lab:other";
        });
        auto report = one.scan();
        auto more = two.scan({0});
        report.sources.push_back(more.sources.front());
        const auto arrays = findArrays(report);
        QCOMPARE(arrays.size(), std::size_t(2));
        // What cannot start comes first.
        QCOMPARE(arrays[0].name, "lab:other");
        QVERIFY(!arrays[0].canStart);
        QVERIFY(arrays[1].canStart);
    }
};

QTEST_GUILESS_MAIN(TestConflicts)
#include "tst_conflicts.moc"
