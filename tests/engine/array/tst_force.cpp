// SPDX-License-Identifier: Apache-2.0
// Force by a person's choice, in the plan: who is taken, in which state the array is left, what may
// be torn, and what mdadm would have done.
#include "tests/support/array_images.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

// As after losing members in steps while writing: the newest superblock calls those that left
// faulty, and each of them knows only of those that left before it.
ArrayImages lostInSteps(int level, std::vector<std::uint64_t> events)
{
    ArrayImages images(level, int(events.size()));
    const auto newest = std::ranges::max(events);
    for (std::size_t i = 0; i < events.size(); ++i) {
        images[i].events = events[i];
        images[i].utime -= 60 * std::int64_t(newest - events[i]);
        for (std::size_t other = 0; other < events.size(); ++other) {
            if (events[other] < events[i])
                images[i].devRoles[other] = kRoleFaulty;
        }
    }
    return images;
}

// Bitmaps as the members have them, each from when it was last written to.
void addBitmapsOfSteps(ArrayImages& images, std::uint64_t eventsCleared)
{
    images.addBitmaps({3, 4, 9});
    for (auto& member : images.members)
        member.bitmap->header.eventsCleared = eventsCleared;
}

AssemblyPlan planOf(const ArrayImages& images, const AssemblyChoices& choices = {},
    const std::vector<std::size_t>& present = {})
{
    const auto report = present.empty() ? images.scan() : images.scan(present);
    return planAssembly(report, images.members[0].superblock.arrayUuid, choices)
        .value_or(AssemblyPlan());
}

AssemblyChoices accepting(std::vector<std::string> paths)
{
    AssemblyChoices choices;
    choices.acceptStale = std::move(paths);
    return choices;
}

AssemblyChoices acceptingDirt()
{
    AssemblyChoices choices;
    choices.acceptDirtyDegraded = true;
    return choices;
}

ArrayImages dirty(ArrayImages images)
{
    images.onAll([](Superblock& s) { s.resyncOffset = {}; });
    return images;
}

const FieldChange* changeOf(
    const AssemblyPlan& plan, const std::string& path, const std::string& field)
{
    const auto found = std::ranges::find_if(plan.force->changes,
        [&](const FieldChange& change) { return change.path == path && change.field == field; });
    return found == plan.force->changes.end() ? nullptr : &*found;
}

std::vector<std::string> wouldDo(const ArrayReport& array)
{
    std::vector<std::string> paths;
    for (const auto& remark : array.remarks) {
        if (remark.code == RemarkCode::StaleWouldDo)
            paths.push_back(remark.where);
    }
    return paths;
}

} // namespace

class TestForce : public QObject
{
    Q_OBJECT

private slots:
    void T144_withoutAChoice_namesTheMemberThatWouldDo()
    {
        const auto plan = planOf(lostInSteps(5, {18, 13, 8}));
        QVERIFY(!plan.array.canStart);
        QVERIFY(!plan.force);
        QCOMPARE(plan.array.needs, Needs::MembersMissing);
        QCOMPARE(plan.array.remarks.front().code, RemarkCode::TooFewMembers);
        QCOMPARE(wouldDo(plan.array), std::vector<std::string>{"m1.img"});
        const auto remark = remarkOf(plan.array, RemarkCode::StaleWouldDo);
        QCOMPARE(remark.number, 5u);
        QCOMPARE(remark.other, 300u);
    }

    void T144_theAcceptedMember_isInSyncAndTheOldestIsLeftAlone()
    {
        const auto plan = planOf(lostInSteps(5, {18, 13, 8}), accepting({"m1.img"}));
        QVERIFY(plan.array.canStart);
        QVERIFY(!plan.array.kernelWouldStart);
        QCOMPARE(plan.array.missing, 1);
        QCOMPARE(plan.taking, (std::vector<std::string>{"m0.img", "m1.img"}));
        const auto member = memberAt(plan.array, "m1.img");
        QCOMPARE(member.state, MemberState::InSync);
        QCOMPARE(member.reason.code, ReasonCode::AcceptedStale);
        QCOMPARE(memberAt(plan.array, "m2.img").state, MemberState::Stale);
        QCOMPARE(plan.force->accepted.size(), std::size_t(1));
        QCOMPARE(plan.force->accepted[0].behind, 5u);
        QCOMPARE(plan.force->accepted[0].seconds, 300u);
        QCOMPARE(plan.array.resyncOffset, kMaxSector);
    }

