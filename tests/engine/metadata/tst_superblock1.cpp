// SPDX-License-Identifier: Apache-2.0
// Tn: the rule of that number in the accept/reject list that was measured with the real kernel.
#include "engine/metadata/metadata_format.h"
#include "engine/metadata/superblock1_format.h"
#include "tests/engine/metadata/md_bytes.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr SuperblockSlot kAt12{MetadataVersion::V1_2, {8}};
constexpr SuperblockSlot kAt11{MetadataVersion::V1_1, {0}};
constexpr SuperblockSlot kAt10{MetadataVersion::V1_0, {kDevice - 16}};
constexpr Sectors kSize{kDevice};

Bytes valid(SuperblockSlot slot = kAt12)
{
    const unsigned minor = slot.version == MetadataVersion::V1_0   ? 0
                           : slot.version == MetadataVersion::V1_1 ? 1
                                                                   : 2;
    return superblock1(minor, slot.sector.count);
}

DecodedSuperblock decode(const Bytes& bytes, SuperblockSlot slot = kAt12, Sectors size = kSize)
{
    auto decoded = formatOf(slot.version).decode(bytes, slot, size);
    return decoded ? *std::move(decoded) : DecodedSuperblock{};
}

constexpr std::int64_t kNowhere = -2;

// The problem of that code; one at kNowhere when there is none.
Problem problem(const DecodedSuperblock& decoded, ProblemCode code)
{
    for (const auto& found : decoded.problems) {
        if (found.code == code)
            return found;
    }
    return {ProblemCode::BitmapPageUnreadable, Severity::Note, {}, kNowhere, 0, 0};
}

// Changes one field, seals, decodes.
DecodedSuperblock changed(
    std::size_t offset, std::size_t size, std::uint64_t value, SuperblockSlot slot = kAt12)
{
    Bytes bytes = valid(slot);
    put(bytes, offset, size, value);
    seal1(bytes);
    return decode(bytes, slot);
}

bool refusedByKernel(const DecodedSuperblock& decoded, ProblemCode code)
{
    const auto found = problem(decoded, code);
    return found.offset != kNowhere && found.severity == Severity::KernelRefuses;
}

bool refusedByUs(const DecodedSuperblock& decoded, ProblemCode code)
{
    const auto found = problem(decoded, code);
    return found.offset != kNowhere && found.severity == Severity::EngineRefuses;
}

bool noted(const DecodedSuperblock& decoded, ProblemCode code)
{
    const auto found = problem(decoded, code);
    return found.offset != kNowhere && found.severity == Severity::Note;
}

// Changes bytes in the superblock and keeps the checksum right.
struct Change
{
    std::size_t offset;
    std::size_t size;
    std::uint64_t value;
};

DecodedSuperblock changedAll(std::initializer_list<Change> changes, SuperblockSlot slot = kAt12)
{
    Bytes bytes = valid(slot);
    for (const auto& change : changes)
        put(bytes, change.offset, change.size, change.value);
    seal1(bytes);
    return decode(bytes, slot);
}

Bytes encoded(const DecodedSuperblock& decoded)
{
    return formatOf(decoded.superblock.version).encode(decoded.superblock);
}

bool isPrefix(const Bytes& start, const Bytes& whole)
{
    return start.size() <= whole.size() && std::equal(start.begin(), start.end(), whole.begin());
}

} // namespace

class TestSuperblock1 : public QObject
{
    Q_OBJECT

private slots:
    void slots_followTheKernelsPlaces_data()
    {
        QTest::addColumn<quint64>("device");
        QTest::addColumn<quint64>("place10");
        QTest::newRow("64 MiB") << quint64(131072) << quint64(131056);
        QTest::newRow("one more") << quint64(131073) << quint64(131056);
        QTest::newRow("eight more") << quint64(131080) << quint64(131064);
        QTest::newRow("nine more") << quint64(131081) << quint64(131064);
        QTest::newRow("one less") << quint64(131071) << quint64(131048);
        QTest::newRow("128 more") << quint64(131200) << quint64(131184);
    }

