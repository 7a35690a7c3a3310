// SPDX-License-Identifier: Apache-2.0
#include "engine/io/container.h"
#include "engine/io/faulty_device.h"
#include "engine/io/file_device.h"
#include "engine/io/overlay.h"
#include "engine/io/overlay_log.h"
#include "tests/support/files.h"
#include "tests/support/memory_device.h"

#include <QTemporaryDir>
#include <QTest>

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

using namespace bitmend;
using namespace bitmend::test;

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kBaseBytes = 1024 * kSectorBytes;

using Ranges = std::vector<SectorRange>;

std::uint32_t slowCrc32c(std::span<const std::byte> bytes)
{
    std::uint32_t value = ~0U;
    for (const std::byte byte : bytes) {
        value ^= std::uint32_t(byte);
        for (int bit = 0; bit < 8; ++bit)
            value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78U : 0U);
    }
    return ~value;
}

// An overlay on devices in memory that can be made to fail.
struct Rig
{
    explicit Rig(std::uint64_t size = kBaseBytes) : base(std::make_shared<MemoryDevice>(size))
    {
        base->bytes() = filled(size, 'b');
        data = std::make_shared<FaultyDevice>(
            std::make_shared<MemoryDevice>((size + 511) / 512 * 512, "data"), journal);
        log = std::make_shared<FaultyDevice>(
            std::make_shared<MemoryDevice>(overlayLogBytes(size), "log"), journal);
    }

    DevicePtr open() { return openOverlayOn(base, data, log).value_or(nullptr); }

    std::shared_ptr<IoJournal> journal = std::make_shared<IoJournal>();
    std::shared_ptr<MemoryDevice> base;
    std::shared_ptr<FaultyDevice> data;
    std::shared_ptr<FaultyDevice> log;
};

} // namespace

