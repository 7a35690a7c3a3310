// SPDX-License-Identifier: Apache-2.0
// Tn: the rule of that number in the accept/reject list that was measured with the real kernel.
#include "engine/metadata/metadata_format.h"
#include "engine/metadata/write_intent_bitmap.h"
#include "tests/engine/metadata/md_bytes.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr SuperblockSlot kSlot{MetadataVersion::V0_90, {kPlace090}};

DecodedSuperblock decode(const Bytes& bytes)
{
    auto decoded = formatOf(kSlot.version).decode(bytes, kSlot, {kDevice});
    return decoded ? *std::move(decoded) : DecodedSuperblock{};
}

Bytes encoded(const DecodedSuperblock& decoded)
{
    return formatOf(MetadataVersion::V0_90).encode(decoded.superblock);
}

// Changes words in the superblock and keeps the checksum right.
struct Change
{
    std::size_t word;
    std::uint32_t value;
};

Bytes changedBytes(std::initializer_list<Change> changes)
{
    Bytes bytes = superblock090();
    for (const auto& change : changes)
        put32(bytes, 4 * change.word, change.value);
    seal090(bytes);
    return bytes;
}

DecodedSuperblock changed(std::initializer_list<Change> changes)
{
    return decode(changedBytes(changes));
}

bool has(const DecodedSuperblock& decoded, ProblemCode code, Severity severity)
{
    for (const auto& found : decoded.problems) {
        if (found.code == code)
            return found.severity == severity;
    }
    return false;
}

bool refusedByKernel(const DecodedSuperblock& decoded, ProblemCode code)
{
    return has(decoded, code, Severity::KernelRefuses);
}

// Words of the descriptor `index`.
constexpr std::size_t descriptor(std::size_t index, std::size_t word)
{
    return 128 + 32 * index + word;
}

std::uint32_t wordOf(const Bytes& bytes, std::size_t word)
{
    return static_cast<std::uint32_t>(get(bytes, 4 * word, 4));
}

} // namespace

class TestSuperblock090 : public QObject
{
    Q_OBJECT

private slots:
    void place_followsTheKernels_data()
    {
        QTest::addColumn<quint64>("device");
        QTest::addColumn<quint64>("place");
        QTest::newRow("64 MiB") << quint64(131072) << quint64(130944);
        QTest::newRow("one more") << quint64(131073) << quint64(130944);
        QTest::newRow("128 more") << quint64(131200) << quint64(131072);
        QTest::newRow("one less") << quint64(131071) << quint64(130816);
        QTest::newRow("tiny") << quint64(260) << quint64(128);
    }

    void place_followsTheKernels()
    {
        QFETCH(quint64, device);
        QFETCH(quint64, place);
        const auto found = placesOf(MetadataVersion::V0_90, device);
        QCOMPARE(found.size(), std::size_t(1));
        QCOMPARE(found[0].sector.count, std::uint64_t(place));
        QVERIFY(placesOf(MetadataVersion::V0_90, 127).empty());
    }

    void decode_readsEveryField()
    {
        const auto decoded = decode(superblock090());
        const auto& sb = decoded.superblock;
        QVERIFY(decoded.problems.empty());
        QCOMPARE(toString(sb.arrayUuid), std::string("01234567:89abcdef:fedcba98:76543210"));
        QCOMPARE(sb.ctime, std::int64_t(1700000000));
        QCOMPARE(sb.utime, std::int64_t(1700000100));
        QCOMPARE(sb.level, 1);
        QCOMPARE(sb.componentSize.count, kPlace090);
        QCOMPARE(sb.raidDisks, 2u);
        QCOMPARE(sb.preferredMinor, 3u);
        QCOMPARE(sb.dataOffset.count, std::uint64_t(0));
        QCOMPARE(sb.dataSize.count, kPlace090);
        QCOMPARE(sb.events, std::uint64_t(0x100000002));
        QCOMPARE(sb.devNumber, 1u);
        QCOMPARE(sb.role(), Role(1));
        QCOMPARE(sb.devRoles[0], Role(0));
        QCOMPARE(sb.devRoles[2], kRoleSpare);
        QVERIFY(sb.hasBitmap() && sb.bitmapOffset == 8);
        QVERIFY(!sb.isDirty());
    }

