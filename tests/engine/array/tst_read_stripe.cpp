// SPDX-License-Identifier: Apache-2.0
// One stripe over all members: what is read, what the others give, what does not agree.
#include "engine/array/read_stripe.h"
#include "engine/raid/parity.h"
#include "tests/support/array_images.h"

#include <QTest>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kChunk = 128;
constexpr Sectors kWindow{16};

void fillRandomly(std::span<std::byte> bytes, std::mt19937& random)
{
    for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
        const std::uint32_t four = std::uint32_t(random());
        std::memcpy(&bytes[i], &four, 4);
    }
}

// An array whose members hold random data, with the parity or the copies that belong to it.
class Filled
{
public:
    Filled(int level, int disks, std::uint32_t layout) : m_images(level, disks)
    {
        m_images.onAll([layout](Superblock& s) { s.layout = layout; });
        m_geometry = theArray(m_images.scan()).geometry;
        for (std::size_t i = 0; i < std::size_t(disks); ++i) {
            m_members.push_back(
                std::make_shared<MemoryDevice>(m_images.image(i), m_images.path(i)));
        }
        std::mt19937 random(std::uint32_t(level * 100 + disks));
        for (auto& member : m_members)
            fillRandomly(dataOf(*member), random);
        level == 10 || level == 1 ? copy() : addParity();
    }

    StripeView read(
        const std::set<std::size_t>& missing, std::int64_t begin, Sectors length = kWindow)
    {
        std::vector<std::size_t> present;
        for (std::size_t i = 0; i < m_members.size(); ++i) {
            if (!missing.contains(i))
                present.push_back(i);
        }
        return readFrom(theArray(m_images.scan(present)), begin, length);
    }

    StripeView readFrom(const ArrayReport& array, std::int64_t begin, Sectors length = kWindow)
    {
        const auto look = [this](const std::string& path) -> Result<SourcePtr> {
            for (std::size_t i = 0; i < m_members.size(); ++i) {
                if (m_images.path(i) == path && !unreadable.contains(i))
                    return m_members[i];
            }
            return fail(ErrorCode::Io, path, 0, EIO);
        };
        auto view = readStripe(array, look, begin, length);
        return view ? *view : StripeView{};
    }

    // What the member holds at a sector from its data_offset on.
    std::span<std::byte> at(std::size_t member, std::uint64_t sector, Sectors length = kWindow)
    {
        return dataOf(*m_members[member]).subspan(sector * kSectorBytes, length.bytes());
    }

    const Geometry& geometry() const { return m_geometry; }
    ArrayImages& images() { return m_images; }
    std::set<std::size_t> unreadable;

private:
    std::span<std::byte> dataOf(MemoryDevice& member) const
    {
        return std::span(member.bytes())
            .subspan(m_images.members.front().superblock.dataOffset.bytes(), kComponent.bytes());
    }

    void addParity()
    {
        for (std::uint64_t stripe = 0; stripe < kComponent.count / kChunk; ++stripe) {
            std::vector<std::span<std::byte>> blocks;
            blocks.reserve(m_members.size());
            for (std::size_t i = 0; i < m_members.size(); ++i)
                blocks.push_back(at(i, stripe * kChunk, {kChunk}));
            StripeCode(stripeRoles(m_geometry, stripe)).generate(blocks);
        }
    }

    void copy()
    {
        const auto& level = *personality(m_geometry.level);
        for (Sectors sector; sector < level.arraySize(m_geometry); sector.count += 8) {
            const auto places = level.locate(m_geometry, sector);
            const auto first = at(std::size_t(places[0].role), places[0].sector.count, {8});
            for (const auto& place : places) {
                if (place != places[0]) {
                    std::ranges::copy(
                        first, at(std::size_t(place.role), place.sector.count, {8}).begin());
                }
            }
        }
    }

    ArrayImages m_images;
    Geometry m_geometry;
    std::vector<std::shared_ptr<MemoryDevice>> m_members;
};

bool same(std::span<const std::byte> a, std::span<const std::byte> b)
{
    return std::ranges::equal(a, b);
}

} // namespace

