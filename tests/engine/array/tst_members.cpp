// SPDX-License-Identifier: Apache-2.0
// Which member is in which state, and why. Named by the number of the rule where there is one.
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

class TestMembers : public QObject
{
    Q_OBJECT

private slots:
    void cleanMirror_isAllInSync()
    {
        const auto array = theArray(ArrayImages(1, 2).scan());
        QCOMPARE(array.members.size(), std::size_t(2));
        QCOMPARE(stateOf(array, "m0.img"), MemberState::InSync);
        QCOMPARE(stateOf(array, "m1.img"), MemberState::InSync);
        QCOMPARE(array.reference, "m0.img");
        QVERIFY(memberAt(array, "m0.img").isFreshest);
        QVERIFY(!memberAt(array, "m1.img").isFreshest);
        QCOMPARE(array.events, 100u);
        QCOMPARE(array.arraySize, kComponent);
        QVERIFY(array.canStart);
        QCOMPARE(array.needs, Needs::Nothing);
        QCOMPARE(array.remarks.front().code, RemarkCode::AllWell);
    }

    void everyVersion_isUnderstood_data()
    {
        QTest::addColumn<int>("version");
        for (const auto version : {MetadataVersion::V0_90, MetadataVersion::V1_0,
                 MetadataVersion::V1_1, MetadataVersion::V1_2})
            QTest::newRow(std::string(toString(version)).c_str()) << int(version);
    }
    void everyVersion_isUnderstood()
    {
        QFETCH(int, version);
        const auto array = theArray(ArrayImages(5, 3, MetadataVersion(version)).scan());
        QCOMPARE(int(array.version), version);
        QVERIFY(array.canStart);
        QCOMPARE(array.missing, 0);
        QCOMPARE(array.tolerance, 1);
    }

    void equalEvents_lowestSlotIsTheReferenceWhateverTheOrder()
    {
        const auto array = theArray(ArrayImages(1, 3).scan({2, 1, 0}));
        QCOMPARE(array.reference, "m0.img");
    }

    void T7_damagedChecksum_keepsAMemberOut()
    {
        ArrayImages images(1, 2);
        images.members[0].spoil = [](std::span<std::byte> bytes) {
            bytes[216] ^= std::byte(1);
        };
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m0.img"), MemberState::Damaged);
        QCOMPARE(array.reference, "m1.img");
        QVERIFY(array.canStart);
        QCOMPARE(array.missing, 1);
    }

    void allDamaged_stillShowsWhatIsThere()
    {
        ArrayImages images(1, 2);
        for (auto& member : images.members) {
            member.spoil = [](std::span<std::byte> bytes) {
                bytes[216] ^= std::byte(1);
            };
        }
        const auto array = theArray(images.scan());
        QVERIFY(array.superblock == nullptr);
        QVERIFY(!array.canStart);
        QVERIFY(!array.kernelWouldStart);
        QCOMPARE(array.geometry.level, 1);
        QCOMPARE(array.needs, Needs::MembersMissing);
    }

    void T15_otherUuid_isAnotherArray()
    {
        ArrayImages images(1, 2);
        images[1].arrayUuid.bytes.fill(0xcd);
        QCOMPARE(findArrays(images.scan()).size(), std::size_t(2));
    }

    void T16_T17_T18_otherLevelLayoutOrChunk_isForeign()
    {
        const auto reasonAfter = [](const std::function<void(Superblock&)>& change) {
            ArrayImages images(5, 3);
            change(images[2]);
            const auto array = theArray(images.scan());
            return std::pair(stateOf(array, "m2.img"), reasonIn(array, "m2.img"));
        };
        QCOMPARE(reasonAfter([](Superblock& s) { s.level = 6; }),
            std::pair(MemberState::Foreign, ReasonCode::LevelDiffers));
        QCOMPARE(reasonAfter([](Superblock& s) { s.layout = 3; }),
            std::pair(MemberState::Foreign, ReasonCode::LayoutDiffers));
        QCOMPARE(reasonAfter([](Superblock& s) { s.chunk = {64}; }),
            std::pair(MemberState::Foreign, ReasonCode::ChunkDiffers));
    }