    void T57_bigEndianSuperblock_isReadTheSame()
    {
        const auto little = decode(superblock090());
        const auto big = decode(bigEndian090(superblock090()));
        QVERIFY(refusedByKernel(big, ProblemCode::ForeignByteOrder));
        QCOMPARE(big.problems.size(), std::size_t(1));
        QVERIFY(!anyBars(big.problems));
        QVERIFY(big.superblock.byteOrder == std::endian::big);
        QCOMPARE(toString(big.superblock.arrayUuid), toString(little.superblock.arrayUuid));
        QCOMPARE(big.superblock.events, little.superblock.events);
        QCOMPARE(big.superblock.level, little.superblock.level);
        QCOMPARE(big.superblock.devRoles, little.superblock.devRoles);
        QCOMPARE(big.superblock.computedChecksum, little.superblock.computedChecksum);
        QCOMPARE(big.superblock.resyncOffset, little.superblock.resyncOffset);
    }

    void eventHalves_areInTheWritersOrder()
    {
        const Bytes little = superblock090();
        QCOMPARE(wordOf(little, 39), 2u);
        QCOMPARE(wordOf(little, 40), 1u);
        Bytes big = bigEndian090(little);
        QCOMPARE(std::to_integer<int>(big[159]), 1); // high half first
        QCOMPARE(std::to_integer<int>(big[163]), 2);
        auto decoded = decode(big);
        decoded.superblock.events += 1;
        big = encoded(decoded);
        QCOMPARE(std::to_integer<int>(big[159]), 1);
        QCOMPARE(std::to_integer<int>(big[163]), 3);
    }

    void bitmapUuid_isTheRawBytes()
    {
        for (const Bytes& bytes : {superblock090(), bigEndian090(superblock090())}) {
            const Uuid uuid = bitmapUuid(decode(bytes).superblock);
            const Bytes raw = rawUuidOf090(bytes);
            QVERIFY(std::memcmp(uuid.bytes.data(), raw.data(), 16) == 0);
        }
    }

    void T51_foldedChecksum_isAcceptedAndKept()
    {
        Bytes bytes = superblock090();
        std::uint32_t sum = wordOf(bytes, 38);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        put32(bytes, 152, sum);
        auto decoded = decode(bytes);
        QVERIFY(decoded.problems.empty());
        QVERIFY(encoded(decoded) == bytes);
        // A new one is written in full.
        decoded.superblock.utime += 1;
        const Bytes again = encoded(decoded);
        QVERIFY(wordOf(again, 38) > 0xffff);
        QVERIFY(decode(again).problems.empty());
    }

    void T52_flippedChecksumBit_isRefused()
    {
        Bytes bytes = superblock090();
        put32(bytes, 152, wordOf(bytes, 38) ^ 4);
        QVERIFY(refusedByKernel(decode(bytes), ProblemCode::BadChecksum));
    }

    void T53T54_minorsBeside90And91_areRefused()
    {
        QVERIFY(refusedByKernel(changed({{2, 89}}), ProblemCode::BadMinorVersion));
        QVERIFY(refusedByKernel(changed({{2, 92}}), ProblemCode::BadMinorVersion));
        QVERIFY(changed({{2, 91}}).problems.empty());
    }

    void T55_major1_isRefused()
    {
        QVERIFY(refusedByKernel(changed({{1, 1}}), ProblemCode::BadMajorVersion));
    }

    void T56_noRaidDisks_isRefused()
    {
        QVERIFY(refusedByKernel(changed({{10, 0}}), ProblemCode::NoRaidDisks));
    }

