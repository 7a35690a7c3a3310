// SPDX-License-Identifier: Apache-2.0
// What a check found to differ comes in all its versions: each copy, or parity as it is and as it
// should be.
#include "engine/array/sync.h"
#include "engine/array/versions.h"
#include "tests/engine/array/array_damage.h"

#include <QTest>

#include <cerrno>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::byte kFlip{0x40};

std::vector<SectorRange> differing(Array& array)
{
    JobControl control;
    const auto outcome = sync(array, SyncAction::Check, control);
    return outcome ? outcome->differing : std::vector<SectorRange>();
}

std::vector<std::size_t> bytesThatDiffer(const Versions& versions)
{
    std::vector<std::size_t> offsets;
    for (std::size_t i = 0; i < versions.range.length().bytes(); ++i) {
        if (versions.differAt(i))
            offsets.push_back(i);
    }
    return offsets;
}

} // namespace

class TestVersions : public QObject
{
    Q_OBJECT

private slots:
    void copies_areShownAsTheyAre_data()
    {
        QTest::addColumn<int>("level");
        QTest::addColumn<int>("layout");
        QTest::newRow("mirror") << 1 << 0;
        QTest::newRow("level 10, near") << 10 << 0x102;
        QTest::newRow("level 10, far") << 10 << 0x201;
        QTest::newRow("level 10, offset") << 10 << 0x10201;
    }

    void copies_areShownAsTheyAre()
    {
        QFETCH(const int, level);
        QFETCH(const int, layout);
        MemoryArray memory({.level = level,
            .layout = std::uint32_t(layout),
            .raidDisks = level == 1 ? 2U : 4U,
            .chunk = level == 1 ? Sectors{} : Sectors{16}});
        memory.fill(1);
        const Sectors sector{101};
        const auto places = personality(level)->locate(memory.geometry(), sector);
        const auto& second = places[1];
        memory.data(std::size_t(second.role))[second.sector.bytes() + 17] ^= kFlip;

        const auto array = memory.running(WriteMode::ReadOnly);
        const auto found = differing(*array);
        QCOMPARE(found, (std::vector<SectorRange>{{sector, sector + Sectors{1}}}));
        const auto versions = versionsIn(*array, found.front());
        QVERIFY(versions);
        QCOMPARE(versions->range, found.front());
        QCOMPARE(versions->all.size(), places.size());
        for (std::size_t i = 0; i < places.size(); ++i) {
            const auto& version = versions->all[i];
            QCOMPARE(version.place.role, places[i].role);
            QCOMPARE(version.place.inData, places[i].sector);
            QVERIFY(!version.isComputed);
            QVERIFY(std::ranges::equal(
                version.bytes, memory.data(std::size_t(places[i].role))
                                   .subspan(places[i].sector.bytes(), kSectorBytes)));
        }
        QCOMPARE(bytesThatDiffer(*versions), (std::vector<std::size_t>{17}));
    }

    void copies_ofMembersThatDoNotCountAreLeftOut()
    {
        MemoryArray memory({.level = 1, .layout = 0, .raidDisks = 3, .chunk = Sectors{}});
        memory.fill(1);
        interruptRecovery(memory, 2, {80});
        const auto at = (MemoryArray::kData + Sectors{96}).bytes();
        memory.device(1).failReads(at, at + 512, EIO);
        const auto array = memory.running(WriteMode::ReadOnly);
        const auto versions = versionsIn(*array, {{96}, {97}});
        QVERIFY(versions);
        QCOMPARE(versions->all.size(), 2U);
        QVERIFY(!versions->all[0].error);
        QVERIFY(versions->all[1].error);
        QVERIFY(bytesThatDiffer(*versions).empty());
        QCOMPARE(versionsIn(*array, {{40}, {41}})->all.size(), 3U);
    }

    void parity_isShownAsItIsAndAsItShouldBe()
    {
        MemoryArray memory({.level = 5, .layout = 2, .raidDisks = 4});
        memory.fill(1);
        const auto before = memory.data(0)[Sectors{19}.bytes() + 5];
        memory.data(0)[Sectors{19}.bytes() + 5] ^= kFlip;
        const auto array = memory.running(WriteMode::ReadOnly);
        const auto found = differing(*array);
        QCOMPARE(found.size(), 1U);
        const auto versions = versionsIn(*array, found.front());
        QVERIFY(versions);
        QCOMPARE(versions->all.size(), 5U);
        const auto parity = stripeRoles(memory.geometry(), 1).p;
        const auto computed = std::ranges::find(versions->all, true, &Version::isComputed);
        QVERIFY(computed != versions->all.end());
        QCOMPARE(computed->place.role, parity);
        const auto offset = (Sectors{19} - found.front().begin).bytes() + 5;
        QCOMPARE(bytesThatDiffer(*versions), (std::vector<std::size_t>{offset}));
        QCOMPARE(computed->bytes[offset],
            memory.data(std::size_t(parity))[Sectors{19}.bytes() + 5] ^ kFlip);
        QVERIFY(before != memory.data(0)[Sectors{19}.bytes() + 5]);
    }

    void wrongBlockOfLevel6_isShownBesideWhatItShouldBe()
    {
        MemoryArray memory({.level = 6, .layout = 2, .raidDisks = 5});
        memory.fill(1);
        const int wrong = stripeRoles(memory.geometry(), 2).data[1];
        auto& byte = memory.data(std::size_t(wrong))[Sectors{32}.bytes() + 9];
        const auto right = byte;
        byte ^= kFlip;
        const auto array = memory.running(WriteMode::ReadOnly);
        const auto versions = versionsIn(*array, differing(*array).front());
        QVERIFY(versions);
        const auto computed = std::ranges::find(versions->all, true, &Version::isComputed);
        QVERIFY(computed != versions->all.end());
        QCOMPARE(computed->place.role, wrong);
        QCOMPARE(computed->bytes[9], right);
        QCOMPARE(bytesThatDiffer(*versions), (std::vector<std::size_t>{9}));
    }
};

QTEST_APPLESS_MAIN(TestVersions)
#include "tst_versions.moc"