    void T19_T20_T21_otherDisksSizeOrCtime_freshestWins()
    {
        ArrayImages images(1, 2);
        images[1].raidDisks = 3;
        images[1].componentSize = {1024};
        images[1].ctime += 9;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::InSync);
        QCOMPARE(array.geometry.raidDisks, 2);
        QCOMPARE(array.arraySize, kComponent);
        QVERIFY(array.canStart);
    }

    void T25_sameDevNumberAndEqualEvents_needsAChoice()
    {
        ArrayImages images(1, 2);
        images[1].devNumber = 0;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m0.img"), MemberState::InSync);
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Duplicate);
        QCOMPARE(reasonIn(array, "m1.img"), ReasonCode::SameDevNumber);
        QCOMPARE(array.needs, Needs::Choice);
        QVERIFY(!array.canStart);
        QVERIFY(array.kernelWouldStart);
        QVERIFY(says(array, RemarkCode::KernelWouldStart));
    }

    void T26_eventsOneBehind_isInSync()
    {
        ArrayImages images(1, 2);
        images[1].events = 99;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::InSync);
        QCOMPARE(reasonIn(array, "m1.img"), ReasonCode::OneEventBehind);
        QVERIFY(array.canStart);
        QCOMPARE(array.missing, 0);
    }

    void T27_eventsTwoBehind_isStale()
    {
        ArrayImages images(1, 2);
        images[1].events = 98;
        images[1].utime -= 60;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Stale);
        const auto reason = memberAt(array, "m1.img").reason;
        QCOMPARE(reason.code, ReasonCode::EventsBehind);
        QCOMPARE(reason.number, 2u);
        QCOMPARE(reason.other, 60u);
        QCOMPARE(reason.where, "m0.img");
        QCOMPARE(array.missing, 1);
        QVERIFY(array.canStart);
    }

    void T28_eventsFiveAhead_isTheFreshestAndTheOthersAreStale()
    {
        ArrayImages images(1, 2);
        images.addBitmaps({});
        images[1].events = 105;
        const auto array = theArray(images.scan());
        QCOMPARE(array.reference, "m1.img");
        QCOMPARE(stateOf(array, "m0.img"), MemberState::Stale);
        QVERIFY(array.bitmap->stale);
        QVERIFY(says(array, RemarkCode::BitmapStaleAllDirty));
    }

    void T29_devNumberBeyondTheTable_isASpare()
    {
        ArrayImages images(1, 2);
        images[1].devNumber = 500;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Spare);
        QCOMPARE(array.needs, Needs::Recovery);
    }

    void T30_faultyInAllTables_isFaulty()
    {
        ArrayImages images(1, 2);
        images.onAll([](Superblock& s) { s.devRoles[1] = kRoleFaulty; });
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Faulty);
        QCOMPARE(memberAt(array, "m1.img").reason.where, "m1.img");
        QCOMPARE(array.missing, 1);
        // The slot is shown as a row of its own: the faulty one has no role any more.
        QCOMPARE(array.members.size(), std::size_t(3));
    }

    void T31_faultyInTheFreshestTableAndOneBehind_isFaulty()
    {
        ArrayImages images(1, 2);
        images[0].devRoles[1] = kRoleFaulty;
        images[1].events = 99;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Faulty);
        QCOMPARE(memberAt(array, "m1.img").reason.where, "m0.img");
    }

    void oneBehindAndRemovedFromTheFreshestTable_isASpareNotInTheTable()
    {
        ArrayImages images(1, 2);
        images[0].devRoles[1] = kRoleSpare;
        images[1].events = 99;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Spare);
        QCOMPARE(reasonIn(array, "m1.img"), ReasonCode::NotInTable);
    }

    void T32_roleBeyondTheSlots_isASpare()
    {
        ArrayImages images(1, 2);
        images[1].devRoles[1] = 7;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Spare);
        QCOMPARE(reasonIn(array, "m1.img"), ReasonCode::RoleBeyondArray);
        QVERIFY(array.canStart);
    }

    void T32_freshestWithARoleBeyondTheSlots_isRefused()
    {
        ArrayImages images(1, 2);
        images[1].devRoles[1] = 7;
        images[1].events = 101;
        const auto array = theArray(images.scan());
        QVERIFY(!array.canStart);
        QCOMPARE(array.remarks.front().code, RemarkCode::FreshestInconsistent);
        QCOMPARE(array.remarks.front().where, "m1.img");
    }

    void T33_sameRoleTwice_needsAChoice()
    {
        ArrayImages images(1, 2);
        images.onAll([](Superblock& s) { s.devRoles[1] = 0; });
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Duplicate);
        QCOMPARE(reasonIn(array, "m1.img"), ReasonCode::SameRoleTwice);
        QCOMPARE(memberAt(array, "m1.img").reason.where, "m0.img");
        QCOMPARE(array.needs, Needs::Choice);
        QCOMPARE(array.remarks.front().code, RemarkCode::SameRoleTwice);
    }

    void sameRoleTwice_isSettledByLeavingOneOut()
    {
        ArrayImages images(1, 2);
        images.onAll([](Superblock& s) { s.devRoles[1] = 0; });
        const auto plan =
            planAssembly(images.scan(), images[0].arrayUuid, {{"m0.img"}, {}, WriteMode::ReadOnly});
        QVERIFY(plan.has_value());
        QVERIFY(plan->array.canStart);
        QCOMPARE(plan->array.reference, "m1.img");
        QCOMPARE(memberAt(plan->array, "m0.img").reason.code, ReasonCode::ChosenAgainst);
        QCOMPARE(plan->taking, std::vector<std::string>{"m1.img"});
    }

    void T34_T35_spareWithOldEvents_isASpare()
    {
        ArrayImages images(1, 2, MetadataVersion::V1_2, 1);
        images[2].events = 1;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m2.img"), MemberState::Spare);
        QCOMPARE(reasonIn(array, "m2.img"), ReasonCode::IdleSpare);
        QCOMPARE(array.needs, Needs::Nothing);
    }

    void T34_spareOfADegradedArray_isReady()
    {
        ArrayImages images(1, 2, MetadataVersion::V1_2, 1);
        const auto array = theArray(images.scan({0, 2}));
        QCOMPARE(array.needs, Needs::Recovery);
        QCOMPARE(remarkOf(array, RemarkCode::SpareReady).where, "m2.img");
    }

    void spareWithMoreEvents_neverLeads()
    {
        ArrayImages images(1, 2, MetadataVersion::V1_2, 1);
        images[2].events = 500;
        QCOMPARE(theArray(images.scan()).reference, "m0.img");
    }

    void onlySpares_cannotStart()
    {
        ArrayImages images(1, 2, MetadataVersion::V1_2, 1);
        const auto array = theArray(images.scan({2}));
        QVERIFY(!array.canStart);
        QVERIFY(!array.kernelWouldStart);
        QVERIFY(array.superblock != nullptr);
        QCOMPARE(array.needs, Needs::MembersMissing);
    }

    void T36_recoveryOffset_isRebuilding()
    {
        ArrayImages images(1, 2);
        images[1].featureMap |= feature::kRecoveryOffset;
        images[1].recoveryOffset = {1024};
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::Rebuilding);
        const auto reason = memberAt(array, "m1.img").reason;
        QCOMPARE(reason.code, ReasonCode::RecoveryUnderway);
        QCOMPARE(reason.number, 1024u);
        QCOMPARE(reason.other, kComponent.count);
        QCOMPARE(array.needs, Needs::Recovery);
        QCOMPARE(array.missing, 0);
        QVERIFY(!memberAt(array, "m1.img").bitmapIsEvidence);
    }

    void T37_recoveryByBitmap_namesTheChunks()
    {
        ArrayImages images(1, 2);
        images.addBitmaps({3, 4});
        images[1].featureMap |= feature::kRecoveryOffset | feature::kRecoveryBitmap;
        images[1].recoveryOffset = {0};
        const auto array = theArray(images.scan());
        QCOMPARE(reasonIn(array, "m1.img"), ReasonCode::RecoveryByBitmap);
        const auto remark = remarkOf(array, RemarkCode::RecoveryByBitmap);
        QCOMPARE(remark.number, 2u);
        QCOMPARE(remark.where, "m1.img");
        QVERIFY(!says(array, RemarkCode::BitsIgnoredBecauseClean));
    }

    void T38_pplAndBitmap_isRefusedThoughTheKernelGoesOn()
    {
        ArrayImages images(5, 3);
        images.onAll([](Superblock& s) {
            s.featureMap |= feature::kPpl | feature::kBitmapOffset;
            s.ppl = PplPlace{8, 64};
        });
        const auto array = theArray(images.scan());
        QVERIFY(!array.canStart);
        QVERIFY(array.kernelWouldStart);
        QCOMPARE(array.remarks.front().code, RemarkCode::FreshestInconsistent);
    }

    void T39_journalAndBitmap_isRefusedByBoth()
    {
        ArrayImages images(1, 2);
        images.addBitmaps({});
        images.onAll([](Superblock& s) { s.featureMap |= feature::kJournal; });
        const auto array = theArray(images.scan());
        QVERIFY(!array.canStart);
        QVERIFY(!array.kernelWouldStart);
    }

    void T40_journalRoleWithoutTheFeatureOnTheFreshest_isRefused()
    {
        ArrayImages images(1, 2);
        images[0].devRoles[0] = kRoleJournal;
        images[0].events = 101;
        const auto array = theArray(images.scan());
        QVERIFY(!array.canStart);
        QCOMPARE(array.remarks.front().code, RemarkCode::FreshestInconsistent);
        QCOMPARE(array.remarks.front().where, "m0.img");
    }

    void journalRoleWithoutTheFeatureOnAnother_keepsItOut()
    {
        ArrayImages images(1, 3);
        images[2].devRoles[2] = kRoleJournal;
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m2.img"), MemberState::Damaged);
        QVERIFY(array.canStart);
    }

    void journal_isAJournal()
    {
        ArrayImages images(5, 3, MetadataVersion::V1_2, 1);
        images.onAll([](Superblock& s) {
            s.featureMap |= feature::kJournal;
            s.devRoles[3] = kRoleJournal;
        });
        const auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m3.img"), MemberState::Journal);
        QVERIFY(array.canStart);
        QCOMPARE(array.needs, Needs::Unsupported);
        QVERIFY(says(array, RemarkCode::JournalArray));
    }

    void T46_oneMemberOfTwo_startsDegraded()
    {
        const auto array = theArray(ArrayImages(1, 2).scan({0}));
        QVERIFY(array.canStart);
        QCOMPARE(array.missing, 1);
        QCOMPARE(array.tolerance, 0);
        QCOMPARE(array.members.size(), std::size_t(2));
        QCOMPARE(array.members[1].state, MemberState::Missing);
        QCOMPARE(array.members[1].role, 1);
        QCOMPARE(array.members[1].reason.code, ReasonCode::NeverSeen);
    }

    void vacantSlot_saysThatItsMemberWasRemoved()
    {
        ArrayImages images(1, 3);
        images.onAll([](Superblock& s) { s.devRoles[2] = kRoleSpare; });
        const auto array = theArray(images.scan({0, 1}));
        QCOMPARE(array.members[2].reason.code, ReasonCode::WasRemoved);
        QCOMPARE(remarkOf(array, RemarkCode::VacantSlot).number, 2u);
    }

    void replacement_standsBesideTheMemberItReplaces()
    {
        ArrayImages images(1, 2, MetadataVersion::V1_2, 1);
        images.onAll([](Superblock& s) { s.devRoles[2] = 1; });
        images[2].featureMap |= feature::kReplacement | feature::kRecoveryOffset;
        images[2].recoveryOffset = {512};
        auto array = theArray(images.scan());
        QCOMPARE(stateOf(array, "m1.img"), MemberState::InSync);
        QCOMPARE(stateOf(array, "m2.img"), MemberState::Replacement);
        QVERIFY(array.canStart);
        QCOMPARE(array.needs, Needs::Recovery);

        // Alone in its slot it is rebuilt like any other.
        array = theArray(images.scan({0, 2}));
        QCOMPARE(stateOf(array, "m2.img"), MemberState::Rebuilding);
        QCOMPARE(array.missing, 0);
    }

    void twoSuperblocksOnOneSource_theConfirmedOneCounts()
    {
        // An old 1.2 array of its own at the start, this array's 1.0 at the end.
        ArrayImages old(1, 2);
        old.onAll([](Superblock& s) {
            s.arrayUuid.bytes.fill(0x77);
            s.ctime += 1000;
        });
        ArrayImages images(1, 2, MetadataVersion::V1_0);
        auto report = images.scan();
        auto remains = old.scan({0});
        report.sources[0].found.push_back(remains.sources[0].found[0]);
        const auto arrays = findArrays(report);
        QCOMPARE(arrays.size(), std::size_t(2));
        const auto& loser = arrays[0];
        QCOMPARE(reasonIn(loser, "m0.img"), ReasonCode::OtherSuperblockCounts);
        QCOMPARE(memberAt(loser, "m0.img").reason.where, "1.0");
        QVERIFY(!loser.canStart);
        QVERIFY(arrays[1].canStart);
        QCOMPARE(arrays[1].missing, 0);
    }

    void leftBehindAndAmbiguousSuperblocks_areNoMembers()
    {
        auto report = ArrayImages(1, 2).scan();
        report.sources[0].found[0].leftBehind = true;
        report.sources[1].found[0].ambiguous = true;
        QVERIFY(findArrays(report).empty());
    }

    void absurdNumberOfDisks_makesNoFlood()
    {
        ArrayImages images(1, 2);
        images.onAll([](Superblock& s) { s.raidDisks = 1'000'000'000; });
        const auto array = theArray(images.scan());
        QVERIFY(array.members.size() < 2000);
        QVERIFY(!array.canStart);
    }

    void T41_noDisks_cannotStart()
    {
        ArrayImages images(1, 2);
        images.onAll([](Superblock& s) { s.raidDisks = 0; });
        const auto array = theArray(images.scan());
        QVERIFY(!array.canStart);
        QVERIFY(!array.kernelWouldStart);
    }
};

QTEST_GUILESS_MAIN(TestMembers)
#include "tst_members.moc"