    void T58_sizeBeyondSuperblock_isRefused()
    {
        const auto decoded = changed({{8, kPlace090 / 2 + 1}});
        QVERIFY(refusedByKernel(decoded, ProblemCode::ComponentBeyondDevice));
        // Level 0 and linear use the word for nothing.
        QVERIFY(!refusedByKernel(changed({{8, kPlace090}, {7, 0}, {65, 65536}, {33, 1}}),
            ProblemCode::ComponentBeyondDevice));
    }

    void T62toT65_otherWords_stayAsTheyAre()
    {
        const Bytes bytes = changedBytes({{4, 5}, {17, 6}, {9, 1}, {32, 1800000000}, {200, 7}});
        const auto decoded = decode(bytes);
        QVERIFY(!anyBars(decoded.problems));
        QVERIFY(encoded(decoded) == bytes);
        QCOMPARE(decoded.superblock.utime, std::int64_t(1800000000));
    }

    void T68_number27_isRefused()
    {
        const auto decoded = changed({{992, 27}});
        QVERIFY(refusedByKernel(decoded, ProblemCode::DevNumberOutOfRange));
        QCOMPARE(decoded.superblock.role(), kRoleSpare);
        QVERIFY(refusedByKernel(changed({{992, 0xffffffff}}), ProblemCode::DevNumberOutOfRange));
    }

    void T70_dirtyWithOtherCheckpointEvents_resyncsFromTheStart()
    {
        const auto decoded = changed({{33, 0x100}, {41, 1}, {43, 5000}});
        QCOMPARE(decoded.superblock.resyncOffset.count, std::uint64_t(0));
    }

    void T71_dirtyWithEqualCheckpointEvents_resyncsFromTheCheckpoint()
    {
        const Bytes bytes = changedBytes({{33, 0x100}, {43, 5000}});
        const auto decoded = decode(bytes);
        QCOMPARE(decoded.superblock.resyncOffset.count, std::uint64_t(5000));
        QVERIFY(encoded(decoded) == bytes);
    }

    void T72_stateWithoutBitmapBit_isNoBitmap()
    {
        QVERIFY(!changed({{33, 1}}).superblock.hasBitmap());
    }

    void T73_ownDescriptorFaulty_isFaulty()
    {
        QCOMPARE(changed({{descriptor(1, 4), 1}}).superblock.role(), kRoleFaulty);
        QCOMPARE(changed({{descriptor(1, 4), 9}}).superblock.role(), kRoleFaulty);
    }

    void T74_ownDescriptorState0_isASpare()
    {
        QCOMPARE(changed({{descriptor(1, 4), 0}}).superblock.role(), kRoleSpare);
    }

    void T75_activeAlone_countsOnlyWhileReshaping()
    {
        QCOMPARE(changed({{descriptor(1, 4), 2}}).superblock.role(), kRoleSpare);
        const auto reshaping = changed({{descriptor(1, 4), 2}, {2, 91}}).superblock;
        QCOMPARE(reshaping.role(), Role(1));
        QVERIFY(reshaping.has(feature::kRecoveryOffset));
        QCOMPARE(reshaping.recoveryOffset.count, std::uint64_t(0));
    }

    void emptySlot_isNoMember()
    {
        const auto decoded = changed({{descriptor(0, 4), 9}});
        QCOMPARE(decoded.superblock.devRoles[0], kRoleSpare);
    }

    void thisDisk_otherThanItsDescriptor_isNoted()
    {
        const auto decoded = changed({{992 + 4, 0}});
        QVERIFY(has(decoded, ProblemCode::ThisDiskDiffers, Severity::Note));
        QCOMPARE(decoded.superblock.role(), Role(1));
    }

