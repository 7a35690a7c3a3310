// SPDX-License-Identifier: Apache-2.0
#include "engine/raid/lacking.h"
#include "engine/raid/personality.h"

#include <QTest>

using namespace bitmend;

namespace {

Geometry make(int level, int members, std::uint32_t layout = 0, Sectors chunk = {128})
{
    return {level, layout, members, chunk, {14336}, {}, true};
}

Geometry striped(std::vector<Sectors> sizes, Sectors chunk, std::uint32_t layout)
{
    Geometry geometry = make(0, int(sizes.size()), layout, chunk);
    geometry.memberSizes = std::move(sizes);
    return geometry;
}

ErrorCode refusal(const Geometry& geometry)
{
    const auto result = personality(geometry.level)->validate(geometry);
    return result ? ErrorCode::Cancelled : result.error().code;
}

bool starts(const Geometry& geometry, const std::vector<bool>& inSync, bool dirty)
{
    return personality(geometry.level)->canStart(geometry, inSync, dirty);
}

} // namespace

class TestPersonality : public QObject
{
    Q_OBJECT

private slots:
    void unknownLevels_haveNone()
    {
        for (const int level : {-100, -5, -4, -2, 2, 3, 7, 11, 99})
            QVERIFY(personality(level) == nullptr);
    }

    void lacking_isMetExactlyByWhatStarts_data()
    {
        QTest::addColumn<int>("level");
        QTest::addColumn<int>("members");
        QTest::addColumn<int>("layout");
        QTest::newRow("linear") << -1 << 3 << 0;
        QTest::newRow("striped") << 0 << 4 << 1;
        QTest::newRow("mirror") << 1 << 4 << 0;
        QTest::newRow("level 4") << 4 << 4 << 0;
        QTest::newRow("level 5") << 5 << 6 << 2;
        QTest::newRow("level 6") << 6 << 6 << 2;
        QTest::newRow("level 10, near") << 10 << 6 << 0x102;
        QTest::newRow("level 10, near, odd") << 10 << 5 << 0x102;
        QTest::newRow("level 10, three copies") << 10 << 6 << 0x103;
        QTest::newRow("level 10, far") << 10 << 5 << 0x201;
        QTest::newRow("level 10, both") << 10 << 6 << 0x202;
    }

    // For everything that may be there, and everything that may come to it.
    void lacking_isMetExactlyByWhatStarts()
    {
        QFETCH(const int, level);
        QFETCH(const int, members);
        QFETCH(const int, layout);
        const auto geometry = make(level, members, std::uint32_t(layout));
        const auto inSync = [members](unsigned mask) {
            std::vector<bool> roles;
            for (int role = 0; role < members; ++role)
                roles.push_back((mask >> role & 1U) != 0);
            return roles;
        };
        for (const bool dirty : {false, true}) {
            for (unsigned there = 0; there < 1U << members; ++there) {
                const auto lacks = whatLacks(geometry, inSync(there), dirty);
                for (unsigned more = 0; more < 1U << members; ++more) {
                    if ((more & there) != 0)
                        continue;
                    const bool isMet = std::ranges::all_of(lacks, [more](const Lack& lack) {
                        return std::ranges::count_if(lack.roles, [more](int role) {
                            return (more >> role & 1U) != 0;
                        }) >= lack.count;
                    });
                    QCOMPARE(isMet, starts(geometry, inSync(there | more), dirty));
                }
            }
        }
    }

    void names_areMdadms()
    {
        QCOMPARE(personality(-1)->name(), std::string_view("linear"));
        for (const int level : {0, 1, 4, 5, 6, 10})
            QCOMPARE(personality(level)->name(), "raid" + std::to_string(level));
    }

    void layoutNames_areMdadms()
    {
        const auto name = [](int level, std::uint32_t layout) {
            return personality(level)->layoutName(make(level, 4, layout));
        };
        QCOMPARE(name(-1, 0), "");
        QCOMPARE(name(0, 1), "original");
        QCOMPARE(name(0, 2), "alternate");
        QCOMPARE(name(1, 0), "");
        QCOMPARE(name(4, 0), "");
        QCOMPARE(name(5, 2), "left-symmetric");
        QCOMPARE(name(5, 6), "-unknown-");
        QCOMPARE(name(6, 10), "ddf-N-continue");
        QCOMPARE(name(6, 18), "left-symmetric-6");
        QCOMPARE(name(10, 0x102), "near=2");
        QCOMPARE(name(10, 0x201), "far=2");
        QCOMPARE(name(10, 0x10201), "offset=2");
        QCOMPARE(name(10, 0x202), "near=2, far=2");
    }

    void raid0WithoutLayout_hasNoLayoutName()
    {
        Geometry geometry = make(0, 2);
        geometry.hasLayout = false;
        QCOMPARE(personality(0)->layoutName(geometry), "");
    }

