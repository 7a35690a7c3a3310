// SPDX-License-Identifier: Apache-2.0
// Whether an array starts, what it needs, and what is said about it.
#include "tests/support/array_images.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

ArrayImages dirty(ArrayImages images)
{
    images.onAll([](Superblock& s) { s.resyncOffset = {}; });
    return images;
}

} // namespace

class TestStart : public QObject
{
    Q_OBJECT

private slots:
    void T14_componentLargerThanTheData_isRefusedThoughTheKernelGoesOn()
    {
        ArrayImages images(1, 2);
        images.onAll([](Superblock& s) { s.componentSize = s.dataSize + Sectors{8}; });
        const auto array = theArray(images.scan());
        QVERIFY(!array.canStart);
        QVERIFY(array.kernelWouldStart);
        QCOMPARE(array.needs, Needs::Unsupported);
        QVERIFY(says(array, RemarkCode::ComponentTooLarge));
        QVERIFY(says(array, RemarkCode::KernelWouldStart));
    }

    void T42_T43_unknownLevels_areNamed()
    {
        for (const int level : {99, -4}) {
            ArrayImages images(1, 2);
            images.onAll([level](Superblock& s) { s.level = level; });
            const auto array = theArray(images.scan());
            QVERIFY(!array.canStart);
            QVERIFY(!array.kernelWouldStart);
            QCOMPARE(array.needs, Needs::Unsupported);
            QCOMPARE(std::int64_t(remarkOf(array, RemarkCode::UnknownLevel).number), level);
        }
    }

    void T117_T118_raid5WithMembersMissing()
    {
        const ArrayImages images(5, 3);
        auto array = theArray(images.scan({1}));
        QVERIFY(!array.canStart);
        QCOMPARE(array.needs, Needs::MembersMissing);
        QCOMPARE(array.remarks.front().code, RemarkCode::TooFewMembers);
        QCOMPARE(array.remarks.front().number, 1u);
        QCOMPARE(array.remarks.front().other, 2u);
        QCOMPARE(array.lacking, (std::vector<Lack>{{1, {0, 2}}}));

        array = theArray(images.scan({0, 2}));
        QVERIFY(array.canStart);
        QCOMPARE(array.missing, 1);
        QCOMPARE(array.tolerance, 0);
        QCOMPARE(array.remarks.front().code, RemarkCode::Degraded);
    }

    void T119_raid5DirtyAndDegraded_needsForce()
    {
        const auto array = theArray(dirty(ArrayImages(5, 3)).scan({0, 1}));
        QVERIFY(!array.canStart);
        QVERIFY(!array.kernelWouldStart);
        QCOMPARE(array.needs, Needs::Force);
        QCOMPARE(array.remarks.front().code, RemarkCode::DirtyAndDegraded);
    }

    void T121_T122_raid6DirtyAndDegraded_needsForce()
    {
        const auto images = dirty(ArrayImages(6, 4));
        QCOMPARE(theArray(images.scan({0, 1, 2})).needs, Needs::Force);
        QCOMPARE(theArray(images.scan({0, 1})).needs, Needs::Force);
    }

    void T123_T124_raid4DirtyWithoutDataOrParity_needsForce()
    {
        const auto images = dirty(ArrayImages(4, 3));
        QCOMPARE(theArray(images.scan({1, 2})).needs, Needs::Force);
        QCOMPARE(theArray(images.scan({0, 1})).needs, Needs::Force);
    }

    void dirtyWithOnlyParityBeingRebuilt_starts()
    {
        auto images = dirty(ArrayImages(4, 3));
        images[2].featureMap |= feature::kRecoveryOffset;
        images[2].recoveryOffset = {128};
        QVERIFY(theArray(images.scan()).canStart);

        images = dirty(ArrayImages(4, 3));
        images[1].featureMap |= feature::kRecoveryOffset;
        images[1].recoveryOffset = {128};
        QVERIFY(!theArray(images.scan()).canStart);
    }

    void dirtyAndDegradedWithAPartialParityLog_startsInTheKernel()
    {
        auto images = dirty(ArrayImages(5, 3));
        images.onAll([](Superblock& s) {
            s.featureMap |= feature::kPpl;
            s.ppl = PplPlace{8, 128};
        });
        const auto array = theArray(images.scan({0, 1}));
        QVERIFY(array.kernelWouldStart);
        QCOMPARE(array.needs, Needs::Unsupported);
        QCOMPARE(array.opens, Opens::Never);
        QCOMPARE(remarkOf(array, RemarkCode::PplTorn).number, 1u);
    }

