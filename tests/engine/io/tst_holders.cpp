// SPDX-License-Identifier: Apache-2.0
// Files and devices that somebody uses are told apart from free ones, with the user's name. The
// kernel's folders are made here, around a device node's number that this computer need not have.
#include "engine/io/file_device.h"
#include "engine/io/holders.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace bitmend;
namespace fs = std::filesystem;

namespace {

class Kernel
{
public:
    Kernel()
    {
        fs::create_directories(sys() / "block");
        fs::create_directories(sys() / "dev/block");
        fs::create_directories(proc() / "self");
        write(proc() / "self/mountinfo", "");
    }

    fs::path top() const { return m_top.path().toStdString(); }
    fs::path sys() const { return top() / "sys"; }
    fs::path proc() const { return top() / "proc"; }
    KernelFolders folders() const { return {sys(), proc()}; }

    static void write(const fs::path& file, const std::string& text)
    {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }

    // A disk, or with a parent one of its partitions.
    fs::path disk(const std::string& number, const std::string& name, const fs::path& parent = {})
    {
        const auto folder = (parent.empty() ? sys() / "devices" : parent) / name;
        write(folder / "dev", number + "\n");
        if (!parent.empty())
            write(folder / "partition", "1\n");
        fs::create_directory_symlink(folder, sys() / "dev/block" / number);
        return folder;
    }

    // A partition of this number; the disk that it is part of.
    fs::path partition(const std::string& number)
    {
        const auto parent = disk("8:240", "sdq");
        disk(number, "sdq1", parent);
        return parent;
    }

private:
    QTemporaryDir m_top;
};

// Some block device of this computer, for its number alone: what the kernel says of it is ours.
std::string anyBlockDevice()
{
    std::error_code error;
    for (fs::directory_iterator entry("/dev", error), end; !error && entry != end; ++entry) {
        struct stat status{};
        if (::stat(entry->path().c_str(), &status) == 0 && S_ISBLK(status.st_mode))
            return entry->path().string();
    }
    return {};
}

std::string numberOf(const std::string& path)
{
    struct stat status{};
    ::stat(path.c_str(), &status);
    return std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
}

void expect(const Result<void>& outcome, ErrorCode code, const std::string& who)
{
    QVERIFY(!outcome);
    QCOMPARE(int(outcome.error().code), int(code));
    QCOMPARE(outcome.error().who, who);
}

} // namespace

class TestHolders : public QObject
{
    Q_OBJECT

private slots:
    void image_behindALoopDeviceIsInUse()
    {
        const Kernel kernel;
        const auto image = kernel.top() / "disk.img";
        Kernel::write(image, "x");
        QVERIFY(checkUnused(image.string(), kernel.folders()));
        const auto backing = kernel.sys() / "block/loop7/loop/backing_file";
        Kernel::write(backing, (kernel.top() / "other.img").string() + "\n");
        QVERIFY(checkUnused(image.string(), kernel.folders()));
        Kernel::write(backing, image.string() + "\n");
        expect(checkUnused(image.string(), kernel.folders()), ErrorCode::BacksLoop, "/dev/loop7");
        // Another name of the same file.
        const auto link = kernel.top() / "link.img";
        fs::create_hard_link(image, link);
        expect(checkUnused(link.string(), kernel.folders()), ErrorCode::BacksLoop, "/dev/loop7");
    }

    void device_ofAnArrayOrWithAFileSystemIsInUse()
    {
        const auto device = anyBlockDevice();
        if (device.empty()) // a container without any; the laboratory has them
            return;
        const auto number = numberOf(device);
        Kernel kernel;
        const auto disk = kernel.disk(number, "sdq");
        const auto partition = kernel.disk("259:77", "sdq1", disk);
        QVERIFY(checkUnused(device, kernel.folders()));

        Kernel::write(kernel.proc() / "self/mountinfo",
            "30 1 259:77 / /mnt/my\\040data rw shared:1 - ext4 none rw\n");
        expect(checkUnused(device, kernel.folders()), ErrorCode::Mounted, "/mnt/my data");
        Kernel::write(
            kernel.proc() / "self/mountinfo", "30 1 0:44 / /mnt rw - btrfs " + device + " rw\n");
        expect(checkUnused(device, kernel.folders()), ErrorCode::Mounted, "/mnt");
        Kernel::write(kernel.proc() / "self/mountinfo", "30 1 8:200 / / rw - ext4 none rw\n");
        QVERIFY(checkUnused(device, kernel.folders()));

        fs::create_directories(partition / "holders/md127");
        expect(checkUnused(device, kernel.folders()), ErrorCode::HeldByDevice, "/dev/md127");
        fs::remove(partition / "holders/md127");
        fs::create_directories(disk / "holders/dm-3");
        expect(checkUnused(device, kernel.folders()), ErrorCode::HeldByDevice, "/dev/dm-3");
    }

    void device_behindALoopDeviceIsInUse()
    {
        const auto device = anyBlockDevice();
        if (device.empty())
            return;
        Kernel kernel;
        kernel.partition(numberOf(device));
        Kernel::write(kernel.sys() / "block/loop7/loop/backing_file", device + "\n");
        expect(checkUnused(device, kernel.folders()), ErrorCode::BacksLoop, "/dev/loop7");
    }

    void partition_ofADiskInUseIsInUse()
    {
        const auto device = anyBlockDevice();
        if (device.empty())
            return;
        Kernel kernel;
        const auto disk = kernel.partition(numberOf(device));
        QVERIFY(checkUnused(device, kernel.folders()));
        fs::create_directories(disk / "holders/md0");
        expect(checkUnused(device, kernel.folders()), ErrorCode::HeldByDevice, "/dev/md0");
    }

    void locks_areSharedByReadersOnly()
    {
        const Kernel kernel;
        const auto image = (kernel.top() / "disk.img").string();
        Kernel::write(image, std::string(8192, 'x'));
        const auto open = [&] {
            return ::open(image.c_str(), O_RDWR | O_CLOEXEC);
        };
        const int first = open();
        const int second = open();
        QVERIFY(lockFile(first, image, LockKind::Reading));
        QVERIFY(lockFile(second, image, LockKind::Reading));
        const auto writer = openFileForWriting(image);
        QVERIFY(!writer);
        QVERIFY(writer.error().code == ErrorCode::InUse);
        QVERIFY(writer.error().who.ends_with("(process " + std::to_string(::getpid()) + ")"));
        ::close(first);
        ::close(second);
        QVERIFY(openFileForWriting(image));
    }

    void locks_ofPartitionsLeaveTheOthersFree()
    {
        const Kernel kernel;
        const auto image = (kernel.top() / "disk.img").string();
        Kernel::write(image, std::string(8192, 'x'));
        const auto first = openFileForWriting(image, {0, 4096});
        QVERIFY(first);
        QVERIFY(openFileForWriting(image, {4096, 4096}));
        QVERIFY(!openFileForWriting(image, {4095, 1}));
        QVERIFY(!openFileForWriting(image));
    }
};

QTEST_GUILESS_MAIN(TestHolders)
#include "tst_holders.moc"
