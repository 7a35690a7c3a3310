// SPDX-License-Identifier: Apache-2.0
// A device some sectors of which are known to be bad: what of it can be read, and what makes it
// good.
#include "engine/io/known_bad.h"
#include "tests/support/memory_device.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kSectors = 64;
constexpr SectorRange kData{{8}, {56}};

using Bytes = std::vector<std::byte>;

using Ranges = std::vector<SectorRange>;

struct Device
{
    explicit Device(const Ranges& listed, Sectors unit = {1})
        : memory(std::make_shared<MemoryDevice>(kSectors * kSectorBytes, "disk"))
        , bad(std::make_shared<KnownBad>(unit, listed))
        , heeding(heedKnownBad(DevicePtr(memory), bad, kData))
    {
    }

    Result<void> read(std::uint64_t sector, std::uint64_t count, bool once = false) const
    {
        Bytes to(count * kSectorBytes);
        return once ? heeding->readOnceAt(sector * kSectorBytes, to)
                    : heeding->readAt(sector * kSectorBytes, to);
    }

    Result<void> write(std::uint64_t offset, std::size_t length) const
    {
        return heeding->writeAt(offset, Bytes(length, std::byte{7}));
    }

    std::shared_ptr<MemoryDevice> memory;
    KnownBadPtr bad;
    DevicePtr heeding;
};

} // namespace

class TestKnownBad : public QObject
{
    Q_OBJECT

private slots:
    void read_failsWhereItTouchesABadSector()
    {
        const Device device(Ranges{{{20}, {24}}});
        QVERIFY(device.read(8, 12));
        QVERIFY(device.read(24, 10));
        for (const bool once : {false, true}) {
            const auto failed = device.read(10, 20, once);
            QVERIFY(!failed);
            QCOMPARE(failed.error().code, ErrorCode::KnownBadBlock);
            QCOMPARE(failed.error().where, std::string("disk"));
            QCOMPARE(failed.error().offset, std::int64_t(20 * kSectorBytes));
            QCOMPARE(failed.error().sysErrno, EIO);
        }
    }

    void read_outsideTheDataGoesWhateverIsListed()
    {
        const Device device(Ranges{{{0}, {10}}, {{50}, {64}}});
        QVERIFY(device.read(0, 8));
        QVERIFY(!device.read(8, 1));
        QVERIFY(!device.read(55, 1));
        QVERIFY(device.read(56, 8));
    }

    void write_makesWholeSectorsGood()
    {
        const Device device(Ranges{{{20}, {24}}});
        QVERIFY(device.write(20 * kSectorBytes + 100, 2 * kSectorBytes));
        QCOMPARE(device.bad->ranges(), (std::vector<SectorRange>{{{20}, {21}}, {{22}, {24}}}));
        QVERIFY(device.read(21, 1));
        QVERIFY(device.write(10 * kSectorBytes, 40 * kSectorBytes));
        QVERIFY(!device.bad->any());
        QVERIFY(device.read(8, 48));
    }

    void write_thatFailsMakesNothingGood()
    {
        const Device device(Ranges{{{20}, {24}}});
        QVERIFY(!device.write(20 * kSectorBytes, kSectors * kSectorBytes));
        QVERIFY(!device.read(20, 1));
    }

    void listing_growsAndShrinksByWholeUnits()
    {
        KnownBad bad({8}, {{{9}, {10}}});
        QCOMPARE(bad.ranges(), (std::vector<SectorRange>{{{8}, {16}}}));
        bad.insert({{30}, {33}});
        QCOMPARE(bad.next({16}), (SectorRange{{24}, {40}}));
        bad.erase({{25}, {40}});
        QCOMPARE(bad.ranges(), (std::vector<SectorRange>{{{8}, {16}}, {{24}, {32}}}));
        bad.erase({{9}, {31}});
        QCOMPARE(bad.ranges(), (std::vector<SectorRange>{{{8}, {16}}, {{24}, {32}}}));
        bad.erase({{0}, {64}});
        QVERIFY(!bad.any());
        QVERIFY(bad.next({}).empty());
    }

    // Whoever leaves holes out would otherwise take what is bad for zeros.
    void nextData_stopsAtBadSectorsInHoles()
    {
        class Hole final : public BlockSource
        {
        public:
            const std::string& name() const override { return m_name; }
            std::uint64_t sizeBytes() const override { return kSectors * kSectorBytes; }
            Result<void> readAt(std::uint64_t, std::span<std::byte>) const override { return {}; }
            DataStretch nextData(std::uint64_t) const override
            {
                return {sizeBytes(), sizeBytes()};
            }

        private:
            std::string m_name = "hole";
        };
        const auto bad = std::make_shared<KnownBad>(Sectors{1}, std::vector<SectorRange>());
        const auto source = heedKnownBad(std::make_shared<Hole>(), bad, kData);
        QVERIFY(source->nextData(0).empty());
        bad->insert({{20}, {24}});
        QCOMPARE(source->nextData(0), (DataStretch{20 * kSectorBytes, 24 * kSectorBytes}));
        QCOMPARE(source->nextData(22 * kSectorBytes),
            (DataStretch{22 * kSectorBytes, 24 * kSectorBytes}));
        QVERIFY(source->nextData(24 * kSectorBytes).empty());
    }
};

QTEST_GUILESS_MAIN(TestKnownBad)
#include "tst_known_bad.moc"