    void T144_mdadmRaisesTheSameMemberAndNoOther()
    {
        const auto plan = planOf(lostInSteps(5, {18, 13, 8}), accepting({"m1.img"}));
        const auto& mdadm = plan.force->mdadm;
        QCOMPARE(mdadm.raised.size(), std::size_t(1));
        QCOMPARE(mdadm.raised[0].path, "m1.img");
        QCOMPARE(mdadm.raised[0].from, 13u);
        QCOMPARE(mdadm.raised[0].to, 18u);
        QVERIFY(mdadm.markedClean.empty());
        QVERIFY(mdadm.starts);
    }

    void theOlderMemberAccepted_isTakenInsteadOfTheFresher()
    {
        const auto plan = planOf(lostInSteps(5, {18, 13, 8}), accepting({"m2.img"}));
        QVERIFY(plan.array.canStart);
        QCOMPARE(plan.taking, (std::vector<std::string>{"m0.img", "m2.img"}));
    }

    void bothAccepted_theFresherIsTakenAndTheOtherIsNotNeeded()
    {
        const auto plan = planOf(lostInSteps(5, {18, 13, 8}), accepting({"m2.img", "m1.img"}));
        QCOMPARE(plan.taking, (std::vector<std::string>{"m0.img", "m1.img"}));
        const auto oldest = memberAt(plan.array, "m2.img");
        QCOMPARE(oldest.state, MemberState::Stale);
        QCOMPARE(oldest.reason.code, ReasonCode::AcceptanceNotNeeded);
        QVERIFY(says(plan.array, RemarkCode::AcceptanceNotNeeded));
    }

    void anAcceptedMemberOfAnArrayThatStarts_staysOut_data()
    {
        QTest::addColumn<int>("level");
        QTest::addColumn<int>("disks");
        QTest::newRow("mirror") << 1 << 2;
        QTest::newRow("raid5") << 5 << 3;
        QTest::newRow("raid6") << 6 << 4;
        QTest::newRow("raid10") << 10 << 4;
    }
    void anAcceptedMemberOfAnArrayThatStarts_staysOut()
    {
        QFETCH(int, level);
        QFETCH(int, disks);
        std::vector<std::uint64_t> events(std::size_t(disks), 18);
        events.back() = 13;
        const auto last = "m" + std::to_string(disks - 1) + ".img";
        const auto plan = planOf(lostInSteps(level, events), accepting({last}));
        QVERIFY(plan.array.canStart);
        QVERIFY(!plan.force);
        QCOMPARE(memberAt(plan.array, last).state, MemberState::Stale);
        QVERIFY(std::ranges::find(plan.taking, last) == plan.taking.end());
    }

    void membersThatLeftTogether_areTakenTogetherAndTheirRowsResynced()
    {
        auto images = lostInSteps(5, {18, 13, 13});
        addBitmapsOfSteps(images, 10);
        const auto plan = planOf(images, accepting({"m1.img", "m2.img"}));
        QCOMPARE(plan.array.missing, 0);
        QVERIFY(plan.force->resyncs);
        QCOMPARE(plan.array.resyncOffset, Sectors{});
        QCOMPARE(plan.array.needs, Needs::Resync);
        QCOMPARE(plan.array.bitmap->due, 3u);
        QVERIFY(says(plan.array, RemarkCode::ResyncAfterForce));
        QVERIFY(!says(plan.array, RemarkCode::PowerLostResyncBitmap));
        QCOMPARE(plan.force->mdadm.raised.size(), std::size_t(2));
    }