    void reshape_countsOnlyAtMinor91()
    {
        const auto fields = {Change{44, 12288}, {46, 5}, {47, 0xffffffff}, {48, 2}, {49, 65536}};
        QVERIFY(!changed(fields).superblock.reshape);
        const Bytes bytes = changedBytes(
            {{2, 91}, {44, 12288}, {45, 1}, {46, 5}, {47, 0xffffffff}, {48, 2}, {49, 65536}});
        for (const Bytes& each : {bytes, bigEndian090(bytes)}) {
            const auto decoded = decode(each);
            QVERIFY(decoded.superblock.reshape.has_value());
            const auto reshape = decoded.superblock.reshape.value_or(Reshape{});
            QCOMPARE(reshape.position.count, std::uint64_t(12288) | std::uint64_t(1) << 32);
            QCOMPARE(reshape.newLevel, 5);
            QCOMPARE(reshape.deltaDisks, -1);
            QCOMPARE(reshape.newChunk.count, std::uint64_t(128));
            QVERIFY(encoded(decoded) == each);
        }
    }

    void encode_givesTheSameBytesInBothOrders()
    {
        for (const Bytes& bytes : {superblock090(), bigEndian090(superblock090())})
            QVERIFY(encoded(decode(bytes)) == bytes);
    }

    void encode_becomingDirtyAndCleanAgain_setsStateAndCheckpoint()
    {
        auto decoded = decode(superblock090());
        decoded.superblock.resyncOffset = {};
        decoded.superblock.events += 1;
        Bytes bytes = encoded(decoded);
        QCOMPARE(wordOf(bytes, 33), 0x100u);
        QCOMPARE(wordOf(bytes, 43), 0u);
        auto dirty = decode(bytes);
        QVERIFY(dirty.problems.empty());
        QVERIFY(dirty.superblock.isDirty());

        dirty.superblock.resyncOffset = {std::uint64_t(1) << 40};
        QCOMPARE(wordOf(encoded(dirty), 43), 0xffffffffu);
        dirty.superblock.resyncOffset = kMaxSector;
        bytes = encoded(dirty);
        QCOMPARE(wordOf(bytes, 33), 0x101u);
        QCOMPARE(wordOf(bytes, 43), 0xffffffffu);
        QCOMPARE(get(bytes, 156, 8), get(bytes, 164, 8));
    }

    void encode_failingAMember_leavesAnEmptySlotAndCounts()
    {
        auto decoded = decode(superblock090());
        decoded.superblock.devRoles[0] = kRoleSpare;
        decoded.superblock.devRoles[2] = kRoleFaulty; // the failed one moves behind the slots
        for (const auto order : {std::endian::little, std::endian::big}) {
            if (order == std::endian::big) {
                const auto roles = decoded.superblock.devRoles;
                decoded = decode(bigEndian090(superblock090()));
                decoded.superblock.devRoles = roles;
            }
            const Bytes bytes = encoded(decoded);
            const auto again = decode(bytes);
            QVERIFY(!anyBars(again.problems));
            QCOMPARE(again.superblock.devRoles, decoded.superblock.devRoles);
            const Bytes words = order == std::endian::big ? bigEndian090(bytes) : bytes;
            QCOMPARE(wordOf(words, descriptor(0, 4)), 9u);
            QCOMPARE(wordOf(words, descriptor(0, 3)), 0u);
            QCOMPARE(wordOf(words, descriptor(2, 4)), 1u);
            QCOMPARE(wordOf(words, descriptor(2, 3)), 2u);
            QCOMPARE(wordOf(words, 9), 2u);  // nr_disks
            QCOMPARE(wordOf(words, 34), 1u); // active
            QCOMPARE(wordOf(words, 35), 1u); // working
            QCOMPARE(wordOf(words, 36), 1u); // failed: the empty slot
            QCOMPARE(wordOf(words, 37), 0u); // spare
        }
    }

