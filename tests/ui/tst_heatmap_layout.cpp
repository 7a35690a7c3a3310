// SPDX-License-Identifier: Apache-2.0
// Where cells lie and what they hold, at any size and scale; and places as a person writes them.
#include "tests/ui/heatmap_fixture.h"
#include "ui/widgets/heatmap_layout.h"
#include "ui/widgets/heatmap_strip.h"
#include "ui/widgets/offset_dialog.h"

#include <QTest>

using namespace bitmend;

class HeatmapLayoutTest : public QObject
{
    Q_OBJECT

private slots:
    void rows_fillTheWidthToThePixel();
    void cells_holdEveryChunkOnce();
    void fewChunks_getLargeCellsOfTheirOwn();
    void strips_holdEveryChunkOnce();
    void places_areReadAsAPersonWritesThem();
};

void HeatmapLayoutTest::rows_fillTheWidthToThePixel()
{
    for (const qreal scale : {1.0, 1.5, 2.0}) {
        for (int width = 600; width < 3000; width += 37) {
            const HeatmapLayout cells({width, 500}, scale, 1'000'000, 0);
            const int right = cells.rectOf(cells.columns() - 1).right() + 1;
            QCOMPARE(right, width);
            for (int x = 0; x < right; ++x) {
                const int index = cells.indexAt({x, 0}).value_or(-1);
                QVERIFY(index >= 0 && cells.rectOf(index).left() <= x);
                QVERIFY(x <= cells.rectOf(index).right() + cells.gap() + 1);
            }
        }
    }
}

void HeatmapLayoutTest::cells_holdEveryChunkOnce()
{
    for (const std::uint64_t chunks : {1ULL, 7ULL, 29'809ULL, 1'000'000ULL, 1'000'003ULL}) {
        for (int zoom = 0; zoom < 12; ++zoom) {
            const HeatmapLayout cells({1048, 253}, 1, chunks, zoom);
            QCOMPARE(cells.rangeOf(0).first, std::uint64_t{0});
            QCOMPARE(cells.rangeOf(cells.cells() - 1).last, chunks - 1);
            if (cells.cells() > 1)
                QCOMPARE(cells.rangeOf(0).last + 1, cells.rangeOf(1).first);
            if (zoom == 0)
                QCOMPARE(cells.visibleRange().last, chunks - 1);
        }
    }
}

void HeatmapLayoutTest::fewChunks_getLargeCellsOfTheirOwn()
{
    for (std::uint64_t chunks = 1; chunks < 1100; chunks += 7) {
        const HeatmapLayout cells({1048, 253}, 1, chunks, 0);
        QCOMPARE(cells.chunksPerCell(), std::uint64_t{1});
        QVERIFY(cells.pitch() >= 14);
    }
    QVERIFY(HeatmapLayout({1048, 253}, 1, 50, 0).pitch() > 30);
}

void HeatmapLayoutTest::strips_holdEveryChunkOnce()
{
    for (const std::uint64_t chunks : {1ULL, 5ULL, 346ULL, 29'809ULL, 100'000'007ULL}) {
        const StripColumns strip({10, 10 + chunks - 1}, 1048);
        std::uint64_t next = 10;
        for (int column = 0; column < strip.count(); ++column) {
            const ChunkRange range = strip.rangeOf(column);
            QCOMPARE(range.first, next);
            QCOMPARE(strip.columnAt(range.first), column);
            QCOMPARE(strip.columnAt(range.last), column);
            next = range.last + 1;
        }
        QCOMPARE(next, 10 + chunks);
    }
}

void HeatmapLayoutTest::places_areReadAsAPersonWritesThem()
{
    const auto frame = test::resyncingArray().publish(); // 64 MiB per chunk
    QVERIFY(parsePlace(QStringLiteral("294 GiB"), *frame) == std::uint64_t{4704});
    QVERIFY(parsePlace(QStringLiteral("1.5 TiB"), *frame) == std::uint64_t{24576});
    QVERIFY(parsePlace(QStringLiteral("131 072s"), *frame) == std::uint64_t{1});
    QVERIFY(parsePlace(QStringLiteral("#4711"), *frame) == std::uint64_t{4711});
    QVERIFY(parsePlace(QStringLiteral("67108864"), *frame) == std::uint64_t{1});
    for (const char* wrong : {"", "#29809", "99999 TiB", "GiB", "-1", "12 potatoes", "#", "1.2.3G",
             "99999999999999999999999"})
        QVERIFY2(!parsePlace(QString::fromLatin1(wrong), *frame), wrong);
}

QTEST_MAIN(HeatmapLayoutTest)
#include "tst_heatmap_layout.moc"
