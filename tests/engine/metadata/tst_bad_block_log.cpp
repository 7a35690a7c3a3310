// SPDX-License-Identifier: Apache-2.0
// The words of a bad block log: read as the kernel reads them, written so that it does.
#include "engine/metadata/bad_block_log.h"
#include "engine/metadata/superblock.h"
#include "tests/engine/metadata/md_bytes.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

Superblock withLog(std::uint16_t sectors = 8, std::uint8_t shift = 0)
{
    Superblock superblock;
    superblock.location = {8};
    superblock.featureMap = feature::kBadBlocks;
    superblock.badBlockLog = {16, sectors, shift};
    return superblock;
}

Bytes words(const std::vector<std::uint64_t>& values)
{
    Bytes bytes;
    for (const auto value : values) {
        for (unsigned i = 0; i < 8; ++i)
            bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
    return bytes;
}

BadBlocks manyApart(std::size_t count)
{
    BadBlocks blocks;
    for (std::size_t i = 0; i < count; ++i)
        blocks.push_back({{i * 10}, {i * 10 + 1}});
    return blocks;
}

} // namespace

class TestBadBlockLog : public QObject
{
    Q_OBJECT

private slots:
    // 3000 + 8, as the kernel was seen to write it.
    void encode_isTheKernelsWord()
    {
        const auto log = encodeBadBlocks({{{3000}, {3008}}}, withLog());
        QVERIFY(log.has_value());
        QCOMPARE(log->size(), std::size_t(4096));
        QCOMPARE(Bytes(log->begin(), log->begin() + 8), words({0x2EE008}));
        QVERIFY(std::all_of(
            log->begin() + 8, log->end(), [](std::byte byte) { return byte == std::byte{0xff}; }));
    }

    void decode_sortsAndMergesWhatTheKernelWroteInAnyOrder()
    {
        const auto log = words(
            {5512 << 10 | 188, 5000 << 10 | 512, 8 << 10 | 4, 12 << 10 | 4, ~0ULL, 1 << 10 | 1});
        QCOMPARE(decodeBadBlocks(log, 0), (BadBlocks{{{8}, {16}}, {{5000}, {5700}}}));
    }

    void decode_ofWhatIsNoPlaceSaysNothing()
    {
        QCOMPARE(decodeBadBlocks(words({77 << 10}), 0), BadBlocks());
        // It would end where no word can begin.
        QCOMPARE(decodeBadBlocks(words({0xffffffffffffff0f}), 0), BadBlocks());
        QCOMPARE(decodeBadBlocks(words({~0ULL - 1}), 0), BadBlocks());
        QCOMPARE(decodeBadBlocks(words({~0ULL - 1}), 8), BadBlocks());
        QCOMPARE(decodeBadBlocks(words({3 << 10 | 1}), 63), BadBlocks());
    }

    void encode_thenDecode_isTheSame()
    {
        const BadBlocks blocks{{{1}, {2}}, {{100}, {1900}}, {{1ULL << 40}, {(1ULL << 40) + 512}}};
        const auto log = encodeBadBlocks(blocks, withLog());
        QVERIFY(log.has_value());
        QCOMPARE(decodeBadBlocks(*log, 0), blocks);
    }

    void encode_countsInUnits()
    {
        const auto log = encodeBadBlocks({{{3}, {9}}}, withLog(1, 3));
        QVERIFY(log.has_value());
        QCOMPARE(Bytes(log->begin(), log->begin() + 8), words({0 << 10 | 2}));
        QCOMPARE(decodeBadBlocks(*log, 3), (BadBlocks{{{0}, {16}}}));
    }

    void encode_ofMoreThanThereIsRoomForIsNothing()
    {
        QVERIFY(encodeBadBlocks(manyApart(64), withLog(1)).has_value());
        QVERIFY(!encodeBadBlocks(manyApart(65), withLog(1)));
        QVERIFY(!encodeBadBlocks({{{0}, {1}}}, Superblock()));
    }

    void read_asksOnlyWhereTheFeatureSaysSo()
    {
        MemorySource source(1U << 20U);
        source.place(24 * 512, words({3000 << 10 | 8, ~0ULL}));
        QCOMPARE(*readBadBlocks(source, withLog()), (BadBlocks{{{3000}, {3008}}}));
        auto unused = withLog();
        unused.featureMap = 0;
        QCOMPARE(*readBadBlocks(source, unused), BadBlocks());
        source.badFrom = 24 * 512;
        source.badTo = source.badFrom + 1;
        QVERIFY(!readBadBlocks(source, withLog()));
        QVERIFY(readBadBlocks(source, unused).has_value());
    }
};

QTEST_GUILESS_MAIN(TestBadBlockLog)
#include "tst_bad_block_log.moc"