    void slots_followTheKernelsPlaces()
    {
        QFETCH(quint64, device);
        QFETCH(quint64, place10);
        const auto found = placesOf(MetadataVersion::V1_0, device);
        QCOMPARE(found.size(), std::size_t(3));
        QCOMPARE(found[0].sector.count, std::uint64_t(0));
        QCOMPARE(found[1].sector.count, std::uint64_t(8));
        QCOMPARE(found[2].sector.count, std::uint64_t(place10));
    }

    void slots_ofATinyDeviceHoldAWholeSuperblock()
    {
        for (std::uint64_t device = 0; device < 64; ++device) {
            for (const auto& slot : placesOf(MetadataVersion::V1_0, device))
                QVERIFY(slot.sector.count + kSuperblockBytes / 512 <= device);
        }
    }

    void decode_readsEveryField()
    {
        const auto sb = decode(valid()).superblock;
        QCOMPARE(toString(sb.arrayUuid), std::string("10111213:14151617:18191a1b:1c1d1e1f"));
        QCOMPARE(sb.name, std::string("host:data"));
        QCOMPARE(sb.ctime, std::int64_t(1700000000));
        QCOMPARE(sb.utime, std::int64_t(1700000100));
        QCOMPARE(sb.level, 1);
        QCOMPARE(sb.componentSize.count, std::uint64_t(12288));
        QCOMPARE(sb.raidDisks, 2u);
        QVERIFY(sb.hasBitmap());
        QCOMPARE(sb.bitmapOffset, 8);
        QCOMPARE(sb.dataOffset.count, std::uint64_t(2048));
        QCOMPARE(sb.dataSize.count, kDevice - 2048);
        QCOMPARE(sb.devNumber, 1u);
        QCOMPARE(sb.role(), Role(1));
        QCOMPARE(toString(sb.deviceUuid), std::string("a0a1a2a3:a4a5a6a7:a8a9aaab:acadaeaf"));
        QCOMPARE(sb.badBlockLog, (BadBlockLogPlace{16, 8, 0}));
        QCOMPARE(sb.events, std::uint64_t(17));
        QVERIFY(!sb.isDirty());
        QCOMPARE(sb.devRoles.size(), std::size_t(128));
        QVERIFY(!sb.reshape && !sb.ppl);
    }

    void validSuperblock_hasNoProblemAtAnyPlace()
    {
        for (const auto slot : {kAt10, kAt11, kAt12})
            QVERIFY(decode(valid(slot), slot).problems.empty());
    }

    void signedOffsets_keepTheirSign()
    {
        const auto sb = decode(valid(kAt10), kAt10).superblock;
        QCOMPARE(sb.bitmapOffset, -16);
        QCOMPARE(sb.badBlockLog.offset, -8);
    }

    void T1_wrongMagic_isNoSuperblock()
    {
        Bytes bytes = valid();
        put32(bytes, 0, 0xa92b4efd);
        const auto decoded = formatOf(MetadataVersion::V1_2).decode(bytes, kAt12, kSize);
        QVERIFY(!decoded);
        QCOMPARE(decoded.error().code, ErrorCode::NoSuperblock);
        QCOMPARE(decoded.error().offset, std::int64_t(4096));
    }

    void T2_majorVersion2_isRefused()
    {
        QVERIFY(refusedByKernel(changed(4, 4, 2), ProblemCode::BadMajorVersion));
    }

    void T3_roleTableOf1921_isRefused()
    {
        const auto decoded = changed(220, 4, 1921);
        QVERIFY(refusedByKernel(decoded, ProblemCode::RoleTableTooLarge));
        QCOMPARE(decoded.superblock.devRoles.size(), std::size_t(1920));
    }

    void T4_roleTableOf1920_isAccepted()
    {
        Bytes bytes = valid();
        put32(bytes, 220, 1920);
        std::fill(bytes.begin() + 260, bytes.end(), std::byte{0xff});
        // Such a superblock fills 4 KiB, so what follows it has to move on.
        seal1(bytes);
        const auto decoded = decode(bytes);
        QVERIFY(decoded.problems.empty());
        QVERIFY(encoded(decoded) == bytes);
    }

