// SPDX-License-Identifier: Apache-2.0
// What a scan makes of whole files: partitions, ambiguities, remains, bitmap files, bad input.
#include "engine/io/container.h"
#include "engine/io/overlay.h"
#include "tests/support/array_images.h"
#include "tests/support/files.h"

#include <QTemporaryDir>
#include <QTest>

#include <cstring>

using namespace bitmend;
using namespace bitmend::test;

namespace {

struct TableEntry
{
    std::uint32_t begin = 0; // sectors
    std::uint32_t length = 0;
};

void putTable(std::span<std::byte> disk, const std::vector<TableEntry>& entries)
{
    std::size_t at = 446;
    for (const auto& entry : entries) {
        disk[at + 4] = std::byte{0xfd};
        const std::array<le32, 2> place{le32(entry.begin), le32(entry.length)};
        std::memcpy(disk.data() + at + 8, place.data(), sizeof place);
        at += 16;
    }
    disk[510] = std::byte{0x55};
    disk[511] = std::byte{0xaa};
}

void put(Bytes& disk, Sectors where, const Bytes& bytes)
{
    if (disk.size() < where.bytes() + bytes.size())
        disk.resize(where.bytes() + bytes.size());
    std::ranges::copy(bytes, disk.begin() + std::ptrdiff_t(where.bytes()));
}

SourceReport quick(const Bytes& bytes)
{
    SourceReport report;
    report.path = "disk.img";
    report.sizeBytes = bytes.size();
    lookQuickly(std::make_shared<MemoryDevice>(bytes, "disk.img"), report);
    return report;
}

SourceReport deep(const Bytes& bytes, ScanDepth depth = ScanDepth::Deep)
{
    SourceReport report = quick(bytes);
    JobControl control;
    ScanTally tally(control);
    lookDeeply(MemoryDevice(bytes, "disk.img"), depth, report, tally);
    return report;
}

bool has(const std::vector<Problem>& problems, ProblemCode code)
{
    return std::ranges::find(problems, code, &Problem::code) != problems.end();
}

} // namespace

class TestScan : public QObject
{
    Q_OBJECT

private slots:
    void partitions_areLookedInto()
    {
        const ArrayImages images(1, 2);
        Bytes disk;
        put(disk, {2048}, images.image(0));
        put(disk, {2048 + 4096}, images.image(1));
        putTable(disk, {{2048, 4096}, {2048 + 4096, 4096}});
        const auto report = quick(disk);
        QVERIFY(!report.error);
        QVERIFY(report.found.empty());
        QCOMPARE(report.partitions.size(), std::size_t(2));
        QCOMPARE(report.partitions[0].path, "disk.img#1");
        QCOMPARE(report.partitions[1].path, "disk.img#2");
        QCOMPARE(report.partitions[1].found.size(), std::size_t(1));
        QVERIFY(report.partitions[1].found[0].problems.empty());

        ScanReport whole;
        whole.sources.push_back(report);
        const auto array = theArray(whole);
        QVERIFY(array.canStart);
        QCOMPARE(array.missing, 0);
    }

    void member090InTheLastPartition_isNotTheWholeDisk()
    {
        const ArrayImages images(1, 2, MetadataVersion::V0_90);
        Bytes disk;
        put(disk, {2048}, images.image(0));
        putTable(disk, {{2048, 4096}});
        const auto report = quick(disk);
        QCOMPARE(report.found.size(), std::size_t(1));
        QVERIFY(report.found[0].ambiguous);
        QCOMPARE(report.found[0].likelier, "disk.img#1");
        QVERIFY(!report.partitionsAreContent);
        QVERIFY(!report.partitions[0].found[0].ambiguous);

        ScanReport whole;
        whole.sources.push_back(report);
        const auto array = theArray(whole);
        QCOMPARE(array.reference, "disk.img#1");
        QCOMPARE(array.members.size(), std::size_t(2)); // and one missing, not a duplicate
    }

    void member090OfTheWholeDisk_isNotItsLastPartition()
    {
        // The array uses more of the disk than lies in front of the superblock in the partition.
        Bytes disk = ArrayImages(1, 2, MetadataVersion::V0_90).image(0);
        putTable(disk, {{2048, 2048}});
        const auto report = quick(disk);
        QVERIFY(!report.found[0].ambiguous);
        QVERIFY(report.partitionsAreContent);
        QVERIFY(report.partitions.empty());
    }

    void partitionTableInsideAMember_belongsToTheArray()
    {
        for (const auto version : {MetadataVersion::V0_90, MetadataVersion::V1_0}) {
            Bytes disk = ArrayImages(1, 2, version).image(0);
            putTable(disk, {{64, 1000}});
            const auto report = quick(disk);
            QCOMPARE(report.found.size(), std::size_t(1));
            QVERIFY(report.partitionsAreContent);
            QVERIFY(report.partitions.empty());
        }
    }

