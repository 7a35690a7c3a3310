// SPDX-License-Identifier: Apache-2.0
// The counters behind the bits, without an array: when a bit has to be set, and when it may go.
#include "engine/array/write_intent.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <QTest>

using namespace bitmend;

namespace {

using Chunks = std::vector<std::uint64_t>;

bool nothing(std::uint64_t /*chunk*/) { return false; }

} // namespace

class TestWriteIntent : public QObject
{
    Q_OBJECT

private slots:
    void begin_asksForTheBitOfACleanChunkOnly();
    void sweep_takesABitInTheSecondPassAfterTheWrite();
    void sweep_leavesWritesUnderWay();
    void sweep_leavesWhatIsNeeded();
    void sweep_takesNothingBeforeTheHeader();
    void adopt_letsLoadedBitsFade();
};

void TestWriteIntent::begin_asksForTheBitOfACleanChunkOnly()
{
    WriteIntent intent(10'000);
    QVERIFY(intent.begin(9'999));
    QVERIFY(!intent.begin(9'999));
    intent.end(9'999);
    QVERIFY(intent.isUnderWay(9'999));
    intent.end(9'999);
    QVERIFY(!intent.isUnderWay(9'999) && intent.isTouched(9'999));
    QVERIFY(!intent.begin(9'999));
    intent.end(9'999);
    intent.forget(9'999);
    QVERIFY(intent.begin(9'999));
}

void TestWriteIntent::sweep_takesABitInTheSecondPassAfterTheWrite()
{
    WriteIntent intent(5'000);
    for (const std::uint64_t chunk : {4'000U, 0U, 2'047U, 2'048U}) {
        QVERIFY(intent.begin(chunk));
        intent.end(chunk);
    }
    QVERIFY(intent.isPending());
    QCOMPARE(intent.sweep(nothing), Chunks());
    QVERIFY(!intent.begin(0)); // between the passes: it stays for two more
    intent.end(0);
    QCOMPARE(intent.sweep(nothing), (Chunks{2'047, 2'048, 4'000}));
    QCOMPARE(intent.sweep(nothing), Chunks{0});
    QVERIFY(!intent.isPending());
    QVERIFY(intent.begin(0));
}

void TestWriteIntent::sweep_leavesWritesUnderWay()
{
    WriteIntent intent(10);
    QVERIFY(intent.begin(3));
    for (int pass = 0; pass < 4; ++pass)
        QCOMPARE(intent.sweep(nothing), Chunks());
    intent.end(3);
    QCOMPARE(intent.sweep(nothing), Chunks());
    QCOMPARE(intent.sweep(nothing), Chunks{3});
}

void TestWriteIntent::sweep_leavesWhatIsNeeded()
{
    WriteIntent intent(10);
    QVERIFY(intent.begin(3));
    intent.end(3);
    const auto needed = [](std::uint64_t chunk) {
        return chunk == 3;
    };
    for (int pass = 0; pass < 4; ++pass)
        QCOMPARE(intent.sweep(needed), Chunks());
    QVERIFY(!intent.isPending());
    QVERIFY(!intent.begin(3)); // the next write there brings it up again
    intent.end(3);
    QCOMPARE(intent.sweep(nothing), Chunks());
    QCOMPARE(intent.sweep(nothing), Chunks{3});
}

void TestWriteIntent::sweep_takesNothingBeforeTheHeader()
{
    WriteIntent intent(10);
    QVERIFY(intent.begin(3));
    intent.end(3);
    intent.setHeaderFirst(true);
    for (int pass = 0; pass < 4; ++pass)
        QCOMPARE(intent.sweep(nothing), Chunks());
    intent.setHeaderFirst(false);
    QCOMPARE(intent.sweep(nothing), Chunks{3});
}

void TestWriteIntent::adopt_letsLoadedBitsFade()
{
    BitmapBits bits(3'000);
    for (const std::uint64_t chunk : {0U, 63U, 64U, 2'999U})
        bits.set(chunk);
    WriteIntent intent(bits.chunks);
    intent.adopt(bits);
    QVERIFY(!intent.begin(63));
    QCOMPARE(intent.sweep(nothing), Chunks());
    QCOMPARE(intent.sweep(nothing), (Chunks{0, 64, 2'999}));
}

QTEST_APPLESS_MAIN(TestWriteIntent)
#include "tst_write_intent.moc"