    void T5_superOffsetElsewhere_isRefused()
    {
        const auto decoded = changed(144, 8, 16);
        QVERIFY(refusedByKernel(decoded, ProblemCode::NotWhereItSays));
        QCOMPARE(problem(decoded, ProblemCode::NotWhereItSays).expected, std::uint64_t(8));
    }

    void T6_unknownFeature_isRefused()
    {
        QVERIFY(refusedByKernel(changed(8, 4, 1 | 8192), ProblemCode::UnknownFeature));
    }

    void T7_badChecksum_isRefused()
    {
        Bytes bytes = valid();
        put32(bytes, 216, get(bytes, 216, 4) + 1);
        const auto decoded = decode(bytes);
        QVERIFY(refusedByKernel(decoded, ProblemCode::BadChecksum));
        const auto found = problem(decoded, ProblemCode::BadChecksum);
        QCOMPARE(found.field, std::string_view("sb_csum"));
        QCOMPARE(found.offset, std::int64_t(4096 + 216));
        QCOMPARE(found.found, found.expected + 1);
    }

    void T8_dataSize9_isRefused()
    {
        const auto found = problem(changed(136, 8, 9), ProblemCode::DataSizeTooSmall);
        QCOMPARE(found.severity, Severity::KernelRefuses);
        QCOMPARE(found.offset, std::int64_t(4096 + 136));
        QCOMPARE(found.found, std::uint64_t(9));
    }

    void T9_dataSize10_isAccepted()
    {
        QVERIFY(changedAll({{136, 8, 10}, {80, 8, 10}}).problems.empty());
    }

    void T10_pad0_isRefused()
    {
        QVERIFY(refusedByKernel(changed(12, 4, 1), ProblemCode::PaddingNotZero));
    }

    void T11_firstPaddingByte_isRefused()
    {
        QVERIFY(refusedByKernel(changed(224, 1, 1), ProblemCode::PaddingNotZero));
    }

    void T12_lastPaddingByte_isRefused()
    {
        const auto decoded = changed(255, 1, 1);
        QVERIFY(refusedByKernel(decoded, ProblemCode::PaddingNotZero));
        QCOMPARE(problem(decoded, ProblemCode::PaddingNotZero).offset, std::int64_t(4096 + 255));
    }

    void logicalBlockSize_isNotedAndKept()
    {
        const auto decoded = changed(224, 4, 4096);
        QVERIFY(noted(decoded, ProblemCode::LogicalBlockSizeSet));
        QVERIFY(!anyBars(decoded.problems));
        QCOMPARE(get(encoded(decoded), 224, 4), std::uint64_t(4096));
    }

    void T13_dataSizeBeyondDevice_isRefused()
    {
        const auto decoded = changed(136, 8, kDevice - 2048 + 1);
        QVERIFY(refusedByKernel(decoded, ProblemCode::DataSizeTooLarge));
        QCOMPARE(problem(decoded, ProblemCode::DataSizeTooLarge).expected, kDevice - 2048);
        // The array itself does not reach into the missing part.
        QVERIFY(!refusedByUs(decoded, ProblemCode::DataBeyondDevice));
    }

    void cutImage_isNamedAsSuch()
    {
        const auto decoded = decode(valid(), kAt12, {8000});
        QVERIFY(refusedByKernel(decoded, ProblemCode::DataSizeTooLarge));
        QVERIFY(refusedByUs(decoded, ProblemCode::DataBeyondDevice));
        QCOMPARE(problem(decoded, ProblemCode::DataBeyondDevice).found, std::uint64_t(14336));
    }

    void T14_componentLargerThanData_isRefusedByUs()
    {
        const auto decoded = changed(80, 8, 99999);
        QVERIFY(refusedByUs(decoded, ProblemCode::ComponentLargerThanData));
    }