    void member10InTheLastPartition_isNotTheWholeDisk()
    {
        Bytes disk;
        put(disk, {2048}, ArrayImages(1, 2, MetadataVersion::V1_0).image(0));
        putTable(disk, {{2048, 4096}});
        const auto report = quick(disk);
        QVERIFY(report.found[0].ambiguous);
        QVERIFY(has(report.found[0].problems, ProblemCode::NotWhereItSays));
        QVERIFY(report.partitions[0].found[0].problems.empty());
    }

    void lostPartition_isFoundByTheDeepScan()
    {
        Bytes disk;
        put(disk, {2048}, ArrayImages(1, 2).image(0));
        QVERIFY(quick(disk).found.empty());
        const auto report = deep(disk);
        QCOMPARE(report.found.size(), std::size_t(1));
        const auto& found = report.found[0];
        QVERIFY(found.leftBehind);
        QVERIFY(found.superblock->version == MetadataVersion::V1_2);
        QCOMPARE(found.superblock->location.count, 2056u);
        QVERIFY(has(found.problems, ProblemCode::NotWhereItSays));
        QVERIFY(findArrays({{report}, {}, {}, {}}).empty());
    }

    void lostPartitionOffTheGrid_isFoundByItsChecksum()
    {
        Bytes disk;
        put(disk, {63}, ArrayImages(1, 2).image(0));
        auto report = deep(disk);
        QCOMPARE(report.found.size(), std::size_t(1));
        QCOMPARE(report.found[0].superblock->location.count, 71u);

        // There, a wrong checksum makes it four bytes that look like the magic.
        disk[71 * 512 + 216] ^= std::byte(1);
        QVERIFY(deep(disk).found.empty());
    }

    void grownDisk_keepsIts090SuperblockToBeFound()
    {
        Bytes disk = ArrayImages(1, 2, MetadataVersion::V0_90).image(0);
        disk.resize(disk.size() * 2);
        QVERIFY(quick(disk).found.empty());
        const auto report = deep(disk);
        QCOMPARE(report.found.size(), std::size_t(1));
        QVERIFY(report.found[0].leftBehind);
        QVERIFY(report.found[0].superblock->version == MetadataVersion::V0_90);
        QCOMPARE(report.found[0].superblock->location.count, 3968u);
    }

    void grownDisk_keepsIts10SuperblockToBeFound()
    {
        Bytes disk = ArrayImages(1, 2, MetadataVersion::V1_0).image(0);
        disk.resize(disk.size() * 2);
        const auto report = deep(disk);
        QCOMPARE(report.found.size(), std::size_t(1));
        QVERIFY(report.found[0].superblock->version == MetadataVersion::V1_0);
    }

    void membersInTheirPlace_areNotFoundTwice()
    {
        QCOMPARE(deep(ArrayImages(1, 2).image(0)).found.size(), std::size_t(1));
        QCOMPARE(
            deep(ArrayImages(1, 2, MetadataVersion::V0_90).image(0)).found.size(), std::size_t(1));
        Bytes disk;
        put(disk, {2048}, ArrayImages(1, 2).image(0));
        putTable(disk, {{2048, 4096}});
        QVERIFY(deep(disk).found.empty());
    }

    void deepScan_leavesTheMiddleOutUnlessAskedForTheWhole()
    {
        Bytes disk(200 << 20);
        put(disk, {(100 << 20) / 512}, ArrayImages(1, 2).image(0));
        QVERIFY(deep(disk).found.empty());
        QCOMPARE(deep(disk, ScanDepth::Whole).found.size(), std::size_t(1));
    }

    void deepScan_countsItsProgress()
    {
        const Bytes disk(3 << 20);
        SourceReport report;
        JobControl control;
        ScanTally tally(control);
        QVERIFY(lookDeeply(MemoryDevice(disk), ScanDepth::Deep, report, tally));
        QCOMPARE(control.progress().total.count, std::uint64_t(3 << 11));
        QCOMPARE(control.progress().done.count, std::uint64_t(3 << 11));
    }

    void randomBytes_holdNothing()
    {
        const auto report = deep(pattern(5 << 20, 7));
        QVERIFY(report.found.empty());
        QVERIFY(!report.error);
    }

    void tinySources_areNoTrouble()
    {
        for (const std::size_t size : {1U, 511U, 512U, 4095U, 4096U, 8191U, 8193U, 66000U}) {
            const auto report = deep(filled(size, 0));
            QVERIFY(report.found.empty());
            QVERIFY2(!report.error, std::to_string(size).c_str());
        }
    }

    void twoVersionsOnOneSource_areBothFound()
    {
        Bytes disk = ArrayImages(1, 2, MetadataVersion::V1_0).image(0);
        ArrayImages old(1, 2);
        old[0].arrayUuid.bytes.fill(9);
        const Bytes older = old.image(0);
        std::copy_n(older.begin() + 4096, 512, disk.begin() + 4096);
        const auto report = quick(disk);
        QCOMPARE(report.found.size(), std::size_t(2));
    }

