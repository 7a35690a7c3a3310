// SPDX-License-Identifier: Apache-2.0
// An array and its partitions as files: their names, their places, and what happens at their ends.
#include "engine/export/errno_of.h"
#include "engine/export/file_tree.h"
#include "tests/support/memory_device.h"

#include <QTest>

#include <cerrno>
#include <cstring>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Bytes = std::vector<std::byte>;

// One primary partition of type Linux.
void writeTable(MemoryDevice& disk, std::uint32_t begin, std::uint32_t sectors)
{
    auto& bytes = disk.bytes();
    bytes[446 + 4] = std::byte{0x83};
    const auto put = [&bytes](std::size_t at, std::uint32_t value) {
        for (std::size_t i = 0; i < 4; ++i)
            bytes[at + i] = std::byte(value >> (8 * i));
    };
    put(446 + 8, begin);
    put(446 + 12, sectors);
    bytes[510] = std::byte{0x55};
    bytes[511] = std::byte{0xaa};
}

std::shared_ptr<MemoryDevice> disk() { return std::make_shared<MemoryDevice>(4 << 20U); }

} // namespace

class TestFileTree : public QObject
{
    Q_OBJECT

private slots:
    void names_areAllowedAndTellWhatIsWhat()
    {
        const auto whole = disk();
        writeTable(*whole, 2048, 4096);
        const auto files = filesOf(whole, whole, "nas:data/x");
        QCOMPARE(files.size(), std::size_t{2});
        QCOMPARE(files[0].name, std::string("nas-data-x.img"));
        QCOMPARE(files[1].name, std::string("nas-data-x-part1.img"));
        QCOMPARE(files[1].source->sizeBytes(), std::uint64_t{4096 * 512});
        QCOMPARE(filesOf(disk(), nullptr, "..")[0].name, std::string("array...img"));
        QCOMPARE(filesOf(disk(), nullptr, "")[0].name, std::string("array.img"));
    }

    void partition_isWrittenWhereItLies()
    {
        const auto whole = disk();
        writeTable(*whole, 2048, 4096);
        const auto files = filesOf(whole, whole, "a");
        const Bytes bytes(300, std::byte{7});
        QCOMPARE(writeFile(files[1], 100, bytes), IoResult(300));
        QCOMPARE(whole->bytes()[2048 * 512 + 100], std::byte{7});
        Bytes found(300);
        QCOMPARE(readFile(files[0], 2048 * 512 + 100, found), IoResult(300));
        QVERIFY(found == bytes);
    }

    void theEnd_isABlockDevices()
    {
        const auto whole = disk();
        const auto file = filesOf(whole, whole, "a")[0];
        const auto size = whole->sizeBytes();
        Bytes bytes(100);
        QCOMPARE(writeFile(file, size - 40, bytes), IoResult(40));
        QCOMPARE(writeFile(file, size, bytes), IoResult(std::unexpected(ENOSPC)));
        QCOMPARE(writeFile(file, size, {}), IoResult(0));
        QCOMPARE(readFile(file, size - 40, bytes), IoResult(40));
        QCOMPARE(readFile(file, size + 7, bytes), IoResult(0));
    }

    void readOnly_isNotWritten()
    {
        const auto file = filesOf(disk(), nullptr, "a")[0];
        QCOMPARE(writeFile(file, 0, Bytes(1)), IoResult(std::unexpected(EROFS)));
    }

    void errors_becomeWhatProgramsKnow()
    {
        const auto toldOf = [](ErrorCode code, int sysErrno = 0) {
            return errnoOf(Error{code, "disk", 0, sysErrno});
        };
        QCOMPARE(toldOf(ErrorCode::NoSpace), ENOSPC);
        QCOMPARE(toldOf(ErrorCode::NoSpaceInPlace), ENOSPC);
        QCOMPARE(toldOf(ErrorCode::Unsupported), EROFS);
        QCOMPARE(toldOf(ErrorCode::NotEnoughMembers), EIO);
        QCOMPARE(toldOf(ErrorCode::Io, EREMOTEIO), EREMOTEIO);
    }
};

QTEST_APPLESS_MAIN(TestFileTree)
#include "tst_file_tree.moc"
