// SPDX-License-Identifier: Apache-2.0
// contentAt() is locate() turned round: exhaustively, for every place of small arrays.
#include "engine/raid/member_content.h"
#include "engine/raid/personality.h"
#include "engine/raid/stripe.h"

#include <QTest>

#include <map>

using namespace bitmend;

namespace {

using Key = std::pair<int, std::uint64_t>;

// Every place that the array's sectors lie at. Where two share one (near copies of an odd number of
// members, with offset copies: the kernel's own doing) either is right.
std::multimap<Key, MemberContent> expectedOf(const Geometry& geometry)
{
    const Personality& level = *personality(geometry.level);
    std::multimap<Key, MemberContent> expected;
    for (Sectors sector; sector < level.arraySize(geometry); sector.count += 1) {
        int copy = 0;
        for (const auto& place : level.locate(geometry, sector))
            expected.insert({{place.role, place.sector.count}, {Holds::Data, sector, copy++}});
    }
    return expected;
}

bool isParity(const Geometry& geometry, Place place)
{
    if (geometry.level < 4 || geometry.level > 6)
        return false;
    const Sectors used{geometry.componentSize.count / geometry.chunk.count * geometry.chunk.count};
    const StripeRoles roles = stripeRoles(geometry, place.sector.count / geometry.chunk.count);
    return place.sector < used && (place.role == roles.p || place.role == roles.q);
}

QByteArray nameOf(const Geometry& geometry)
{
    return QByteArray("level ") + QByteArray::number(geometry.level) + " layout 0x" +
           QByteArray::number(geometry.layout, 16) + " members " +
           QByteArray::number(geometry.raidDisks) + " chunk " +
           QByteArray::number(qulonglong(geometry.chunk.count));
}

} // namespace

class TestMemberContent : public QObject
{
    Q_OBJECT

private slots:
    void contentAt_turnsLocateRound_data()
    {
        QTest::addColumn<Geometry>("geometry");
        const auto row = [](const Geometry& geometry) {
            QTest::addRow("%s", nameOf(geometry).constData()) << geometry;
        };
        for (const std::uint64_t chunk : {0, 8}) {
            row({-1, 0, 3, {chunk}, {}, {{41}, {16}, {23}}, true});
            row({-1, 0, 1, {chunk}, {}, {{17}}, true});
        }
        for (const std::uint32_t layout : {1, 2}) {
            row({0, layout, 3, {8}, {}, {{64}, {64}, {64}}, true});
            row({0, layout, 4, {8}, {}, {{40}, {130}, {170}, {130}}, true});
            row({0, layout, 5, {8}, {}, {{64}, {24}, {96}, {24}, {99}}, true});
            row({0, layout, 3, {24}, {}, {{2040}, {4080}, {6144}}, true});
        }
        row({1, 0, 1, {}, {21}, {}, true});
        row({1, 0, 3, {}, {21}, {}, true});
        for (int members = 2; members <= 6; ++members)
            rowsWithParity(members, row);
        for (int members = 2; members <= 7; ++members)
            rowsWithCopies(members, row);
    }

    void contentAt_turnsLocateRound()
    {
        QFETCH(Geometry, geometry);
        QVERIFY(personality(geometry.level)->validate(geometry).has_value());
        const auto expected = expectedOf(geometry);
        QVERIFY(!expected.empty());
        std::uint64_t end = geometry.componentSize.count + 20;
        for (const Sectors size : geometry.memberSizes)
            end = std::max(end, size.count + 20);
        for (int role = 0; role < geometry.raidDisks; ++role) {
            for (std::uint64_t sector = 0; sector < end; ++sector) {
                const MemberContent found = contentAt(geometry, {role, {sector}});
                const auto [first, last] = expected.equal_range({role, sector});
                if (first == last) {
                    const bool parity = isParity(geometry, {role, {sector}});
                    QCOMPARE(found.kind == Holds::P || found.kind == Holds::Q, parity);
                    QVERIFY(found.kind != Holds::Data);
                    continue;
                }
                const bool known = std::any_of(
                    first, last, [&](const auto& entry) { return entry.second == found; });
                QVERIFY2(known, qPrintable(QStringLiteral("member %1 sector %2 holds %3")
                                        .arg(role)
                                        .arg(sector)
                                        .arg(found.arraySector.count)));
            }
        }
    }

    void contentAt_tellsPFromQ()
    {
        const Geometry geometry{6, 2, 4, {8}, {64}, {}, true};
        QCOMPARE(contentAt(geometry, {3, {7}}).kind, Holds::P);
        QCOMPARE(contentAt(geometry, {0, {7}}).kind, Holds::Q);
        QCOMPARE(contentAt(geometry, {2, {8}}).kind, Holds::P);
        QCOMPARE(contentAt(geometry, {3, {15}}).kind, Holds::Q);
    }

    void contentAt_outsideTheArray()
    {
        const Geometry geometry{5, 2, 3, {8}, {64}, {}, true};
        QCOMPARE(contentAt(geometry, {-1, {0}}), MemberContent{});
        QCOMPARE(contentAt(geometry, {3, {0}}), MemberContent{});
        QCOMPARE(contentAt(geometry, {0, {64}}), MemberContent{});
        QCOMPARE(contentAt(geometry, {0, {~std::uint64_t{0}}}), MemberContent{});
    }

private:
    static void rowsWithParity(int members, auto&& row)
    {
        const Sectors size{8 * 13 + 3}; // more than a turn, and a rest that is not used
        row({4, 0, members, {8}, size, {}, true});
        for (std::uint32_t layout = 0; layout <= 5; ++layout)
            row({5, layout, members, {8}, size, {}, true});
        for (const std::uint32_t layout : {0, 1, 2, 3, 4, 5, 8, 9, 10, 16, 17, 18, 19, 20}) {
            if (members >= 4)
                row({6, layout, members, {8}, size, {}, true});
        }
    }

    // Near, far, both; one after the other or offset; without sets and with both kinds of them.
    static void rowsWithCopies(int members, auto&& row)
    {
        for (std::uint32_t near = 1; near <= 3; ++near) {
            for (std::uint32_t far = 1; far <= 3; ++far) {
                for (const std::uint32_t more : {0x0, 0x10000, 0x20000, 0x40000, 0x50000}) {
                    const Geometry geometry{
                        10, near | far << 8 | more, members, {8}, {8 * 13 + 3}, {}, true};
                    if (personality(10)->validate(geometry))
                        row(geometry);
                }
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestMemberContent)
#include "tst_member_content.moc"