    void partialParityLog_isReadWhereNothingHasToBeComputedFromIt()
    {
        ArrayImages images(5, 3);
        images.onAll([](Superblock& s) {
            s.featureMap |= feature::kPpl;
            s.ppl = PplPlace{8, 128};
        });
        using Present = std::vector<std::size_t>;
        for (const auto& present : {Present{0, 1, 2}, Present{0, 2}}) {
            const auto clean = theArray(images.scan(present));
            QCOMPARE(clean.opens, Opens::ReadOnly);
            QCOMPARE(clean.limit->code, RemarkCode::PplClean);
            QVERIFY(says(clean, RemarkCode::PplClean));
            QCOMPARE(clean.needs, present.size() == 3 ? Needs::Nothing : Needs::MembersMissing);
        }
        const auto torn = theArray(dirty(images).scan());
        QCOMPARE(torn.opens, Opens::ReadOnly);
        QCOMPARE(torn.remarks.front().code, RemarkCode::PplTorn);
        QCOMPARE(torn.remarks.front().number, 0u);
        // The log says what was under way: nothing else may differ.
        QVERIFY(!says(torn, RemarkCode::PowerLostResyncAll));
        for (const auto& scan : {images.scan(), dirty(images).scan()}) {
            const auto plan = planAssembly(scan, torn.uuid, {});
            QVERIFY(plan && plan->writes.empty());
        }
    }

    void journal_isOpenedOnlyWhenItIsGoneAndNothingHasToBeComputed()
    {
        ArrayImages images(5, 3, MetadataVersion::V1_2, 1);
        images.onAll([](Superblock& s) {
            s.featureMap |= feature::kJournal;
            s.devRoles[3] = kRoleJournal;
        });
        auto array = theArray(images.scan());
        QVERIFY(array.canStart);
        QCOMPARE(array.opens, Opens::Never);
        QCOMPARE(remarkOf(array, RemarkCode::JournalArray).where, images.path(3));

        array = theArray(images.scan({0, 1, 2}));
        QCOMPARE(array.opens, Opens::ReadOnly);
        QCOMPARE(array.limit->code, RemarkCode::JournalMissing);
        array = theArray(images.scan({0, 1}));
        QCOMPARE(array.opens, Opens::Never);
        QCOMPARE(remarkOf(array, RemarkCode::JournalMissing).number, 1u);

        AssemblyChoices choices;
        choices.leaveOut = {images.path(3)};
        const auto plan = planAssembly(images.scan(), array.uuid, choices);
        QVERIFY(plan);
        QCOMPARE(plan->array.opens, Opens::ReadOnly);
        QVERIFY(plan->writes.empty());
    }

    void lacking_isWhatTheLevelsRuleAsksFor()
    {
        const auto lacks = [](int level, int disks, const std::vector<std::size_t>& present) {
            return theArray(ArrayImages(level, disks).scan(present)).lacking;
        };
        using Lacks = std::vector<Lack>;
        QCOMPARE(lacks(6, 5, {0, 1}), (Lacks{{1, {2, 3, 4}}}));
        QCOMPARE(lacks(6, 5, {4}), (Lacks{{2, {0, 1, 2, 3}}}));
        QCOMPARE(lacks(0, 3, {1}), (Lacks{{2, {0, 2}}}));
        QCOMPARE(lacks(10, 4, {2}), (Lacks{{1, {0, 1}}}));
        QCOMPARE(lacks(10, 6, {2}), (Lacks{{1, {0, 1}}, {1, {4, 5}}}));
        QCOMPARE(lacks(6, 5, {0, 1, 2}), Lacks());
        // Dirty, and without force: all of them.
        QCOMPARE(theArray(dirty(ArrayImages(6, 4)).scan({0, 3})).lacking, (Lacks{{2, {1, 2}}}));
    }

    void T125_T126_T127_raid10()
    {
        const auto images = dirty(ArrayImages(10, 4));
        QVERIFY(theArray(images.scan({0, 2, 3})).canStart);
        QVERIFY(!theArray(images.scan({2, 3})).canStart);
        const auto array = theArray(images.scan({0, 3}));
        QVERIFY(array.canStart);
        QCOMPARE(array.missing, 2);
        QCOMPARE(array.tolerance, 0);
        QCOMPARE(array.needs, Needs::Resync);
    }

    void T128_mirrorDirtyWithOneLeft_hasNothingToResync()
    {
        auto images = dirty(ArrayImages(1, 2));
        images.addBitmaps({1, 2, 3});
        const auto array = theArray(images.scan({0}));
        QVERIFY(array.canStart);
        QCOMPARE(array.needs, Needs::MembersMissing);
        QVERIFY(says(array, RemarkCode::DirtyOnlyOneCopy));
        QCOMPARE(array.bitmap->due, 0u);
        QCOMPARE(array.resync.writeBytes, 0u);
    }

