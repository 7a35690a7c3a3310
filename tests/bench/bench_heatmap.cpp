// SPDX-License-Identifier: Apache-2.0
// How long the heatmap takes, in one process and beside a plain drawImage of the same size. Rounds
// of all cases alternate, so that a busy machine is busy for all of them alike; medians and spread
// are printed, and whether the floors hold.
#include "engine/base/assert.h"
#include "engine/base/popcount.h"
#include "tests/ui/heatmap_fixture.h"
#include "ui/appearance.h"
#include "ui/widgets/bitmap_heatmap.h"
#include "ui/widgets/heatmap_grid.h"

#include <QApplication>
#include <QEvent>
#include <QPainter>
#include <QStyleFactory>
#include <QWindow>

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

using namespace bitmend;

namespace {

constexpr int kRounds = 21;
constexpr std::uint64_t kFlips = 1000;
constexpr int kSetBefore = 20'000;
constexpr QSize kSize(1600, 900);

struct Case
{
    Case(
        std::string what, double most, std::function<void()> before, std::function<void()> measured)
        : name(std::move(what))
        , floorMs(most)
        , prepare(std::move(before))
        , run(std::move(measured))
    {
    }

    std::string name;
    double floorMs; // 0: only measured
    std::function<void()> prepare;
    std::function<void()> run;
    std::vector<double> wall;
    std::vector<double> cpu;
};

// Of this thread, which does all the work: what a busy machine does not stretch.
double cpuMilliseconds()
{
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) * 1e3 + double(now.tv_nsec) / 1e6;
}

void measure(Case& bench)
{
    if (bench.prepare)
        bench.prepare();
    const auto start = std::chrono::steady_clock::now();
    const double cpuStart = cpuMilliseconds();
    bench.run();
    bench.cpu.push_back(cpuMilliseconds() - cpuStart);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    bench.wall.push_back(took.count());
}

double median(std::vector<double> values)
{
    std::ranges::sort(values);
    return values[values.size() / 2];
}

class PaintCounter final : public QObject
{
public:
    bool eventFilter(QObject*, QEvent* event) override
    {
        count += event->type() == QEvent::Paint ? 1 : 0;
        return false;
    }

    int count = 0;
};

// An array on the screen, and the changes that a sync makes to it.
class Stage
{
public:
    explicit Stage(std::uint64_t chunks)
        : m_chunks(chunks)
        , m_builder(test::mirrorReport(chunks, 65536))
    {
        for (int i = 0; i < kSetBefore; ++i)
            markOne(m_random() % chunks);
        m_heatmap.resize(kSize);
        m_heatmap.setFrame(m_builder.publish());
        m_heatmap.grid().installEventFilter(&m_paints);
        m_heatmap.show();
        while (!m_heatmap.windowHandle()->isExposed())
            QCoreApplication::processEvents();
        paint();
    }

    // The engine's side and the window's, to the last pixel.
    void update(bool clustered)
    {
        const std::uint64_t base = m_random() % (m_chunks - kFlips);
        for (std::uint64_t i = 0; i < kFlips; ++i)
            markOne(clustered ? base + i : m_random() % m_chunks);
        m_heatmap.setFrame(m_builder.publish());
        paint();
    }

    // Nothing of the picture is kept in between.
    void forget()
    {
        m_heatmap.setFrame(nullptr);
        paint();
        m_frame = m_builder.publish();
    }
    void rebuild()
    {
        m_heatmap.setFrame(m_frame);
        paint();
    }

private:
    void markOne(std::uint64_t chunk)
    {
        m_builder.mark(chunk, chunk, ++m_turn % 2 == 0 ? ChunkState::Dirty : ChunkState::Done);
    }
    // All cells, whether they look different now or not: the most that a paint can cost. That they
    // were painted is checked.
    void paint()
    {
        const int before = m_paints.count;
        m_heatmap.grid().update();
        QCoreApplication::sendPostedEvents();
        BM_ASSERT(m_paints.count > before);
    }

    std::uint64_t m_chunks;
    std::mt19937_64 m_random{7};
    std::uint64_t m_turn = 0;
    BitmapFrameBuilder m_builder;
    BitmapFramePtr m_frame;
    PaintCounter m_paints;
    BitmapHeatmap m_heatmap;
};

Case plainDrawImage()
{
    auto from = std::make_shared<QImage>(kSize, QImage::Format_RGB32);
    auto onto = std::make_shared<QImage>(kSize, QImage::Format_ARGB32_Premultiplied);
    from->fill(Qt::darkCyan);
    return {"plain drawImage, 1600 x 900", 0, {}, [from, onto] {
                QPainter painter(onto.get());
                painter.drawImage(0, 0, *from);
            }};
}

void addCases(std::vector<Case>& cases, const std::shared_ptr<Stage>& stage,
    const std::string& size, bool hasFloor)
{
    for (const bool portable : {false, true}) {
        const std::string suffix = size + (portable ? ", portable" : ", POPCNT");
        const auto prefer = [portable] {
            preferPortablePopcount(portable);
        };
        cases.push_back(
            {"1000 scattered flips + paint, " + suffix, hasFloor ? 4.0 : 0, prefer, [stage] {
                 stage->update(false);
             }});
        cases.push_back(
            {"1000 clustered flips + paint, " + suffix, hasFloor ? 4.0 : 0, prefer, [stage] {
                 stage->update(true);
             }});
        cases.push_back({"full rebuild + paint, " + suffix, hasFloor ? 16.0 : 0,
            [stage, prefer] {
                prefer();
                stage->forget();
            },
            [stage] {
                stage->rebuild();
            }});
    }
}

void report(const Case& bench)
{
    const double middle = median(bench.cpu);
    const auto [least, most] = std::ranges::minmax(bench.cpu);
    std::printf("%-52s %8.3f  (%.3f .. %.3f)  wall %8.3f", bench.name.c_str(), middle, least, most,
        median(bench.wall));
    if (bench.floorMs > 0) {
        std::printf(
            "  at most %g: %s", bench.floorMs, middle <= bench.floorMs ? "holds" : "DOES NOT HOLD");
    }
    std::printf("\n");
}

// The offscreen platform complains about every window.
void quiet(QtMsgType type, const QMessageLogContext&, const QString& message)
{
    if (type != QtWarningMsg && type != QtDebugMsg && type != QtInfoMsg)
        std::fprintf(stderr, "%s\n", qPrintable(message));
}

} // namespace

int main(int argc, char** argv)
{
    // Always the same conditions, with or without a display.
    qputenv("QT_QPA_PLATFORM", "offscreen");
    qInstallMessageHandler(quiet);
    const QApplication application(argc, argv);
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    applyScheme(Scheme::Light);

    std::vector<Case> cases = {plainDrawImage()};
    addCases(cases, std::make_shared<Stage>(1'000'000), "10^6 chunks", true);
    addCases(cases, std::make_shared<Stage>(100'000'000), "10^8 chunks", false);
    for (int round = 0; round < kRounds; ++round) {
        for (Case& bench : cases)
            measure(bench);
    }

    std::printf("milliseconds of CPU: median (least .. most) of %d alternating rounds, and the "
                "median by the clock on the wall; POPCNT %s here\n",
        kRounds, hasPopcntInstruction() ? "is used" : "is missing");
    for (const Case& bench : cases)
        report(bench);
    return 0;
}
