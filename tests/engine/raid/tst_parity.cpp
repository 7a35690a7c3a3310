// SPDX-License-Identifier: Apache-2.0
// Parity and what is got back with it, against sums and products made bit by bit.
#include "engine/base/aligned_buffer.h"
#include "engine/raid/parity.h"

#include <QTest>

#include <algorithm>
#include <array>
#include <random>

using namespace bitmend;

namespace {

constexpr std::array kLevel6Layouts{0, 1, 2, 3, 4, 5, 8, 9, 10, 16, 17, 18, 19, 20};

Geometry geometryOf(int level, int layout, int members)
{
    return {level, std::uint32_t(layout), members, {8}, {8 * 100}, {}, true};
}

// Times x, as often as asked, in the field of md's Q.
std::uint8_t timesPowerOfX(std::uint8_t byte, int power)
{
    unsigned value = byte;
    for (int i = 0; i < power; ++i)
        value = (value << 1) ^ (value >= 0x80 ? 0x11du : 0u);
    return std::uint8_t(value);
}

// A stripe's blocks, all in one piece of memory, `shift` bytes off alignment.
class Stripe
{
public:
    Stripe(int members, std::size_t length, std::size_t shift = 0)
        : m_stride((length + 127) / 64 * 64)
        , m_memory(std::size_t(members) * m_stride + 64)
        , m_shift(shift)
        , m_length(length)
    {
        for (int role = 0; role < members; ++role)
            m_blocks.push_back(at(role));
    }

    std::span<std::byte> at(int role)
    {
        return m_memory.span().subspan(std::size_t(role) * m_stride + m_shift, m_length);
    }

    void fill(const StripeRoles& roles, std::mt19937& random)
    {
        for (const int role : roles.data) {
            for (auto& byte : at(role))
                byte = std::byte(random());
        }
        for (std::size_t i = 0; i < m_length; ++i) {
            std::uint8_t p = 0;
            std::uint8_t q = 0;
            for (const int role : roles.data) {
                const auto byte = std::uint8_t(at(role)[i]);
                p ^= byte;
                q ^= timesPowerOfX(byte, roles.exponents[std::size_t(role)]);
            }
            at(roles.p)[i] = std::byte(p);
            if (roles.q >= 0)
                at(roles.q)[i] = std::byte(q);
        }
    }

    void scribble(int role) { std::ranges::fill(at(role), std::byte(0xa5)); }

    std::vector<std::byte> bytes() const
    {
        return {m_memory.span().begin(), m_memory.span().end()};
    }

    StripeBlocks blocks() { return m_blocks; }
    std::vector<std::span<std::byte>>& spans() { return m_blocks; }

private:
    std::size_t m_stride;
    AlignedBuffer m_memory;
    std::size_t m_shift;
    std::size_t m_length;
    std::vector<std::span<std::byte>> m_blocks;
};

std::vector<std::vector<int>> losses(const StripeRoles& roles)
{
    std::vector<std::vector<int>> patterns;
    for (int first = 0; first < roles.members(); ++first) {
        patterns.push_back({first});
        for (int second = 0; roles.q >= 0 && second < first; ++second)
            patterns.push_back({first, second});
    }
    return patterns;
}

struct Memory
{
    std::size_t length;
    std::size_t shift;
};

// What ISA-L likes; a rest behind its widest step; what it refuses; less than it can look at.
constexpr std::array kMemories{Memory{4096, 0}, Memory{512 + 32, 0}, Memory{512, 0}, Memory{777, 0},
    Memory{512, 1}, Memory{13, 3}};

// Every layout that a level has, on every number of members up to eight, at every turn of parity.
void forEachStripe(auto&& visit)
{
    for (int members = 2; members <= 8; ++members) {
        std::vector<Geometry> geometries{geometryOf(4, 0, members)};
        for (int layout = 0; layout <= 5; ++layout)
            geometries.push_back(geometryOf(5, layout, members));
        for (const int layout : kLevel6Layouts) {
            if (members >= 4)
                geometries.push_back(geometryOf(6, layout, members));
        }
        for (const auto& geometry : geometries) {
            for (int stripe = 0; stripe < stripePeriod(geometry); ++stripe)
                visit(stripeRoles(geometry, std::uint64_t(stripe)));
        }
    }
}

} // namespace

