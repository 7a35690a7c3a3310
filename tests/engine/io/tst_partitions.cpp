// SPDX-License-Identifier: Apache-2.0
// Tables as sfdisk and fdisk make them, then damaged and cut.
#include "engine/io/container.h"
#include "engine/io/faulty_device.h"
#include "engine/io/file_device.h"
#include "engine/io/partitions.h"
#include "engine/io/slice.h"
#include "tests/support/files.h"
#include "tests/support/memory_device.h"

#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include <filesystem>

using namespace bitmend;
using namespace bitmend::test;

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kImageBytes = 64 * kMiB;

constexpr const char* kGptScript =
    "label: gpt\n"
    "start=2048, size=20480, type=A19D880F-05FC-4D3B-A006-743F0F84911E, name=\"md one\"\n"
    "start=32768, size=40960\n"
    "start=80000, size=50000, type=A19D880F-05FC-4D3B-A006-743F0F84911E\n";

// Extended boot records lie before the logical partitions, far from both ends of the image.
constexpr const char* kMbrScript = "label: dos\n"
                                   "start=2048, size=20480, type=fd\n"
                                   "start=22528, size=80000, type=5\n"
                                   "start=24576, size=10000, type=83\n"
                                   "start=40960, size=10000, type=fd\n"
                                   "start=61440, size=4096, type=fd\n";

std::string described(const Result<std::vector<Partition>>& partitions)
{
    if (!partitions)
        return "error " + std::to_string(int(partitions.error().code));
    std::string text;
    for (const auto& partition : *partitions) {
        text += std::to_string(partition.number) + ":" +
                std::to_string(partition.range.begin.count) + "+" +
                std::to_string(partition.range.length().count) + " ";
    }
    return text;
}

const std::string kGptPartitions = "1:2048+20480 2:32768+40960 3:80000+50000 ";
const std::string kMbrPartitions = "1:2048+20480 5:24576+10000 6:40960+10000 7:61440+4096 ";

} // namespace

