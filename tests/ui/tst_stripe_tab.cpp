// SPDX-License-Identifier: Apache-2.0
// The Stripe tab as a person uses it: places both ways, what lies there, what differs.
#include "engine/array/read_stripe.h"
#include "engine/raid/parity.h"
#include "tests/support/array_images.h"
#include "tests/ui/window_driver.h"
#include "ui/widgets/stripe_hex.h"
#include "ui/widgets/stripe_tab.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QScrollBar>
#include <QStyleFactory>

#include <algorithm>
#include <set>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kChunk = 128;
constexpr std::uint64_t kDataOffset = 256;

// A level 6 array of five, with text for data and the parity of it.
class Level6
{
public:
    Level6() : m_images(6, 5)
    {
        m_images.addBitmaps({});
        for (std::size_t i = 0; i < 5; ++i)
            m_members.push_back(std::make_shared<MemoryDevice>(m_images.image(i)));
        const Geometry geometry = report({}).geometry;
        const std::string line = "The quick brown fox jumps over the lazy dog. ";
        std::size_t letter = 0;
        for (std::uint64_t stripe = 0; stripe < kComponent.count / kChunk; ++stripe) {
            const StripeRoles roles = stripeRoles(geometry, stripe);
            std::vector<std::span<std::byte>> blocks;
            blocks.reserve(5);
            for (std::size_t role = 0; role < 5; ++role)
                blocks.push_back(at(role, stripe * kChunk, {kChunk}));
            for (const int role : roles.data) {
                for (auto& byte : blocks[std::size_t(role)])
                    byte = std::byte(line[letter++ % line.size()]);
            }
            StripeCode(roles).generate(blocks);
        }
    }

    ArrayReport report(const std::set<std::size_t>& missing) const
    {
        std::vector<std::size_t> present;
        for (std::size_t i = 0; i < 5; ++i) {
            if (!missing.contains(i))
                present.push_back(i);
        }
        return theArray(m_images.scan(present));
    }

    std::span<std::byte> at(std::size_t member, std::uint64_t sector, Sectors length = {1})
    {
        return std::span(m_members[member]->bytes())
            .subspan((kDataOffset + sector) * kSectorBytes, length.bytes());
    }

    Result<StripeView> read(const ArrayReport& array, std::int64_t begin, Sectors length)
    {
        const auto look = [this](const std::string& path) -> Result<SourcePtr> {
            for (std::size_t i = 0; i < 5; ++i) {
                if (m_images.path(i) == path)
                    return m_members[i];
            }
            return fail(ErrorCode::CannotOpen, path);
        };
        return readStripe(array, look, begin, length);
    }

private:
    ArrayImages m_images;
    std::vector<std::shared_ptr<MemoryDevice>> m_members;
};

} // namespace

class StripeTabTest : public QObject
{
    Q_OBJECT

private slots:
    void initTestCase();
    void init();
    void cleanup() { m_tab.reset(); }
    void places_goBothWays();
    void structuresBeforeTheData_areNamed();
    void stripe_saysWhatEachMemberHolds();
    void wrongMember_isNamedAndItsBytesShown();
    void missingMembers_areComputed();
    void clickingAByte_goesToItsSector();
    void chosenMember_comesIntoSight();
    void unseenTab_readsNothing();
    void lateStripe_isNotShown();
    void pictures_areWritten();

private:
    void show(const std::set<std::size_t>& missing);
    template <typename Widget> Widget& part(const char* name)
    {
        return *m_tab->findChild<Widget*>(QLatin1String(name));
    }
    QString verdict() { return part<QLabel>("stripeVerdict").text(); }
    QString place() { return part<QLabel>("stripePlace").text(); }
    StripeHex& hex() { return part<StripeHex>("stripeBytes"); }
    QDoubleSpinBox& arraySector() { return part<QDoubleSpinBox>("arraySector"); }
    QDoubleSpinBox& memberSector() { return part<QDoubleSpinBox>("memberSector"); }
    QComboBox& member() { return part<QComboBox>("stripeMember"); }

    Level6 m_array;
    ArrayReport m_report;
    std::unique_ptr<StripeTab> m_tab;
    int m_reads = 0;
};

void StripeTabTest::initTestCase()
{
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    QApplication::setFont(QFont(QStringLiteral("DejaVu Sans"), 10));
    applyScheme(Scheme::Light);
}

void StripeTabTest::init()
{
    m_array = {};
    m_reads = 0;
    m_tab = std::make_unique<StripeTab>();
    m_tab->resize(1180, 620);
    connect(m_tab.get(), &StripeTab::wanted, this,
        [this](const Uuid& array, qint64 begin, quint64 length) {
            ++m_reads;
            m_tab->setStripe(array, begin, m_array.read(m_report, begin, {length}));
        });
}

void StripeTabTest::show(const std::set<std::size_t>& missing)
{
    m_report = m_array.report(missing);
    m_tab->setArray(m_report, {});
    m_tab->show();
    QVERIFY(QTest::qWaitForWindowExposed(m_tab.get()));
}

// Left-symmetric over five: stripe 1 holds chunks 3, 4, 5 on slots 0, 1, 2, then P and Q.
void StripeTabTest::places_goBothWays()
{
    show({});
    arraySector().setValue(4 * kChunk + 9);
    QCOMPARE(member().currentIndex(), 1);
    QCOMPARE(memberSector().value(), double(kDataOffset + kChunk + 9));
    QVERIFY(place().contains(QStringLiteral("data chunk 4")));
    QVERIFY(place().contains(QStringLiteral("stripe 1")));

    memberSector().setValue(double(kDataOffset + 10));
    QCOMPARE(arraySector().value(), 0 * double(kChunk) + 10);
    member().setCurrentIndex(4);
    QCOMPARE(arraySector().value(), -1.0);
    QCOMPARE(arraySector().text(), QStringLiteral("none"));
    QVERIFY(place().startsWith(QStringLiteral("parity P")));
    QCOMPARE(memberSector().value(), double(kDataOffset + 10));
}