    void bitmapFile_isASourceOfItsOwn()
    {
        ArrayImages images(1, 2);
        images.onAll([](Superblock& s) { s.resyncOffset = {}; });
        ImageBitmap bitmap{ArrayImages::headerFor(images[0]), {2, 3}};
        auto report = images.scan();
        SourceReport file = quick(ArrayImages::bitmapFile(bitmap, images[0]));
        QVERIFY(file.externalBitmap.has_value());
        QVERIFY(file.found.empty());
        QCOMPARE(file.externalBitmap->dirty, 2u);
        report.sources.push_back(file);
        const auto array = theArray(report);
        QCOMPARE(array.bitmap->from, "disk.img");
        QCOMPARE(array.bitmap->due, 2u);
    }

    void files_areScannedSideBySideInTheOrderGiven()
    {
        QTemporaryDir folder;
        const ArrayImages images(1, 3);
        std::vector<std::string> paths;
        for (std::size_t i = 0; i < 3; ++i) {
            paths.push_back(folder.filePath(QStringLiteral("m%1.img").arg(i)).toStdString());
            writeFile(paths.back(), images.image(i));
        }
        const auto missing = folder.filePath(QStringLiteral("gone.img")).toStdString();
        const auto empty = folder.filePath(QStringLiteral("empty.img")).toStdString();
        writeFile(empty, {});
        paths.insert(paths.begin() + 1, {missing, empty});

        for (const unsigned threads : {1U, 4U}) {
            JobControl control;
            const auto report = scan(paths, {}, control, threads);
            QCOMPARE(report.sources.size(), paths.size());
            for (std::size_t i = 0; i < paths.size(); ++i)
                QCOMPARE(report.sources[i].path, paths[i]);
            // What cannot be read is a row that says why, and the rest goes on.
            QVERIFY(report.sources[1].error.has_value());
            QCOMPARE(report.sources[1].error->where, missing);
            QCOMPARE(report.sources[2].error->code, ErrorCode::Empty);
            const auto array = theArray(report);
            QVERIFY(array.canStart);
            QCOMPARE(array.missing, 0);
        }
    }

    void bitmapFileOption_isReadAsTheArrayMeasuresIt()
    {
        QTemporaryDir folder;
        ArrayImages images(1, 2);
        ImageBitmap bitmap{ArrayImages::headerFor(images[0]), {29}};
        bitmap.header.syncSize = {}; // md does not look at it
        std::vector<std::string> paths;
        for (std::size_t i = 0; i < 2; ++i) {
            paths.push_back(folder.filePath(QStringLiteral("m%1.img").arg(i)).toStdString());
            writeFile(paths.back(), images.image(i));
        }
        ScanOptions options;
        options.bitmapFile = folder.filePath(QStringLiteral("bitmap")).toStdString();
        writeFile(options.bitmapFile, ArrayImages::bitmapFile(bitmap, images[0]));
        JobControl control;
        const auto report = scan(paths, options, control);
        QVERIFY(!report.externalBitmapError);
        QCOMPARE(report.externalBitmap->bits.chunks, 30u);
        QCOMPARE(theArray(report).bitmap->dirty, 1u);

        // One that fits none of the arrays says so.
        bitmap.header.uuid.bytes.fill(1);
        writeFile(options.bitmapFile, ArrayImages::bitmapFile(bitmap, images[0]));
        const auto other = scan(paths, options, control);
        QVERIFY(other.externalBitmapError.has_value());
        QCOMPARE(other.externalBitmapError->code, ErrorCode::BadBitmap);
        QVERIFY(!theArray(other).bitmap.has_value());
    }

    void cancelledScan_saysSoOfEverySource()
    {
        QTemporaryDir folder;
        const auto path = folder.filePath(QStringLiteral("m.img")).toStdString();
        writeFile(path, ArrayImages(1, 2).image(0));
        JobControl control;
        control.cancel();
        const auto report = scan({path, path}, {}, control);
        for (const auto& source : report.sources)
            QCOMPARE(source.error->code, ErrorCode::Cancelled);
    }

    void overlay_isLookedThrough()
    {
        QTemporaryDir folder;
        ArrayImages images(1, 2);
        const auto path = folder.filePath(QStringLiteral("m0.img")).toStdString();
        const auto over = folder.filePath(QStringLiteral("overlay")).toStdString();
        writeFile(path, images.image(0));
        {
            auto base = openSource(path);
            QVERIFY(base.has_value());
            auto device = openOverlay(*base, over);
            QVERIFY(device.has_value());
            images[0].events = 123;
            const auto changed = formatOf(MetadataVersion::V1_2).encode(images[0]);
            QVERIFY((*device)->writeAt(4096, changed).has_value());
            QVERIFY((*device)->flush().has_value());
        }
        JobControl control;
        ScanOptions options;
        QCOMPARE(scanSource(path, options, control).found[0].superblock->events, 100u);
        options.overlay = over;
        QCOMPARE(scanSource(path, options, control).found[0].superblock->events, 123u);
    }
};

QTEST_GUILESS_MAIN(TestScan)
#include "tst_scan.moc"
