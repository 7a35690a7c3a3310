// SPDX-License-Identifier: Apache-2.0
// What each member holds in a stripe. Where data and parity lie is compared with the kernel's
// tables in tst_layout_tables; here it is the order in which Q counts, and what repeats.
#include "engine/raid/stripe.h"

#include <QTest>

#include <array>

using namespace bitmend;

namespace {

constexpr std::array kLevel6Layouts{0, 1, 2, 3, 4, 5, 8, 9, 10, 16, 17, 18, 19, 20};

Geometry geometryOf(int level, int layout, int members)
{
    return {level, std::uint32_t(layout), members, {8}, {8 * 100}, {}, true};
}

std::vector<Geometry> allGeometries()
{
    std::vector<Geometry> all;
    for (int members = 2; members <= 9; ++members) {
        all.push_back(geometryOf(4, 0, members));
        for (int layout = 0; layout <= 5; ++layout)
            all.push_back(geometryOf(5, layout, members));
        for (const int layout : kLevel6Layouts) {
            if (members >= 4)
                all.push_back(geometryOf(6, layout, members));
        }
    }
    return all;
}

} // namespace

class TestStripe : public QObject
{
    Q_OBJECT

private slots:
    // Read back from arrays of five members that the kernel wrote: by role, in stripe 1.
    void exponents_areTheKernels_data()
    {
        QTest::addColumn<int>("layout");
        QTest::addColumn<std::vector<int>>("exponents");
        const auto row = [](int layout, const std::vector<int>& exponents) {
            QTest::addRow("layout %d", layout) << layout << exponents;
        };
        row(0, {0, 1, 2, -1, -1});
        row(1, {2, -1, -1, 0, 1});
        row(2, {0, 1, 2, -1, -1});
        row(3, {2, -1, -1, 0, 1});
        row(4, {-1, -1, 0, 1, 2});
        row(5, {0, 1, 2, -1, -1});
        row(8, {0, -1, -1, 3, 4});
        row(9, {0, 1, -1, -1, 4});
        row(10, {0, 1, -1, -1, 4});
        row(16, {0, 1, -1, 2, -1});
        row(17, {0, -1, 1, 2, -1});
        row(18, {0, 1, -1, 2, -1});
        row(19, {0, -1, 1, 2, -1});
        row(20, {-1, 0, 1, 2, -1});
    }

    void exponents_areTheKernels()
    {
        QFETCH(int, layout);
        QFETCH(std::vector<int>, exponents);
        QCOMPARE(stripeRoles(geometryOf(6, layout, 5), 1).exponents, exponents);
    }

    void everyRole_holdsOneThing()
    {
        for (const auto& geometry : allGeometries()) {
            for (std::uint64_t stripe = 0; stripe < 20; ++stripe) {
                const StripeRoles roles = stripeRoles(geometry, stripe);
                std::vector<int> seen = roles.data;
                seen.push_back(roles.p);
                if (geometry.level == 6) {
                    seen.push_back(roles.q);
                } else {
                    QCOMPARE(roles.q, -1);
                }
                std::ranges::sort(seen);
                std::vector<int> expected;
                expected.reserve(std::size_t(geometry.raidDisks));
                for (int role = 0; role < geometry.raidDisks; ++role)
                    expected.push_back(role);
                QCOMPARE(seen, expected);
                for (int role = 0; role < roles.members(); ++role) {
                    const bool isParity = role == roles.p || role == roles.q;
                    QCOMPARE(roles.exponents[std::size_t(role)] < 0, isParity);
                }
            }
        }
    }

    void period_isTheSmallestThatRepeats()
    {
        for (const auto& geometry : allGeometries()) {
            const auto period = std::uint64_t(stripePeriod(geometry));
            for (std::uint64_t stripe = 0; stripe < 2 * period; ++stripe)
                QCOMPARE(stripeRoles(geometry, stripe), stripeRoles(geometry, stripe + period));
            for (std::uint64_t shorter = 1; shorter < period; ++shorter)
                QVERIFY(stripeRoles(geometry, 0) != stripeRoles(geometry, shorter));
        }
    }
};

QTEST_APPLESS_MAIN(TestStripe)
#include "tst_stripe.moc"