    void encode_ofOwnRole_writesThisDiskToo()
    {
        auto decoded = decode(superblock090());
        decoded.superblock.devRoles[1] = kRoleSpare;
        decoded.superblock.devFlags = 1;
        const Bytes bytes = encoded(decoded);
        QCOMPARE(wordOf(bytes, descriptor(1, 4)), 0x200u);
        QVERIFY(
            std::equal(bytes.begin() + 512 + 128, bytes.begin() + 512 + 256, bytes.begin() + 3968));
        QCOMPARE(decode(bytes).superblock.devFlags, std::uint8_t(1));
    }

    void largeMembers_areClampedTo4TiB()
    {
        const SuperblockSlot far{MetadataVersion::V0_90, {std::uint64_t{3} << 33}};
        const auto decoded =
            formatOf(far.version).decode(superblock090(), far, far.sector + Sectors{128});
        QCOMPARE(decoded->superblock.dataSize.count, (std::uint64_t{1} << 33) - 2);
    }

    void oddChunkBytes_areRefusedWhereAChunkMatters()
    {
        QVERIFY(refusedByKernel(
            changed({{7, 5}, {10, 3}, {64, 2}, {65, 65537}}), ProblemCode::BadChunk));
        QVERIFY(changed({{7, 5}, {10, 3}, {64, 2}, {65, 65536}}).problems.empty());
        const Bytes bytes = changedBytes({{65, 1001}});
        QVERIFY(encoded(decode(bytes)) == bytes);
    }

    void hasMagic_tellsTheFormatsApart()
    {
        const Bytes small = superblock090();
        const Bytes big = bigEndian090(small);
        const Bytes one = superblock1(2, 8);
        const auto& format090 = formatOf(MetadataVersion::V0_90);
        const auto& format1 = formatOf(MetadataVersion::V1_2);
        QVERIFY(format090.hasMagic(small) && format090.hasMagic(big) && !format090.hasMagic(one));
        QVERIFY(format1.hasMagic(one) && !format1.hasMagic(small) && !format1.hasMagic(big));
        QVERIFY(!format090.hasMagic(Bytes(8)) && !format1.hasMagic(Bytes(7)));
    }

    void tooFewBytes_areNoSuperblock()
    {
        for (const std::size_t size : {0, 4, 512, 4095}) {
            Bytes bytes = superblock090();
            bytes.resize(size);
            QVERIFY(!formatOf(kSlot.version).decode(bytes, kSlot, {kDevice}).has_value());
        }
    }

    void mutations_neitherCrashNorChange()
    {
        std::mt19937_64 random(90);
        const Bytes little = superblock090();
        int accepted = 0;
        for (int round = 0; round < 100'000; ++round) {
            Bytes bytes = little;
            for (auto left = random() % 4; left > 0; --left) {
                const std::size_t at = random() % 5 == 0 ? 3968 + random() % 20 : random() % 720;
                bytes[at] = static_cast<std::byte>(random());
            }
            if (random() % 8 != 0)
                seal090(bytes);
            if (random() % 2 != 0)
                bytes = bigEndian090(bytes);
            const auto decoded = formatOf(kSlot.version).decode(bytes, kSlot, {kDevice});
            if (!decoded || anyBars(decoded->problems))
                continue;
            ++accepted;
            QVERIFY(encoded(*decoded) == bytes);
        }
        QVERIFY(accepted > 10'000);
    }

    void noise_neitherCrashesNorPasses()
    {
        std::mt19937_64 random(91);
        Bytes bytes(4096);
        for (int round = 0; round < 2'000; ++round) {
            for (std::size_t at = 0; at < bytes.size(); at += 8)
                put64(bytes, at, random());
            put32(bytes, 0, round % 2 == 0 ? 0xa92b4efc : 0xfc4e2ba9);
            QVERIFY(anyBars(decode(bytes).problems));
        }
    }
};

QTEST_GUILESS_MAIN(TestSuperblock090)
#include "tst_superblock090.moc"