class TestOverlay : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(m_folder->isValid());
        m_base = path("disk.img");
        m_store = path("overlay");
        writeFile(m_base, filled(kBaseBytes, 'b'));
    }

    void written_isReadBackAndBaseIsNot()
    {
        const auto overlay = open();
        QVERIFY(overlay->writeAt(8192, filled(4096, 'w')).has_value());
        QCOMPARE(bytesAt(*overlay, 8192, 4096), filled(4096, 'w'));
        QCOMPARE(bytesAt(*overlay, 4096, 4096), filled(4096, 'b'));
        QCOMPARE(allBytes(*base()), filled(kBaseBytes, 'b'));
    }

    void base_isNeverOpenForWriting()
    {
        const auto overlay = open();
        QVERIFY(overlay->writeAt(0, filled(4096, 'w')).has_value());
        QVERIFY(overlay->flush().has_value());
        int seen = 0;
        for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
            std::error_code closed;
            if (fs::read_symlink(entry, closed) != m_base)
                continue;
            ++seen;
            const int flags = ::fcntl(std::stoi(entry.path().filename().string()), F_GETFL);
            QCOMPARE(flags & O_ACCMODE, O_RDONLY);
        }
        QCOMPARE(seen, 1);
    }

    void reopened_showsWhatWasFlushed()
    {
        {
            const auto overlay = open();
            QVERIFY(overlay->writeAt(8192, filled(4096, 0)).has_value());
            QVERIFY(overlay->flush().has_value());
            QVERIFY(overlay->writeAt(kBaseBytes - 512, filled(512, 'e')).has_value());
            QVERIFY(overlay->flush().has_value());
        }
        const auto overlay = open();
        QCOMPARE(bytesAt(*overlay, 8192, 4096), filled(4096, 0));
        QCOMPARE(bytesAt(*overlay, kBaseBytes - 512, 512), filled(512, 'e'));
        QCOMPARE(*overlaidRanges(*base(), m_store), (Ranges{{{16}, {24}}, {{1023}, {1024}}}));
    }

    void unalignedWrites_changeOnlyTheirBytes()
    {
        // 37 bytes beyond whole sectors: truncated images are usual.
        Rig rig(64 * 512 + 37);
        auto expected = rig.base->bytes();
        {
            const auto overlay = rig.open();
            unsigned seed = 0;
            for (const std::uint64_t offset : {3U, 511U, 5000U, 10'000U, 64U * 512 - 1}) {
                ++seed;
                const auto bytes = pattern(seed * 7 + 1, seed);
                QVERIFY(overlay->writeAt(offset, bytes).has_value());
                std::ranges::copy(bytes, expected.begin() + std::ptrdiff_t(offset));
            }
            QVERIFY(overlay->writeAt(64 * 512 + 36, filled(1, 'z')).has_value());
            expected.back() = std::byte('z');
            QCOMPARE(allBytes(*overlay), expected);
            QVERIFY(overlay->flush().has_value());
        }
        QCOMPARE(allBytes(*rig.open()), expected);
    }

    void beyondTheEnd_isRefused()
    {
        const auto overlay = open();
        for (const std::uint64_t offset : {kBaseBytes - 511, kBaseBytes + 1, ~std::uint64_t(0)}) {
            const auto written = overlay->writeAt(offset, filled(512, 'w'));
            QVERIFY(!written && written.error().code == ErrorCode::ShortRead);
            Bytes bytes(512);
            const auto read = overlay->readAt(offset, bytes);
            QVERIFY(!read && read.error().code == ErrorCode::ShortRead);
        }
        QVERIFY(overlay->writeAt(kBaseBytes, {}).has_value());
    }

    void writes_costNoFlush()
    {
        Rig rig;
        const auto overlay = rig.open();
        const auto before = rig.log->counts();
        for (std::uint64_t sector = 0; sector < 100; sector += 2)
            QVERIFY(overlay->writeAt(sector * 512, filled(512, 'w')).has_value());
        QCOMPARE(rig.data->counts().flushes, std::uint64_t(0));
        QCOMPARE(rig.log->counts().writes, before.writes);
        QVERIFY(overlay->flush().has_value());
        QVERIFY(overlay->flush().has_value());
        QCOMPARE(rig.data->counts().flushes, std::uint64_t(1));
        QCOMPARE(rig.log->counts().writes, before.writes + 1);
        QCOMPARE(rig.log->counts().flushes, before.flushes + 1);
    }

    void flush_makesDataDurableBeforeTheLogNamesIt()
    {
        Rig rig;
        const auto overlay = rig.open();
        const std::size_t start = rig.journal->entries().size();
        QVERIFY(overlay->writeAt(0, filled(512, 'w')).has_value());
        QVERIFY(overlay->flush().has_value());
        const auto entries = rig.journal->entries();
        const auto data = rig.data->journalNumber();
        const auto log = rig.log->journalNumber();
        QCOMPARE(entries.size(), start + 4);
        QVERIFY(entries[start].device == data && !entries[start].isFlush);
        QVERIFY(entries[start + 1].device == data && entries[start + 1].isFlush);
        QVERIFY(entries[start + 2].device == log && !entries[start + 2].isFlush);
        QVERIFY(entries[start + 3].device == log && entries[start + 3].isFlush);
    }

    void fullDisk_changesNothingThatShows()
    {
        Rig rig;
        const auto overlay = rig.open();
        QVERIFY(overlay->writeAt(1024, filled(1024, 'w')).has_value());
        QVERIFY(overlay->flush().has_value());
        const auto before = allBytes(*overlay);
        rig.data->failWrites(4096, 8192, ENOSPC, 1);
        // Covers new sectors, overlaid ones, and new ones again where the space ends.
        const auto written = overlay->writeAt(0, filled(8192, 'x'));
        QVERIFY(!written && written.error().code == ErrorCode::NoSpace);
        QCOMPARE(allBytes(*overlay), before);
        QVERIFY(overlay->writeAt(0, filled(8192, 'x')).has_value());
        QVERIFY(overlay->flush().has_value());
        QCOMPARE(bytesAt(*rig.open(), 0, 8192), filled(8192, 'x'));
    }

    void fullDiskAtFlush_canBeRepeated()
    {
        Rig rig;
        const auto overlay = rig.open();
        QVERIFY(overlay->writeAt(0, filled(512, 'x')).has_value());
        rig.log->failWrites(0, ~std::uint64_t(0), ENOSPC, 1);
        const auto flushed = overlay->flush();
        QVERIFY(!flushed && flushed.error().code == ErrorCode::NoSpace);
        QVERIFY(overlay->writeAt(1024, filled(512, 'y')).has_value());
        QVERIFY(overlay->flush().has_value());
        QCOMPARE(bytesAt(*rig.open(), 0, 512), filled(512, 'x'));
        QCOMPARE(bytesAt(*rig.open(), 1024, 512), filled(512, 'y'));
    }

    void failedFsync_isNotForgotten()
    {
        Rig rig;
        const auto overlay = rig.open();
        QVERIFY(overlay->writeAt(0, filled(512, 'x')).has_value());
        rig.data->failFlushes(EIO, 1);
        QCOMPARE(overlay->flush().error().sysErrno, EIO);
        QCOMPARE(overlay->flush().error().sysErrno, EIO);
    }

    void secondWriter_isTurnedAway()
    {
        auto overlay = open();
        const auto second = openOverlay(base(), m_store);
        QVERIFY(!second && second.error().code == ErrorCode::InUse);
        overlay.reset();
        QVERIFY(openOverlay(base(), m_store).has_value());
    }

    void changedBase_isForeign_data()
    {
        QTest::addColumn<int>("offset");
        QTest::newRow("first superblock area") << 4096;
        QTest::newRow("last superblock area") << int(kBaseBytes) - 65536;
        QTest::newRow("only the time") << -1;
    }

    void changedBase_isForeign()
    {
        QFETCH(const int, offset);
        QVERIFY(open()->flush().has_value());
        const auto time = fs::last_write_time(m_base);
        if (offset >= 0) {
            auto device = openFileForWriting(m_base);
            QVERIFY((*device)->writeAt(std::uint64_t(offset), filled(1, 'X')).has_value());
            fs::last_write_time(m_base, time);
        } else {
            fs::last_write_time(m_base, time + std::chrono::seconds(1));
        }
        const auto reopened = openOverlay(base(), m_store);
        QVERIFY(!reopened && reopened.error().code == ErrorCode::OverlayForeign);
        const auto view = viewThroughOverlay(base(), m_store);
        QVERIFY(!view && view.error().code == ErrorCode::OverlayForeign);
    }

    void shorterBase_isForeign()
    {
        QVERIFY(open()->flush().has_value());
        fs::resize_file(m_base, kBaseBytes - 512);
        const auto reopened = openOverlay(base(), m_store);
        QVERIFY(!reopened && reopened.error().code == ErrorCode::OverlayForeign);
    }

    void tornTail_isCutOff()
    {
        Rig rig;
        writeAndFlush(rig, {0, 8});
        const auto whole = logBytes(rig);
        writeAndFlush(rig, {16, 24, 32});
        const auto longer = logBytes(rig);
        const auto end = readOverlayLog(*rig.log)->end;
        const auto begin = end - sizeof(ondisk::OverlayBatch) - 3 * sizeof(ondisk::OverlayExtent);
        for (auto cut = begin + 1; cut < end; ++cut) {
            auto torn = whole;
            std::copy(longer.begin() + std::ptrdiff_t(begin), longer.begin() + std::ptrdiff_t(cut),
                torn.begin() + std::ptrdiff_t(begin));
            setLog(rig, torn);
            // The last bytes may have been zeros anyway; then nothing is missing.
            const bool complete = torn == longer;
            const auto overlay = rig.open();
            QVERIFY(overlay);
            QCOMPARE(bytesAt(*overlay, 8 * kSectorBytes, 512), filled(512, 'w'));
            QCOMPARE(bytesAt(*overlay, 16 * kSectorBytes, 512), filled(512, complete ? 'w' : 'b'));
            QCOMPARE(logBytes(rig), complete ? longer : whole);
        }
    }

    void damageBeforeTheLastBatch_isNamed()
    {
        Rig rig;
        writeAndFlush(rig, {0, 8});
        const auto firstEnd = readOverlayLog(*rig.log)->end;
        writeAndFlush(rig, {16});
        const auto good = logBytes(rig);
        for (std::uint64_t at = ondisk::kFirstBatch; at < firstEnd; ++at) {
            auto bad = good;
            bad[at] ^= std::byte(0x10);
            setLog(rig, bad);
            const auto opened = openOverlayOn(rig.base, rig.data, rig.log);
            QVERIFY(!opened && opened.error().code == ErrorCode::OverlayDamaged);
        }
        for (std::uint64_t at = 0; at < sizeof(ondisk::OverlayHeader); ++at) {
            auto bad = good;
            bad[at] ^= std::byte(0x10);
            setLog(rig, bad);
            const auto opened = openOverlayOn(rig.base, rig.data, rig.log);
            QVERIFY(!opened && opened.error().code == ErrorCode::OverlayDamaged);
        }
    }

    void randomLogs_neverCrash()
    {
        for (unsigned seed = 1; seed < 200; ++seed) {
            Rig rig;
            writeAndFlush(rig, {0, 8, 16});
            auto bytes = logBytes(rig);
            const auto noise = pattern(seed % 97 + 1, seed);
            std::ranges::copy(
                noise, bytes.begin() + std::ptrdiff_t(seed * 31UL % (bytes.size() - 100)));
            setLog(rig, bytes);
            const auto opened = openOverlayOn(rig.base, rig.data, rig.log);
            QVERIFY(opened || opened.error().code == ErrorCode::OverlayDamaged);
        }
    }

    void newerVersion_isRefusedByName()
    {
        Rig rig;
        QVERIFY(rig.open());
        auto header = *readStruct<ondisk::OverlayHeader>(*rig.log, 0);
        header.version = 2;
        header.checksum = 0;
        header.checksum = slowCrc32c(std::as_bytes(std::span(&header, 1)));
        QVERIFY(rig.log->writeAt(0, std::as_bytes(std::span(&header, 1))).has_value());
        const auto opened = openOverlayOn(rig.base, rig.data, rig.log);
        QVERIFY(!opened && opened.error().code == ErrorCode::Unsupported);
    }

    void checksum_isCrc32c()
    {
        // The check value of the polynomial's definition.
        const std::string digits = "123456789";
        QCOMPARE(slowCrc32c(std::as_bytes(std::span(digits))), 0xe3069283U);
        Rig rig;
        QVERIFY(rig.open());
        auto header = *readStruct<ondisk::OverlayHeader>(*rig.log, 0);
        const std::uint32_t stored = header.checksum;
        header.checksum = 0;
        QCOMPARE(stored, slowCrc32c(std::as_bytes(std::span(&header, 1))));
    }

    void view_showsTheLastFlushAndTakesNoLock()
    {
        const auto before = viewThroughOverlay(base(), m_store);
        QVERIFY(before.has_value());
        QCOMPARE(bytesAt(**before, 0, 512), filled(512, 'b'));
        const auto overlay = open();
        QVERIFY(overlay->writeAt(0, filled(512, 'w')).has_value());
        QVERIFY(overlay->flush().has_value());
        const auto during = viewThroughOverlay(base(), m_store);
        QVERIFY(during.has_value());
        QCOMPARE(bytesAt(**during, 0, 1024).front(), std::byte('w'));
        QCOMPARE(bytesAt(**during, 512, 512), filled(512, 'b'));
        QVERIFY(overlay->writeAt(512, filled(512, 'w')).has_value());
        QVERIFY(overlay->flush().has_value());
    }

    void applied_makesTheCopyWhatTheOverlayShows()
    {
        const auto overlay = open();
        QVERIFY(overlay->writeAt(1000, pattern(100'000)).has_value());
        QVERIFY(overlay->flush().has_value());
        fs::copy_file(m_base, path("copy.img"));
        const auto copy = openFileForWriting(path("copy.img"));
        QVERIFY(applyOverlay(*base(), m_store, **copy).has_value());
        QCOMPARE(allBytes(**copy), allBytes(*overlay));

        writeFile(path("short.img"), filled(512, 0));
        const auto shorter = openFileForWriting(path("short.img"));
        const auto applied = applyOverlay(*base(), m_store, **shorter);
        QVERIFY(!applied && applied.error().code == ErrorCode::BadGeometry);
    }

    void sameFileNameInTwoFolders_hasTwoOverlays()
    {
        fs::create_directories(path("other"));
        writeFile(path("other/disk.img"), filled(kBaseBytes, 'b'));
        const auto one = open();
        const auto two = openOverlay(*openSource(path("other/disk.img")), m_store);
        QVERIFY(two.has_value());
        QVERIFY(one->writeAt(0, filled(512, '1')).has_value());
        QCOMPARE(bytesAt(**two, 0, 512), filled(512, 'b'));
    }

    void files_staySparse()
    {
        writeFile(path("large.img"), {});
        fs::resize_file(path("large.img"), std::uint64_t(1) << 40);
        const auto overlay = openOverlay(*openSource(path("large.img")), path("sparse"));
        QVERIFY(overlay.has_value());
        QVERIFY((*overlay)->writeAt(std::uint64_t(1) << 39, filled(4096, 'w')).has_value());
        QVERIFY((*overlay)->flush().has_value());
        std::uint64_t used = 0;
        for (const auto& entry : fs::directory_iterator(path("sparse"))) {
            struct stat status{};
            QCOMPARE(::stat(entry.path().c_str(), &status), 0);
            used += std::uint64_t(status.st_blocks) * 512;
        }
        QVERIFY(used < 1 << 20);
    }

private:
    std::string path(const char* name) const
    {
        return m_folder->filePath(QString::fromUtf8(name)).toStdString();
    }
    SourcePtr base() const { return openSource(m_base).value_or(nullptr); }
    DevicePtr open() const { return openOverlay(base(), m_store).value_or(nullptr); }

    static void writeAndFlush(Rig& rig, const std::vector<std::uint64_t>& sectors)
    {
        const auto overlay = rig.open();
        QVERIFY(overlay);
        for (const auto sector : sectors)
            QVERIFY(overlay->writeAt(sector * 512, filled(512, 'w')).has_value());
        QVERIFY(overlay->flush().has_value());
    }

    static Bytes logBytes(const Rig& rig) { return allBytes(*rig.log); }
    static void setLog(Rig& rig, const Bytes& bytes)
    {
        QVERIFY(rig.log->writeAt(0, bytes).has_value());
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::string m_base;
    std::string m_store;
};

QTEST_GUILESS_MAIN(TestOverlay)
#include "tst_overlay.moc"
