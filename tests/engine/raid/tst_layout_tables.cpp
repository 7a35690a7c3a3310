// SPDX-License-Identifier: Apache-2.0
// Where every chunk lies, against tables that were read back from arrays of the real kernel.
#include "engine/raid/personality.h"
#include "engine/raid/stripe.h"

#include <QTest>

#include <algorithm>

using namespace bitmend;

namespace {

constexpr Sectors kChunk{8};

// "D0 D1 P / D2 P D3": rows by slash, members by blank.
QList<QStringList> rowsOf(const QString& table)
{
    QList<QStringList> rows;
    for (const auto& row : table.split(QStringLiteral(" / ")))
        rows.append(row.split(u' ', Qt::SkipEmptyParts));
    return rows;
}

} // namespace

class TestLayoutTables : public QObject
{
    Q_OBJECT

private slots:
    void parity_data()
    {
        QTest::addColumn<int>("level");
        QTest::addColumn<int>("layout");
        QTest::addColumn<int>("members");
        QTest::addColumn<QString>("table");
        QTest::addColumn<QString>("rows"); // which rows the table shows
        QTest::newRow("level 5 left-asymmetric")
            << 5 << 0 << 4 << QStringLiteral("D0 D1 D2 P / D3 D4 P D5 / D6 P D7 D8 / P D9 D10 D11")
            << QStringLiteral("0 1 2 3");
        QTest::newRow("level 5 right-asymmetric")
            << 5 << 1 << 4 << QStringLiteral("P D0 D1 D2 / D3 P D4 D5 / D6 D7 P D8 / D9 D10 D11 P")
            << QStringLiteral("0 1 2 3");
        QTest::newRow("level 5 left-symmetric")
            << 5 << 2 << 4 << QStringLiteral("D0 D1 D2 P / D4 D5 P D3 / D8 P D6 D7 / P D9 D10 D11")
            << QStringLiteral("0 1 2 3");
        QTest::newRow("level 5 right-symmetric")
            << 5 << 3 << 4 << QStringLiteral("P D0 D1 D2 / D5 P D3 D4 / D7 D8 P D6 / D9 D10 D11 P")
            << QStringLiteral("0 1 2 3");
        QTest::newRow("level 5 parity-first")
            << 5 << 4 << 4 << QStringLiteral("P D0 D1 D2 / P D3 D4 D5 / P D6 D7 D8 / P D9 D10 D11")
            << QStringLiteral("0 1 2 3");
        QTest::newRow("level 5 parity-last")
            << 5 << 5 << 4 << QStringLiteral("D0 D1 D2 P / D3 D4 D5 P / D6 D7 D8 P / D9 D10 D11 P")
            << QStringLiteral("0 1 2 3");
        QTest::newRow("level 6 layout 0")
            << 6 << 0 << 5
            << QStringLiteral("Q D0 D1 D2 P / D3 D4 D5 P Q / D6 D7 P Q D8 / P Q D12 D13 D14")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 1")
            << 6 << 1 << 5
            << QStringLiteral("P Q D0 D1 D2 / D3 P Q D4 D5 / D6 D7 P Q D8 / Q D12 D13 D14 P")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 2")
            << 6 << 2 << 5
            << QStringLiteral("Q D0 D1 D2 P / D3 D4 D5 P Q / D7 D8 P Q D6 / P Q D12 D13 D14")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 3")
            << 6 << 3 << 5
            << QStringLiteral("P Q D0 D1 D2 / D5 P Q D3 D4 / D7 D8 P Q D6 / Q D12 D13 D14 P")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 4")
            << 6 << 4 << 5
            << QStringLiteral("P Q D0 D1 D2 / P Q D3 D4 D5 / P Q D6 D7 D8 / P Q D12 D13 D14")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 5")
            << 6 << 5 << 5
            << QStringLiteral("D0 D1 D2 P Q / D3 D4 D5 P Q / D6 D7 D8 P Q / D12 D13 D14 P Q")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 8")
            << 6 << 8 << 5
            << QStringLiteral("P Q D0 D1 D2 / D3 P Q D4 D5 / D6 D7 P Q D8 / Q D12 D13 D14 P")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 9")
            << 6 << 9 << 5
            << QStringLiteral("D0 D1 D2 P Q / D3 D4 P Q D5 / D6 P Q D7 D8 / Q D12 D13 D14 P")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 10")
            << 6 << 10 << 5
            << QStringLiteral("D0 D1 D2 Q P / D4 D5 Q P D3 / D8 Q P D6 D7 / P D12 D13 D14 Q")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 16")
            << 6 << 16 << 5
            << QStringLiteral("D0 D1 D2 P Q / D3 D4 P D5 Q / D6 P D7 D8 Q / D12 D13 D14 P Q")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 17")
            << 6 << 17 << 5
            << QStringLiteral("P D0 D1 D2 Q / D3 P D4 D5 Q / D6 D7 P D8 Q / P D12 D13 D14 Q")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 18")
            << 6 << 18 << 5
            << QStringLiteral("D0 D1 D2 P Q / D4 D5 P D3 Q / D8 P D6 D7 Q / D12 D13 D14 P Q")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 19")
            << 6 << 19 << 5
            << QStringLiteral("P D0 D1 D2 Q / D5 P D3 D4 Q / D7 D8 P D6 Q / P D12 D13 D14 Q")
            << QStringLiteral("0 1 2 4");
        QTest::newRow("level 6 layout 20")
            << 6 << 20 << 5
            << QStringLiteral("P D0 D1 D2 Q / P D3 D4 D5 Q / P D6 D7 D8 Q / P D12 D13 D14 Q")
            << QStringLiteral("0 1 2 4");
    }

