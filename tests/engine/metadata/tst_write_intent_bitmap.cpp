// SPDX-License-Identifier: Apache-2.0
// Tn: the rule of that number in the accept/reject list that was measured with the real kernel.
#include "engine/base/popcount.h"
#include "engine/metadata/write_intent_bitmap.h"
#include "tests/engine/metadata/md_bytes.h"

#include <QTest>

#include <numeric>
#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr Sectors kSync{12288};           // of the array in md_bytes.h
constexpr std::uint64_t kChunks = 96;     // of 64 KiB
constexpr std::uint64_t kBitmapAt = 8192; // byte, on the member

Superblock decoded(const Bytes& bytes, SuperblockSlot slot, std::uint64_t device = kDevice)
{
    return formatOf(slot.version).decode(bytes, slot, {device})->superblock;
}

// A 1.2 member with a valid bitmap that has chunks 0, 7 and 95 set.
struct Member
{
    MemorySource source{kDevice * 512};
    Bytes bytes = superblock1(2, 8);
    Bytes header = bitmapHeader(uuidOf1(bytes), kSync.count);

    Member()
    {
        setBit(0);
        setBit(7);
        setBit(95);
    }

    void setBit(std::uint64_t chunk, std::uint64_t at = kBitmapAt)
    {
        source.bytes()[at + 256 + chunk / 8] |= std::byte{1} << (chunk % 8);
    }

    Superblock superblock() const { return decoded(bytes, {MetadataVersion::V1_2, {8}}); }

    Result<BitmapCopy> tryRead(Sectors sync = kSync)
    {
        source.place(4096, bytes);
        source.place(kBitmapAt, header);
        return readBitmap(source, superblock(), sync, false);
    }

    BitmapCopy read(Sectors sync = kSync)
    {
        auto copy = tryRead(sync);
        const BitmapCopy none;
        return copy ? *std::move(copy) : none;
    }
};

// Reads it with one field of the header changed.
BitmapCopy changed(std::size_t offset, std::size_t size, std::uint64_t value)
{
    Member member;
    put(member.header, offset, size, value);
    return member.read();
}

bool has(const BitmapCopy& copy, ProblemCode code, Severity severity)
{
    for (const auto& found : copy.problems) {
        if (found.code == code)
            return found.severity == severity;
    }
    return false;
}

bool refusedByKernel(const BitmapCopy& copy, ProblemCode code)
{
    return has(copy, code, Severity::KernelRefuses) && !copy.usable();
}

bool noted(const BitmapCopy& copy, ProblemCode code)
{
    return has(copy, code, Severity::Note) && copy.usable();
}

// Many chunks of 512 bytes on a larger member; its bitmap needs several pages.
struct LargeMember
{
    static constexpr std::uint64_t kSize = 200'000; // sectors, and so chunks of the component
    static constexpr std::uint64_t kData = 1024;
    MemorySource source{(kData + kSize) * 512};
    Superblock superblock;

    LargeMember()
    {
        Bytes bytes = superblock1(2, 8);
        put64(bytes, 80, kSize);
        put64(bytes, 128, kData);
        put64(bytes, 136, kSize);
        put32(bytes, 96, 24);
        seal1(bytes);
        superblock = decoded(bytes, {MetadataVersion::V1_2, {8}}, kData + kSize);
        Bytes header = bitmapHeader(uuidOf1(bytes), kSize);
        put32(header, 52, 512);
        source.place(kBytes, header);
    }

    static constexpr std::uint64_t kBytes = std::uint64_t{8 + 24} * 512;
};

} // namespace

