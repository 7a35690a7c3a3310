// SPDX-License-Identifier: Apache-2.0
// Writes go where they were allowed to go, and after one that did not, nowhere.
#include "engine/io/write_guard.h"
#include "tests/support/memory_device.h"

#include <QTest>

using namespace bitmend;
using bitmend::test::MemoryDevice;

namespace {

std::vector<std::byte> ones(std::size_t length)
{
    return std::vector<std::byte>(length, std::byte{0xff});
}

struct Guarded
{
    std::shared_ptr<MemoryDevice> memory = std::make_shared<MemoryDevice>(4096, "m");
    AllowedWritesPtr allowed = std::make_shared<AllowedWrites>();
    DevicePtr device = guardWrites(memory, "m", allowed);

    bool isBlank() const { return memory->bytes() == std::vector<std::byte>(4096); }
};

} // namespace

class TestWriteGuard : public QObject
{
    Q_OBJECT

private slots:
    void write_insideArrives_outsideIsStoppedBefore_data()
    {
        QTest::addColumn<quint64>("offset");
        QTest::addColumn<quint64>("length");
        QTest::addColumn<qint64>("outside"); // -1: it is allowed
        QTest::newRow("all of it") << quint64(512) << quint64(512) << qint64(-1);
        QTest::newRow("its middle") << quint64(600) << quint64(1) << qint64(-1);
        QTest::newRow("its last byte") << quint64(1023) << quint64(1) << qint64(-1);
        QTest::newRow("one byte more") << quint64(512) << quint64(513) << qint64(1024);
        QTest::newRow("one byte before") << quint64(511) << quint64(2) << qint64(511);
        QTest::newRow("behind it") << quint64(1024) << quint64(1) << qint64(1024);
        QTest::newRow("over a gap") << quint64(512) << quint64(1536) << qint64(1024);
        QTest::newRow("two that touch") << quint64(2048) << quint64(1024) << qint64(-1);
        QTest::newRow("two that overlap") << quint64(3072) << quint64(1024) << qint64(-1);
    }

    void write_insideArrives_outsideIsStoppedBefore()
    {
        QFETCH(const quint64, offset);
        QFETCH(const quint64, length);
        QFETCH(const qint64, outside);
        Guarded guarded;
        for (const std::uint64_t begin : {2560, 512, 2048})
            guarded.allowed->allow("m", begin, 512);
        guarded.allowed->allow("m", 3072, 700);
        guarded.allowed->allow("m", 3600, 496);
        const auto written = guarded.device->writeAt(offset, ones(length));
        QCOMPARE(written.has_value(), outside < 0);
        QCOMPARE(guarded.isBlank(), outside >= 0);
        if (!written) {
            QVERIFY(written.error().code == ErrorCode::OutsidePlan);
            QCOMPARE(written.error().where, std::string("m"));
            QCOMPARE(written.error().offset, outside);
        }
    }

    void otherNames_haveRangesOfTheirOwn()
    {
        Guarded guarded;
        guarded.allowed->allow("n", 0, 4096);
        QVERIFY(!guarded.device->writeAt(0, ones(1)));
        QVERIFY(guarded.isBlank());
    }

    void afterAViolation_nothingIsWrittenAnywhere()
    {
        Guarded guarded;
        const auto second = std::make_shared<MemoryDevice>(4096, "n");
        const auto other = guardWrites(second, "n", guarded.allowed);
        guarded.allowed->allow("m", 0, 512);
        guarded.allowed->allow("n", 0, 512);
        QVERIFY(!guarded.device->writeAt(512, ones(1)));
        QVERIFY(!guarded.device->writeAt(0, ones(1)));
        QVERIFY(!other->writeAt(0, ones(1)));
        QVERIFY(guarded.isBlank());
        QVERIFY(second->bytes() == std::vector<std::byte>(4096));
        QVERIFY(guarded.allowed->isViolated());
    }
};

QTEST_GUILESS_MAIN(TestWriteGuard)
#include "tst_write_guard.moc"
