// SPDX-License-Identifier: Apache-2.0
// How fast members are compared and mended, beside `cat` of the same files in the same rounds:
//
//   bench_sync FOLDER [MEBIBYTES of each member] [ROUNDS] [--cold]
//
// Prints medians with the spread. The files lie in FOLDER while it runs, up to six at a time. With
// --cold: how fast they are checked when they are not in the page cache, through it and past it.
#include "engine/array/sync.h"
#include "engine/base/rate.h"
#include "engine/io/file_device.h"
#include "tests/engine/array/memory_array.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace bitmend;
using namespace bitmend::test;

namespace {

namespace fs = std::filesystem;

constexpr Sectors kData{2048};
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

[[noreturn]] void giveUp(const char* what)
{
    std::fprintf(stderr, "bench_sync: %s failed\n", what);
    std::exit(1);
}

// Counts what a job asks of a member.
class Counted final : public BlockDevice
{
public:
    Counted(DevicePtr inner, std::atomic<unsigned>& flushes)
        : m_inner(std::move(inner))
        , m_flushes(flushes)
    {
    }

    const std::string& name() const override { return m_inner->name(); }
    std::uint64_t sizeBytes() const override { return m_inner->sizeBytes(); }
    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return m_inner->readAt(offset, to);
    }
    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        return m_inner->writeAt(offset, from);
    }
    Result<void> flush() override
    {
        ++m_flushes;
        return m_inner->flush();
    }
    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return m_inner->readOnceAt(offset, to);
    }
    Residence residence() const override { return m_inner->residence(); }
    DataStretch nextData(std::uint64_t offset) const override { return m_inner->nextData(offset); }

private:
    DevicePtr m_inner;
    std::atomic<unsigned>& m_flushes;
};

class FileArray
{
public:
    FileArray(fs::path folder, ArrayShape shape)
        : m_folder(std::move(folder))
        , m_shape(std::move(shape))
    {
        m_shape.chunk = Sectors{1024};
        for (std::uint32_t i = 0; i < members(); ++i) {
            m_files.push_back((m_folder / ("m" + std::to_string(i))).string());
            auto made = createFile(m_files.back(), (kData + m_shape.component).bytes());
            if (!made)
                giveUp("creating a member");
            m_devices.push_back(*made);
        }
        format();
    }
    ~FileArray()
    {
        for (const auto& file : m_files)
            fs::remove(file);
    }
    FileArray(const FileArray&) = delete;
    FileArray& operator=(const FileArray&) = delete;

    std::uint32_t members() const { return m_shape.raidDisks + m_shape.spares; }
    std::uint64_t memberBytes() const { return m_shape.component.bytes(); }
    const std::vector<std::string>& files() const { return m_files; }
    BlockDevice& device(std::size_t index) { return *m_devices[index]; }

    // Superblocks and bitmaps as at first; contents stay.
    void format(const std::vector<std::uint64_t>& dirtyChunks = {})
    {
        auto small = m_shape;
        small.component = Sectors{4096};
        const MemoryArray encoder(small);
        for (std::uint32_t i = 0; i < members(); ++i) {
            auto superblock = encoder.superblock(i);
            superblock.componentSize = m_shape.component;
            superblock.dataSize = m_shape.component;
            superblock.dataOffset = kData;
            const auto bytes = formatOf(superblock.version).encode(superblock);
            if (!m_devices[i]->writeAt(superblock.location.bytes(), bytes))
                giveUp("writing a superblock");
            if (m_shape.bitmapChunk != 0)
                writeBitmap(*m_devices[i], superblock, dirtyChunks);
        }
    }