class TestParity : public QObject
{
    Q_OBJECT

private slots:
    void parityWorks_onThisProcessor() { QVERIFY(parityWorks()); }

    void generate_agreesWithPlainArithmetic()
    {
        std::mt19937 random(1);
        forEachStripe([&](const StripeRoles& roles) {
            const StripeCode code(roles);
            for (const auto& memory : kMemories) {
                Stripe stripe(roles.members(), memory.length, memory.shift);
                stripe.fill(roles, random);
                const auto right = stripe.bytes();
                stripe.scribble(roles.p);
                if (roles.q >= 0)
                    stripe.scribble(roles.q);
                code.generate(stripe.blocks());
                QCOMPARE(stripe.bytes(), right);
            }
        });
    }

    void add_letsParityFollowAChange()
    {
        std::mt19937 random(6);
        forEachStripe([&](const StripeRoles& roles) {
            const StripeCode code(roles);
            for (const auto& memory : kMemories) {
                Stripe stripe(roles.members(), memory.length, memory.shift);
                Stripe changed(roles.members(), memory.length, memory.shift);
                stripe.fill(roles, random);
                changed.fill(roles, random);
                for (const int role : roles.data) {
                    code.add(role, stripe.at(role), stripe.blocks());
                    code.add(role, changed.at(role), stripe.blocks());
                    std::ranges::copy(changed.at(role), stripe.at(role).begin());
                    QVERIFY(code.check(stripe.blocks()).all());
                }
                QCOMPARE(stripe.bytes(), changed.bytes());
            }
        });
    }

    void add_leavesParityAloneThatIsNotThere()
    {
        std::mt19937 random(7);
        const StripeRoles roles = stripeRoles(geometryOf(6, 2, 5), 1);
        const StripeCode code(roles);
        for (const int left : {roles.p, roles.q}) {
            Stripe stripe(5, 4096);
            stripe.fill(roles, random);
            const std::vector<std::byte> before(stripe.at(left).begin(), stripe.at(left).end());
            auto blocks = stripe.spans();
            blocks[std::size_t(left)] = {};
            stripe.at(roles.data[0])[7] ^= std::byte{1};
            std::vector<std::byte> change(4096);
            change[7] = std::byte{1};
            code.add(roles.data[0], change, blocks);
            QVERIFY(std::ranges::equal(stripe.at(left), before));
            QCOMPARE(code.check(stripe.blocks()), (ParityMatch{left != roles.p, left != roles.q}));
        }
    }

    void check_tellsPFromQAndWritesNothing()
    {
        std::mt19937 random(2);
        forEachStripe([&](const StripeRoles& roles) {
            const StripeCode code(roles);
            for (const auto& memory : kMemories) {
                Stripe stripe(roles.members(), memory.length, memory.shift);
                stripe.fill(roles, random);
                const bool hasQ = roles.q >= 0;
                for (int role = 0; role < roles.members(); ++role) {
                    QVERIFY(code.check(stripe.blocks()).all());
                    std::byte& byte = stripe.at(role)[random() % memory.length];
                    byte ^= std::byte(0x10);
                    const auto before = stripe.bytes();
                    const ParityMatch expected{role == roles.q, !hasQ || role == roles.p};
                    QCOMPARE(code.check(stripe.blocks()), expected);
                    QCOMPARE(stripe.bytes(), before);
                    byte ^= std::byte(0x10);
                }
            }
        });
    }

    void check_looksAtLongBlocksToTheirEnd()
    {
        std::mt19937 random(3);
        for (const int level : {5, 6}) {
            const StripeRoles roles = stripeRoles(geometryOf(level, 2, 5), 1);
            const StripeCode code(roles);
            for (const std::size_t length : {std::size_t(65536), std::size_t(65536 + 512)}) {
                Stripe stripe(5, length);
                stripe.fill(roles, random);
                QVERIFY(code.check(stripe.blocks()).all());
                stripe.at(roles.data[1]).back() ^= std::byte(1);
                QCOMPARE(code.check(stripe.blocks()), (ParityMatch{false, level == 5}));
            }
        }
    }

