// SPDX-License-Identifier: Apache-2.0
// Tn: the rule of that number in the accept/reject list that was measured with the real kernel.
#include "engine/metadata/bit_count.h"
#include "engine/metadata/metadata_format.h"
#include "engine/metadata/write_intent_bitmap.h"
#include "tests/engine/metadata/md_bytes.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

class TestWriteIntentBitmap : public QObject
{
    Q_OBJECT

private slots:
    void bits_areReadFromTheirBytes()
    {
        MemorySource member(kDevice * 512);
        const Bytes superblock = superblock1(2, 8);
        member.place(4096, superblock);
        member.place(8192, bitmapHeader(uuidOf1(superblock), 12288));
        put(member.bytes(), 8192 + 256, 1, 0x81);
        put(member.bytes(), 8192 + 256 + 11, 1, 0xff); // chunks 88..95, the last ones

        const SuperblockSlot slot{MetadataVersion::V1_2, {8}};
        const auto decoded = formatOf(slot.version).decode(superblock, slot, {kDevice});
        const auto copy = readBitmap(member, decoded->superblock, {12288}, false);
        QVERIFY(copy.has_value());
        QVERIFY(copy->problems.empty());
        QCOMPARE(copy->bits.chunks, std::uint64_t(96));
        QCOMPARE(copy->dirty, std::uint64_t(10));
        QVERIFY(copy->bits.test(0) && copy->bits.test(7) && copy->bits.test(95));
    }
};

QTEST_GUILESS_MAIN(TestWriteIntentBitmap)
#include "tst_write_intent_bitmap.moc"