    // Every `step`th MiB holds noise, in agreement between the members.
    void fill(std::uint64_t step)
    {
        Geometry geometry = MemoryArray(small()).geometry();
        geometry.componentSize = m_shape.component;
        const std::uint64_t chunk = m_shape.chunk.bytes();
        std::vector<std::vector<std::byte>> rows(m_shape.raidDisks, std::vector<std::byte>(chunk));
        std::vector<std::span<std::byte>> blocks(rows.begin(), rows.end());
        for (std::uint64_t at = 0; at < memberBytes(); at += chunk) {
            if (at / kMiB % step != 0)
                continue;
            fillPattern(rows[0], at + 1);
            for (std::size_t i = 1; i < rows.size(); ++i) {
                std::rotate_copy(rows[0].begin(), rows[0].begin() + std::ptrdiff_t(i * 64),
                    rows[0].end(), rows[i].begin());
            }
            if (m_shape.level == 1) {
                std::ranges::fill(rows, rows[0]);
            } else {
                StripeCode(stripeRoles(geometry, at / chunk)).generate(blocks);
            }
            for (std::size_t i = 0; i < rows.size(); ++i) {
                if (!m_devices[i]->writeAt(kData.bytes() + at, rows[i]))
                    giveUp("filling a member");
            }
        }
        for (auto& device : m_devices) {
            if (!device->flush())
                giveUp("flushing a member");
        }
    }

    std::unique_ptr<Array> assemble(WriteMode mode, const std::vector<std::string>& without = {})
    {
        ScanReport report;
        for (std::size_t i = 0; i < m_files.size(); ++i) {
            if (std::ranges::find(without, m_files[i]) != without.end())
                continue;
            SourceReport source;
            source.path = m_files[i];
            source.sizeBytes = m_devices[i]->sizeBytes();
            lookQuickly(m_devices[i], source);
            report.sources.push_back(std::move(source));
        }
        AssemblyChoices choices;
        choices.mode = mode;
        const auto plan = planAssembly(report, kMirrorUuid, choices);
        const auto find = [this](const std::string& path) -> Result<DevicePtr> {
            const auto index = std::ranges::find(m_files, path) - m_files.begin();
            return std::make_shared<Counted>(m_devices[std::size_t(index)], flushes);
        };
        const auto look = [find](const std::string& path) -> Result<SourcePtr> {
            return SourcePtr(BM_TRY(find(path)));
        };
        auto array = plan ? assembleFrom(*plan, {look, find})
                          : Result<std::unique_ptr<Array>>(std::unexpected(plan.error()));
        if (!array)
            giveUp("assembling");
        return std::move(*array);
    }

    std::atomic<unsigned> flushes = 0;

private:
    ArrayShape small() const
    {
        auto shape = m_shape;
        shape.component = Sectors{4096};
        return shape;
    }

    void writeBitmap(BlockDevice& device, const Superblock& superblock,
        const std::vector<std::uint64_t>& dirtyChunks) const
    {
        BitmapHeader header;
        header.magic = 0x6d746962;
        header.version = 4;
        header.uuid = bitmapUuid(superblock);
        header.events = superblock.events;
        header.syncSize = m_shape.component;
        header.chunkBytes = m_shape.bitmapChunk;
        header.daemonSleep = 5;
        const auto chunks = bitmapChunks(m_shape.component, m_shape.bitmapChunk);
        std::vector<std::byte> area(bitmapPages(chunks) * kBitmapPageBytes);
        std::ranges::copy(encodeBitmapHeader(header, std::vector<std::byte>(256)), area.begin());
        for (const auto chunk : dirtyChunks)
            area[256 + chunk / 8] |= std::byte{1} << (chunk % 8);
        if (!device.writeAt(MemoryArray::kBitmapAt.bytes(), area))
            giveUp("writing a bitmap");
    }

    fs::path m_folder;
    ArrayShape m_shape;
    std::vector<std::string> m_files;
    std::vector<DevicePtr> m_devices;
};

