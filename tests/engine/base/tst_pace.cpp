// SPDX-License-Identifier: Apache-2.0
// A rate limit by a clock of the test's own.
#include "engine/base/pace.h"

#include <QTest>

#include <cmath>
#include <numeric>
#include <vector>

using namespace bitmend;

namespace {

using Clock = Pace::Clock;
using namespace std::chrono_literals;

constexpr Clock::time_point kStart{1h};

double secondsBetween(Clock::time_point from, Clock::time_point to)
{
    return std::chrono::duration<double>(to - from).count();
}

} // namespace

class TestPace : public QObject
{
    Q_OBJECT

private slots:
    // Each piece is taken as soon as it may be.
    void pieces_takeTheTimeThatTheirBytesTake()
    {
        const std::vector<std::uint64_t> pieces = {
            1'048'576, 4096, 65'536, 1'048'576, 512, 300'000};
        for (const std::uint64_t rate : {1U, 4096U, 1'000'000U, 3'000'000'000U}) {
            Pace pace;
            auto now = kStart;
            for (int round = 0; round < 100; ++round) {
                for (const auto bytes : pieces) {
                    now = std::max(now, pace.notBefore(rate));
                    pace.take(bytes, rate, now);
                }
            }
            const auto bytes = 100 * std::accumulate(pieces.begin(), pieces.end(), 0.0);
            const double wanted = bytes / double(rate);
            // A piece's time is cut to whole nanoseconds.
            QVERIFY(std::abs(secondsBetween(kStart, pace.notBefore(rate)) - wanted) <
                    600e-9 + wanted * 1e-12);
        }
    }

    void slowWork_isNotHeldUp()
    {
        Pace pace;
        pace.take(1000, 1000, kStart);
        QVERIFY(pace.notBefore(1000) == kStart + 1s);
        pace.take(1000, 1000, kStart + 5s);
        QVERIFY(pace.notBefore(1000) == kStart + 6s);
    }

    void aPause_isNotMadeUpFor()
    {
        Pace pace;
        pace.take(1000, 1000, kStart);
        const auto later = kStart + 24h;
        pace.take(500, 1000, later);
        pace.take(500, 1000, later);
        QVERIFY(pace.notBefore(1000) == later + 1s);
    }

    void withoutALimit_nothingWaits()
    {
        Pace pace;
        pace.take(std::uint64_t{1} << 40U, 0, kStart);
        QVERIFY(pace.notBefore(0) < kStart);
    }

    void aNewLimit_countsForThePieceThatWasTaken()
    {
        Pace pace;
        pace.take(1000, 1, kStart);
        QVERIFY(pace.notBefore(1) == kStart + 1000s);
        QVERIFY(pace.notBefore(1000) == kStart + 1s);
        QVERIFY(pace.notBefore(0) <= kStart);
    }

    void aPieceThatTakesAges_staysWithinTheClock()
    {
        Pace pace;
        pace.take(std::uint64_t{1} << 60U, 1, kStart);
        QVERIFY(pace.notBefore(1) > kStart + 24h * 300);
    }
};

QTEST_APPLESS_MAIN(TestPace)
#include "tst_pace.moc"