    void T129_toT132_geometryThatNoKernelRuns_isRefused_data()
    {
        QTest::addColumn<int>("level");
        QTest::addColumn<int>("disks");
        QTest::addColumn<int>("layout");
        QTest::addColumn<int>("chunk");
        QTest::newRow("T129 raid5 layout 6") << 5 << 3 << 6 << 128;
        QTest::newRow("T130 raid5 chunk 24") << 5 << 3 << 2 << 24;
        QTest::newRow("T131 raid5 chunk 4") << 5 << 3 << 2 << 4;
        QTest::newRow("T132 raid10 bit 19") << 10 << 4 << 0x80102 << 128;
    }
    void T129_toT132_geometryThatNoKernelRuns_isRefused()
    {
        QFETCH(int, level);
        QFETCH(int, disks);
        QFETCH(int, layout);
        QFETCH(int, chunk);
        ArrayImages images(level, disks);
        images.onAll([&](Superblock& s) {
            s.layout = std::uint32_t(layout);
            s.chunk = {std::uint64_t(chunk)};
        });
        const auto array = theArray(images.scan());
        QVERIFY(!array.canStart);
        QVERIFY(!array.kernelWouldStart);
        QVERIFY(says(array, RemarkCode::GeometryRefused));
        QCOMPARE(array.needs, Needs::Unsupported);
    }

    void T133_raid0WithOneOfTwo_doesNotStart()
    {
        const auto array = theArray(ArrayImages(0, 2).scan({0}));
        QVERIFY(!array.canStart);
        QCOMPARE(array.needs, Needs::MembersMissing);
    }

    void T134_raid0OneZoneWithoutLayout_starts()
    {
        ArrayImages images(0, 2);
        images.onAll([](Superblock& s) {
            s.featureMap = 0;
            s.layout = 0;
        });
        const auto array = theArray(images.scan());
        QVERIFY(array.canStart);
        QCOMPARE(array.arraySize.count, 7680u);
    }

    void T135_T137_raid0ZonesWithoutLayout_needAChoice()
    {
        ArrayImages images(0, 3);
        images[0].dataSize = {1280};
        images.onAll([](Superblock& s) {
            s.featureMap = 0;
            s.layout = 0;
        });
        auto array = theArray(images.scan());
        QVERIFY(!array.canStart);
        QVERIFY(!array.kernelWouldStart);
        QCOMPARE(array.needs, Needs::Choice);
        QVERIFY(says(array, RemarkCode::Raid0LayoutUnknown));

        images.onAll([](Superblock& s) {
            s.featureMap = feature::kRaid0Layout;
            s.layout = 3;
        });
        QVERIFY(!theArray(images.scan()).canStart);
        images.onAll([](Superblock& s) { s.layout = 2; });
        array = theArray(images.scan());
        QVERIFY(array.canStart);
        QCOMPARE(array.arraySize.count, 1280u + 3840 + 3840);
    }

    void T70_T71_090Checkpoint_countsOnlyWithItsOwnEvents()
    {
        ArrayImages images(1, 2, MetadataVersion::V0_90);
        images.onAll([](Superblock& s) { s.resyncOffset = {1024}; });
        auto array = theArray(images.scan());
        QCOMPARE(array.resyncOffset.count, 1024u);
        QCOMPARE(array.needs, Needs::Resync);
        QCOMPARE(array.resync.writeBytes, (kComponent - Sectors{1024}).bytes());
    }

    void T72_090StateWithoutTheBitmapBit_hasNoBitmap()
    {
        ArrayImages images(1, 2, MetadataVersion::V0_90);
        images.addBitmaps({1});
        QVERIFY(theArray(images.scan()).bitmap.has_value());
        images.onAll([](Superblock& s) { s.featureMap = 0; });
        QVERIFY(!theArray(images.scan()).bitmap.has_value());
    }

    void recoveringWithoutASpare_isRecovery()
    {
        ArrayImages images(5, 3);
        images[2].featureMap |= feature::kRecoveryOffset;
        images[2].recoveryOffset = {256};
        const auto array = theArray(images.scan());
        QVERIFY(array.canStart);
        QCOMPARE(array.needs, Needs::Recovery);
        QCOMPARE(remarkOf(array, RemarkCode::RecoveryWillContinue).number, 256u);
        QCOMPARE(array.tolerance, 0);
    }