class TestReadStripe : public QObject
{
    Q_OBJECT

private slots:
    void healthy_agreesAndShowsWhatIsThere()
    {
        for (const auto& [level, layout] : {std::pair(4, 0U), std::pair(5, 3U), std::pair(6, 2U),
                 std::pair(6, 10U), std::pair(10, 0x102U), std::pair(10, 0x201U),
                 std::pair(10, 0x10201U), std::pair(1, 0U)}) {
            Filled array(level, 5, layout);
            for (const std::int64_t begin : {0, 40, 7 * 128}) {
                const StripeView view = array.read({}, begin);
                QCOMPARE(view.verdict, StripeVerdict::Agrees);
                QCOMPARE(view.cells.size(), std::size_t{5});
                for (const auto& cell : view.cells) {
                    QCOMPARE(cell.origin, CellOrigin::Read);
                    QVERIFY(same(
                        cell.bytes, array.at(std::size_t(cell.place.role), std::uint64_t(begin))));
                    QVERIFY(cell.expected.empty());
                }
            }
        }
    }

    void missingMembers_areGivenByTheOthers()
    {
        struct Case
        {
            int level;
            std::uint32_t layout;
            std::set<std::size_t> missing;
        };
        for (const auto& [level, layout, missing] : {Case{5, 2, {1}}, Case{6, 9, {0, 3}},
                 Case{6, 2, {4}}, Case{10, 0x102, {2}}, Case{1, 0, {0, 1}}}) {
            Filled array(level, 5, layout);
            for (std::int64_t begin = 0; begin < 5 * 128; begin += 128) {
                const StripeView view = array.read(missing, begin);
                for (const std::size_t role : missing) {
                    const StripeCell& cell = view.cells[role];
                    QCOMPARE(cell.origin, CellOrigin::Given);
                    QVERIFY(!cell.place.from.empty());
                    QVERIFY(same(cell.bytes, array.at(role, std::uint64_t(begin))));
                }
                const bool nothingLeft = level == 5 || (level == 6 && missing.size() == 2);
                QCOMPARE(view.verdict,
                    nothingLeft ? StripeVerdict::NothingToCompare : StripeVerdict::Agrees);
            }
        }
    }

    void moreMissingThanItStands_isLost()
    {
        const StripeView view = Filled(5, 4, 2).read({0, 2}, 128);
        QCOMPARE(view.verdict, StripeVerdict::Lost);
        QCOMPARE(view.cells[0].origin, CellOrigin::Absent);
        QVERIFY(view.cells[0].bytes.empty());
        QCOMPARE(view.cells[1].origin, CellOrigin::Read);
        QCOMPARE(Filled(10, 4, 0x102).read({0, 1}, 0).verdict, StripeVerdict::Lost);
    }

    void level5_showsTheParityThatDataWouldHave()
    {
        Filled array(5, 3, 2);
        const std::vector<std::byte> right(array.at(2, 0).begin(), array.at(2, 0).end());
        array.at(2, 0)[77] ^= std::byte{4};
        const StripeView view = array.read({}, 0);
        QCOMPARE(view.verdict, StripeVerdict::Differs);
        QVERIFY(view.cells[0].expected.empty());
        QCOMPARE(view.cells[2].expected, right);
        QVERIFY(view.cells[2].differsAt(77));
        QVERIFY(!view.cells[2].differsAt(76));
    }

    void level6_namesTheMemberThatIsWrong()
    {
        for (std::size_t wrong = 0; wrong < 5; ++wrong) {
            Filled array(6, 5, 2);
            const std::vector<std::byte> right(
                array.at(wrong, 256).begin(), array.at(wrong, 256).end());
            array.at(wrong, 256)[5] ^= std::byte{0x81};
            array.at(wrong, 256)[6000] ^= std::byte{0x18};
            const StripeView view = array.read({}, 256);
            QCOMPARE(view.verdict, StripeVerdict::OneWrong);
            QCOMPARE(view.wrong, std::optional(int(wrong)));
            QCOMPARE(view.cells[wrong].expected, right);
            for (std::size_t role = 0; role < 5; ++role)
                QVERIFY(role == wrong || view.cells[role].expected.empty());
        }
    }

