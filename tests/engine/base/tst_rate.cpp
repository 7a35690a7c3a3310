// SPDX-License-Identifier: Apache-2.0
// What is said of a job's speed and of the time it still takes, by a clock of the test's own.
#include "engine/base/rate.h"

#include <QTest>

#include <algorithm>
#include <cmath>

using namespace bitmend;

namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

// A job of `total` bytes that settles `window` bytes at a time, on a medium that gives `perSecond`.
struct Job
{
    std::uint64_t total;
    std::uint64_t perSecond;
    std::uint64_t window;
    std::uint64_t before = 0; // behind already when it begins

    double length() const { return double(total - before) / double(perSecond); }
    std::uint64_t doneAfter(double seconds) const
    {
        const auto read = before + std::uint64_t(seconds * double(perSecond));
        return std::min(total, before + (read - before) / window * window);
    }
};

// The most that an estimate between a tenth and nine tenths of the time was off; 1 is by all of it.
double worstEstimate(const Job& job, std::int64_t pollEvery, std::int64_t beginsAt = 0)
{
    Rate rate;
    double worst = 0;
    int estimates = 0;
    for (std::int64_t now = 0; double(now) < job.length() * 900; now += pollEvery) {
        const double seconds = double(now) / 1000;
        rate.add(beginsAt + now, job.doneAfter(seconds), job.total);
        const auto left = rate.secondsLeft();
        if (!left || seconds < job.length() / 10)
            continue;
        ++estimates;
        worst = std::max(worst, std::abs(*left / (job.length() - seconds) - 1));
    }
    return estimates == 0 ? 1 : worst;
}

} // namespace

class TestRate : public QObject
{
    Q_OBJECT

private slots:
    void steadyMedium_isEstimatedWithinAFifthFromATenthOn_data()
    {
        QTest::addColumn<quint64>("mebibytes");
        QTest::addColumn<quint64>("mebibytesPerSecond");
        QTest::addColumn<quint64>("window");
        QTest::addColumn<qint64>("pollEvery");
        QTest::newRow("a minute") << 6'000ULL << 100ULL << 1ULL << 100LL;
        QTest::newRow("a minute, seldom asked") << 6'000ULL << 100ULL << 1ULL << 1'000LL;
        QTest::newRow("a minute, large windows") << 6'000ULL << 100ULL << 64ULL << 200LL;
        QTest::newRow("a slow stick") << 4'000ULL << 7ULL << 4ULL << 200LL;
        QTest::newRow("a day") << 16'000'000ULL << 185ULL << 1ULL << 2'000LL;
    }

    void steadyMedium_isEstimatedWithinAFifthFromATenthOn()
    {
        QFETCH(quint64, mebibytes);
        QFETCH(quint64, mebibytesPerSecond);
        QFETCH(quint64, window);
        QFETCH(qint64, pollEvery);
        const Job job{mebibytes * kMiB, mebibytesPerSecond * kMiB, window * kMiB};
        const double worst = worstEstimate(job, pollEvery);
        QVERIFY2(worst < 0.2, qPrintable(QString::number(worst)));
    }

    void jobCarriedOn_isEstimatedByWhatItDoesNow()
    {
        const Job job{100'000 * kMiB, 100 * kMiB, kMiB, 60'000 * kMiB};
        QVERIFY(worstEstimate(job, 200) < 0.2);
    }

    void timeBeforeTheTotalIsKnown_doesNotCount()
    {
        Rate rate;
        for (std::int64_t now = 0; now < 60'000; now += 500)
            rate.add(now, 0, 0);
        rate.add(60'000, 500 * kMiB, 1'000 * kMiB);
        rate.add(66'000, 560 * kMiB, 1'000 * kMiB);
        QCOMPARE(rate.bytesPerSecond().value_or(0), 10.0 * kMiB);
        QCOMPARE(rate.secondsLeft().value_or(0), 44.0);
    }

    void anotherJobOfTheSameClock_beginsAnew()
    {
        Rate rate;
        rate.add(0, 0, 900 * kMiB);
        rate.add(6'000, 900 * kMiB, 900 * kMiB);
        QCOMPARE(rate.secondsLeft().value_or(-1), 0.0);
        rate.add(7'000, 0, 1'000 * kMiB);
        QVERIFY(!rate.bytesPerSecond());
        rate.add(12'000, 50 * kMiB, 1'000 * kMiB);
        QCOMPARE(rate.secondsLeft().value_or(0), 95.0);
    }

    void estimate_followsTheMediumWithinTheWindow()
    {
        Rate rate;
        std::uint64_t done = 0;
        for (std::int64_t now = 0; now <= 60'000; now += 500, done += 50 * kMiB)
            rate.add(now, done, 100'000 * kMiB);
        for (std::int64_t now = 60'500; now <= 80'000; now += 500, done += 5 * kMiB)
            rate.add(now, done, 100'000 * kMiB);
        QVERIFY(std::abs(*rate.bytesPerSecond() / (10.0 * kMiB) - 1) < 0.01);
    }

    void nothingIsSaid_beforeItIsHonestOrWhileItStands()
    {
        Rate rate;
        rate.add(0, 0, kMiB);
        QVERIFY(!rate.bytesPerSecond());
        rate.add(4'900, kMiB / 2, kMiB);
        QVERIFY(rate.bytesPerSecond());
        QVERIFY(!rate.secondsLeft());
        Rate still;
        for (std::int64_t now = 0; now < 30'000; now += 500)
            still.add(now, kMiB / 2, kMiB);
        QVERIFY(!still.secondsLeft());
    }
};

QTEST_APPLESS_MAIN(TestRate)
#include "tst_rate.moc"