    void reshape_isShownAndNotOurs()
    {
        ArrayImages images(5, 3);
        images.onAll([](Superblock& s) {
            s.featureMap |= feature::kReshapeActive;
            s.reshape = Reshape{{512}, 5, 2, {128}, 1, 0};
            s.raidDisks = 3;
        });
        const auto array = theArray(images.scan());
        QCOMPARE(array.needs, Needs::Unsupported);
        QCOMPARE(array.opens, Opens::Never);
        QCOMPARE(remarkOf(array, RemarkCode::ReshapeUnderway).number, 512u);
    }

    void tolerance_isTheWorstCase_data()
    {
        QTest::addColumn<int>("level");
        QTest::addColumn<int>("disks");
        QTest::addColumn<int>("tolerance");
        QTest::newRow("mirror of three") << 1 << 3 << 2;
        QTest::newRow("raid5") << 5 << 3 << 1;
        QTest::newRow("raid6") << 6 << 5 << 2;
        QTest::newRow("raid10") << 10 << 4 << 1;
        QTest::newRow("raid0") << 0 << 2 << 0;
    }
    void tolerance_isTheWorstCase()
    {
        QFETCH(int, level);
        QFETCH(int, disks);
        QFETCH(int, tolerance);
        QCOMPARE(theArray(ArrayImages(level, disks).scan()).tolerance, tolerance);
    }

    void unknownUuid_isNoSuchArray()
    {
        const auto plan = planAssembly(ArrayImages(1, 2).scan(), Uuid{}, {});
        QVERIFY(!plan.has_value());
        QCOMPARE(plan.error().code, ErrorCode::NoSuchArray);
    }

    void readOnlyPlan_writesNothing()
    {
        auto images = dirty(ArrayImages(1, 2));
        images.addBitmaps({4});
        const auto plan =
            planAssembly(images.scan(), images[0].arrayUuid, {{}, {}, WriteMode::ReadOnly});
        QVERIFY(plan.has_value());
        QVERIFY(plan->writes.empty());
        QCOMPARE(plan->taking, (std::vector<std::string>{"m0.img", "m1.img"}));
    }

    void arrayThatCannotStart_givesAPlanWithoutWrites()
    {
        const ArrayImages images(5, 3);
        const auto plan =
            planAssembly(images.scan({0}), images.members[0].superblock.arrayUuid, {});
        QVERIFY(plan.has_value());
        QVERIFY(!plan->array.canStart);
        QVERIFY(plan->writes.empty());
    }

    void resyncPlan_namesEveryByteRange()
    {
        auto images = dirty(ArrayImages(1, 2));
        images.addBitmaps({4, 5, 9});
        const auto plan = planAssembly(images.scan(), images[0].arrayUuid, {});
        QVERIFY(plan.has_value());
        const std::uint64_t data = images[0].dataOffset.bytes();
        const std::vector<std::tuple<std::string, std::uint64_t, std::uint64_t, WritePurpose>>
            expected{
                {"m0.img", 4096, 512, WritePurpose::Superblock},
                {"m0.img", 8192, 512, WritePurpose::BitmapHeader},
                {"m0.img", data + 4 * 65536, 2 * 65536, WritePurpose::DataIfUnreadable},
                {"m0.img", data + 9 * 65536, 65536, WritePurpose::DataIfUnreadable},
                {"m1.img", 4096, 512, WritePurpose::Superblock},
                {"m1.img", 8192, 512, WritePurpose::BitmapHeader},
                {"m1.img", data + 4 * 65536, 2 * 65536, WritePurpose::Data},
                {"m1.img", data + 9 * 65536, 65536, WritePurpose::Data},
            };
        std::vector<std::tuple<std::string, std::uint64_t, std::uint64_t, WritePurpose>> writes;
        writes.reserve(plan->writes.size());
        for (const auto& write : plan->writes)
            writes.emplace_back(write.path, write.offset, write.length, write.purpose);
        QCOMPARE(writes, expected);
    }

    void writeMostlySlotZero_isNotTheSourceOfAResync()
    {
        auto images = dirty(ArrayImages(1, 2));
        images.addBitmaps({4});
        images[0].devFlags = 1;
        const auto plan = planAssembly(images.scan(), images[0].arrayUuid, {});
        for (const auto& write : plan->writes) {
            if (write.purpose == WritePurpose::Data)
                QCOMPARE(write.path, "m0.img");
        }
    }

    void idleSpares_comeLastInThePlan()
    {
        const ArrayImages images(1, 2, MetadataVersion::V1_2, 1);
        const auto plan =
            planAssembly(images.scan({2, 1, 0}), images.members[0].superblock.arrayUuid, {});
        QCOMPARE(plan->taking, (std::vector<std::string>{"m0.img", "m1.img", "m2.img"}));
    }
};

QTEST_GUILESS_MAIN(TestStart)
#include "tst_start.moc"
