// SPDX-License-Identifier: Apache-2.0
#include "engine/io/extent_set.h"

#include <QTest>

#include <random>

using namespace bitmend;

class TestExtentSet : public QObject
{
    Q_OBJECT

private slots:
    void neighbours_mergeIntoOne()
    {
        ExtentSet set;
        set.insert({{4}, {8}});
        set.insert({{0}, {2}});
        set.insert({{2}, {4}});
        QCOMPARE(set.ranges(), (std::vector<SectorRange>{{{0}, {8}}}));
    }

    void emptyRange_isNotInserted()
    {
        ExtentSet set;
        set.insert({{4}, {4}});
        QVERIFY(set.empty());
    }

    void randomInserts_agreeWithABitmap()
    {
        constexpr std::size_t kSectors = 200;
        std::mt19937 random(7);
        for (int round = 0; round < 50; ++round) {
            ExtentSet set;
            std::vector<bool> bits(kSectors);
            for (int insert = 0; insert < 25; ++insert) {
                const std::uint64_t begin = random() % kSectors;
                const std::uint64_t end = std::min(begin + random() % 12, kSectors);
                set.insert({{begin}, {end}});
                for (auto sector = begin; sector < end; ++sector)
                    bits[sector] = true;
                const std::uint64_t from = random() % kSectors;
                checkPieces(set, bits, {{from}, {from + random() % (kSectors + 1 - from)}});
            }
            checkMerged(set, bits);
        }
    }

private:
    static void checkPieces(const ExtentSet& set, const std::vector<bool>& bits, SectorRange asked)
    {
        std::uint64_t at = asked.begin.count;
        for (const auto& piece : set.split(asked)) {
            QCOMPARE(piece.range.begin.count, at);
            QVERIFY(!piece.range.empty());
            for (; at < piece.range.end.count; ++at)
                QCOMPARE(bool(bits[at]), piece.isInside);
        }
        QCOMPARE(at, asked.end.count);
    }

    static void checkMerged(const ExtentSet& set, const std::vector<bool>& bits)
    {
        std::uint64_t at = 0;
        for (const auto& range : set.ranges()) {
            QVERIFY(range.begin.count > at || at == 0);
            for (; at < range.begin.count; ++at)
                QVERIFY(!bits[at]);
            for (; at < range.end.count; ++at)
                QVERIFY(bits[at]);
        }
        for (; at < bits.size(); ++at)
            QVERIFY(!bits[at]);
    }
};

QTEST_GUILESS_MAIN(TestExtentSet)
#include "tst_extent_set.moc"
