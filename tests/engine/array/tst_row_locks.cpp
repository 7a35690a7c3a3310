// SPDX-License-Identifier: Apache-2.0
// Who waits for whom, without a clock: a thread is known to wait when it stands in line.
#include "engine/array/row_locks.h"
#include "tests/support/expect.h"

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

using namespace bitmend;

namespace {

constexpr SectorRange kRows{{0}, {100}};
constexpr SectorRange kOthers{{100}, {200}};

void untilWaiting(const RowLocks& locks, std::size_t count)
{
    while (locks.waiting() != count)
        std::this_thread::yield();
}

// Takes rows in a thread of its own and keeps them until told.
class Holder
{
public:
    Holder(RowLocks& locks, SectorRange rows, RowUse use)
        : m_thread([this, &locks, rows, use] {
            const auto hold = locks.take(rows, use);
            m_has = true;
            m_has.notify_all();
            m_mayGo.wait(false);
        })
    {
    }
    ~Holder() { release(); }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    bool has() const { return m_has; }
    void untilItHas() const { m_has.wait(false); }
    void release()
    {
        m_mayGo = true;
        m_mayGo.notify_all();
        if (m_thread.joinable())
            m_thread.join();
    }

private:
    std::atomic<bool> m_has = false;
    std::atomic<bool> m_mayGo = false;
    std::thread m_thread;
};

void readsAndWritesShareRowsAndASyncHasThemAlone()
{
    RowLocks locks;
    auto write = std::make_unique<RowLocks::Hold>(locks.take(kRows, RowUse::Write));
    auto read = std::make_unique<RowLocks::Hold>(locks.take(kRows, RowUse::Read));
    Holder sync(locks, kRows, RowUse::Sync);
    untilWaiting(locks, 1);
    read.reset();
    EXPECT(locks.waiting() == 1 && !sync.has());
    write.reset();
    sync.untilItHas();
    Holder reader(locks, kRows, RowUse::Read);
    untilWaiting(locks, 1);
    EXPECT(!reader.has());
    sync.release();
    reader.untilItHas();
}

void writesToTheSameRowsGoOneAfterTheOther()
{
    RowLocks locks;
    Holder first(locks, kRows, RowUse::Write);
    first.untilItHas();
    Holder second(locks, {{99}, {101}}, RowUse::Write);
    untilWaiting(locks, 1);
    Holder third(locks, {{100}, {101}}, RowUse::Write); // behind the second, not behind the first
    untilWaiting(locks, 2);
    first.release();
    second.untilItHas();
    EXPECT(!third.has());
    second.release();
    third.untilItHas();
}

void aWriteThatTakesParityWithItHasItsRowsAlone()
{
    RowLocks locks;
    Holder reader(locks, kRows, RowUse::Read);
    reader.untilItHas();
    Holder write(locks, kRows, RowUse::WriteAlone);
    untilWaiting(locks, 1);
    Holder late(locks, kRows, RowUse::Read); // behind the write
    untilWaiting(locks, 2);
    reader.release();
    write.untilItHas();
    EXPECT(!late.has());
    write.release();
    late.untilItHas();
}

void otherRowsNeverWait()
{
    RowLocks locks;
    const auto sync = locks.take(kRows, RowUse::Sync);
    const auto write = locks.take(kOthers, RowUse::Write);
    const auto next = locks.take({{200}, {300}}, RowUse::Sync);
    EXPECT(locks.waiting() == 0);
}

void foregroundGoesFirst()
{
    RowLocks locks;
    Holder running(locks, kRows, RowUse::Sync);
    running.untilItHas();
    Holder next(locks, kRows, RowUse::Sync);
    untilWaiting(locks, 1);
    Holder write(locks, kRows, RowUse::Write); // came last
    untilWaiting(locks, 2);
    running.release();
    write.untilItHas();
    EXPECT(!next.has());
    write.release();
    next.untilItHas();
}

void aSyncIsNotStarved()
{
    RowLocks locks;
    std::vector<RowLocks::Hold> readers;
    readers.push_back(locks.take(kRows, RowUse::Read));
    Holder sync(locks, kRows, RowUse::Sync);
    untilWaiting(locks, 1);
    for (unsigned i = 0; i < RowLocks::kPatience; ++i)
        readers.push_back(locks.take(kRows, RowUse::Read)); // there is always one more reader
    Holder late(locks, kRows, RowUse::Read);
    untilWaiting(locks, 2);
    readers.clear();
    sync.untilItHas();
    EXPECT(!late.has());
    sync.release();
    late.untilItHas();
}

// Plain counters that only the lock protects: ThreadSanitizer sees any two that should not meet.
void nobodyMeetsWhomTheyMustNot()
{
    constexpr std::size_t kCells = 8;
    RowLocks locks;
    std::array<std::uint64_t, kCells> cells{};
    const auto work = [&](unsigned seed, RowUse use) {
        std::mt19937 random(seed);
        for (int i = 0; i < 2000; ++i) {
            const auto begin = random() % kCells;
            const auto end = begin + 1 + random() % (kCells - begin);
            const auto hold = locks.take({{begin}, {end}}, use);
            for (auto cell = begin; cell < end; ++cell)
                ++cells[cell];
        }
    };
    std::vector<std::thread> threads;
    threads.reserve(3);
    for (unsigned seed = 0; seed < 2; ++seed)
        threads.emplace_back(work, seed, RowUse::Write);
    threads.emplace_back(work, 2, RowUse::WriteAlone);
    threads.emplace_back(work, 9, RowUse::Sync);
    for (auto& thread : threads)
        thread.join();
    EXPECT(locks.waiting() == 0);
}

} // namespace

int main()
{
    readsAndWritesShareRowsAndASyncHasThemAlone();
    writesToTheSameRowsGoOneAfterTheOther();
    aWriteThatTakesParityWithItHasItsRowsAlone();
    otherRowsNeverWait();
    foregroundGoesFirst();
    aSyncIsNotStarved();
    nobodyMeetsWhomTheyMustNot();
}