    void raid6_twoBeyondWhatItStands_needsOnlyOneOfThem()
    {
        const auto images = lostInSteps(6, {18, 16, 11, 7});
        const auto without = planOf(images);
        QCOMPARE(wouldDo(without.array), std::vector<std::string>{"m1.img"});
        const auto plan = planOf(images, accepting({"m1.img"}));
        QVERIFY(plan.array.canStart);
        QCOMPARE(plan.array.missing, 2);
    }

    void twoMembersThatWouldBeNeededTogether_areBothNamedFreshestFirst()
    {
        const auto plan = planOf(lostInSteps(5, {18, 9, 13, 8}));
        QCOMPARE(wouldDo(plan.array), (std::vector<std::string>{"m2.img", "m1.img"}));
        QVERIFY(!planOf(lostInSteps(5, {18, 9, 13, 8}), accepting({"m2.img"})).array.canStart);
        QVERIFY(
            planOf(lostInSteps(5, {18, 9, 13, 8}), accepting({"m1.img", "m2.img"})).array.canStart);
    }

    void T117_withNothingThatCouldHelp_namesNobody()
    {
        const auto plan = planOf(ArrayImages(5, 3), {}, {1});
        QCOMPARE(plan.array.remarks.front().code, RemarkCode::TooFewMembers);
        QVERIFY(wouldDo(plan.array).empty());
        QVERIFY(!planOf(ArrayImages(5, 3), accepting({"m0.img"}), {1}).array.canStart);
    }

    void T118_cleanAndDegraded_needsNoForce()
    {
        const auto plan = planOf(ArrayImages(5, 3), acceptingDirt(), {0, 2});
        QVERIFY(plan.array.canStart);
        QVERIFY(!plan.force);
    }

    void T119_toT124_dirtyAndDegraded_startsWhenAccepted_data()
    {
        QTest::addColumn<int>("level");
        QTest::addColumn<int>("disks");
        QTest::addColumn<QList<int>>("present");
        QTest::newRow("T119 T120 raid5") << 5 << 3 << QList<int>{0, 1};
        QTest::newRow("T121 raid6, one missing") << 6 << 4 << QList<int>{0, 1, 2};
        QTest::newRow("T122 raid6, two missing") << 6 << 4 << QList<int>{0, 1};
        QTest::newRow("T123 raid4, data missing") << 4 << 3 << QList<int>{1, 2};
        QTest::newRow("T124 raid4, parity missing") << 4 << 3 << QList<int>{0, 1};
    }
    void T119_toT124_dirtyAndDegraded_startsWhenAccepted()
    {
        QFETCH(int, level);
        QFETCH(int, disks);
        QFETCH(QList<int>, present);
        const std::vector<std::size_t> there(present.begin(), present.end());
        const auto images = dirty(ArrayImages(level, disks));
        const auto refused = planOf(images, {}, there);
        QVERIFY(!refused.array.canStart);
        QCOMPARE(refused.array.needs, Needs::Force);
        QCOMPARE(refused.array.remarks.front().code, RemarkCode::DirtyAndDegraded);

        const auto plan = planOf(images, acceptingDirt(), there);
        QVERIFY(plan.array.canStart);
        QVERIFY(plan.force->dirtyDegraded);
        QVERIFY(plan.force->hole.anywhere);
        QCOMPARE(plan.array.resyncOffset, kMaxSector);
        QCOMPARE(plan.array.needs, Needs::MembersMissing);
        QCOMPARE(remarkOf(plan.array, RemarkCode::AcceptedDirty).number, kAnywhere);
    }

    void T145_mdadmMarksOneSuperblockClean_andWeAll()
    {
        const auto plan = planOf(dirty(ArrayImages(5, 3)), acceptingDirt(), {0, 1});
        QCOMPARE(plan.force->mdadm.markedClean, "m0.img");
        QVERIFY(plan.force->mdadm.raised.empty());
        for (const auto* path : {"m0.img", "m1.img"}) {
            const auto* change = changeOf(plan, path, "resync_offset");
            QVERIFY(change != nullptr);
            QCOMPARE(change->after, "clean");
        }
    }