    void T15toT18_uuidLevelLayoutAndChunk_comeAsStored()
    {
        const auto sb = changedAll(
            {{16, 1, 0x99}, {72, 4, 5}, {76, 4, 2}, {88, 4, 128}, {92, 4, 3}, {80, 8, 12288}});
        QCOMPARE(sb.superblock.arrayUuid.bytes[0], std::uint8_t(0x99));
        QCOMPARE(sb.superblock.level, 5);
        QCOMPARE(sb.superblock.layout, 2u);
        QCOMPARE(sb.superblock.chunk.count, std::uint64_t(128));
        QVERIFY(sb.problems.empty());
    }

    void T22_raid0LayoutOnRaid1_isRefused()
    {
        QVERIFY(refusedByKernel(changed(8, 4, 0x1001), ProblemCode::Raid0LayoutOnOtherLevel));
    }

    void T23_badBlocksWithoutLog_isRefused()
    {
        const auto decoded = changedAll({{8, 4, 9}, {188, 4, 0}});
        QVERIFY(refusedByKernel(decoded, ProblemCode::BadBlocksWithoutLog));
    }

    void T24_badBlockLogOf9Sectors_isRefused()
    {
        const auto decoded = changedAll({{8, 4, 9}, {186, 2, 9}});
        QVERIFY(refusedByKernel(decoded, ProblemCode::BadBlockLogTooLarge));
        // Unused, only newer kernels mind.
        QVERIFY(refusedByUs(changed(186, 2, 9), ProblemCode::BadBlockLogTooLarge));
    }

    void T29_devNumberBeyondTable_isASpare()
    {
        const auto decoded = changed(160, 4, 500);
        QVERIFY(noted(decoded, ProblemCode::DevNumberOutOfRange));
        QCOMPARE(decoded.superblock.role(), kRoleSpare);
    }

    void T32_role7Of2_isRefusedByUs()
    {
        QVERIFY(refusedByUs(changed(258, 2, 7), ProblemCode::RoleBeyondRaidDisks));
    }

    void T38_pplWithBitmap_isRefusedByUs()
    {
        QVERIFY(refusedByUs(changed(8, 4, 0x401), ProblemCode::PplWithBitmap));
    }

    void T39_journalWithBitmap_isRefused()
    {
        QVERIFY(refusedByKernel(changed(8, 4, 0x201), ProblemCode::JournalWithBitmap));
    }

    void T40_journalRoleWithoutFeature_isRefusedByUs()
    {
        QVERIFY(refusedByUs(changed(258, 2, 0xfffd), ProblemCode::JournalRoleWithoutFeature));
    }

    void T41_noRaidDisks_isRefused()
    {
        QVERIFY(refusedByKernel(changed(92, 4, 0), ProblemCode::NoRaidDisks));
    }

    void T42_level99_isRefused()
    {
        QVERIFY(refusedByKernel(changed(72, 4, 99), ProblemCode::UnknownLevel));
    }

    void T43_multipath_isRefused()
    {
        const auto decoded = changed(72, 4, std::uint64_t(-4));
        QVERIFY(refusedByKernel(decoded, ProblemCode::UnknownLevel));
        QCOMPARE(std::int64_t(problem(decoded, ProblemCode::UnknownLevel).found), std::int64_t(-4));
    }

    void T44_a12MemberOfferedAs11_isRefused()
    {
        QVERIFY(refusedByKernel(decode(valid(kAt12), kAt11), ProblemCode::NotWhereItSays));
    }

    void T47_dataOffsetInsideSuperblock_isRefused()
    {
        // The superblock takes one sector: 256 bytes and 128 roles.
        QVERIFY(refusedByKernel(changedAll({{128, 8, 8}}), ProblemCode::DataOverlapsSuperblock));
        const auto decoded = changedAll({{128, 8, 0}, {144, 8, 0}}, kAt11);
        QVERIFY(refusedByKernel(decoded, ProblemCode::DataOverlapsSuperblock));
        QCOMPARE(problem(decoded, ProblemCode::DataOverlapsSuperblock).expected, std::uint64_t(1));
    }