class TestPartitions : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(m_folder->isValid());
        m_image = path("disk.img");
        writeFile(m_image, {});
        fs::resize_file(m_image, kImageBytes);
    }

    void gpt_isReadWithTypesAndNames()
    {
        run("sfdisk", {"-q"}, kGptScript);
        const auto partitions = readPartitions(*image());
        QCOMPARE(described(partitions), kGptPartitions);
        QCOMPARE(partitions->front().name, std::string("md one"));
        QCOMPARE(partitions->front().type, std::string("a19d880f-05fc-4d3b-a006-743f0f84911e"));
    }

    void mbr_isReadWithLogicalOnes()
    {
        run("sfdisk", {"-q"}, kMbrScript);
        const auto partitions = readPartitions(*image());
        QCOMPARE(described(partitions), kMbrPartitions);
        QCOMPARE(partitions->front().type, std::string("0xfd"));
        QCOMPARE(partitions->at(1).type, std::string("0x83"));
    }

    void sourcesOfEveryKind_showTheSame()
    {
        for (const auto& [script, expected] :
            {std::pair(kGptScript, kGptPartitions), std::pair(kMbrScript, kMbrPartitions)}) {
            run("sfdisk", {"-q"}, script);
            const auto content = allBytes(*image());
            QCOMPARE(described(readPartitions(MemoryDevice(content))), expected);

            Bytes shifted(4096);
            shifted.insert(shifted.end(), content.begin(), content.end());
            const auto inside = slice(
                std::make_shared<MemoryDevice>(std::move(shifted)), 4096, kImageBytes, "inside");
            QCOMPARE(described(readPartitions(*inside)), expected);

            const std::size_t part = 15 * kMiB;
            for (std::size_t number = 0; number * part < content.size(); ++number) {
                const auto length = std::min(part, content.size() - number * part);
                writeFile(path("set.00") + std::to_string(number),
                    std::span(content).subspan(number * part, length));
            }
            QCOMPARE(described(readPartitions(**openSource(path("set.000")))), expected);
        }
    }

    void gptWithDamagedStart_isReadFromItsBackup_data()
    {
        QTest::addColumn<int>("firstSector");
        QTest::newRow("boot record too") << 0;
        QTest::newRow("header and entries") << 1;
    }

    void gptWithDamagedStart_isReadFromItsBackup()
    {
        QFETCH(const int, firstSector);
        run("sfdisk", {"-q"}, kGptScript);
        overwrite(std::uint64_t(firstSector) * 512, Bytes(std::size_t(34 - firstSector) * 512));
        QCOMPARE(described(readPartitions(*image())), kGptPartitions);
    }

    void gptWithLargeSectors_isReadInSectorsOf512()
    {
        run("fdisk", {"-b", "4096"}, "g\nn\n1\n256\n2815\nw\n");
        QCOMPARE(described(readPartitions(*image())), std::string("1:2048+20480 "));
        overwrite(0, Bytes(48 * kSectorBytes));
        QCOMPARE(described(readPartitions(*image())), std::string("1:2048+20480 "));
    }

    void truncatedImage_losesOnlyWhatLiesBeyond()
    {
        for (const char* script : {kGptScript, kMbrScript}) {
            fs::resize_file(m_image, kImageBytes);
            run("sfdisk", {"-q"}, script);
            fs::resize_file(m_image, 50'000 * kSectorBytes);
            const auto partitions = readPartitions(*image());
            QCOMPARE(described(partitions),
                std::string(script == kGptScript ? "1:2048+20480 2:32768+17232 "
                                                 : "1:2048+20480 5:24576+10000 6:40960+9040 "));
            fs::resize_file(m_image, 0);
        }
    }

    void leftoverGpt_yieldsToALiveBootRecord()
    {
        run("sfdisk", {"-q"}, kGptScript);
        const auto tail = bytesAt(*image(), kImageBytes - 33 * kSectorBytes, 33 * kSectorBytes);
        overwrite(0, Bytes(kMiB));
        run("sfdisk", {"-q"}, kMbrScript);
        overwrite(kImageBytes - tail.size(), tail);
        QCOMPARE(described(readPartitions(*image())), kMbrPartitions);
    }

    void bootRecordsInACircle_end()
    {
        run("sfdisk", {"-q"}, kMbrScript);
        // The second extended boot record names itself as the next.
        const auto second = findSecondBootRecord();
        auto entry = bytesAt(*image(), second * 512 + 446 + 16, 16);
        const le32 itself = std::uint32_t(second - 22'528);
        std::memcpy(entry.data() + 8, &itself, sizeof itself);
        entry[4] = std::byte(5);
        overwrite(second * 512 + 446 + 16, entry);
        const auto partitions = readPartitions(*image());
        QVERIFY(partitions.has_value());
        QVERIFY(partitions->size() >= 3 && partitions->size() <= 256);
    }

    void unreadableBootRecord_hidesOnlyWhatFollows()
    {
        run("sfdisk", {"-q"}, kMbrScript);
        const auto second = findSecondBootRecord();
        FaultyDevice device(*openFileForWriting(m_image));
        device.failReads(second * 512, second * 512 + 512, EIO);
        QCOMPARE(described(readPartitions(device)), std::string("1:2048+20480 5:24576+10000 "));
    }

    void unreadableSectorBesideTheTable_hidesNothing()
    {
        run("sfdisk", {"-q"}, kGptScript);
        FaultyDevice device(*openFileForWriting(m_image));
        device.failReads(100 * kSectorBytes, 101 * kSectorBytes, EIO);
        QCOMPARE(described(readPartitions(device)), kGptPartitions);
        device.failReads(0, 512, EIO);
        const auto partitions = readPartitions(device);
        QVERIFY(!partitions && partitions.error().code == ErrorCode::Io);
        QCOMPARE(partitions.error().offset, std::int64_t(0));
    }

    void withoutATable_costsTwoSmallReads()
    {
        const FaultyDevice device(std::make_shared<MemoryDevice>(pattern(kImageBytes / 16)));
        QCOMPARE(described(readPartitions(device)), std::string());
        QVERIFY(device.counts().reads <= 2);
        QVERIFY(device.counts().readBytes <= 9216);
    }

    void tinySources_haveNoPartitions()
    {
        for (const std::uint64_t size : {0U, 1U, 511U, 512U, 513U, 4096U, 8191U, 8192U, 9000U}) {
            QCOMPARE(described(readPartitions(MemoryDevice(size))), std::string());
            QVERIFY(identifyContent(MemoryDevice(size)).has_value());
        }
    }

    void nonsense_isNoTableAndNoCrash()
    {
        for (unsigned seed = 1; seed <= 60; ++seed) {
            auto content = pattern(512 * kSectorBytes, seed);
            content[510] = std::byte(0x55);
            content[511] = std::byte(0xaa);
            if (seed % 2 == 0)
                std::memcpy(content.data() + 512, "EFI PART", 8);
            if (seed % 3 == 0)
                content[450] = std::byte(5); // leads astray at once
            if (seed % 5 == 0)
                content[446] = content[462] = content[478] = content[494] = std::byte(0);
            const MemoryDevice device(std::move(content));
            const auto partitions = readPartitions(device);
            QVERIFY(partitions.has_value());
            for (const auto& partition : *partitions)
                QVERIFY(partition.range.end.bytes() <= device.sizeBytes());
        }
    }

    void path_namesAPartition()
    {
        run("sfdisk", {"-q"}, kMbrScript);
        overwrite(40'960 * kSectorBytes, filled(512, 'p'));
        const auto part = openSource(m_image + "#6");
        QVERIFY(part.has_value());
        QCOMPARE((*part)->name(), m_image + "#6");
        QCOMPARE((*part)->sizeBytes(), std::uint64_t(10'000) * 512);
        QCOMPARE(bytesAt(**part, 0, 512), filled(512, 'p'));

        const auto none = openSource(m_image + "#2");
        QVERIFY(!none && none.error().code == ErrorCode::NoSuchPartition);
        QCOMPARE(none.error().found, std::uint64_t(2));
        QCOMPARE(none.error().expected, std::uint64_t(4));

        for (const char* tail : {"#", "#x", "#0", "#-1", "#99999999999"})
            QCOMPARE(openSource(m_image + tail).error().code, ErrorCode::CannotOpen);
        writeFile(m_image + "#6", filled(777, 'f'));
        QCOMPARE((*openSource(m_image + "#6"))->sizeBytes(), std::uint64_t(777));
    }

    void content_isNamedAsBlkidDoes()
    {
        QCOMPARE(identifyContent(*image())->type, std::string());
        run("mke2fs", {"-q", "-t", "ext4", "-L", "home"}, "");
        const auto content = identifyContent(*image());
        QVERIFY(content.has_value());
        QCOMPARE(content->type, std::string("ext4"));
        QCOMPARE(content->label, std::string("home"));
        overwrite(0, Bytes(kMiB));
        run("sfdisk", {"-q"}, kMbrScript);
        QCOMPARE(identifyContent(*image())->type, std::string("dos"));
    }

private:
    std::string path(const char* name) const
    {
        return m_folder->filePath(QString::fromUtf8(name)).toStdString();
    }

    SourcePtr image() const { return openFile(m_image).value_or(nullptr); }

    void overwrite(std::uint64_t offset, const Bytes& bytes) const
    {
        const auto device = openFileForWriting(m_image);
        QVERIFY(device.has_value());
        QVERIFY((*device)->writeAt(offset, bytes).has_value());
    }

    void run(const char* program, const std::vector<const char*>& options, const char* input) const
    {
        const auto name = QString::fromUtf8(program);
        auto found = QStandardPaths::findExecutable(name);
        if (found.isEmpty()) { // an ordinary user's path may lack these
            found = QStandardPaths::findExecutable(
                name, {QStringLiteral("/usr/sbin"), QStringLiteral("/sbin")});
        }
        QVERIFY2(!found.isEmpty(), program);
        QStringList arguments;
        for (const char* option : options)
            arguments.append(QString::fromUtf8(option));
        arguments.append(QString::fromStdString(m_image));
        QProcess process;
        process.start(found, arguments);
        process.write(input);
        process.closeWriteChannel();
        QVERIFY(process.waitForFinished());
        QVERIFY2(process.exitCode() == 0, process.readAllStandardError().constData());
    }

    std::uint64_t findSecondBootRecord() const
    {
        const auto next = bytesAt(*image(), 22'528 * kSectorBytes + 446 + 16 + 8, 4);
        le32 value;
        std::memcpy(&value, next.data(), sizeof value);
        return 22'528 + value;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::string m_image;
};

QTEST_GUILESS_MAIN(TestPartitions)
#include "tst_partitions.moc"