class TestWriteIntentBitmap : public QObject
{
    Q_OBJECT

private slots:
    void header_isReadFieldByField()
    {
        Member member;
        put64(member.header, 32, 12);
        put32(member.header, 60, 256);
        put32(member.header, 64, 16);
        const auto copy = member.read();
        QVERIFY(copy.problems.empty());
        QCOMPARE(copy.location.byteOffset, kBitmapAt);
        QCOMPARE(copy.location.sectorsFromSuperblock, std::int64_t(8));
        QCOMPARE(copy.header.version, 4u);
        QCOMPARE(copy.header.events, std::uint64_t(17));
        QCOMPARE(copy.header.eventsCleared, std::uint64_t(12));
        QCOMPARE(copy.header.syncSize, kSync);
        QCOMPARE(copy.header.chunkBytes, 65536u);
        QCOMPARE(copy.header.daemonSleep, 5u);
        QCOMPARE(copy.header.writeBehind, 256u);
        QCOMPARE(copy.header.sectorsReserved, 16u);
        QVERIFY(copy.raw == member.header);
        QVERIFY(encodeBitmapHeader(copy.header, copy.raw) == member.header);
    }

    void bits_areReadFromTheirBytes()
    {
        Member member;
        const auto copy = member.read();
        QVERIFY(copy.problems.empty() && copy.usable() && !copy.stale);
        QCOMPARE(copy.bits.chunks, kChunks);
        QCOMPARE(copy.dirty, std::uint64_t(3));
        QVERIFY(copy.bits.test(0) && copy.bits.test(7) && copy.bits.test(95));
        QVERIFY(!copy.bits.test(1) && !copy.bits.test(94));
    }

    void T76_badMagic_isRefused()
    {
        const auto copy = changed(0, 4, 0x6d746963);
        QVERIFY(refusedByKernel(copy, ProblemCode::BitmapBadMagic));
        QCOMPARE(copy.problems.size(), std::size_t(1));
        QCOMPARE(copy.problems[0].offset, std::int64_t(kBitmapAt));
        QCOMPARE(copy.bits.chunks, std::uint64_t(0));
    }

    void T77_version2_isRefused()
    {
        QVERIFY(refusedByKernel(changed(4, 4, 2), ProblemCode::BitmapBadVersion));
        QVERIFY(refusedByKernel(changed(4, 4, 7), ProblemCode::BitmapBadVersion));
    }

    void T78_version3_isReadLikeVersion4()
    {
        const auto copy = changed(4, 4, 3);
        QVERIFY(copy.problems.empty());
        QCOMPARE(copy.dirty, std::uint64_t(3));
    }

    void T79_version5WithoutNodes_isAccepted()
    {
        const auto copy = changed(4, 4, 5);
        QVERIFY(noted(copy, ProblemCode::BitmapClusteredWithoutNodes));
        QCOMPARE(copy.dirty, std::uint64_t(3));
    }

    void T80_version6_isNamedNotRead()
    {
        const auto copy = changed(4, 4, 6);
        QVERIFY(refusedByKernel(copy, ProblemCode::BitmapLockless));
        QCOMPARE(copy.bits.chunks, std::uint64_t(0));
        QCOMPARE(copy.problems.size(), std::size_t(1));
    }

    void T81_chunk256_isRefused()
    {
        QVERIFY(refusedByKernel(changed(52, 4, 256), ProblemCode::BitmapBadChunk));
        QVERIFY(refusedByKernel(changed(52, 4, 0), ProblemCode::BitmapBadChunk));
    }

    void T82_chunk512_isAccepted()
    {
        LargeMember member;
        const auto copy = readBitmap(member.source, member.superblock, {LargeMember::kSize}, false);
        QVERIFY(copy->problems.empty());
        QCOMPARE(copy->bits.chunks, LargeMember::kSize);
    }

    void T83_chunk96KiB_isRefused()
    {
        QVERIFY(refusedByKernel(changed(52, 4, 98304), ProblemCode::BitmapBadChunk));
    }

    void T84_noDaemonSleep_isRefused()
    {
        const auto copy = changed(56, 4, 0);
        QVERIFY(refusedByKernel(copy, ProblemCode::BitmapBadDaemonSleep));
        QCOMPARE(copy.dirty, std::uint64_t(3)); // the bits themselves can still be looked at
    }

