// SPDX-License-Identifier: Apache-2.0
// How fast members are compared and mended, beside `cat` of the same files in the same rounds:
//
//   bench_sync FOLDER [MEBIBYTES of each member] [ROUNDS] [--cold]
//
// Prints medians with the spread. The files lie in FOLDER while it runs, up to six at a time. With
// --cold: how fast they are checked when they are not in the page cache, through it and past it.
#include "engine/array/sync.h"
#include "engine/base/rate.h"
#include "tests/bench/file_array.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

using namespace bitmend;
using namespace bitmend::bench;

namespace {

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
    const OwnFolder folder(argv[1], "bench_sync");
    Bench bench(folder.path(), argument(argc, argv, 2, 1024), int(argument(argc, argv, 3, 5)));
    if (argc > 4 && std::string_view(argv[4]) == "--cold") {
        bench.cold();
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
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-union-access): so it is declared
    std::printf("peak memory %ld MiB\n", usage.ru_maxrss / 1024);
    return 0;
}