    void T48_dataBeyondSuperblockAtTheEnd_isRefused()
    {
        const std::uint64_t place = kAt10.sector.count;
        QVERIFY(refusedByKernel(changed(136, 8, place + 1, kAt10), ProblemCode::DataSizeTooLarge));
        QVERIFY(changed(136, 8, place, kAt10).problems.empty());
        // With an offset the kernel does not notice.
        QVERIFY(refusedByUs(changedAll({{136, 8, place}, {128, 8, 8}}, kAt10),
            ProblemCode::DataOverlapsSuperblock));
    }

    void T49_bothPplKinds_areRefusedByUs()
    {
        const auto decoded = changed(8, 4, 0xc00);
        QVERIFY(refusedByUs(decoded, ProblemCode::BothPplKinds));
    }

    void T50_newOffsetCountsOnlyWithReshape()
    {
        // -2047 would move the data into the superblock.
        const auto without = changedAll({{8, 4, 0x41}, {124, 4, std::uint64_t(-2047)}});
        QVERIFY(without.problems.empty());
        QVERIFY(!without.superblock.reshape);
        const auto with = changedAll({{8, 4, 0x45}, {124, 4, std::uint64_t(-2047)}});
        QVERIFY(refusedByKernel(with, ProblemCode::DataOverlapsSuperblock));
        QCOMPARE(with.superblock.reshape.value_or(Reshape{}).newOffset, -2047);
        const auto unset = changedAll({{8, 4, 0x5}, {124, 4, std::uint64_t(-2047)}});
        QCOMPARE(unset.superblock.reshape.value_or(Reshape{}).newOffset, 0);
        QCOMPARE(get(encoded(unset), 124, 4), std::uint64_t(0xfffff801));
    }

    void T97_bitmapFeatureWithOffset0_isNoBitmap()
    {
        const auto decoded = changed(96, 4, 0);
        QVERIFY(!decoded.superblock.hasBitmap());
        QVERIFY(decoded.problems.empty());
    }

    void T98_bitmapOffsetWithoutFeature_isNoBitmap()
    {
        const auto decoded = changed(8, 4, 0);
        QVERIFY(!decoded.superblock.hasBitmap());
        QCOMPARE(decoded.superblock.bitmapOffset, 8);
    }

    void T108_bitmapOnRaid0_isRefused()
    {
        const auto decoded = changedAll({{72, 4, 0}, {88, 4, 128}});
        QVERIFY(refusedByKernel(decoded, ProblemCode::BitmapOnUnsuitableLevel));
    }

    void T129toT132_chunkAndLayout_areJudgedByLevel()
    {
        const auto raid5 = [](std::uint64_t layout, std::uint64_t chunk) {
            return changedAll({{72, 4, 5}, {76, 4, layout}, {88, 4, chunk}, {92, 4, 3}});
        };
        QVERIFY(raid5(5, 128).problems.empty());
        QVERIFY(refusedByKernel(raid5(6, 128), ProblemCode::BadLayout));
        QVERIFY(refusedByKernel(raid5(2, 24), ProblemCode::BadChunk));
        QVERIFY(refusedByKernel(raid5(2, 4), ProblemCode::BadChunk));
        const auto raid10 = [](std::uint64_t layout) {
            return changedAll({{72, 4, 10}, {76, 4, layout}, {88, 4, 128}, {92, 4, 4}});
        };
        QVERIFY(raid10(0x102).problems.empty());
        QVERIFY(refusedByKernel(raid10(0x102 | 1 << 19), ProblemCode::BadLayout));
        QVERIFY(refusedByKernel(raid10(0x101), ProblemCode::BadLayout));
    }

    void overlappingAreas_areRefused()
    {
        QVERIFY(refusedByKernel(changed(96, 4, 2040), ProblemCode::BitmapOverlapsData));
        QVERIFY(
            refusedByKernel(changed(96, 4, std::uint64_t(-9)), ProblemCode::BitmapBeyondDevice));
        QVERIFY(refusedByKernel(changed(96, 4, 0x7fffffff), ProblemCode::BitmapBeyondDevice));
        QVERIFY(refusedByUs(changed(188, 4, 2041), ProblemCode::BadBlockLogOverlaps));
        QVERIFY(refusedByUs(changed(188, 4, std::uint64_t(-4)), ProblemCode::BadBlockLogOverlaps));
        QVERIFY(refusedByUs(changed(188, 4, 8), ProblemCode::BadBlockLogOverlaps));
    }

