// SPDX-License-Identifier: Apache-2.0
// Programs that read and write mounted files side by side: each gets what is there, or the errno of
// what went wrong; what was written is on the device when the mount goes, whatever still has it
// open; and ThreadSanitizer has nothing to say.
#include "engine/export/fuse_mount.h"
#include "engine/export/mount_points.h"
#include "engine/io/faulty_device.h"
#include "engine/io/merged_writes.h"
#include "tests/support/expect.h"
#include "tests/support/memory_device.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::size_t kSize = std::size_t{4} << 20U;
constexpr std::size_t kBlock = 4096;

using Bytes = std::vector<std::byte>;

// Another process, forked off before there is anything to mount, that does one act after the other
// when it is told to. A process that served the file it has open would hang for ever if it died.
class Program
{
public:
    using Acts = std::vector<std::function<void()>>;

    explicit Program(const Acts& acts)
    {
        EXPECT(::pipe2(m_go.data(), O_CLOEXEC) == 0 && ::pipe2(m_done.data(), O_CLOEXEC) == 0);
        m_process = ::fork();
        EXPECT(m_process >= 0);
        if (m_process != 0) {
            ::close(m_done[1]); // whoever waits for one that died is told
            return;
        }
        ::close(m_go[1]);
        for (const auto& act : acts) {
            char word = 0;
            if (::read(m_go[0], &word, 1) != 1)
                break;
            act();
            EXPECT(::write(m_done[1], &word, 1) == 1);
        }
        std::_Exit(0);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program()
    {
        for (const int end : {m_go[0], m_go[1], m_done[0]})
            ::close(end);
        ::waitpid(m_process, nullptr, 0);
    }

    void begin() const { EXPECT(::write(m_go[1], "g", 1) == 1); }
    void untilDone() const
    {
        char word = 0;
        EXPECT(::read(m_done[0], &word, 1) == 1);
    }
    void act() const
    {
        begin();
        untilDone();
    }

private:
    std::array<int, 2> m_go{};
    std::array<int, 2> m_done{};
    pid_t m_process = 0;
};

// A folder of the test's own, and two devices in memory.
struct Scene
{
    std::string top = (std::filesystem::temp_directory_path() / "bitmend-mount-XXXXXX").string();
    std::string folder;
    std::shared_ptr<MemoryDevice> memory = std::make_shared<MemoryDevice>(kSize);
    std::shared_ptr<FaultyDevice> device = std::make_shared<FaultyDevice>(memory);
    std::shared_ptr<MemoryDevice> readOnly = std::make_shared<MemoryDevice>(kSize);
    DevicePtr written = device; // what is mounted
    std::unique_ptr<FuseMount> mount;

    Scene()
    {
        EXPECT(::mkdtemp(top.data()) != nullptr);
        folder = top + "/mount";
    }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    ~Scene()
    {
        mount.reset();
        std::filesystem::remove_all(top);
    }

    void begin()
    {
        auto mounted = FuseMount::mount(
            {{"disk.img", written, written}, {"evidence.img", readOnly, nullptr}}, folder, "test");
        EXPECT(mounted);
        mount = std::move(*mounted);
    }

