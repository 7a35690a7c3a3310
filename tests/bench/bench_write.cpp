// SPDX-License-Identifier: Apache-2.0
// How fast an array is written to, and read by other programs when it is mounted:
//
//   bench_write FOLDER [MEBIBYTES of each member] [ROUNDS]
//
// Prints medians with the spread. The files lie in FOLDER while it runs.
#include "engine/export/fuse_mount.h"
#include "engine/export/nbd_mount.h"
#include "engine/io/merged_writes.h"
#include "tests/bench/file_array.h"

#include <fcntl.h>
#include <unistd.h>

#include <random>
#include <thread>

using namespace bitmend;
using namespace bitmend::bench;

namespace {

class Bench
{
public:
    Bench(fs::path folder, std::uint64_t mebibytes, int rounds)
        : m_folder(std::move(folder))
        , m_component{mebibytes * kMiB / kSectorBytes}
        , m_rounds(rounds)
    {
    }

    void wholeStripes(int level, std::uint32_t members);
    void smallWrites(int level, std::uint32_t members);
    void batches();
    void mounted();
    void gathered();

private:
    ArrayShape shape(int level, std::uint32_t members, std::uint32_t bitmapChunk) const
    {
        return {.level = level,
            .layout = level == 1 ? 0U : 2U,
            .raidDisks = members,
            .component = m_component,
            .bitmapChunk = bitmapChunk};
    }