void StripeTabTest::structuresBeforeTheData_areNamed()
{
    show({});
    // By the chosen sector: version 1.2, and the bitmap behind the superblock's page.
    const std::vector<std::pair<double, const char*>> regions = {{7, "not in use"},
        {8, "superblock"}, {15, "superblock"}, {16, "write-intent bitmap"}, {24, "not in use"}};
    for (const auto& [sector, region] : regions) {
        memberSector().setValue(sector);
        QCOMPARE(place(), QStringLiteral("In front of the data  \u00b7  ") + QLatin1String(region));
        QVERIFY(hex().accessibleDescription().startsWith(
            QStringLiteral("Slot 0, m0.img: %1, in sync").arg(QLatin1String(region))));
    }
    QCOMPARE(hex().stripe().begin, -256);
    QVERIFY(verdict().startsWith(QStringLiteral("In front of the data each member keeps")));
    QCOMPARE(arraySector().text(), QStringLiteral("none"));
}

void StripeTabTest::stripe_saysWhatEachMemberHolds()
{
    show({});
    arraySector().setValue(3 * kChunk);
    QCOMPARE(verdict(), QStringLiteral("Data and parity agree."));
    const QString said = hex().accessibleDescription();
    for (const char* words : {"Slot 0, m0.img: data chunk 3, in sync", "Slot 3, m3.img: parity P",
             "Slot 4, m4.img: parity Q"})
        QVERIFY2(said.contains(QLatin1String(words)), qPrintable(said));
}

void StripeTabTest::wrongMember_isNamedAndItsBytesShown()
{
    m_array.at(1, kChunk + 5)[17] ^= std::byte{0x20};
    m_array.at(1, kChunk + 90)[3] ^= std::byte{0x01};
    show({});
    arraySector().setValue(3 * kChunk);
    QVERIFY2(
        verdict().startsWith(QStringLiteral("Slot 1 is wrong in 2 bytes")), qPrintable(verdict()));
    auto* next = m_tab->findChildren<QPushButton*>()[1];
    QVERIFY(next->isEnabled());
    QTest::mouseClick(next, Qt::LeftButton);
    const int first = hex().verticalScrollBar()->value();
    QCOMPARE(first, (5 * 512 + 17) / 8);
    QTest::mouseClick(next, Qt::LeftButton);
    QVERIFY(hex().verticalScrollBar()->value() > first);
}

void StripeTabTest::missingMembers_areComputed()
{
    show({0, 3});
    arraySector().setValue(3 * kChunk);
    QVERIFY(verdict().startsWith(QStringLiteral("All that is left is needed")));
    const QString said = hex().accessibleDescription();
    QVERIFY2(said.contains(QStringLiteral("data chunk 3, missing, from slots")), qPrintable(said));
    QVERIFY(!memberSector().isEnabled());
    QCOMPARE(hex().stripe().cells[0].bytes.size(), std::size_t{kChunk * kSectorBytes});
    QVERIFY(std::ranges::equal(hex().stripe().cells[0].bytes, m_array.at(0, kChunk, {kChunk})));
}

void StripeTabTest::clickingAByte_goesToItsSector()
{
    show({});
    const QRect byte = hex().rectOf(2, 7);
    QTest::mouseClick(hex().viewport(), Qt::LeftButton, {}, byte.center());
    QCOMPARE(member().currentIndex(), 2);
    QCOMPARE(arraySector().value(), double(kChunk));
}

void StripeTabTest::chosenMember_comesIntoSight()
{
    show({});
    m_tab->resize(700, 620);
    member().setCurrentIndex(0);
    const int besideAddresses = hex().rectOf(0, 0).left();
    for (const int role : {4, 1, 3, 0}) {
        member().setCurrentIndex(role);
        QVERIFY(hex().rectOf(role, 0).left() >= besideAddresses);
        QVERIFY(hex().rectOf(role, 7).right() < hex().viewport()->width());
    }
}

void StripeTabTest::unseenTab_readsNothing()
{
    m_report = m_array.report({});
    m_tab->setArray(m_report, {});
    m_tab->goToArraySector({1000});
    QCOMPARE(m_reads, 0);
    m_tab->show();
    QVERIFY(QTest::qWaitForWindowExposed(m_tab.get()));
    QCOMPARE(m_reads, 1);
    m_tab->setArray(m_report, {}); // the same: no reason to read again
    QCOMPARE(m_reads, 1);
}

void StripeTabTest::lateStripe_isNotShown()
{
    show({});
    const auto before = hex().stripe().begin;
    m_tab->setStripe(m_report.uuid, 512, m_array.read(m_report, 512, {8}));
    QCOMPARE(hex().stripe().begin, before);
}

void StripeTabTest::pictures_areWritten()
{
    m_array.at(1, kChunk + 1)[17] ^= std::byte{0x20};
    m_array.at(1, kChunk + 1)[18] ^= std::byte{0x41};
    show({});
    arraySector().setValue(3 * kChunk + 1);
    picture(*m_tab, QStringLiteral("stripe-one-wrong"));
    m_array = {};
    show({0, 3});
    arraySector().setValue(3 * kChunk);
    picture(*m_tab, QStringLiteral("stripe-two-missing"));
    show({});
    memberSector().setValue(8);
    picture(*m_tab, QStringLiteral("stripe-structures"));
}

QTEST_MAIN(StripeTabTest)
#include "tst_stripe_tab.moc"