    void sizes_areTheKernels()
    {
        const auto size = [](const Geometry& geometry) {
            return personality(geometry.level)->arraySize(geometry).count;
        };
        QCOMPARE(size(make(1, 2)), 14336u);
        QCOMPARE(size(make(4, 3)), 28672u);
        QCOMPARE(size(make(5, 3, 2)), 28672u);
        QCOMPARE(size(make(6, 5, 2)), 43008u);
        QCOMPARE(size(make(10, 4, 0x102)), 28672u);
        QCOMPARE(size(make(10, 3, 0x102)), 21504u);

        Geometry odd = make(5, 3, 2);
        odd.componentSize = {14336 + 127};
        QCOMPARE(size(odd), 28672u);

        Geometry joined = make(-1, 2, 0, {0});
        joined.memberSizes = {{1001}, {2003}};
        QCOMPARE(size(joined), 3004u);
        joined.chunk = {8};
        QCOMPARE(size(joined), 3000u);
    }

    void absurdSizes_giveNoSizeInsteadOfAWrongOne()
    {
        Geometry geometry = make(5, 60000, 2);
        geometry.componentSize = {~std::uint64_t{0} / 2};
        QCOMPARE(personality(5)->arraySize(geometry).count, 0u);
        geometry.level = 10;
        geometry.layout = 0x102;
        QCOMPARE(personality(10)->arraySize(geometry).count, 0u);
    }

    void T138_raid0OddChunk_exportsTheKernelsSize()
    {
        const auto geometry = striped({{2040}, {4080}, {6144}}, {24}, 1);
        QCOMPARE(personality(0)->arraySize(geometry).count, 12232u);
    }

    void raid0_findsZonesInBothLayouts()
    {
        const std::vector<Sectors> sizes{{2048}, {4096}, {6144}, {4096}};
        const auto at = [&](std::uint32_t layout, std::uint64_t sector) {
            return personality(0)->locate(striped(sizes, {32}, layout), {sector}).front();
        };
        QCOMPARE(personality(0)->arraySize(striped(sizes, {32}, 1)).count, 16384u);
        QCOMPARE(at(1, 8192), (Place{2, {2048}}));
        QCOMPARE(at(2, 8192), (Place{1, {2048}}));
        QCOMPARE(at(1, 33), (Place{1, {1}}));
        QCOMPARE(at(1, 14336), (Place{2, {4096}}));
        QCOMPARE(at(2, 16383), (Place{2, {6143}}));
    }

    void linear_joinsMembersInSlotOrder()
    {
        Geometry geometry = make(-1, 2, 0, {0});
        geometry.memberSizes = {{1001}, {2003}};
        const auto at = [&](std::uint64_t sector) {
            return personality(-1)->locate(geometry, {sector});
        };
        QCOMPARE(at(1000).front(), (Place{0, {1000}}));
        QCOMPARE(at(1001).front(), (Place{1, {0}}));
        QVERIFY(at(3004).empty());
    }

    void raid1_hasEveryCopyAtTheSameSector()
    {
        QCOMPARE(
            personality(1)->locate(make(1, 2), {77}), (std::vector<Place>{{0, {77}}, {1, {77}}}));
    }

    void T117_T118_T119_raid5()
    {
        const auto geometry = make(5, 3, 2);
        QVERIFY(!starts(geometry, {true, false, false}, false));
        QVERIFY(starts(geometry, {true, true, false}, false));
        QVERIFY(!starts(geometry, {true, true, false}, true));
        QVERIFY(starts(geometry, {true, true, true}, true));
    }

    void T121_T122_raid6DirtyAndDegraded_doesNotStart()
    {
        const auto geometry = make(6, 4, 2);
        QVERIFY(!starts(geometry, {true, true, true, false}, true));
        QVERIFY(!starts(geometry, {true, false, true, false}, true));
        QVERIFY(starts(geometry, {true, false, true, false}, false));
        QVERIFY(!starts(geometry, {false, false, true, false}, false));
    }

    void T123_T124_raid4DirtyWithoutDataOrParity_doesNotStart()
    {
        const auto geometry = make(4, 3);
        QVERIFY(!starts(geometry, {false, true, true}, true));
        QVERIFY(!starts(geometry, {true, true, false}, true));
    }

    void T125_T126_T127_raid10NeedsOneOfEachPair()
    {
        const auto geometry = make(10, 4, 0x102);
        QVERIFY(starts(geometry, {false, true, true, true}, true));
        QVERIFY(!starts(geometry, {false, false, true, true}, false));
        QVERIFY(starts(geometry, {false, true, true, false}, true));
    }