    void ppl_isReadFromItsTwoHalves()
    {
        const auto fields = {Change{8, 4, 0x400}, {96, 2, 8}, {98, 2, 2000}, {72, 4, 5},
            {88, 4, 128}, {92, 4, 3}, {188, 4, 2016}};
        const auto decoded = changedAll(fields);
        QVERIFY(decoded.problems.empty());
        QCOMPARE(decoded.superblock.ppl, std::optional(PplPlace{8, 2000}));
        QVERIFY(!decoded.superblock.hasBitmap());
        QCOMPARE(get(encoded(decoded), 96, 4), std::uint64_t(2000 << 16 | 8));
    }

    void pplRunningIntoData_isRefusedByUs()
    {
        const auto decoded = changedAll({{8, 4, 0x400}, {96, 2, 8}, {98, 2, 2033}, {72, 4, 5},
            {88, 4, 128}, {92, 4, 3}, {188, 4, 0}});
        QVERIFY(refusedByUs(decoded, ProblemCode::PplOverlaps));
        QVERIFY(refusedByUs(changed(8, 4, 0x600), ProblemCode::PplWithJournal));
    }

    void journalMember_keepsItsTailInTheRecoveryField()
    {
        const auto decoded = changedAll({{8, 4, 0x200}, {258, 2, 0xfffd}, {152, 8, 4242},
            {72, 4, 5}, {88, 4, 128}, {92, 4, 3}});
        QCOMPARE(decoded.superblock.journalTail.count, std::uint64_t(4242));
        QCOMPARE(decoded.superblock.recoveryOffset.count, std::uint64_t(0));
        QCOMPARE(get(encoded(decoded), 152, 8), std::uint64_t(4242));
    }

    void encode_givesTheSameBytes()
    {
        for (const auto slot : {kAt10, kAt11, kAt12}) {
            const Bytes bytes = valid(slot);
            const Bytes again = encoded(decode(bytes, slot));
            QCOMPARE(again.size(), std::size_t(512));
            QVERIFY(isPrefix(again, bytes));
        }
    }

    void encode_keepsWhatItDoesNotKnow()
    {
        auto decoded = changedAll({{100, 4, 77}, {120, 4, 88}, {185, 1, 3}});
        decoded.superblock.events = 18;
        const Bytes again = encoded(decoded);
        QCOMPARE(get(again, 100, 4), std::uint64_t(77)); // new_level without a reshape
        QCOMPARE(get(again, 120, 4), std::uint64_t(88));
        QCOMPARE(get(again, 64, 8) >> 40, std::uint64_t(123456)); // microseconds
        QCOMPARE(get(again, 200, 8), std::uint64_t(18));
        QVERIFY(decode([&] {
            Bytes whole = again;
            whole.resize(4096);
            return whole;
        }())
                .problems.empty());
    }

    void encode_fillsAShorterTableWithSpares()
    {
        auto decoded = decode(valid());
        decoded.superblock.devRoles = {0, 1};
        const Bytes again = encoded(decoded);
        QVERIFY(isPrefix(again, valid()));
        decoded.superblock.devRoles = {0};
        QCOMPARE(get(encoded(decoded), 258, 2), std::uint64_t(0xffff));
    }

    void encode_growsTableAndLength()
    {
        auto decoded = decode(valid());
        decoded.superblock.devRoles.resize(129, kRoleSpare);
        decoded.superblock.devRoles[128] = 0;
        const Bytes again = encoded(decoded);
        QCOMPARE(again.size(), std::size_t(1024));
        QCOMPARE(superblockLength(decoded.superblock).count, std::uint64_t(2));
        QCOMPARE(get(again, 220, 4), std::uint64_t(129));
        Bytes whole = again;
        whole.resize(4096);
        QVERIFY(decode(whole).problems.empty());
    }