    void T125_T126_T127_raid10_isNotAskedAboutDirt()
    {
        const auto images = dirty(ArrayImages(10, 4));
        const auto plan = planOf(images, acceptingDirt(), {0, 2, 3});
        QVERIFY(plan.array.canStart);
        QVERIFY(!plan.force);
        QCOMPARE(plan.array.resyncOffset, Sectors{});
        QVERIFY(!planOf(images, acceptingDirt(), {2, 3}).array.canStart);
        QVERIFY(planOf(images, acceptingDirt(), {0, 3}).array.canStart);
    }

    void T128_mirrorWithOneLeft_isNotAskedAboutDirt()
    {
        const auto plan = planOf(dirty(ArrayImages(1, 2)), acceptingDirt(), {0});
        QVERIFY(plan.array.canStart);
        QVERIFY(!plan.force);
    }

    void dirtyWithOneAccepted_needsBothAcceptances()
    {
        const auto images = dirty(lostInSteps(5, {18, 13, 8}));
        QVERIFY(says(planOf(images).array, RemarkCode::DirtyWouldFollow));
        auto choices = accepting({"m1.img"});
        QCOMPARE(planOf(images, choices).array.remarks.front().code, RemarkCode::DirtyAndDegraded);
        choices.acceptDirtyDegraded = true;
        QVERIFY(planOf(images, choices).array.canStart);
    }

    void dirtyWithEnoughAcceptedToBeComplete_needsNoMore()
    {
        auto images = dirty(ArrayImages(5, 3));
        images[2].events = 90;
        const auto plan = planOf(images, accepting({"m2.img"}));
        QVERIFY(plan.array.canStart);
        QCOMPARE(plan.array.missing, 0);
        QVERIFY(plan.force->resyncs);
        auto both = accepting({"m2.img"});
        both.acceptDirtyDegraded = true;
        QCOMPARE(planOf(images, both).array.missing, 1);
    }

    void bitsThatReachBack_tellWhatIsTorn()
    {
        auto images = lostInSteps(5, {18, 13, 8});
        addBitmapsOfSteps(images, 13);
        const auto plan = planOf(images, accepting({"m1.img"}));
        const auto& torn = plan.force->accepted[0].torn;
        QVERIFY(!torn.anywhere);
        QCOMPARE(torn.chunks, 3u);
        QCOMPARE(torn.ranges.size(), std::size_t(2));
        QCOMPARE(torn.ranges[0].begin.count, 3u * 128);
        QCOMPARE(torn.ranges[0].end.count, 5u * 128);
        QCOMPARE(plan.array.bitmap->from, "m0.img");
    }

    void bitsThatDoNotReachBack_leaveEverythingTorn()
    {
        auto images = lostInSteps(5, {18, 13, 8});
        addBitmapsOfSteps(images, 14);
        const auto plan = planOf(images, accepting({"m1.img"}));
        QVERIFY(plan.force->accepted[0].torn.anywhere);
        QVERIFY(plan.array.bitmap->everything);
        QVERIFY(!plan.array.bitmap->stale);
        QCOMPARE(remarkOf(plan.array, RemarkCode::AcceptedStale).other, kAnywhere);
    }

    void theOldBitmapOfAnAcceptedMember_isNoEvidence()
    {
        auto images = lostInSteps(5, {13, 18, 8});
        addBitmapsOfSteps(images, 5);
        images.members[0].bitmap->set = {20, 21};
        const auto plan = planOf(images, accepting({"m0.img"}));
        QVERIFY(!memberAt(plan.array, "m0.img").bitmapIsEvidence);
        QCOMPARE(plan.array.bitmap->differing, 0u);
        QCOMPARE(plan.array.bitmap->from, "m1.img");
    }

