// SPDX-License-Identifier: Apache-2.0
#include "engine/io/faulty_device.h"
#include "tests/support/files.h"
#include "tests/support/memory_device.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

class TestFaultyDevice : public QObject
{
    Q_OBJECT

private slots:
    void readFault_strikesItsRangeOnly()
    {
        FaultyDevice device(std::make_shared<MemoryDevice>(65536));
        device.failReads(8192, 8704, EIO);
        Bytes bytes(4096);
        QVERIFY(device.readAt(4096, bytes).has_value());
        QVERIFY(device.readAt(8704, bytes).has_value());
        const auto read = device.readAt(6144, bytes);
        QCOMPARE(read.error(), (Error{ErrorCode::Io, "memory", 8192, EIO}));
        QVERIFY(device.writeAt(8192, bytes).has_value());
    }

    void faultsWithACount_heal()
    {
        FaultyDevice device(std::make_shared<MemoryDevice>(4096));
        device.failWrites(0, 4096, ENOSPC, 2);
        const auto bytes = filled(512, 'w');
        QCOMPARE(device.writeAt(0, bytes).error().code, ErrorCode::NoSpace);
        QCOMPARE(device.writeAt(0, bytes).error().code, ErrorCode::NoSpace);
        QCOMPARE(bytesAt(device, 0, 512), filled(512, 0));
        QVERIFY(device.writeAt(0, bytes).has_value());
    }

    void vanished_afterSoManyWrites()
    {
        FaultyDevice device(std::make_shared<MemoryDevice>(4096));
        device.vanishAfter(2);
        const auto bytes = filled(512, 'w');
        QVERIFY(device.writeAt(0, bytes).has_value());
        QVERIFY(device.writeAt(0, bytes).has_value());
        QCOMPARE(device.writeAt(0, bytes).error().code, ErrorCode::Vanished);
        QCOMPARE(device.flush().error().code, ErrorCode::Vanished);
        Bytes read(512);
        QCOMPARE(device.readAt(0, read).error().code, ErrorCode::Vanished);
        device.heal();
        QVERIFY(device.readAt(0, read).has_value());
    }

    void counts_areOfWhatWasAsked()
    {
        FaultyDevice device(std::make_shared<MemoryDevice>(4096));
        Bytes bytes(512);
        QVERIFY(device.readAt(0, bytes).has_value());
        QVERIFY(device.writeAt(0, bytes).has_value());
        QVERIFY(device.writeAt(512, bytes).has_value());
        QVERIFY(device.flush().has_value());
        const auto counts = device.counts();
        QCOMPARE(counts.reads, std::uint64_t(1));
        QCOMPARE(counts.readBytes, std::uint64_t(512));
        QCOMPARE(counts.writes, std::uint64_t(2));
        QCOMPARE(counts.writtenBytes, std::uint64_t(1024));
        QCOMPARE(counts.flushes, std::uint64_t(1));
        device.resetCounts();
        QCOMPARE(device.counts().reads, std::uint64_t(0));
    }

    void journal_hasOneOrderForAllDevices()
    {
        const auto journal = std::make_shared<IoJournal>();
        FaultyDevice one(std::make_shared<MemoryDevice>(4096), journal);
        FaultyDevice two(std::make_shared<MemoryDevice>(4096), journal);
        QVERIFY(one.writeAt(0, filled(512, '1')).has_value());
        QVERIFY(two.writeAt(512, filled(512, '2')).has_value());
        QVERIFY(one.flush().has_value());
        const auto entries = journal->entries();
        QCOMPARE(entries.size(), std::size_t(3));
        QCOMPARE(entries[0].device, one.journalNumber());
        QCOMPARE(entries[1].device, two.journalNumber());
        QCOMPARE(entries[1].offset, std::uint64_t(512));
        QCOMPARE(entries[1].bytes, filled(512, '2'));
        QVERIFY(entries[2].isFlush && entries[2].device == one.journalNumber());
    }

    void powerCut_keepsFlushedWritesAndDrawsTheRest()
    {
        const auto journal = std::make_shared<IoJournal>();
        FaultyDevice device(std::make_shared<MemoryDevice>(2048), journal);
        QVERIFY(device.writeAt(0, filled(512, 'f')).has_value());
        QVERIFY(device.flush().has_value());
        QVERIFY(device.writeAt(512, filled(1024, 'u')).has_value());
        const auto entries = journal->entries();
        const auto cut = [&](std::size_t at, std::vector<bool> luck) {
            std::size_t next = 0;
            auto bytes =
                afterPowerCut(Bytes(2048), entries, 0, at, [&] { return bool(luck.at(next++)); });
            QTest::qCompare(next, luck.size(), "draws", "luck", __FILE__, __LINE__);
            std::string sectors;
            for (std::size_t offset = 0; offset < bytes.size(); offset += 512)
                sectors += bytes[offset] == std::byte{} ? '-' : char(bytes[offset]);
            return sectors;
        };
        QCOMPARE(cut(0, {}), std::string("----"));
        QCOMPARE(cut(1, {false}), std::string("----"));
        QCOMPARE(cut(1, {true}), std::string("f---"));
        QCOMPARE(cut(2, {}), std::string("f---"));
        QCOMPARE(cut(3, {false, true}), std::string("f-u-"));
        QCOMPARE(cut(3, {true, false}), std::string("fu--"));
    }
};

QTEST_GUILESS_MAIN(TestFaultyDevice)
#include "tst_faulty_device.moc"