    void parity()
    {
        QFETCH(int, level);
        QFETCH(int, layout);
        QFETCH(int, members);
        QFETCH(QString, table);
        QFETCH(QString, rows);

        const Geometry geometry{level, std::uint32_t(layout), members, kChunk, {8 * 100}, {}, true};
        const Personality& pers = *personality(level);
        QVERIFY(pers.validate(geometry).has_value());
        const auto expected = rowsOf(table);
        const auto numbers = rowsOf(rows).first();
        for (int line = 0; line < expected.size(); ++line) {
            const std::uint64_t stripe = numbers[line].toULongLong();
            const StripeRoles roles = stripeRoles(geometry, stripe);
            QCOMPARE(roles.p, expected[line].indexOf(u"P"));
            QCOMPARE(roles.q, expected[line].indexOf(u"Q"));
            for (int slot = 0; slot < members; ++slot) {
                const QString& cell = expected[line][slot];
                if (!cell.startsWith(u'D'))
                    continue;
                const std::uint64_t chunk = cell.mid(1).toULongLong();
                QCOMPARE(roles.data[chunk % roles.data.size()], slot);
                const Place place{slot, {stripe * kChunk.count + 3}};
                QCOMPARE(
                    pers.locate(geometry, {chunk * kChunk.count + 3}), std::vector<Place>{place});
            }
        }
    }

    void raid10_data()
    {
        QTest::addColumn<int>("layout");
        QTest::addColumn<int>("members");
        QTest::addColumn<QString>("table");
        QTest::addColumn<int>("chunks");
        QTest::newRow("0x00102 n2, n=3")
            << 0x102 << 3 << QStringLiteral("0 0 1 / 1 2 2 / 3 3 4 / 4 5 5") << 6;
        QTest::newRow("0x00102 n2, n=4")
            << 0x102 << 4 << QStringLiteral("0 0 1 1 / 2 2 3 3 / 4 4 5 5 / 6 6 7 7") << 8;
        QTest::newRow("0x00201 f2, n=3")
            << 0x201 << 3 << QStringLiteral("0 1 2 / 3 4 5 / 2 0 1 / 5 3 4") << 6;
        QTest::newRow("0x00201 f2, n=4")
            << 0x201 << 4 << QStringLiteral("0 1 2 3 / 4 5 6 7 / 3 0 1 2 / 7 4 5 6") << 8;
        QTest::newRow("0x10201 o2, n=3")
            << 0x10201 << 3 << QStringLiteral("0 1 2 / 2 0 1 / 3 4 5 / 5 3 4") << 6;
        QTest::newRow("0x10201 o2, n=4")
            << 0x10201 << 4 << QStringLiteral("0 1 2 3 / 3 0 1 2 / 4 5 6 7 / 7 4 5 6") << 8;
        QTest::newRow("0x00103 n3, n=4")
            << 0x103 << 4 << QStringLiteral("0 0 0 1 / 1 1 2 2 / 2 3 3 3 / 4 4 4 -") << 5;
        QTest::newRow("0x20201 f2 bit 17, n=5")
            << 0x20201 << 5 << QStringLiteral("0 1 2 3 4 / 5 6 7 8 9 / 1 0 4 2 3 / 6 5 9 7 8")
            << 10;
        QTest::newRow("0x40201 f2 bit 18, n=5")
            << 0x40201 << 5 << QStringLiteral("0 1 2 3 4 / 5 6 7 8 9 / 1 0 4 2 3 / 6 5 9 7 8")
            << 10;
        QTest::newRow("0x50201 o2 bit 18, n=5")
            << 0x50201 << 5 << QStringLiteral("0 1 2 3 4 / 1 0 4 2 3 / 5 6 7 8 9 / 6 5 9 7 8")
            << 10;
        QTest::newRow("0x00202 n2 f2, n=4 (model only)")
            << 0x202 << 4 << QStringLiteral("0 0 1 1 / 2 2 3 3 / 1 1 0 0 / 3 3 2 2") << 4;
    }

    void raid10()
    {
        QFETCH(int, layout);
        QFETCH(int, members);
        QFETCH(QString, table);
        QFETCH(int, chunks);

        const auto rows = rowsOf(table);
        const Geometry geometry{
            10, std::uint32_t(layout), members, kChunk, {kChunk.count * 4}, {}, true};
        const Personality& pers = *personality(10);
        QVERIFY(pers.validate(geometry).has_value());
        QCOMPARE(pers.arraySize(geometry).count, chunks * kChunk.count);
        for (int chunk = 0; chunk < chunks; ++chunk) {
            std::vector<Place> expected;
            for (int row = 0; row < rows.size(); ++row) {
                for (int slot = 0; slot < members; ++slot) {
                    if (rows[row][slot] == QString::number(chunk))
                        expected.push_back({slot, {std::uint64_t(row) * kChunk.count + 5}});
                }
            }
            auto places = pers.locate(geometry, {std::uint64_t(chunk) * kChunk.count + 5});
            std::ranges::sort(
                places, {}, [](const Place& place) { return std::pair(place.sector, place.role); });
            QCOMPARE(places, expected);
        }
    }
};

QTEST_GUILESS_MAIN(TestLayoutTables)
#include "tst_layout_tables.moc"