    void theWriteHole_isWhereTheBitsAre()
    {
        auto images = dirty(ArrayImages(5, 3));
        images.addBitmaps({7});
        const auto plan = planOf(images, acceptingDirt(), {0, 1});
        QCOMPARE(plan.force->hole.chunks, 1u);
        QCOMPARE(plan.force->hole.ranges.front().begin.count, 7u * 128);
        QCOMPARE(remarkOf(plan.array, RemarkCode::AcceptedDirty).number, 1u);
    }

    void superblockChanges_nameFieldsAndBytes()
    {
        const auto plan = planOf(lostInSteps(5, {18, 13, 8}), accepting({"m1.img"}));
        const auto* events = changeOf(plan, "m1.img", "events");
        QVERIFY(events != nullptr);
        QCOMPARE(events->offset, 4096u + 200);
        QCOMPARE(events->length, 8u);
        QCOMPARE(events->before, "13");
        QCOMPARE(events->after, "19");
        QCOMPARE(changeOf(plan, "m0.img", "events")->after, "19");
        const auto* role = changeOf(plan, "m0.img", "dev_roles[1]");
        QVERIFY(role != nullptr);
        QCOMPARE(role->offset, 4096u + 256 + 2);
        QVERIFY(changeOf(plan, "m1.img", "utime")->after.empty());
        QVERIFY(changeOf(plan, "m1.img", "size") == nullptr);
        QVERIFY(changeOf(plan, "m2.img", "events") == nullptr);
    }

    void readOnly_changesNothing()
    {
        auto choices = accepting({"m1.img"});
        choices.mode = WriteMode::ReadOnly;
        const auto plan = planOf(lostInSteps(5, {18, 13, 8}), choices);
        QVERIFY(plan.array.canStart);
        QVERIFY(plan.writes.empty());
        QVERIFY(plan.force->changes.empty());
    }

    void T31_aMemberThatTheNewestCallsFaulty_canBeAccepted()
    {
        ArrayImages images(5, 3);
        images[1].events = 99;
        images[0].devRoles[1] = kRoleFaulty;
        const auto plan = planOf(images, accepting({"m1.img"}), {0, 1});
        QVERIFY(plan.array.canStart);
        QCOMPARE(memberAt(plan.array, "m1.img").role, 1);
        QCOMPARE(memberAt(plan.array, "m1.img").state, MemberState::InSync);
    }

    void T30_aRoleGivenToAMemberThatCallsItselfFaulty_isTaken()
    {
        ArrayImages images(5, 3);
        images.onAll([](Superblock& s) { s.devRoles[1] = kRoleFaulty; });
        QCOMPARE(memberAt(planOf(images).array, "m1.img").state, MemberState::Faulty);
        QVERIFY(!planOf(images, accepting({"m1.img"}), {0, 1}).array.canStart);

        AssemblyChoices choices;
        choices.roles = {{"m1.img", 1}};
        const auto plan = planOf(images, choices, {0, 1});
        QVERIFY(plan.array.canStart);
        const auto member = memberAt(plan.array, "m1.img");
        QCOMPARE(member.state, MemberState::InSync);
        QCOMPARE(member.reason.code, ReasonCode::RoleGiven);
        QCOMPARE(plan.force->roles.size(), std::size_t(1));
        QVERIFY(plan.force->accepted[0].torn.anywhere);
        QVERIFY(changeOf(plan, "m1.img", "dev_roles[1]") != nullptr);
    }

    void aRoleGivenToAMemberThatIsBehind_needsItsAcceptanceToo()
    {
        auto images = lostInSteps(5, {18, 13, 8});
        images[1].devRoles[1] = kRoleSpare;
        AssemblyChoices choices;
        choices.roles = {{"m1.img", 1}};
        QVERIFY(!planOf(images, choices).array.canStart);
        choices.acceptStale = {"m1.img"};
        QVERIFY(planOf(images, choices).array.canStart);
    }

