// SPDX-License-Identifier: Apache-2.0
// An array of each kind against a plain buffer: random reads, writes, flushes and upkeep, a member
// that fails and comes back by the bitmap or is rebuilt, clean stops, and programs that end without
// one. What is read is what was written, and now and then every member holds what it should.
//
//   tst_random_io [OPERATIONS, of all shapes together] [SEED]
#include "engine/array/membership.h"
#include "engine/array/sync.h"
#include "engine/base/job_control.h"
#include "tests/engine/array/memory_array.h"
#include "tests/support/expect.h"

#include <cstdio>
#include <random>
#include <string>
#include <vector>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kBitmapChunk = 16'384;

std::vector<ArrayShape> shapes()
{
    const auto of = [](int level, std::uint32_t layout, std::uint32_t disks, Sectors chunk) {
        return ArrayShape{.level = level,
            .layout = layout,
            .raidDisks = disks,
            .chunk = chunk,
            .component = Sectors{1024},
            .bitmapChunk = level > 0 ? kBitmapChunk : 0};
    };
    return {of(5, 2, 4, {16}), of(5, 0, 3, {128}), of(4, 0, 5, {8}), of(6, 2, 5, {16}),
        of(6, 8, 6, {32}), of(6, 18, 4, {8}), of(10, 0x102, 4, {16}), of(10, 0x10201, 3, {16}),
        of(1, 0, 3, {0}), of(0, 1, 3, {16})};
}

class Soak
{
public:
    Soak(const ArrayShape& shape, std::uint64_t seed)
        : m_shape(shape)
        , m_random(seed)
        , m_members(shape)
        , m_content(m_members.fill(seed))
    {
        start();
    }

    void run(std::uint64_t operations)
    {
        for (std::uint64_t i = 0; i < operations; ++i) {
            step();
            if (i % 2000 == 1999)
                judgeMembers();
        }
        judgeMembers();
    }

private:
    void start()
    {
        m_array = m_members.running(WriteMode::Overlay);
        m_array->state().clock = [this] {
            return ArrayState::Clock::time_point(std::chrono::milliseconds(m_milliseconds));
        };
    }

    std::uint64_t below(std::uint64_t end) { return m_random() % end; }

    // Small ones mostly, and now and then many stripes.
    std::pair<std::uint64_t, std::size_t> range()
    {
        const auto at = below(m_content.size());
        const std::uint64_t longest =
            std::array<std::uint64_t, 4>{600, 6000, 40'000, 300'000}[below(4)];
        return {
            at, std::size_t(1 + below(std::min<std::uint64_t>(longest, m_content.size() - at)))};
    }

    void step()
    {
        m_milliseconds += below(200);
        const auto what = below(1000);
        if (what < 480) {
            write();
        } else if (what < 900) {
            read();
        } else if (what < 940) {
            EXPECT(m_array->flush());
        } else if (what < 990) {
            EXPECT(m_array->maintain());
        } else if (what < 993) {
            endAndStart();
        } else {
            changeMembers();
        }
    }

    void write()
    {
        const auto [at, length] = range();
        Bytes bytes(length);
        fillPattern(bytes, m_random());
        EXPECT(m_array->writeAt(at, bytes));
        std::ranges::copy(bytes, m_content.begin() + std::ptrdiff_t(at));
    }

    void read()
    {
        const auto [at, length] = range();
        Bytes found(length);
        EXPECT(m_array->readAt(at, found));
        EXPECT(std::ranges::equal(found, std::span(m_content).subspan(at, length)));
    }

    // After a stop, or as after a kill: a resync by the bitmap follows.
    void endAndStart()
    {
        if (m_lost >= 0)
            return;
        const bool isKilled = below(2) == 0;
        if (!isKilled)
            EXPECT(stop(*m_array));
        m_array.reset();
        start();
        if (m_array->snapshot().resyncDue) {
            JobControl control;
            EXPECT(sync(*m_array, SyncAction::Resync, control));
        }
    }

    void changeMembers()
    {
        if (m_shape.level == 0)
            return;
        if (m_lost < 0) {
            m_lost = int(below(m_shape.raidDisks));
            EXPECT(failMember(*m_array, "m" + std::to_string(m_lost)));
            return;
        }
        const auto path = "m" + std::to_string(m_lost);
        EXPECT(removeMember(*m_array, path));
        const auto plan = planReAdd(*m_array, path);
        EXPECT(plan);
        EXPECT(reAdd(*m_array, *plan));
        JobControl control;
        if (m_array->snapshot().recoveryDue) {
            const auto done = sync(*m_array, SyncAction::Recover, control);
            EXPECT(done && done->completed);
        }
        m_lost = -1;
    }

    void judgeMembers()
    {
        MemoryArray expected(m_shape);
        expected.lay(m_content);
        for (std::size_t i = 0; i < m_members.devices(); ++i)
            EXPECT(int(i) == m_lost || std::ranges::equal(m_members.data(i), expected.data(i)));
    }

    ArrayShape m_shape;
    std::mt19937_64 m_random;
    MemoryArray m_members;
    Bytes m_content;
    std::unique_ptr<Array> m_array;
    int m_lost = -1;
    std::uint64_t m_milliseconds = 1'000'000;
};

} // namespace

int main(int argc, char** argv)
{
    const std::uint64_t operations = argc > 1 ? std::stoull(argv[1]) : 100'000;
    const std::uint64_t seed = argc > 2 ? std::stoull(argv[2]) : 1;
    const auto all = shapes();
    std::printf("seed %llu, %llu operations\n", static_cast<unsigned long long>(seed),
        static_cast<unsigned long long>(operations));
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::printf(
            "level %d, layout %x, %u members\n", all[i].level, all[i].layout, all[i].raidDisks);
        std::fflush(stdout);
        Soak(all[i], seed * 1000 + i).run(operations / all.size());
    }
}