    void T85_writeBehind16383_isAccepted() { QVERIFY(changed(60, 4, 16383).problems.empty()); }

    void T86_writeBehind16384_isRefused()
    {
        QVERIFY(refusedByKernel(changed(60, 4, 16384), ProblemCode::BitmapBadWriteBehind));
    }

    void T87_otherUuid_isRefused()
    {
        const auto copy = changed(8, 1, 0xff);
        QVERIFY(refusedByKernel(copy, ProblemCode::BitmapOfOtherArray));
        QCOMPARE(copy.bits.chunks, std::uint64_t(0));
    }

    void T88_eventsBehind_isStale()
    {
        const auto copy = changed(24, 8, 16);
        QVERIFY(noted(copy, ProblemCode::BitmapEventsBehind));
        QVERIFY(copy.stale);
        QCOMPARE(copy.dirty, std::uint64_t(3)); // what lies on disk is still shown
    }

    void T89T90_eventsAhead_areAccepted()
    {
        QVERIFY(changed(24, 8, 18).problems.empty());
        const auto copy = changed(24, 8, 117);
        QVERIFY(copy.problems.empty() && !copy.stale);
    }

    void clusteredEventsBehind_areNotStale()
    {
        Member member;
        put32(member.header, 4, 5);
        put32(member.header, 68, 1);
        put64(member.header, 24, 3);
        QVERIFY(!member.read().stale);
    }

    void T91_stateStale_isStale()
    {
        const auto copy = changed(48, 4, 2);
        QVERIFY(noted(copy, ProblemCode::BitmapMarkedStale));
        QVERIFY(copy.stale);
    }

    void T92_stateWriteError_isRefused()
    {
        QVERIFY(refusedByKernel(changed(48, 4, 4), ProblemCode::BitmapWriteError));
    }

    void T93_syncSize0_isAccepted()
    {
        const auto copy = changed(40, 8, 0);
        QVERIFY(noted(copy, ProblemCode::BitmapSizeDiffers));
        QCOMPARE(copy.bits.chunks, kChunks);
    }

    void T94_bitmapIntoData_isRefused()
    {
        // The header and its first bits lie before the data, the rest does not.
        LargeMember member;
        member.superblock.bitmapOffset = LargeMember::kData - 8 - 49;
        member.source.place((8 + std::uint64_t(member.superblock.bitmapOffset)) * 512, [&] {
            Bytes header(256);
            std::copy_n(member.source.bytes().begin() + LargeMember::kBytes, 256, header.begin());
            return header;
        }());
        const auto copy = readBitmap(member.source, member.superblock, {LargeMember::kSize}, false);
        QVERIFY(refusedByKernel(*copy, ProblemCode::BitmapOverlapsData));
        member.superblock.bitmapOffset -= 1; // 25,256 bytes are 50 sectors
        const auto fits = readBitmap(member.source, member.superblock, {LargeMember::kSize}, false);
        QVERIFY(!has(*fits, ProblemCode::BitmapOverlapsData, Severity::KernelRefuses));
    }

    void T95_bitmapOffsetAtGarbage_isRefused()
    {
        Member member;
        std::mt19937 random(95);
        for (auto& byte : member.header)
            byte = static_cast<std::byte>(random());
        QVERIFY(refusedByKernel(member.read(), ProblemCode::BitmapBadMagic));
    }

    void T96_eachMembersCopyIsJudgedAlone()
    {
        Member good;
        Member bad;
        put32(bad.header, 0, 0);
        QVERIFY(!bad.read().usable());
        QVERIFY(good.read().usable());
    }

    void T97T98_withoutFeatureOrOffset_thereIsNone()
    {
        for (const std::size_t field : {8, 96}) {
            Member member;
            put32(member.bytes, field, 0);
            seal1(member.bytes);
            const auto copy = member.tryRead();
            QVERIFY(!copy);
            QCOMPARE(copy.error().code, ErrorCode::BadBitmap);
        }
    }

