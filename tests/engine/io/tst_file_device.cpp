// SPDX-License-Identifier: Apache-2.0
#include "engine/base/aligned_buffer.h"
#include "engine/io/container.h"
#include "engine/io/enumerate.h"
#include "engine/io/file_device.h"
#include "engine/io/past_cache.h"
#include "engine/io/slice.h"
#include "tests/support/files.h"

#include <QTemporaryDir>
#include <QTest>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace bitmend;
using namespace bitmend::test;

namespace fs = std::filesystem;

namespace {

// Files may be kept from everybody but root, who reads them all: root puts on somebody else's id.
class AsNobody
{
public:
    AsNobody() : m_isRoot(::geteuid() == 0)
    {
        if (m_isRoot && ::seteuid(65534) != 0)
            qFatal("cannot become nobody");
    }
    ~AsNobody()
    {
        if (m_isRoot && ::seteuid(0) != 0)
            qFatal("cannot become root again");
    }
    AsNobody(const AsNobody&) = delete;
    AsNobody& operator=(const AsNobody&) = delete;

private:
    bool m_isRoot;
};

} // namespace

class TestFileDevice : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(m_folder->isValid());
    }

    void readOnce_givesTheSameBytesWhereverTheyLie()
    {
        const auto content = pattern(3 * 4096 + 777);
        writeFile(path("image"), content);
        const auto device = openFileForWriting(path("image"));
        QVERIFY(device);
        // What was written just now and lies in the page cache only has to be seen as well.
        const auto late = pattern(5000);
        QVERIFY((*device)->writeAt(4000, late));
        auto expected = content;
        std::ranges::copy(late, expected.begin() + 4000);
        AlignedBuffer buffer(4 * 4096);
        for (const std::size_t offset : {0U, 4096U, 512U, 4097U, 8192U, 12'288U}) {
            for (const std::size_t length : {1U, 512U, 4096U, 4608U, 8192U, 13'065U}) {
                if (offset + length > expected.size())
                    continue;
                const auto to = buffer.first(length);
                std::ranges::fill(to, std::byte{0xee});
                QVERIFY((*device)->readOnceAt(offset, to));
                QVERIFY(std::ranges::equal(to, std::span(expected).subspan(offset, length)));
            }
        }
        const auto to = buffer.first(4096);
        QCOMPARE((*device)->readOnceAt(expected.size() - 1, to).error().code, ErrorCode::ShortRead);
        const auto part = slice(SourcePtr(*device), 4096, 8192, "part");
        QVERIFY(part->readOnceAt(4096, to));
        QVERIFY(std::ranges::equal(to, std::span(expected).subspan(8192, 4096)));
    }

    void residence_isOfNothingForAFileInTheCache()
    {
        writeFile(path("image"), pattern(1 << 20));
        const auto image = openFile(path("image"));
        QVERIFY(image);
        QVERIFY(!(*image)->residence().isDevice);
        QVERIFY(!belongsPastCache((*image)->residence()));
        QVERIFY(belongsPastCache({0, true}));
        QVERIFY(belongsPastCache({std::uint64_t{1} << 60U, false}));
    }

    void image_isReadExactly()
    {
        const auto content = pattern(100'003);
        writeFile(path("odd.img"), content);
        const auto source = openFile(path("odd.img"));
        QVERIFY(source.has_value());
        QCOMPARE((*source)->sizeBytes(), std::uint64_t(100'003));
        QCOMPARE((*source)->name(), path("odd.img"));
        QCOMPARE(allBytes(**source), content);
        QCOMPARE(bytesAt(**source, 99'999, 4), Bytes(content.end() - 4, content.end()));
    }

    void looking_opensReadOnlyAndLeavesTheAccessTime()
    {
        writeFile(path("a.img"), filled(4096, 'a'));
        const auto source = openSource(path("a.img"));
        QVERIFY(source.has_value());
        const int flags = ::fcntl((*source)->descriptor(), F_GETFL);
        QCOMPARE(flags & O_ACCMODE, O_RDONLY);
        QVERIFY((flags & O_NOATIME) != 0);
        QVERIFY((::fcntl((*source)->descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
    }

    void somebodyElsesFile_isReadAllTheSame()
    {
        // The test's own program belongs to whoever built it, or to root in a package.
        QVERIFY(::chmod(m_folder->path().toLocal8Bit().constData(), 0755) == 0);
        writeFile(path("root.img"), filled(4096, 'r'));
        fs::permissions(path("root.img"), fs::perms(0644));
        const bool isRoot = ::geteuid() == 0;
        const AsNobody nobody;
        const auto source = openFile(isRoot ? path("root.img") : std::string("/etc/passwd"));
        QVERIFY(source.has_value());
        QVERIFY((::fcntl((*source)->descriptor(), F_GETFL) & O_NOATIME) == 0);
        QCOMPARE(bytesAt(**source, 0, 64).size(), std::size_t(64));
    }

    void withoutPermission_saysSo()
    {
        QVERIFY(::chmod(m_folder->path().toLocal8Bit().constData(), 0755) == 0);
        writeFile(path("secret.img"), filled(4096, 's'));
        fs::permissions(path("secret.img"), fs::perms::none);
        const AsNobody nobody;
        const auto source = openSource(path("secret.img"));
        QVERIFY(!source);
        QCOMPARE(source.error().code, ErrorCode::CannotOpen);
        QCOMPARE(source.error().sysErrno, EACCES);
        QCOMPARE(source.error().where, path("secret.img"));
    }

    void whatIsNoStorage_isNamed()
    {
        const auto folder = openSource(m_folder->path().toStdString());
        QVERIFY(!folder && folder.error().code == ErrorCode::NotAStorage);
        const auto device = openSource("/dev/null");
        QVERIFY(!device && device.error().code == ErrorCode::NotAStorage);
        QCOMPARE(::mkfifo(path("pipe").c_str(), 0600), 0);
        const auto pipe = openSource(path("pipe")); // would hang if it were opened for reading
        QVERIFY(!pipe && pipe.error().code == ErrorCode::NotAStorage);
    }

    void missingFile_isNamed()
    {
        const auto source = openSource(path("gone.img"));
        QVERIFY(!source && source.error().code == ErrorCode::CannotOpen);
        QCOMPARE(source.error().sysErrno, ENOENT);
    }

    void emptyFile_isNamed()
    {
        writeFile(path("empty.img"), {});
        const auto source = openSource(path("empty.img"));
        QVERIFY(!source && source.error().code == ErrorCode::Empty);
    }

    void fileThatShrinksMeanwhile_isShort()
    {
        writeFile(path("a.img"), filled(65536, 'a'));
        const auto source = openFile(path("a.img"));
        fs::resize_file(path("a.img"), 10'000);
        Bytes bytes(4096);
        QVERIFY((*source)->readAt(0, bytes).has_value());
        const auto read = (*source)->readAt(8192, bytes);
        QVERIFY(!read && read.error().code == ErrorCode::ShortRead);
        QCOMPARE(read.error().offset, std::int64_t(10'000));
    }

    void fileThatIsRemovedMeanwhile_canStillBeRead()
    {
        writeFile(path("a.img"), filled(4096, 'a'));
        const auto source = openFile(path("a.img"));
        fs::remove(path("a.img"));
        QCOMPARE(allBytes(**source), filled(4096, 'a'));
    }

    void pastTheEnd_isShort()
    {
        writeFile(path("a.img"), filled(4096, 'a'));
        const auto device = openFileForWriting(path("a.img"));
        QVERIFY(device.has_value());
        Bytes bytes(512);
        for (const std::uint64_t offset : {3585U, 4096U, 8192U})
            QCOMPARE((*device)->readAt(offset, bytes).error().code, ErrorCode::ShortRead);
        QCOMPARE((*device)->readAt(~std::uint64_t(0), bytes).error().code, ErrorCode::ShortRead);
        QCOMPARE((*device)->writeAt(3585, bytes).error().code, ErrorCode::ShortRead);
        QCOMPARE(fs::file_size(path("a.img")), std::uintmax_t(4096));
    }

    void written_isThereForOthers()
    {
        writeFile(path("a.img"), filled(4096, 'a'));
        const auto device = openFileForWriting(path("a.img"));
        QVERIFY((*device)->writeAt(1000, filled(10, 'w')).has_value());
        QVERIFY((*device)->flush().has_value());
        QCOMPARE(bytesAt(**openFile(path("a.img")), 1000, 10), filled(10, 'w'));
    }

    void created_keepsWhatIsThere()
    {
        {
            const auto device = createFile(path("new"), 8192);
            QVERIFY(device.has_value());
            QVERIFY((*device)->writeAt(0, filled(512, 'n')).has_value());
        }
        const auto device = createFile(path("new"), 16'384);
        QVERIFY(device.has_value());
        QCOMPARE((*device)->sizeBytes(), std::uint64_t(16'384));
        QCOMPARE(bytesAt(**device, 0, 512), filled(512, 'n'));
        const auto nowhere = createFile(path("no/such/folder"), 512);
        QVERIFY(!nowhere && nowhere.error().code == ErrorCode::CannotOpen);
    }

    void modified_isTheFilesTime()
    {
        writeFile(path("a.img"), filled(512, 'a'));
        const auto source = openFile(path("a.img"));
        const auto before = (*source)->modifiedNanos();
        QVERIFY(before > 0);
        fs::last_write_time(
            path("a.img"), fs::last_write_time(path("a.img")) + std::chrono::seconds(2));
        QCOMPARE((*source)->modifiedNanos(), before + 2'000'000'000);
    }

    void blockDevices_haveTheSizeTheKernelSays()
    {
        int opened = 0;
        for (const auto& disk : listDisks()) {
            const auto source = openFile(disk.path);
            if (!source)
                continue;
            ++opened;
            const auto name = fs::path(disk.path).filename().string();
            std::ifstream size("/sys/block/" + name + "/size");
            std::uint64_t sectors = 0;
            size >> sectors;
            QCOMPARE((*source)->sizeBytes(), sectors * 512);
            QCOMPARE((*source)->modifiedNanos(), std::int64_t(0));
        }
        qInfo("%d block devices could be opened here", opened);
    }

private:
    std::string path(const char* name) const
    {
        return m_folder->filePath(QString::fromUtf8(name)).toStdString();
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TestFileDevice)
#include "tst_file_device.moc"