    void recover_bringsBackEveryLoss()
    {
        std::mt19937 random(4);
        forEachStripe([&](const StripeRoles& roles) {
            for (const auto& lost : losses(roles)) {
                QVERIFY(StripeCode::canRecover(roles, lost));
                const StripeCode code(roles, lost);
                for (const auto& memory : {kMemories[1], kMemories[4]}) {
                    Stripe stripe(roles.members(), memory.length, memory.shift);
                    stripe.fill(roles, random);
                    const auto right = stripe.bytes();
                    for (const int role : lost)
                        stripe.scribble(role);
                    code.recover(stripe.blocks());
                    QCOMPARE(stripe.bytes(), right);
                }
            }
        });
    }

    void recover_readsItsSourcesOnly()
    {
        std::mt19937 random(5);
        forEachStripe([&](const StripeRoles& roles) {
            for (const auto& lost : losses(roles)) {
                const StripeCode code(roles, lost);
                QCOMPARE(code.sources().size(), roles.data.size());
                Stripe stripe(roles.members(), 512);
                stripe.fill(roles, random);
                const auto right = stripe.bytes();
                for (int role = 0; role < roles.members(); ++role) {
                    const bool isLost = std::ranges::count(lost, role) != 0;
                    const bool isRead = std::ranges::count(code.sources(), role) != 0;
                    QVERIFY(!(isLost && isRead));
                    if (!isLost && !isRead)
                        stripe.spans()[std::size_t(role)] = {};
                }
                // Without one of two that are lost, too: a reader wants one of them.
                stripe.scribble(lost.front());
                for (std::size_t i = 1; i < lost.size(); ++i)
                    stripe.spans()[std::size_t(lost[i])] = {};
                code.recover(stripe.blocks());
                QCOMPARE(stripe.bytes(), right);
            }
        });
    }

    void recover_leavesQAloneWhenPIsThere()
    {
        const StripeRoles roles = stripeRoles(geometryOf(6, 2, 6), 0);
        const StripeCode code(roles, {roles.data[2]});
        QVERIFY(std::ranges::count(code.sources(), roles.p) == 1);
        QVERIFY(std::ranges::count(code.sources(), roles.q) == 0);
    }

    void canRecover_noMoreThanThereIsParity()
    {
        const StripeRoles five = stripeRoles(geometryOf(5, 2, 4), 0);
        const StripeRoles six = stripeRoles(geometryOf(6, 2, 4), 0);
        QVERIFY(StripeCode::canRecover(five, {}));
        QVERIFY(!StripeCode::canRecover(five, {0, 1}));
        QVERIFY(StripeCode::canRecover(six, {0, 1}));
        QVERIFY(!StripeCode::canRecover(six, {0, 1, 2}));
        QVERIFY(!StripeCode::canRecover(six, {4}));
    }

    void locateWrong_namesTheBlock()
    {
        std::mt19937 random(6);
        forEachStripe([&](const StripeRoles& roles) {
            const StripeCode code(roles);
            for (const auto& memory : kMemories) {
                Stripe stripe(roles.members(), memory.length, memory.shift);
                stripe.fill(roles, random);
                QCOMPARE(code.locateWrong(stripe.blocks()), std::nullopt);
                for (int role = 0; role < roles.members(); ++role) {
                    const auto block = stripe.at(role);
                    const std::vector<std::byte> right(block.begin(), block.end());
                    for (std::size_t i = random() % 7; i < block.size(); i += 1 + random() % 5)
                        block[i] ^= std::byte(1 + random() % 255);
                    const auto expected = roles.q < 0 ? std::nullopt : std::optional(role);
                    QCOMPARE(code.locateWrong(stripe.blocks()), expected);
                    std::ranges::copy(right, block.begin());
                }
            }
        });
    }

    void locateWrong_namesNoneOfTwo()
    {
        const StripeRoles roles = stripeRoles(geometryOf(6, 2, 6), 3);
        const StripeCode code(roles);
        std::mt19937 random(7);
        for (int first = 0; first < 6; ++first) {
            for (int second = 0; second < first; ++second) {
                Stripe stripe(6, 4096);
                stripe.fill(roles, random);
                for (std::size_t i = 0; i < 4096; i += 3) {
                    stripe.at(first)[i] = std::byte(random());
                    stripe.at(second)[i] = std::byte(random());
                }
                QCOMPARE(code.locateWrong(stripe.blocks()), std::nullopt);
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestParity)
#include "tst_parity.moc"