    void T29_aMemberOutsideTheTable_getsAPlaceInItWithItsRole()
    {
        ArrayImages images(5, 3);
        images[2].devNumber = 500;
        AssemblyChoices choices;
        choices.roles = {{"m2.img", 2}};
        const auto plan = planOf(images, choices, {0, 2});
        QVERIFY(plan.array.canStart);
        QCOMPARE(memberAt(plan.array, "m2.img").devNumber, 1);
        QCOMPARE(changeOf(plan, "m2.img", "dev_number")->before, "500");
    }

    void aRoleBeyondTheArray_isNotTaken()
    {
        AssemblyChoices choices;
        choices.roles = {{"m1.img", 7}};
        QCOMPARE(memberAt(planOf(ArrayImages(5, 3), choices).array, "m1.img").reason.code,
            ReasonCode::RoleBeyondArray);
    }

    void T33_aRoleGivenTwice_needsAChoice()
    {
        AssemblyChoices choices;
        choices.roles = {{"m1.img", 0}};
        const auto plan = planOf(ArrayImages(5, 3), choices);
        QVERIFY(!plan.array.canStart);
        QCOMPARE(plan.array.needs, Needs::Choice);
        QVERIFY(says(plan.array, RemarkCode::SameRoleTwice));
    }

    void aSplitHalf_isNotMendedByAcceptingIt()
    {
        auto images = lostInSteps(5, {18, 13, 18});
        images[1].devRoles[0] = kRoleFaulty;
        const auto plan = planOf(images, accepting({"m1.img"}), {0, 1});
        QVERIFY(!plan.array.canStart);
        QCOMPARE(memberAt(plan.array, "m1.img").reason.code, ReasonCode::SplitBrain);
    }

    void aMemberThatWasBeingRebuilt_isNotTakenForComplete()
    {
        auto images = lostInSteps(5, {18, 13, 8});
        images[1].featureMap |= feature::kRecoveryOffset;
        images[1].recoveryOffset = {128};
        const auto plan = planOf(images, accepting({"m1.img"}));
        QVERIFY(!plan.array.canStart);
        QCOMPARE(memberAt(plan.array, "m1.img").reason.code, ReasonCode::AcceptanceImpossible);
    }

    void raid10_aPairThatLeftTogether_isResynced()
    {
        auto images = lostInSteps(10, {18, 18, 13, 13});
        addBitmapsOfSteps(images, 10);
        const auto plan = planOf(images, accepting({"m2.img", "m3.img"}));
        QVERIFY(plan.array.canStart);
        QVERIFY(plan.force->resyncs);
        QVERIFY(!plan.force->copiesOfTwoAges);
    }

    void raid10_oneOfAPair_isTakenAsItIs()
    {
        const auto plan = planOf(lostInSteps(10, {18, 18, 13, 8}), accepting({"m2.img"}));
        QVERIFY(plan.array.canStart);
        QVERIFY(!plan.force->resyncs);
        QVERIFY(!plan.force->copiesOfTwoAges);
        QCOMPARE(plan.array.resyncOffset, kMaxSector);
    }

    void raid10_anOlderCopyBesideANewerOne_isNeverTheSourceOfAResync()
    {
        auto images = dirty(lostInSteps(10, {13, 8, 18, 18}));
        images.onAll([](Superblock& s) { s.layout = 0x201; });
        const auto plan = planOf(images, accepting({"m0.img"}));
        QVERIFY(plan.array.canStart);
        QVERIFY(plan.force->copiesOfTwoAges);
        QCOMPARE(plan.array.resyncOffset, kMaxSector);
        QVERIFY(says(plan.array, RemarkCode::CopiesOfTwoAges));
    }

    void unequalSizes_ofWhatALevelNeedsEqual_areRefusedByName()
    {
        ArrayImages images(5, 3);
        images.onAll([](Superblock& s) { s.componentSize = s.dataSize; });
        images[1].dataSize = {kComponent.count - 128};
        const auto plan = planOf(images);
        QVERIFY(!plan.array.canStart);
        QCOMPARE(remarkOf(plan.array, RemarkCode::ComponentTooLarge).where, "m1.img");
    }
};

QTEST_GUILESS_MAIN(TestForce)
#include "tst_force.moc"