    void T104_bitsPastTheEnd_areIgnored()
    {
        Member member;
        for (std::uint64_t chunk = kChunks; chunk < kChunks + 500; ++chunk)
            member.setBit(chunk);
        QCOMPARE(member.read().dirty, std::uint64_t(3));
        // A size that ends inside a byte.
        const auto copy = member.read({kSync.count + 384});
        QCOMPARE(copy.bits.chunks, std::uint64_t(99));
        QCOMPARE(copy.dirty, std::uint64_t(6));
        QCOMPARE(copy.bits.words[1] >> 35, std::uint64_t(0));
    }

    void negativeOffset_liesBeforeTheSuperblock()
    {
        const std::uint64_t place = kDevice - 16;
        const Bytes bytes = superblock1(0, place);
        MemorySource source(kDevice * 512);
        source.place((place - 16) * 512, bitmapHeader(uuidOf1(bytes), kSync.count));
        source.bytes()[(place - 16) * 512 + 256] = std::byte{2};
        const auto copy =
            readBitmap(source, decoded(bytes, {MetadataVersion::V1_0, {place}}), kSync, false);
        QVERIFY(copy->problems.empty());
        QCOMPARE(copy->location.sectorsFromSuperblock, std::int64_t(-16));
        QVERIFY(copy->bits.test(1));
        QCOMPARE(copy->dirty, std::uint64_t(1));
    }

    void bitmapOf090_followsItsSuperblock_data()
    {
        QTest::addColumn<bool>("big");
        QTest::newRow("little-endian writer") << false;
        QTest::newRow("big-endian writer") << true;
    }

    void bitmapOf090_followsItsSuperblock()
    {
        QFETCH(bool, big);
        const Bytes bytes = big ? bigEndian090(superblock090()) : superblock090();
        const auto superblock = decoded(bytes, {MetadataVersion::V0_90, {kPlace090}});
        MemorySource source(kDevice * 512);
        const std::uint64_t at = (kPlace090 + 8) * 512;
        // Bitmap headers are little-endian even there; the UUID is a copy of the raw bytes.
        Bytes header = bitmapHeader(rawUuidOf090(bytes), kPlace090, 0x100000002);
        source.place(at, header);
        source.bytes()[at + 256] = std::byte{0x10};
        auto copy = readBitmap(source, superblock, {kPlace090}, false);
        QVERIFY(copy->problems.empty());
        QCOMPARE(copy->bits.chunks, kPlace090 / 128);
        QCOMPARE(copy->dirty, std::uint64_t(1));
        QVERIFY(copy->bits.test(4));

        // Bits in words of an unknown width say nothing.
        put32(header, 4, 3);
        source.place(at, header);
        copy = readBitmap(source, superblock, {kPlace090}, false);
        QCOMPARE(noted(*copy, ProblemCode::BitmapForeignBits), big);
        QCOMPARE(copy->dirty, big ? copy->bits.chunks : std::uint64_t(1));
    }

    void bitsOverManyPages_areReadAndEncodedTheSame()
    {
        LargeMember member;
        std::mt19937_64 random(4);
        const std::uint64_t bytes = bitmapBytes(LargeMember::kSize);
        for (std::uint64_t at = 256; at < bytes; ++at)
            member.source.bytes()[LargeMember::kBytes + at] = static_cast<std::byte>(random());
        const auto copy = readBitmap(member.source, member.superblock, {LargeMember::kSize}, false);
        QCOMPARE(bitmapPages(copy->bits.chunks), std::uint64_t(7));

        std::uint64_t set = 0;
        for (std::uint64_t chunk = 0; chunk < LargeMember::kSize; ++chunk) {
            const auto byte = member.source.bytes()[LargeMember::kBytes + 256 + chunk / 8];
            const bool bit = (byte >> (chunk % 8) & std::byte{1}) != std::byte{};
            set += bit ? 1 : 0;
            if (copy->bits.test(chunk) != bit)
                QFAIL("a bit differs");
        }
        QCOMPARE(copy->dirty, set);

        for (std::uint64_t page = 0; page < 7; ++page) {
            Bytes out(kBitmapPageBytes, std::byte{0xee});
            encodeBitmapPage(copy->bits, page, out);
            const std::size_t from = page == 0 ? 256 : 0;
            const std::size_t to = std::min<std::uint64_t>(4096, bytes - page * 4096);
            const auto* disk = member.source.bytes().data() + LargeMember::kBytes + page * 4096;
            QVERIFY(std::equal(
                out.begin() + std::ptrdiff_t(from), out.begin() + std::ptrdiff_t(to), disk + from));
            for (std::size_t at = 0; at < from; ++at)
                QVERIFY(out[at] == std::byte{0xee}); // the header's place is the caller's
            for (std::size_t at = to; at < 4096; ++at)
                QVERIFY(out[at] == std::byte{});
        }
    }

