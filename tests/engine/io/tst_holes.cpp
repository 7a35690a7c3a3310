// SPDX-License-Identifier: Apache-2.0
// Where a sparse image holds data: asked in order, the stretches cover every byte that is not zero,
// whatever the image is wrapped in.
#include "engine/io/container.h"
#include "engine/io/file_device.h"
#include "engine/io/overlay.h"
#include "engine/io/slice.h"
#include "tests/support/files.h"
#include "tests/support/memory_device.h"

#include <QTemporaryDir>
#include <QTest>

#include <sys/mman.h>
#include <unistd.h>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr std::uint64_t kPiece = kMiB; // in memory holes are named by the MiB

std::vector<DataStretch> allOf(const BlockSource& source)
{
    std::vector<DataStretch> all;
    for (auto next = source.nextData(0); !next.empty(); next = source.nextData(next.end))
        all.push_back(next);
    return all;
}

std::uint64_t lengthOf(const std::vector<DataStretch>& stretches)
{
    std::uint64_t length = 0;
    for (const auto& stretch : stretches)
        length += stretch.end - stretch.begin;
    return length;
}

bool coversWhatIsNotZero(const BlockSource& source)
{
    const auto bytes = allBytes(source);
    std::uint64_t at = 0;
    const auto isZero = [&bytes](std::uint64_t begin, std::uint64_t end) {
        return std::ranges::all_of(std::span(bytes).subspan(begin, end - begin),
            [](std::byte byte) { return byte == std::byte{}; });
    };
    for (const auto& stretch : allOf(source)) {
        if (stretch.begin < at || stretch.end > bytes.size() || !isZero(at, stretch.begin))
            return false;
        at = stretch.end;
    }
    return isZero(at, bytes.size());
}

} // namespace

class TestHoles : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(m_folder->isValid());
        auto made = createFile(path("disk.img"), 8 * kMiB);
        QVERIFY(made);
        for (const auto at : {kMiB, 5 * kMiB})
            QVERIFY((*made)->writeAt(at, filled(kPiece, 'x')));
        QVERIFY((*made)->flush());
        m_image = openSource(path("disk.img")).value_or(nullptr);
        QVERIFY(m_image);
    }

    void file_namesItsDataAndNotItsHoles()
    {
        QCOMPARE(allOf(*m_image),
            (std::vector<DataStretch>{{kMiB, kMiB + kPiece}, {5 * kMiB, 5 * kMiB + kPiece}}));
        QCOMPARE(m_image->nextData(kMiB + 100).begin, kMiB + 100);
        QVERIFY(m_image->nextData(8 * kMiB).empty());
    }

    void fileInMemory_namesItsDataAndNotItsHoles()
    {
        // As a file in /dev/shm is, also where that is not mounted.
        const int memory = ::memfd_create("disk.img", MFD_CLOEXEC);
        const auto closed = qScopeGuard([memory] { ::close(memory); });
        QCOMPARE(::ftruncate(memory, 8 * kMiB), 0);
        const auto put = [memory](std::uint64_t at, std::size_t length) {
            const auto bytes = filled(length, 'x');
            return ::pwrite(memory, bytes.data(), length, off_t(at)) == ssize_t(length);
        };
        QVERIFY(put(kMiB + 8192, 4096) && put(5 * kMiB, 2 * kMiB));
        const auto image = openSource("/proc/self/fd/" + std::to_string(memory));
        QVERIFY(image);
        QVERIFY(coversWhatIsNotZero(**image));
        QVERIFY(lengthOf(allOf(**image)) <= 3 * kMiB);
    }

    void slice_countsFromItsOwnStart()
    {
        const auto part = slice(m_image, kMiB + 4096, 4 * kMiB, "part");
        QCOMPARE(allOf(*part),
            (std::vector<DataStretch>{{0, kPiece - 4096}, {4 * kMiB - 4096, 4 * kMiB}}));
        QVERIFY(coversWhatIsNotZero(*part));
    }

    void split_goesOnInTheNextPart()
    {
        for (const char* name : {"set.001", "set.002", "set.003"}) {
            auto made = createFile(path(name), kMiB);
            QVERIFY(made);
            if (std::string_view(name) != "set.002")
                QVERIFY((*made)->writeAt(kMiB / 2, filled(kMiB / 2, 'x')));
        }
        const auto set = openSource(path("set.001"));
        QVERIFY(set);
        QCOMPARE(allOf(**set).size(), 2U);
        QCOMPARE(allOf(**set).back().begin, 2 * kMiB + kMiB / 2);
        QVERIFY(coversWhatIsNotZero(**set));
    }

    void overlay_addsWhatWasWritten()
    {
        auto overlay = openOverlay(m_image, path("over"));
        QVERIFY(overlay);
        QVERIFY((*overlay)->writeAt(3 * kMiB, filled(kPiece, 'y')));
        QVERIFY((*overlay)->writeAt(5 * kMiB, std::vector<std::byte>(kPiece)));
        QVERIFY(coversWhatIsNotZero(**overlay));
        QCOMPARE((*overlay)->nextData(2 * kMiB).begin, 3 * kMiB);
        QVERIFY(lengthOf(allOf(**overlay)) <= 3 * kPiece);
        QVERIFY((*overlay)->flush());
        overlay->reset();
        const auto view = viewThroughOverlay(m_image, path("over"));
        QVERIFY(view);
        QVERIFY(coversWhatIsNotZero(**view));
        QCOMPARE((*view)->nextData(2 * kMiB).begin, 3 * kMiB);
    }

    void others_callAllOfItData()
    {
        const MemoryDevice memory(kMiB);
        QCOMPARE(memory.nextData(100), (DataStretch{100, kMiB}));
    }

private:
    std::string path(const char* name) const
    {
        return m_folder->filePath(QString::fromUtf8(name)).toStdString();
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    SourcePtr m_image;
};

QTEST_GUILESS_MAIN(TestHoles)
#include "tst_holes.moc"
