// SPDX-License-Identifier: Apache-2.0
// The values everything else is made of: disk integers, units, identities, results.
#include "engine/base/aligned_buffer.h"
#include "engine/base/endian.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/base/units.h"
#include "engine/base/uuid.h"

#include <QTest>

#include <cstring>

using namespace bitmend;

namespace {

Result<int> half(int value)
{
    if (value % 2 != 0)
        return fail(ErrorCode::BadGeometry, "half", 7);
    return value / 2;
}

Result<int> quarter(int value)
{
    const int once = BM_TRY(half(value));
    return half(once);
}

} // namespace

class TestBase : public QObject
{
    Q_OBJECT

private slots:
    void le_hasNoAlignmentAndLiesLittleEndian()
    {
        struct Disk
        {
            std::uint8_t before;
            le32 value;
            le64 wide;
        };
        static_assert(sizeof(Disk) == 13);
        static_assert(OnDisk<Disk>);
        const Disk disk{1, 0xa92b4efc, 0x0102030405060708};
        const std::array<std::uint8_t, 13> expected{
            1, 0xfc, 0x4e, 0x2b, 0xa9, 8, 7, 6, 5, 4, 3, 2, 1};
        QVERIFY(std::memcmp(&disk, expected.data(), expected.size()) == 0);
        QCOMPARE(disk.value.read(std::endian::big), 0xfc4e2ba9U);
        QCOMPARE(std::uint64_t(disk.wide), 0x0102030405060708U);
    }

    void sectorRange_isHalfOpen()
    {
        const SectorRange range{{8}, {16}};
        QCOMPARE(range.length().count, 8U);
        QVERIFY(range.contains({8}) && range.contains({15}) && !range.contains({16}));
        QVERIFY((SectorRange{{9}, {8}}).empty());
        QCOMPARE((SectorRange{{9}, {8}}).length().count, 0U);
        QCOMPARE(Sectors{2}.bytes(), 1024U);
    }

    void uuid_readsWhatMdadmAndBlkidPrint()
    {
        const auto uuid = parseUuid("01234567:89abcdef:00112233:44556677");
        QVERIFY(uuid.has_value());
        QCOMPARE(toString(*uuid), std::string("01234567:89abcdef:00112233:44556677"));
        QCOMPARE(parseUuid("01234567-89ab-cdef-0011-223344556677"), uuid);
        QCOMPARE(parseUuid("0123456789ABCDEF0011223344556677"), uuid);
    }

    void uuid_refusesWhatIsNone()
    {
        for (const auto* text : {"", "0123", "01234567:89abcdef:00112233:4455667",
                 "01234567:89abcdef:00112233:445566778", "01234567:89abcdef:00112233:4455667g"})
            QVERIFY(!parseUuid(text).has_value());
    }

    void randomUuids_differ() { QVERIFY(randomUuid() != randomUuid()); }

    void tryMacro_handsTheErrorOn()
    {
        QCOMPARE(quarter(8).value(), 2);
        const auto failed = quarter(6);
        QVERIFY(!failed.has_value());
        QCOMPARE(failed.error().code, ErrorCode::BadGeometry);
        QCOMPARE(failed.error().offset, 7);
    }

    void alignedBuffer_isPageAlignedAndZero()
    {
        const AlignedBuffer buffer(10'000);
        QCOMPARE(buffer.size(), std::size_t(10'000));
        QCOMPARE(std::bit_cast<std::uintptr_t>(buffer.span().data()) % 4096, 0U);
        QVERIFY(
            std::ranges::all_of(buffer.span(), [](std::byte byte) { return byte == std::byte{}; }));
    }

    void log_reachesTheSinkAndNoSinkIsFine()
    {
        log(LogEvent::ScanStarted, "nobody listens");
        std::vector<LogRecord> records;
        setLogSink([&records](const LogRecord& record) { records.push_back(record); });
        log(LogEvent::BitmapRead, "nas:photos", "a.img", 37, 1041);
        setLogSink(nullptr);
        log(LogEvent::ScanFinished, "nobody listens any more");
        QCOMPARE(records.size(), std::size_t(1));
        QCOMPARE(records[0].where, std::string("a.img"));
        QCOMPARE(records[0].number, 37U);
        QVERIFY(records[0].timeMicros > 1'700'000'000'000'000);
    }
};

QTEST_GUILESS_MAIN(TestBase)
#include "tst_base.moc"