    void unreadablePage_countsAsDirty()
    {
        LargeMember member;
        member.source.badFrom = LargeMember::kBytes + std::uint64_t{2} * 4096;
        member.source.badTo = member.source.badFrom + 1;
        const auto copy = readBitmap(member.source, member.superblock, {LargeMember::kSize}, false);
        QVERIFY(noted(*copy, ProblemCode::BitmapPageUnreadable));
        QCOMPARE(copy->problems[0].offset, std::int64_t(member.source.badFrom));
        QCOMPARE(copy->dirty, std::uint64_t(32768));
        const std::uint64_t first = std::uint64_t{2 * 4096 - 256} * 8;
        QVERIFY(copy->bits.test(first) && copy->bits.test(first + 32767));
        QVERIFY(!copy->bits.test(first - 1) && !copy->bits.test(first + 32768));
    }

    void unreadableHeader_isTheError()
    {
        Member member;
        member.source.badFrom = kBitmapAt;
        member.source.badTo = kBitmapAt + 1;
        const auto copy = member.tryRead();
        QVERIFY(!copy);
        QCOMPARE(copy.error().code, ErrorCode::Io);
    }

    void clusteredBitmaps_areReadFromAllNodes()
    {
        Member member;
        put32(member.header, 4, 5);
        put32(member.header, 68, 3);
        putText(member.header, 72, "cluster");
        put32(member.bytes, 188, 64); // out of the way
        seal1(member.bytes);
        for (const std::uint64_t node : {1, 2})
            member.source.place(kBitmapAt + node * 4096, member.header);
        member.setBit(20, kBitmapAt + 4096);
        member.setBit(40, kBitmapAt + 8192);
        member.setBit(60, kBitmapAt + 12288); // no such node
        auto copy = member.read();
        QVERIFY(copy.problems.empty());
        QCOMPARE(copy.header.clusterName, std::string("cluster"));
        QCOMPARE(copy.dirty, std::uint64_t(5));
        QVERIFY(copy.bits.test(20) && copy.bits.test(40));

        put(member.source.bytes(), kBitmapAt + 4096, 4, 0);
        copy = member.read();
        QVERIFY(refusedByKernel(copy, ProblemCode::BitmapBadMagic));
        QCOMPARE(copy.problems[0].offset, std::int64_t(kBitmapAt + 4096));

        put32(member.header, 68, 0xffffffff);
        copy = member.read();
        QVERIFY(refusedByKernel(copy, ProblemCode::BitmapTruncated));
    }

    void externalFile_beginsWithItsHeader()
    {
        const Bytes bytes = superblock1(2, 8);
        auto superblock = decoded(bytes, {MetadataVersion::V1_2, {8}});
        superblock.featureMap = 0;
        MemorySource file(bitmapBytes(kChunks));
        file.place(0, bitmapHeader(uuidOf1(bytes), kSync.count));
        file.bytes().back() = std::byte{0x80};
        auto copy = readBitmap(file, superblock, kSync, true);
        QVERIFY(copy->problems.empty() && copy->location.external);
        QCOMPARE(copy->dirty, std::uint64_t(1));
        QVERIFY(copy->bits.test(95));

        file.bytes().pop_back();
        copy = readBitmap(file, superblock, kSync, true);
        QVERIFY(refusedByKernel(*copy, ProblemCode::BitmapTruncated));
        file.bytes().resize(255);
        QCOMPARE(readBitmap(file, superblock, kSync, true).error().code, ErrorCode::ShortRead);
    }