    void encode_ofANewSuperblock_decodesToIt()
    {
        auto wanted = decode(valid()).superblock;
        wanted.raw.clear();
        Bytes bytes = formatOf(MetadataVersion::V1_2).encode(wanted);
        bytes.resize(4096);
        const auto decoded = decode(bytes);
        QVERIFY(decoded.problems.empty());
        QCOMPARE(decoded.superblock.name, wanted.name);
        QCOMPARE(decoded.superblock.devRoles, wanted.devRoles);
        QCOMPARE(decoded.superblock.ctime, wanted.ctime);
    }

    void oddRoleTable_isSummedToItsLastTwoBytes()
    {
        Bytes bytes = valid();
        put32(bytes, 220, 127);
        seal1(bytes);
        QVERIFY(decode(bytes).problems.empty());
        QVERIFY(isPrefix(encoded(decode(bytes)), bytes));
    }

    void absurdNumbers_areReportedNotBelieved()
    {
        constexpr std::uint64_t kAll = ~std::uint64_t{0};
        for (const std::size_t offset : {80, 104, 128, 136, 144, 152, 192, 200, 208}) {
            for (const std::uint64_t value : {kAll, kAll / 2, kAll / 2 + 1, kAll / 512, kAll - 7}) {
                for (const auto slot : {kAt10, kAt11, kAt12})
                    changed(offset, 8, value, slot);
            }
        }
        for (const std::size_t offset : {72, 76, 88, 92, 96, 112, 124, 160, 184, 188, 220}) {
            for (const std::uint64_t value : {0xffffffffu, 0x7fffffffu, 0x80000000u, 1000000000u})
                changed(offset, 4, value);
        }
        QVERIFY(refusedByUs(changed(92, 4, 1000000000), ProblemCode::TooManyRaidDisks));
        QVERIFY(refusedByKernel(changed(128, 8, kAll), ProblemCode::DataSizeTooLarge));
        QVERIFY(anyBars(changed(220, 4, 0xffffffff).problems));
    }

    void tooFewBytes_areNoSuperblock()
    {
        for (const std::size_t size : {0, 7, 8, 255}) {
            Bytes bytes = valid();
            bytes.resize(size);
            QVERIFY(!formatOf(MetadataVersion::V1_2).decode(bytes, kAt12, kSize).has_value());
        }
        Bytes bytes = valid();
        bytes.resize(300);
        QVERIFY(anyBars(decode(bytes).problems));
    }

    // Whatever the bytes: decoding ends, and what neither we nor a kernel refuse comes back as it
    // was.
    void mutations_neitherCrashNorChange()
    {
        std::mt19937_64 random(20);
        const std::array places{kAt10, kAt11, kAt12};
        std::size_t accepted = 0;
        for (int round = 0; round < 100'000; ++round) {
            const auto slot = places[random() % places.size()];
            Bytes bytes = valid(slot);
            for (auto left = random() % 4; left > 0; --left)
                bytes[random() % 640] = static_cast<std::byte>(random());
            if (random() % 8 != 0)
                seal1(bytes);
            auto decoded = formatOf(slot.version).decode(bytes, slot, kSize);
            if (!decoded || anyBars(decoded->problems))
                continue;
            ++accepted;
            const Bytes again = encoded(*decoded);
            QVERIFY(isPrefix(again, bytes));
        }
        QVERIFY(accepted > 10'000);
    }

    void noise_neitherCrashesNorPasses()
    {
        std::mt19937_64 random(21);
        Bytes bytes(4096);
        for (int round = 0; round < 2'000; ++round) {
            for (std::size_t at = 0; at < bytes.size(); at += 8)
                put64(bytes, at, random());
            put32(bytes, 0, 0xa92b4efc);
            QVERIFY(anyBars(decode(bytes).problems));
        }
    }
};

QTEST_GUILESS_MAIN(TestSuperblock1)
#include "tst_superblock1.moc"