    fs::path m_folder;
    Sectors m_component;
    int m_rounds;
};

// The same bytes to the same number of files, a stripe's rows at a time.
double writePlainly(
    const std::vector<DevicePtr>& files, std::span<const std::byte> rows, std::uint64_t size)
{
    return secondsOf([&] {
        for (std::uint64_t at = 0; at < size; at += rows.size()) {
            for (const auto& file : files) {
                if (!file->writeAt(at, rows))
                    giveUp("writing plainly");
            }
        }
        for (const auto& file : files) {
            if (!file->flush())
                giveUp("flushing");
        }
    });
}

void Bench::wholeStripes(int level, std::uint32_t members)
{
    FileArray array(m_folder, shape(level, members, 64U << 20U));
    array.fill(1);
    std::vector<DevicePtr> plain;
    for (std::uint32_t i = 0; i < members; ++i) {
        plain.push_back(
            *createFile((m_folder / ("plain" + std::to_string(i))).string(), array.memberBytes()));
    }
    std::vector<std::byte> rows(std::size_t{512} << 10U);
    fillPattern(rows, 1);
    std::vector<std::byte> stripes(rows.size() * (members - (level == 6 ? 2 : 1)) * 4);
    fillPattern(stripes, 2);
    writePlainly(plain, rows, array.memberBytes()); // they get their space
    Spread ratio;
    for (int round = 0; round < m_rounds; ++round) {
        const auto reference = writePlainly(plain, rows, array.memberBytes());
        array.format();
        const auto running = array.assemble(WriteMode::Overlay);
        const auto seconds = secondsOf([&] {
            for (std::uint64_t at = 0; at + stripes.size() <= running->sizeBytes();
                at += stripes.size()) {
                if (!running->writeAt(at, stripes))
                    giveUp("writing");
            }
            if (!running->flush())
                giveUp("flushing");
        });
        ratio.values.push_back(reference / seconds);
    }
    std::printf(
        "RAID %d of %u, whole stripes           %s x plain writing of the members  load %.1f\n",
        level, members, ratio.text("%5.2f (%.2f..%.2f)").c_str(), load());
    std::fflush(stdout);
    for (std::uint32_t i = 0; i < members; ++i)
        fs::remove(m_folder / ("plain" + std::to_string(i)));
}

void Bench::smallWrites(int level, std::uint32_t members)
{
    constexpr int kWrites = 20'000;
    FileArray array(m_folder, shape(level, members, 64U << 20U));
    array.fill(1);
    const auto running = array.assemble(WriteMode::Overlay);
    std::vector<std::byte> block(4096);
    fillPattern(block, 3);
    std::mt19937_64 random(1);
    const auto writeSome = [&] {
        for (int i = 0; i < kWrites; ++i) {
            if (!running->writeAt(random() % (running->sizeBytes() / 4096) * 4096, block))
                giveUp("writing");
        }
    };
    writeSome(); // sets the bits
    Spread rate;
    for (int round = 0; round < m_rounds; ++round)
        rate.values.push_back(kWrites / secondsOf(writeSome));
    std::printf("RAID %d of %u, 4 KiB at random         %s writes a second\n", level, members,
        rate.text("%.0f (%.0f..%.0f)").c_str());
    std::fflush(stdout);
}

// Each write sets a bit that was clear. In memory a flush is over before anybody can come and wait
// for it, so it takes as long here as that of a solid-state disk.
void Bench::batches()
{
    constexpr unsigned kEach = 100;
    for (const unsigned writers : {1U, 4U, 16U}) {
        FileArray array(m_folder, shape(5, 4, 65'536));
        array.flushTakes = std::chrono::microseconds(500);
        const auto running = array.assemble(WriteMode::Overlay);
        array.flushes = 0;
        const std::uint64_t row = 65'536 * 3;
        std::vector<std::thread> threads;
        for (unsigned writer = 0; writer < writers; ++writer) {
            threads.emplace_back([&, writer] {
                const std::vector<std::byte> block(4096, std::byte{1});
                for (unsigned i = 0; i < kEach; ++i) {
                    if (!running->writeAt((std::uint64_t{i} * writers + writer) * row, block))
                        giveUp("writing");
                }
            });
        }
        for (auto& thread : threads)
            thread.join();
        std::printf("%2u writers at once set %u bits: %u flushes of each of 4 members\n", writers,
            writers * kEach, array.flushes / 4);
    }
}

double readAll(const fs::path& path)
{
    std::vector<std::byte> bytes(kMiB);
    return secondsOf([&] {
        const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        ssize_t got = 0;
        while ((got = ::read(file, bytes.data(), bytes.size())) > 0)
            ;
        if (file < 0 || got < 0)
            giveUp("reading a mounted file");
        ::close(file);
    });
}

// Beside one member of as many bytes, mounted in the same way, and the same read without a mount.
double nbdcopy(const std::string& address)
{
    const auto command = "nbdcopy '" + address + "' null:";
    return secondsOf([&command] {
        if (std::system(command.c_str()) != 0)
            giveUp("nbdcopy");
    });
}

// By another process: one that served the file it has open would hang for ever if it died.
double writeAll(const fs::path& path, std::uint64_t size)
{
    const auto command = "dd if=/dev/zero of='" + path.string() +
                         "' bs=4k count=" + std::to_string(size / 4096) +
                         " conv=notrunc,fsync 2> /dev/null";
    return secondsOf([&command] {
        if (std::system(command.c_str()) != 0)
            giveUp("dd");
    });
}

void Bench::mounted()
{
    auto small = shape(5, 4, 0);
    small.component.count = m_component.count / 3 / 1024 * 1024;
    FileArray array(m_folder, small);
    array.fill(1);
    const auto whole = (m_folder / "whole").string();
    const auto file = *createFile(whole, small.component.bytes() * 3);
    std::vector<std::byte> rows(kMiB);
    fillPattern(rows, 4);
    for (std::uint64_t at = 0; at + rows.size() <= file->sizeBytes(); at += rows.size()) {
        if (!file->writeAt(at, rows))
            giveUp("filling");
    }
    const auto place = m_folder / "mount";
    const auto through = [&](const SourcePtr& source) {
        auto mount = FuseMount::mount({{"it.img", source, nullptr}}, place, "bench");
        if (!mount)
            giveUp("mounting");
        return readAll(place / "it.img");
    };
    const std::shared_ptr<Array> running = array.assemble(WriteMode::ReadOnly);
    const auto served = [&](const SourcePtr& source) {
        auto mount = NbdMount::mount({{"it.img", source, nullptr}}, place);
        if (!mount)
            giveUp("serving");
        return nbdcopy(nbdAddress("it", (*mount)->socket()));
    };
    Spread beside;
    Spread plain;
    Spread servedBeside;
    Spread servedMounted;
    for (int round = 0; round < m_rounds; ++round) {
        const auto reference = readAll(whole);
        const auto nothing = through(file);
        const auto seconds = through(running);
        beside.values.push_back(nothing / seconds);
        plain.values.push_back(reference / seconds);
        const auto servedNothing = served(file);
        const auto servedSeconds = served(running);
        servedBeside.values.push_back(servedNothing / servedSeconds);
        servedMounted.values.push_back(seconds / servedSeconds);
    }
    std::printf(
        "RAID 5 of 4, read where it is mounted %s x a member mounted alike, %s x that member "
        "read plainly\n",
        beside.text("%5.2f (%.2f..%.2f)").c_str(), plain.text("%5.2f (%.2f..%.2f)").c_str());
    std::printf("RAID 5 of 4, read through NBD          %s x a member served alike, %s x where it "
                "is mounted\n",
        servedBeside.text("%5.2f (%.2f..%.2f)").c_str(),
        servedMounted.text("%5.2f (%.2f..%.2f)").c_str());
    std::fflush(stdout);
    fs::remove(whole);
}

// As a program does it that writes 4 KiB after 4 KiB and then makes that durable.
void Bench::gathered()
{
    auto small = shape(5, 4, 64U << 20U);
    small.component.count = m_component.count / 3 / 1024 * 1024;
    FileArray array(m_folder, small);
    array.fill(1);
    const std::shared_ptr<Array> running = array.assemble(WriteMode::Overlay);
    const auto gathers = std::make_shared<MergedWrites>(running, 3 * kChunk.bytes());
    const auto place = m_folder / "mount";
    const auto through = [&](const DevicePtr& device) {
        auto mount = FuseMount::mount({{"it.img", device, device}}, place, "bench");
        if (!mount)
            giveUp("mounting");
        const auto seconds = writeAll(place / "it.img", device->sizeBytes());
        if (!(*mount)->unmount())
            giveUp("unmounting");
        return seconds;
    };
    through(running); // sets the bits
    Spread ratio;
    Spread calls;
    for (int round = 0; round < m_rounds; ++round) {
        array.calls = 0;
        const auto straight = through(running);
        const auto before = double(array.calls.exchange(0));
        ratio.values.push_back(straight / through(gathers));
        calls.values.push_back(before / double(array.calls));
    }
    std::printf("RAID 5 of 4, 4 KiB after 4 KiB mounted %s x without gathering them, with %s times "
                "fewer calls to members\n",
        ratio.text("%5.2f (%.2f..%.2f)").c_str(), calls.text("%.0f (%.0f..%.0f)").c_str());
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "bench_write FOLDER [MEBIBYTES] [ROUNDS]\n");
        return 2;
    }
    const OwnFolder folder(argv[1], "bench_write");
    Bench bench(folder.path(), argument(argc, argv, 2, 512), int(argument(argc, argv, 3, 5)));
    bench.wholeStripes(5, 4);
    bench.wholeStripes(6, 6);
    bench.smallWrites(5, 4);
    bench.smallWrites(6, 6);
    bench.batches();
    if (::access("/dev/fuse", R_OK | W_OK) != 0) {
        std::printf("mounted: this computer has no FUSE\n");
        return 0;
    }
    bench.mounted();
    bench.gathered();
}