    void level6_withOneMissing_stillCompares()
    {
        Filled array(6, 5, 2);
        array.at(2, 128)[9] ^= std::byte{1};
        const StripeView view = array.read({0}, 128);
        QCOMPARE(view.verdict, StripeVerdict::Differs);
        QCOMPARE(view.wrong, std::nullopt);
    }

    void copiesThatDiffer_showEachOther()
    {
        Filled mirror(1, 3, 0);
        mirror.at(1, 64)[3] ^= std::byte{1};
        const StripeView view = mirror.read({}, 64);
        QCOMPARE(view.verdict, StripeVerdict::Differs);
        for (const auto& cell : view.cells)
            QVERIFY(cell.differsAt(3) && !cell.differsAt(4));

        Filled far(10, 4, 0x201);
        far.at(1, 128)[0] ^= std::byte{1};
        const StripeView row = far.read({}, 128);
        QCOMPARE(row.verdict, StripeVerdict::Differs);
        QVERIFY(row.cells[1].differsAt(0));
        QVERIFY(row.cells[0].expected.empty());
    }

    void staleMember_standsBesideWhatItShouldHold()
    {
        Filled array(5, 3, 2);
        array.images()[1].events = 50;
        const auto report = theArray(array.images().scan());
        QCOMPARE(memberInRole(report, 1)->state, MemberState::Stale);
        const std::vector<std::byte> right(array.at(1, 0).begin(), array.at(1, 0).end());
        array.at(1, 0)[100] ^= std::byte{0xff};
        const StripeView view = array.readFrom(report, 0);
        QCOMPARE(view.verdict, StripeVerdict::NothingToCompare);
        QCOMPARE(view.cells[1].origin, CellOrigin::Read);
        QVERIFY(same(view.cells[1].bytes, array.at(1, 0)));
        QCOMPARE(view.cells[1].expected, right);
    }

    void unreadableMember_isGivenAndSaysWhy()
    {
        for (const int level : {5, 1}) {
            Filled array(level, 3, level == 5 ? 2 : 0);
            array.unreadable = {0};
            const StripeView view = array.read({}, 0);
            QVERIFY(view.cells[0].error.has_value());
            QCOMPARE(view.cells[0].error->sysErrno, EIO);
            QCOMPARE(view.cells[0].origin, CellOrigin::Given);
            QVERIFY(same(view.cells[0].bytes, array.at(0, 0)));
        }
    }

    void window_endsWithTheChunk()
    {
        Filled array(5, 3, 2);
        const StripeView view = array.read({}, 120);
        QCOMPARE(view.length, Sectors{8});
        QCOMPARE(view.stripe, std::optional<std::uint64_t>(0));
        QCOMPARE(view.cells[0].bytes.size(), std::size_t{4096});
    }

    void beforeTheData_structuresAreShown()
    {
        Filled array(6, 4, 2);
        const StripeView view = array.read({3}, 8 - 256, {512});
        QCOMPARE(view.length, Sectors{248});
        QCOMPARE(view.cells[0].place.region, Region::Superblock);
        QCOMPARE(view.cells[0].regionAt(7), Region::Superblock);
        QCOMPARE(view.cells[0].regionAt(8), Region::Reserved);
        QVERIFY(view.cells[3].regions.empty());
        QVERIFY(array.read({}, 0).cells[0].regions.empty());
        QVERIFY(same(std::span(view.cells[0].bytes).first(4),
            std::as_bytes(std::span("\xfc\x4e\x2b\xa9", 4))));
        QCOMPARE(view.cells[3].origin, CellOrigin::Absent);
        QCOMPARE(view.verdict, StripeVerdict::NothingToCompare);
        QCOMPARE(array.read({}, -300, {8}).cells[0].place.region, Region::Outside);
    }

    void behindTheArray_nothingIsCompared()
    {
        Filled array(5, 3, 2);
        const StripeView view = array.read({}, 3840, {8});
        QCOMPARE(view.verdict, StripeVerdict::NothingToCompare);
        QCOMPARE(view.cells[0].place.content.kind, Holds::Unused);
        QVERIFY(array.read({}, 1 << 20, {8}).cells[0].bytes.empty());
    }
};

QTEST_APPLESS_MAIN(TestReadStripe)
#include "tst_read_stripe.moc"