    void raid10OddMembers_wrapAroundTheirGroups()
    {
        const auto geometry = make(10, 3, 0x102);
        QVERIFY(starts(geometry, {true, true, false}, false));
        QVERIFY(!starts(geometry, {false, true, false}, false));
        QVERIFY(!starts(geometry, {false, false, true}, false));
    }

    void T128_T46_raid1StartsWithOneMember()
    {
        QVERIFY(starts(make(1, 2), {false, true}, true));
        QVERIFY(!starts(make(1, 2), {false, false}, false));
    }

    void T133_raid0NeedsAllMembers()
    {
        QVERIFY(!starts(make(0, 2), {true, false}, false));
        QVERIFY(!starts(make(-1, 2), {true, false}, false));
        QVERIFY(starts(make(0, 2), {true, true}, false));
    }

    void T129_raid5UnknownLayout_isRefused()
    {
        QCOMPARE(refusal(make(5, 3, 6)), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(6, 4, 7)), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(6, 4, 20)), ErrorCode::Cancelled);
        QCOMPARE(refusal(make(4, 3, 77)), ErrorCode::Cancelled);
    }

    void T130_T131_raid5OddOrTinyChunk_isRefused()
    {
        QCOMPARE(refusal(make(5, 3, 2, {24})), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(5, 3, 2, {4})), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(5, 3, 2, {0})), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(5, 3, 2, {8})), ErrorCode::Cancelled);
    }

    void raid6WithThreeSlots_isRefused()
    {
        QCOMPARE(refusal(make(6, 3, 2)), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(6, 256, 2)), ErrorCode::BadGeometry);
    }

    void T132_raid10AbsurdLayout_isRefused()
    {
        QCOMPARE(refusal(make(10, 4, 0x80102)), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(10, 4, 0x60102)), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(10, 4, 0x002)), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(10, 4, 0x101)), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(10, 2, 0x103)), ErrorCode::BadGeometry);
        QCOMPARE(refusal(make(10, 5, 0x20201)), ErrorCode::Cancelled);
    }

    void T134_T135_T136_T137_raid0NeedsALayoutOnlyForSeveralZones()
    {
        auto geometry = striped({{2048}, {2048}}, {32}, 0);
        geometry.hasLayout = false;
        QCOMPARE(refusal(geometry), ErrorCode::Cancelled);

        // A last zone with one member has only one possible order.
        geometry.memberSizes = {{2048}, {4096}};
        QCOMPARE(refusal(geometry), ErrorCode::Cancelled);

        geometry.memberSizes = {{2048}, {4096}, {4096}};
        geometry.raidDisks = 3;
        QCOMPARE(refusal(geometry), ErrorCode::NeedsChoice);
        geometry.hasLayout = true;
        geometry.layout = 3;
        QCOMPARE(refusal(geometry), ErrorCode::NeedsChoice);
        geometry.layout = 2;
        QCOMPARE(refusal(geometry), ErrorCode::Cancelled);
    }

    void bitmaps_belongToRedundantLevels()
    {
        QVERIFY(!personality(-1)->takesBitmap());
        QVERIFY(!personality(0)->takesBitmap());
        for (const int level : {1, 4, 5, 6, 10})
            QVERIFY(personality(level)->takesBitmap());
    }

    void parityOnlySlots_areKnown()
    {
        QVERIFY(holdsOnlyParity(make(4, 3), 2));
        QVERIFY(!holdsOnlyParity(make(4, 3), 0));
        QVERIFY(holdsOnlyParity(make(5, 3, 4), 0));
        QVERIFY(!holdsOnlyParity(make(5, 3, 2), 2));
        QVERIFY(holdsOnlyParity(make(6, 5, 18), 4));
        QVERIFY(!holdsOnlyParity(make(6, 5, 18), 0));
        QVERIFY(holdsOnlyParity(make(6, 5, 20), 0));
        QVERIFY(holdsOnlyParity(make(6, 5, 5), 3));
    }

    void wholeStripe_isTheDataOfARow()
    {
        const auto chunks = [](const Geometry& geometry) {
            return wholeStripe(geometry).count / std::max<std::uint64_t>(geometry.chunk.count, 1);
        };
        QCOMPARE(chunks(make(4, 3)), std::uint64_t{2});
        QCOMPARE(chunks(make(5, 4, 2)), std::uint64_t{3});
        QCOMPARE(chunks(make(6, 6, 2)), std::uint64_t{4});
        for (const int level : {-1, 0, 1, 10})
            QCOMPARE(wholeStripe(make(level, 4)).count, std::uint64_t{0});
        QCOMPARE(wholeStripe(make(5, 1, 2)).count, std::uint64_t{0});
    }
};

QTEST_GUILESS_MAIN(TestPersonality)
#include "tst_personality.moc"
