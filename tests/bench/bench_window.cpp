// SPDX-License-Identifier: Apache-2.0
// How long an event waits in the window while a resync runs and somebody writes into the array: the
// engine's two threads beside the window's. Events are posted at a fixed pace, so that a stall
// counts for every event it kept waiting; the same events posted to an event loop that does nothing
// else say what the machine adds. Prints percentiles, and whether the floor holds.
#include "engine/session/engine.h"
#include "tests/support/member_files.h"
#include "ui/main_window.h"

#include <QApplication>
#include <QTemporaryDir>
#include <QThread>

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <latch>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

using namespace bitmend;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kRounds = 5;
constexpr double kFloorMs = 16;
constexpr std::chrono::milliseconds kPace{1};
constexpr std::uint64_t kComponentBytes = 256 << 20;
constexpr std::uint64_t kDataOffset = 256 * kSectorBytes;

double cpuMilliseconds()
{
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) * 1e3 + double(now.tv_nsec) / 1e6;
}

// What each event costs the window's thread: what a busy machine does not stretch.
class Application final : public QApplication
{
public:
    using QApplication::QApplication;

    bool notify(QObject* receiver, QEvent* event) override
    {
        if (depth++ > 0 || QThread::currentThread() != thread()) {
            const bool done = QApplication::notify(receiver, event);
            --depth;
            return done;
        }
        const double start = cpuMilliseconds();
        const bool done = QApplication::notify(receiver, event);
        --depth;
        if (recording)
            costs.push_back(cpuMilliseconds() - start);
        return done;
    }

    bool recording = false;
    std::vector<double> costs;

private:
    static thread_local int depth;
};

thread_local int Application::depth = 0;

// Posts to the event loop of `receiver` as long as it lives.
class Probe
{
public:
    explicit Probe(QObject& receiver)
        : m_thread([this, &receiver](const std::stop_token& stop) {
            auto next = Clock::now();
            while (!stop.stop_requested()) {
                const auto posted = Clock::now();
                QMetaObject::invokeMethod(
                    &receiver, [this, posted] { note(posted); }, Qt::QueuedConnection);
                next += kPace;
                std::this_thread::sleep_until(next);
            }
        })
    {
    }

    void stop() { m_thread = {}; }

    // After stop(), and after the loop has handled what was posted.
    std::vector<double> take()
    {
        const std::lock_guard lock(m_mutex);
        return std::exchange(m_waited, {});
    }

private:
    void note(Clock::time_point posted)
    {
        const std::chrono::duration<double, std::milli> waited = Clock::now() - posted;
        const std::lock_guard lock(m_mutex);
        m_waited.push_back(waited.count());
    }

    std::mutex m_mutex;
    std::vector<double> m_waited;
    std::jthread m_thread;
};

double percentile(std::vector<double> values, double part)
{
    if (values.empty())
        return 0;
    std::ranges::sort(values);
    return values[std::min(values.size() - 1, std::size_t(double(values.size()) * part))];
}

void print(const char* what, const std::vector<double>& values)
{
    std::printf("  %-34s %7zu events   median %6.2f   p99 %6.2f   worst %6.2f ms\n", what,
        values.size(), percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1));
}

template <typename Done> void spinUntil(Done done)
{
    while (!done())
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents, 20);
}

// Two members that differ everywhere, and whose bitmap says so.
Uuid writeArray(const std::string& folder)
{
    const auto paths =
        test::writeMembers(folder, {.name = "bench:store",
                                       .dirty = test::chunksUpTo(kComponentBytes / 65'536),
                                       .component = {kComponentBytes / kSectorBytes}});
    std::mt19937_64 random(1);
    std::vector<std::uint64_t> block(8192);
    std::fstream member(paths.front(), std::ios::in | std::ios::out | std::ios::binary);
    member.seekp(kDataOffset);
    for (std::uint64_t at = 0; at < kComponentBytes; at += block.size() * 8) {
        std::ranges::generate(block, std::ref(random));
        member.write(reinterpret_cast<const char*>(block.data()), // NOLINT(*-reinterpret-cast)
            std::streamsize(block.size() * 8));
    }
    Uuid uuid;
    uuid.bytes.fill(1);
    return uuid;
}

double round(Application& application, Engine& engine, const Uuid& uuid, int number)
{
    const QTemporaryDir overlay;
    const auto plan = engine.plan(uuid, {});
    const auto opened = engine.assemble(*plan, overlay.path().toStdString());
    spinUntil([&opened] { return opened.result.isFinished(); });

    QThread idleThread;
    QObject idle;
    idle.moveToThread(&idleThread);
    idleThread.start();
    application.costs.clear();
    application.recording = true;
    const auto writing = engine.writeSomething(uuid);
    const auto resync = engine.sync(uuid, SyncAction::Resync);
    Probe window(application);
    Probe beside(idle);
    spinUntil([&resync] { return resync.result.isFinished(); });
    window.stop();
    beside.stop();
    QCoreApplication::processEvents();
    application.recording = false;
    std::latch isDrained(1);
    QMetaObject::invokeMethod(
        &idle, [&isDrained] { isDrained.count_down(); }, Qt::QueuedConnection);
    isDrained.wait();
    idleThread.quit();
    idleThread.wait();

    const auto waited = window.take();
    std::printf("round %d: %.0f MiB resynced, %d bytes per chunk\n", number,
        double(resync.result.result()->writtenBytes) / (1 << 20), 65'536);
    print("an event waits in the window", waited);
    print("in an event loop without work", beside.take());
    print("CPU time of an event of the window", application.costs);

    writing.control->cancel();
    const auto stopped = engine.stop(uuid);
    spinUntil([&] { return stopped.result.isFinished() && engine.isQuiet(); });
    engine.lookThrough(plan->taking, {});
    spinUntil([&engine] { return engine.isQuiet(); });
    return percentile(waited, 0.99);
}

} // namespace

int main(int argc, char** argv)
{
    const QTemporaryDir home;
    qputenv("XDG_DATA_HOME", home.path().toLocal8Bit());
    qputenv("XDG_CONFIG_HOME", home.path().toLocal8Bit());
    Application application(argc, argv);
    const QTemporaryDir folder;
    const Uuid uuid = writeArray(folder.path().toStdString());
    Engine engine;
    MainWindow window(engine);
    window.show();
    window.open({folder.path()});
    spinUntil([&engine] { return !engine.arrays().empty() && engine.isQuiet(); });

    std::vector<double> p99;
    for (int number = 1; number <= kRounds; ++number)
        p99.push_back(round(application, engine, uuid, number));
    const double middle = percentile(p99, 0.5);
    std::printf("event-loop latency during a resync, p99: median of %d rounds %.2f ms "
                "(floor %.0f ms: %s)\n",
        kRounds, middle, kFloorMs, middle <= kFloorMs ? "holds" : "MISSED");
    return 0;
}