    void absurdSizes_allocateNothing()
    {
        Member member;
        for (const std::uint64_t sync : {~std::uint64_t(0), std::uint64_t(1) << 62}) {
            const auto copy = member.read({sync});
            QVERIFY(refusedByKernel(copy, ProblemCode::BitmapTruncated));
            QVERIFY(copy.bits.words.empty());
        }
        QCOMPARE(member.read({0}).bits.chunks, std::uint64_t(0));
    }

    void sizes_followTheFormulas()
    {
        // 1 TiB in chunks of 64 MiB; 8 MiB in chunks of 64 KiB.
        QCOMPARE(bitmapChunks({std::uint64_t(1) << 31}, 64 << 20), std::uint64_t(16384));
        QCOMPARE(bitmapBytes(16384), std::uint64_t(2304));
        QCOMPARE(bitmapPages(16384), std::uint64_t(1));
        QCOMPARE(bitmapChunks({14336}, 65536), std::uint64_t(112));
        QCOMPARE(bitmapChunks({14337}, 65536), std::uint64_t(113));
        QCOMPARE(bitmapPages(30720), std::uint64_t(1));
        QCOMPARE(bitmapPages(30721), std::uint64_t(2));
        QCOMPARE(bitmapPages(0), std::uint64_t(1));
        QCOMPARE(bitmapChunks({1}, 511), std::uint64_t(0));
    }

    void syncSize_dependsOnTheLevel()
    {
        Superblock superblock;
        superblock.componentSize = {14345};
        superblock.chunk = {128};
        const auto size = [&](int level) {
            superblock.level = level;
            return bitmapSyncSize(superblock, {28672}).count;
        };
        QCOMPARE(size(1), std::uint64_t(14345));
        for (const int level : {4, 5, 6})
            QCOMPARE(size(level), std::uint64_t(14336));
        QCOMPARE(size(10), std::uint64_t(28672));
        for (const int level : {0, -1, 99})
            QCOMPARE(size(level), std::uint64_t(0));
        superblock.chunk = {};
        QCOMPARE(size(5), std::uint64_t(0));
    }

    void bothWaysOfCounting_agree()
    {
        std::mt19937_64 random(8);
        std::vector<std::uint64_t> words(1000);
        std::ranges::generate(words, random);
        words[5] = 0;
        words[6] = ~std::uint64_t(0);
        std::uint64_t expected = 0;
        for (const auto word : words) {
            for (int bit = 0; bit < 64; ++bit)
                expected += word >> bit & 1;
        }
        QCOMPARE(popcountPortable(words), expected);
        QCOMPARE(popcount(words), expected);
        if (hasPopcntInstruction())
            QCOMPARE(popcountByInstruction(words), expected);
        QCOMPARE(popcount({}), std::uint64_t(0));
    }

    void mutations_neitherCrashNorGrow()
    {
        std::mt19937_64 random(77);
        Member member;
        const Bytes header = member.header;
        for (int round = 0; round < 100'000; ++round) {
            member.header = header;
            for (auto left = random() % 5; left > 0; --left)
                member.header[random() % 144] = static_cast<std::byte>(random());
            const bool absurd = random() % 8 == 0;
            const auto copy = member.read({random() >> (absurd ? random() % 24 : 46)});
            QVERIFY(copy.bits.words.size() * 8 <= member.source.sizeBytes());
            QVERIFY(copy.raw.empty() || encodeBitmapHeader(copy.header, copy.raw) == member.header);
        }
    }
};

QTEST_GUILESS_MAIN(TestWriteIntentBitmap)
#include "tst_write_intent_bitmap.moc"