    int open(const char* name, int flags) const
    {
        return ::open((folder + "/" + name).c_str(), flags | O_CLOEXEC, 0600);
    }
};

off_t at(std::size_t block) { return off_t(block * kBlock); }

void programsReadAndWriteSideBySide()
{
    constexpr unsigned kPrograms = 4;
    Scene scene;
    std::vector<std::unique_ptr<Program>> programs;
    for (unsigned program = 0; program < kPrograms; ++program) {
        programs.push_back(std::make_unique<Program>(Program::Acts{[&scene, program] {
            std::mt19937_64 random(program);
            const int file = scene.open("disk.img", O_RDWR);
            EXPECT(file >= 0);
            for (int round = 0; round < 60; ++round) {
                const auto block = random() % (kSize / kBlock / kPrograms) * kPrograms + program;
                const Bytes bytes(kBlock, std::byte(random()));
                Bytes found(kBlock);
                EXPECT(::pwrite(file, bytes.data(), kBlock, at(block)) == ssize_t(kBlock));
                EXPECT(::pread(file, found.data(), kBlock, at(block)) == ssize_t(kBlock));
                EXPECT(found == bytes);
                EXPECT(round % 20 != 0 || ::fsync(file) == 0);
            }
            ::close(file);
        }}));
    }
    scene.begin();
    for (const auto& program : programs)
        program->begin();
    for (const auto& program : programs)
        program->untilDone();
}

void programsAreToldWhatWentWrong()
{
    Scene scene;
    const Program program({[&scene] {
        Bytes bytes(kBlock);
        const int file = scene.open("disk.img", O_RDWR);
        EXPECT(::pread(file, bytes.data(), kBlock, at(500)) < 0 && errno == EIO);
        EXPECT(::pwrite(file, bytes.data(), kBlock, at(600)) < 0 && errno == ENOSPC);
        EXPECT(::pwrite(file, bytes.data(), kBlock, at(601)) == ssize_t(kBlock));
        EXPECT(::pwrite(file, bytes.data(), 100, off_t(kSize) - 60) == 60);
        EXPECT(::pwrite(file, bytes.data(), 1, off_t(kSize)) < 0 && errno == ENOSPC);
        EXPECT(::pread(file, bytes.data(), 1, off_t(kSize)) == 0);
        EXPECT(::fsync(file) < 0 && errno == EIO);
        EXPECT(::fsync(file) == 0);
        EXPECT(::ftruncate(file, 0) < 0 && errno == EPERM);
        ::close(file);
        EXPECT(scene.open("disk.img", O_RDWR | O_TRUNC) < 0 && errno == EPERM);
        EXPECT(scene.open("evidence.img", O_RDWR) < 0 && errno == EROFS);
        EXPECT(scene.open("other.img", O_RDONLY) < 0 && errno == ENOENT);
        EXPECT(scene.open("new.img", O_RDWR | O_CREAT) < 0);
        EXPECT(::unlink((scene.folder + "/disk.img").c_str()) < 0);
    }});
    scene.device->failReads(kBlock * 490, kBlock * 510, EIO);
    scene.device->failWrites(kBlock * 600, kBlock * 601, ENOSPC);
    scene.device->failFlushes(EIO, 1);
    scene.begin();
    program.act();
}

void whatIsOpenIsNotUnmounted()
{
    Scene scene;
    int file = -1;
    const Program program({[&] { file = scene.open("disk.img", O_RDWR); },
        [&] {
            EXPECT(::pwrite(file, "ab", 2, 0) == 2);
            ::close(file);
        }});
    scene.begin();
    program.act();
    const auto busy = scene.mount->unmount();
    EXPECT(!busy && busy.error().code == ErrorCode::MountBusy);
    EXPECT(scene.mount->isServing() && scene.mount->openFiles() == 1);
    program.act();
    EXPECT(scene.mount->unmount());
    EXPECT(!scene.mount->isServing() && !mountAt(scene.folder));
    scene.mount.reset();
    EXPECT(!std::filesystem::exists(scene.folder));
    EXPECT(scene.memory->bytes()[1] == std::byte{'b'});
}

void whoHasAFileOpenWhenItGoesGetsErrorsAndNothingElse()
{
    Scene scene;
    int file = -1;
    Bytes bytes(kBlock, std::byte{7});
    const Program program({[&] {
                               file = scene.open("disk.img", O_RDWR);
                               EXPECT(::pwrite(file, bytes.data(), kBlock, 0) == ssize_t(kBlock));
                           },
        [&] {
            EXPECT(::pwrite(file, bytes.data(), kBlock, at(1)) < 0 && errno == EIO);
            EXPECT(::pread(file, bytes.data(), kBlock, at(800)) < 0 && errno == EIO);
            EXPECT(::fsync(file) < 0 && errno == EIO);
        },
        [&] {
            EXPECT(scene.open("disk.img", O_RDONLY) >= 0);
            ::close(file);
        }});
    scene.begin();
    program.act();
    scene.mount.reset();
    EXPECT(!mountAt(scene.folder));
    EXPECT(scene.memory->bytes()[0] == std::byte{7});
    program.act();
    EXPECT(scene.memory->bytes()[kBlock] == std::byte{});
    scene.begin(); // the same folder again
    program.act();
}

void whatIsInUseIsLeftAlone()
{
    Scene scene;
    scene.begin();
    const auto refused = [&scene](const std::string& folder, ErrorCode code) {
        const auto mounted =
            FuseMount::mount({{"disk.img", scene.device, nullptr}}, folder, "test");
        return !mounted && mounted.error().code == code;
    };
    EXPECT(refused(scene.folder, ErrorCode::FolderInUse));
    EXPECT(refused(scene.top, ErrorCode::FolderInUse));
    EXPECT(refused(scene.top + "/a/b", ErrorCode::CannotMount));
    EXPECT(scene.mount->isServing());
}

// As cp, dd or a file system do it: one small write() after the other.
void smallWritesReachTheDeviceAsLargeOnes()
{
    constexpr std::uint64_t kStripe = std::uint64_t{3} << 16U;
    constexpr std::uint64_t kWritten = kSize / kStripe * kStripe;
    Scene scene;
    const auto journal = std::make_shared<IoJournal>();
    scene.device = std::make_shared<FaultyDevice>(scene.memory, journal);
    scene.written = std::make_shared<MergedWrites>(scene.device, kStripe);
    const Program program({[&scene] {
        const int file = scene.open("disk.img", O_RDWR);
        for (std::uint64_t at = 0; at < kWritten; at += kBlock) {
            const Bytes bytes(kBlock, std::byte(at / kBlock));
            EXPECT(::pwrite(file, bytes.data(), kBlock, off_t(at)) == ssize_t(kBlock));
        }
        Bytes last(kBlock);
        EXPECT(::pread(file, last.data(), kBlock, off_t(kWritten - kBlock)) == ssize_t(kBlock));
        EXPECT(last[0] == std::byte((kWritten / kBlock - 1) % 256));
        EXPECT(::fsync(file) == 0);
        ::close(file);
    }});
    scene.begin();
    program.act();
    std::uint64_t inWholeStripes = 0;
    for (const auto& entry : journal->entries()) {
        if (entry.bytes.size() % kStripe == 0 && entry.offset % kStripe == 0)
            inWholeStripes += entry.bytes.size();
    }
    EXPECT(scene.device->counts().writes < kWritten / kBlock / 10);
    EXPECT(inWholeStripes >= kWritten / 2);
    for (std::uint64_t at = 0; at < kWritten; at += kBlock)
        EXPECT(scene.memory->bytes()[at] == std::byte(at / kBlock));
}

} // namespace

int main()
{
    smallWritesReachTheDeviceAsLargeOnes();
    programsReadAndWriteSideBySide();
    programsAreToldWhatWentWrong();
    whatIsOpenIsNotUnmounted();
    whoHasAFileOpenWhenItGoesGetsErrorsAndNothingElse();
    whatIsInUseIsLeftAlone();
}