template <typename Work> double secondsOf(Work&& work)
{
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double cat(const std::vector<std::string>& files)
{
    std::string command = "cat";
    for (const auto& file : files)
        command += " '" + file + "'";
    command += " > /dev/null";
    return secondsOf([&command] {
        if (std::system(command.c_str()) != 0)
            giveUp("cat");
    });
}

double run(
    Array& array, SyncAction action, JobControl& control, Reading reading = Reading::AsItFits)
{
    return secondsOf([&] {
        const auto outcome = sync(array, action, control, {.reading = reading});
        if (!outcome || !outcome->completed || outcome->mismatch.count != 0)
            giveUp("a job");
    });
}

double run(Array& array, SyncAction action, Reading reading = Reading::AsItFits)
{
    JobControl control;
    return run(array, action, control, reading);
}

struct Spread
{
    std::vector<double> values;

    double median() const
    {
        auto sorted = values;
        std::ranges::sort(sorted);
        return sorted[sorted.size() / 2];
    }
    std::string text(const char* format) const
    {
        std::array<char, 96> line{};
        const auto [least, most] = std::ranges::minmax(values);
        std::snprintf(line.data(), line.size(), format, median(), least, most);
        return line.data();
    }
};

double load()
{
    double value = 0;
    std::ifstream("/proc/loadavg") >> value;
    return value;
}

// Watches a job and notes what it would have said of the time left, and when, as the window and
// bitmendctl say it.
class Watcher
{
public:
    // The jobs here are short: the clock is made to run so much faster that they last as long as
    // those that people wait for.
    Watcher(const JobControl& control, double faster)
        : m_faster(faster)
        , m_thread([this, &control](const std::stop_token& stop) { watch(control, stop); })
    {
    }

    // Estimated over real, once the job has ended.
    std::array<double, 2> finish()
    {
        const auto end = Clock::now();
        m_thread.request_stop();
        m_thread.join();
        std::array<double, 2> ratios{};
        for (std::size_t i = 0; i < kParts.size(); ++i) {
            if (!m_notes[i])
                giveUp("an estimate");
            ratios[i] = m_notes[i]->left / secondsBetween(m_notes[i]->at, end);
        }
        return ratios;
    }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::array<double, 2> kParts = {0.1, 0.5};
    struct Note
    {
        Clock::time_point at;
        double left;
    };

    static double secondsBetween(Clock::time_point from, Clock::time_point to)
    {
        return std::chrono::duration<double>(to - from).count();
    }

    void watch(const JobControl& control, const std::stop_token& stop)
    {
        Rate rate;
        const auto begin = Clock::now();
        while (!stop.stop_requested()) {
            const Progress progress = control.progress();
            const auto now = Clock::now();
            rate.add(std::int64_t(secondsBetween(begin, now) * m_faster * 1000),
                progress.done.bytes(), progress.total.bytes());
            const auto left = rate.secondsLeft();
            const double part = double(progress.done.count) / double(progress.total.count);
            for (std::size_t i = 0; i < kParts.size() && left; ++i) {
                if (!m_notes[i] && part >= kParts[i])
                    m_notes[i] = Note{now, *left / m_faster};
            }
            std::this_thread::sleep_for(std::chrono::microseconds(300));
        }
    }

    double m_faster;
    std::array<std::optional<Note>, kParts.size()> m_notes;
    std::jthread m_thread; // last: it uses the others
};

class Bench
{
public:
    Bench(fs::path folder, std::uint64_t mebibytes, int rounds)
        : m_folder(std::move(folder))
        , m_component{mebibytes * kMiB / kSectorBytes}
        , m_rounds(rounds)
    {
    }

    ArrayShape shape(int level, std::uint32_t members) const
    {
        return {.level = level,
            .layout = level == 1 ? 0U : 2U,
            .raidDisks = members,
            .component = m_component};
    }

    void beside(const char* title, const ArrayShape& shape, SyncAction action);
    void sparse();
    void growth();
    void estimates();
    void dirtyShare();
    void cold();

private:
    double once(FileArray& array, SyncAction action);

    fs::path m_folder;
    Sectors m_component;
    int m_rounds;
};

double Bench::once(FileArray& array, SyncAction action)
{
    array.format();
    const std::vector<std::string> lost =
        action == SyncAction::Recover ? std::vector{array.files()[1]} : std::vector<std::string>();
    const auto mode = action == SyncAction::Check ? WriteMode::ReadOnly : WriteMode::Overlay;
    const auto running = array.assemble(mode, lost);
    return run(*running, action);
}

// Both sides move the members' bytes, so the ratio of times is that of speeds. A recovery reads all
// but one and writes that one.
void Bench::beside(const char* title, const ArrayShape& shape, SyncAction action)
{
    FileArray array(m_folder, shape);
    array.fill(1);
    auto files = array.files();
    files.resize(shape.raidDisks);
    Spread ratio;
    Spread rate;
    if (action == SyncAction::Recover)
        once(array, action); // the target gets its space
    cat(files);
    for (int round = 0; round < m_rounds; ++round) {
        const auto reading = cat(files);
        const auto working = once(array, action);
        ratio.values.push_back(reading / working);
        rate.values.push_back(double(array.memberBytes() * shape.raidDisks) / working / 1e9);
    }
    std::printf("%-34s %s x cat  %s GB/s  load %.1f\n", title,
        ratio.text("%5.2f (%.2f..%.2f)").c_str(), rate.text("%5.1f (%.1f..%.1f)").c_str(), load());
    std::fflush(stdout);
}

void Bench::sparse()
{
    Spread ratio;
    FileArray full(m_folder, shape(1, 2));
    full.fill(1);
    fs::create_directories(m_folder / "sparse");
    FileArray tenth(m_folder / "sparse", shape(1, 2));
    tenth.fill(10);
    cat(full.files());
    for (int round = 0; round < m_rounds; ++round)
        ratio.values.push_back(once(full, SyncAction::Check) / once(tenth, SyncAction::Check));
    std::printf("RAID 1 check, 10 %% data            %s x as fast as full\n",
        ratio.text("%5.2f (%.2f..%.2f)").c_str());
}

void Bench::growth()
{
    for (const std::uint64_t part : {4U, 2U, 1U}) {
        auto smaller = shape(5, 4);
        smaller.component.count /= part;
        FileArray array(m_folder, smaller);
        array.fill(1);
        cat(array.files());
        Spread seconds;
        for (int round = 0; round < m_rounds; ++round)
            seconds.values.push_back(once(array, SyncAction::Check));
        std::printf("RAID 5 check of 4 x %5llu MiB        %s s\n",
            static_cast<unsigned long long>(array.memberBytes() / kMiB),
            seconds.text("%.3f (%.3f..%.3f)").c_str());
    }
}

void Bench::estimates()
{
    constexpr double kAsIfSeconds = 600;
    FileArray array(m_folder, shape(5, 4));
    array.fill(1);
    double length = once(array, SyncAction::Check);
    Spread tenth;
    Spread half;
    for (int round = 0; round < m_rounds; ++round) {
        const auto running = array.assemble(WriteMode::ReadOnly);
        JobControl control;
        Watcher watcher(control, kAsIfSeconds / length);
        length = run(*running, SyncAction::Check, control);
        const auto ratios = watcher.finish();
        tenth.values.push_back(ratios[0]);
        half.values.push_back(ratios[1]);
    }
    std::printf("RAID 5 check, estimated time left: at 10 %% %s, at 50 %% %s x real\n",
        tenth.text("%4.2f (%.2f..%.2f)").c_str(), half.text("%4.2f (%.2f..%.2f)").c_str());
}

void Bench::dirtyShare()
{
    auto dirty = shape(1, 2);
    dirty.bitmapChunk = 65'536;
    dirty.resyncOffset = {};
    FileArray array(m_folder, dirty);
    array.fill(1);
    const auto chunks = array.memberBytes() / dirty.bitmapChunk;
    std::vector<std::byte> noise(dirty.bitmapChunk);
    std::uint64_t seed = 1;
    unsigned flushes = 0;
    unsigned planned = 0;
    // Members of which these chunks differ, and the time it takes to make them equal.
    const auto time = [&](std::uint64_t count, std::uint64_t step) {
        std::vector<std::uint64_t> these;
        these.reserve(count);
        for (std::uint64_t i = 0; i < count; ++i)
            these.push_back(i * step);
        for (const auto chunk : these) {
            fillPattern(noise, ++seed);
            if (!array.device(1).writeAt(kData.bytes() + chunk * dirty.bitmapChunk, noise))
                giveUp("writing");
        }
        if (!array.device(1).flush())
            giveUp("flushing");
        array.format(these);
        const auto running = array.assemble(WriteMode::Overlay);
        // Header and superblocks on both members; before them the data on the second, and the bits.
        planned = these.empty() ? 4 : 7;
        array.flushes = 0;
        const auto seconds = run(*running, SyncAction::Resync);
        flushes = array.flushes;
        return seconds;
    };
    Spread scattered;
    Spread clustered;
    time(chunks, 1);
    std::array<unsigned, 6> counts{};
    for (int round = 0; round < m_rounds; ++round) {
        const auto none = time(0, 1);
        counts[0] = flushes, counts[1] = planned;
        const auto far = time(chunks / 100, 100);
        counts[2] = flushes, counts[3] = planned;
        const auto near = time(chunks / 100, 1);
        const auto all = time(chunks, 1);
        counts[4] = flushes, counts[5] = planned;
        scattered.values.push_back((far - none) / (all - none) * 100);
        clustered.values.push_back((near - none) / (all - none) * 100);
    }
    std::printf("RAID 1 resync, 1 %% dirty, scattered %s %% of all dirty\n",
        scattered.text("%5.2f (%.2f..%.2f)").c_str());
    std::printf("RAID 1 resync, 1 %% dirty, clustered %s %% of all dirty\n",
        clustered.text("%5.2f (%.2f..%.2f)").c_str());
    std::printf("flushes / planned: none dirty %u / %u, 1 %% %u / %u, all %u / %u\n", counts[0],
        counts[1], counts[2], counts[3], counts[4], counts[5]);
}

double processorSeconds()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& value) {
        return double(value.tv_sec) + double(value.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void forget(const std::vector<std::string>& files)
{
    for (const auto& file : files) {
        const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0 || ::fdatasync(fd) != 0 || ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
            giveUp("emptying the cache");
        ::close(fd);
    }
}

void Bench::cold()
{
    FileArray array(m_folder, shape(5, 4));
    array.fill(1);
    Spread speed;
    Spread processor;
    Spread rate;
    for (int round = 0; round < m_rounds; ++round) {
        std::array<double, 2> seconds{};
        std::array<double, 2> busy{};
        for (const auto reading : {Reading::Cached, Reading::PastCache}) {
            const auto running = array.assemble(WriteMode::ReadOnly);
            forget(array.files());
            const auto before = processorSeconds();
            const auto past = std::size_t(reading == Reading::PastCache);
            seconds[past] = run(*running, SyncAction::Check, reading);
            busy[past] = processorSeconds() - before;
        }
        speed.values.push_back(seconds[0] / seconds[1]);
        processor.values.push_back(busy[1] / busy[0]);
        rate.values.push_back(double(array.memberBytes() * 4) / seconds[1] / 1e9);
    }
    std::printf("RAID 5 check, cold, past the cache  %s x as fast as through it, %s of its "
                "processor time, %s GB/s, load %.1f\n",
        speed.text("%5.2f (%.2f..%.2f)").c_str(), processor.text("%5.2f (%.2f..%.2f)").c_str(),
        rate.text("%5.1f (%.1f..%.1f)").c_str(), load());
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "bench_sync FOLDER [MEBIBYTES] [ROUNDS] [--cold]\n");
        return 2;
    }
    const fs::path folder = fs::path(argv[1]) / ("bench_sync-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    {
        Bench bench(
            folder, argc > 2 ? std::stoull(argv[2]) : 1024, argc > 3 ? std::stoi(argv[3]) : 5);
        if (argc > 4 && std::string_view(argv[4]) == "--cold") {
            bench.cold();
            fs::remove_all(folder);
            return 0;
        }
        bench.beside("RAID 1 check, 2 members", bench.shape(1, 2), SyncAction::Check);
        auto dirty = bench.shape(1, 2);
        dirty.resyncOffset = {};
        bench.beside("RAID 1 resync of equal members", dirty, SyncAction::Resync);
        bench.beside("RAID 5 check, 4 members", bench.shape(5, 4), SyncAction::Check);
        bench.beside("RAID 6 check, 6 members", bench.shape(6, 6), SyncAction::Check);
        auto spare = bench.shape(5, 4);
        spare.spares = 1;
        bench.beside("RAID 5 recovery, 4 members", spare, SyncAction::Recover);
        bench.sparse();
        bench.growth();
        bench.estimates();
        bench.dirtyShare();
    }
    fs::remove_all(folder);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-union-access): so it is declared
    std::printf("peak memory %ld MiB\n", usage.ru_maxrss / 1024);
    return 0;
}
