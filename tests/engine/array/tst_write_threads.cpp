// SPDX-License-Identifier: Apache-2.0
// Writers, readers, upkeep and a window beside a resync, a hot-add, a recovery and a bitmap that is
// taken away and added again, all at once: no acknowledged write is lost, no reader sees half a
// block, all copies are equal at the end, and ThreadSanitizer has nothing to say. Once more with a
// member that fails in the middle.
//
// With a folder as argument the members of the first are left there as image files, and a list of
// what was acknowledged, for the kernel to judge.
#include "engine/array/bitmap_change.h"
#include "engine/array/hot_add.h"
#include "engine/array/sync.h"
#include "engine/io/file_device.h"
#include "tests/engine/array/memory_mirror.h"
#include "tests/support/expect.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint32_t kChunk = 16'384;
constexpr std::uint64_t kBlock = 4096;
constexpr Sectors kComponent{16'384};
constexpr std::uint64_t kBlocks = kComponent.bytes() / kBlock;
constexpr std::uint64_t kOwnBlocks = kBlocks / 2; // of these each has one writer
constexpr unsigned kWriters = 3;
constexpr unsigned kRounds = 300;

using Block = std::vector<std::byte>;

// A block of one number, so that a torn one can be told.
Block stamped(std::uint64_t stamp)
{
    Block block(kBlock);
    for (std::size_t at = 0; at < kBlock; at += sizeof stamp)
        std::memcpy(&block[at], &stamp, sizeof stamp);
    return block;
}

std::uint64_t stampOf(std::span<const std::byte> block)
{
    std::uint64_t stamp = 0;
    std::memcpy(&stamp, block.data(), sizeof stamp);
    return stamp;
}

MirrorShape shape()
{
    return {.raidDisks = 3, .present = 2, .component = kComponent, .bitmapChunk = kChunk};
}

void prepare(MemoryMirror& mirror)
{
    for (std::uint64_t chunk = 0; chunk < kComponent.bytes() / kChunk; chunk += 5) {
        mirror.setBit(chunk);
        for (std::uint64_t at = 0; at < kChunk; at += kBlock)
            std::ranges::copy(stamped(7), mirror.data(1).subspan(chunk * kChunk + at).begin());
    }
}

class Load
{
public:
    explicit Load(Array& array) : m_array(array), m_acknowledged(kOwnBlocks)
    {
        // A second passes each time somebody looks: sweeps and clean superblocks come all the time.
        array.state().clock = [this] {
            return ArrayState::Clock::time_point(std::chrono::seconds(++m_seconds));
        };
        for (unsigned writer = 0; writer < kWriters; ++writer)
            m_threads.emplace_back([this, writer] { write(writer); });
        m_threads.emplace_back([this] { read(); });
        m_threads.emplace_back([this] { watch(); });
    }

    // After the writers are through.
    void finish()
    {
        for (unsigned i = 0; i < kWriters; ++i)
            m_threads[i].join();
        m_stopped = true;
        for (std::size_t i = kWriters; i < m_threads.size(); ++i)
            m_threads[i].join();
    }

    // "block stamp", a line each.
    void list(const std::filesystem::path& path) const
    {
        std::ofstream file(path);
        for (std::uint64_t block = 0; block < kOwnBlocks; ++block)
            file << block << ' ' << m_acknowledged[block] << '\n';
    }

    void check(std::span<const std::byte> data) const
    {
        for (std::uint64_t block = 0; block < kOwnBlocks; ++block) {
            const auto stamp = m_acknowledged[block];
            if (stamp != 0)
                EXPECT(std::ranges::equal(data.subspan(block * kBlock, kBlock), stamped(stamp)));
        }
    }

private:
    void write(unsigned writer)
    {
        std::mt19937 random(writer + 1);
        for (std::uint64_t round = 1; round <= kRounds; ++round) {
            const auto stamp = round * 16 + writer + 1;
            const auto own = random() % (kOwnBlocks / kWriters) * kWriters + writer;
            EXPECT(m_array.writeAt(own * kBlock, stamped(stamp)));
            m_acknowledged[own] = stamp;
            // Beside that, where others write as well: some last one has to win everywhere.
            const auto common = kOwnBlocks + random() % (kOwnBlocks / 64);
            EXPECT(m_array.writeAt(common * kBlock, stamped(stamp)));
            if (round % 16 == 0)
                EXPECT(m_array.flush());
        }
    }

    void read()
    {
        std::mt19937 random(99);
        Block block(kBlock);
        do {
            EXPECT(m_array.readAt(random() % kBlocks * kBlock, block));
            EXPECT(std::ranges::equal(block, stamped(stampOf(block))));
        } while (!m_stopped);
    }

    void watch()
    {
        do {
            EXPECT(m_array.maintain());
            EXPECT(m_array.frames().load() != nullptr);
            EXPECT(!m_array.snapshot().report.members.empty());
            std::this_thread::yield();
        } while (!m_stopped);
    }

    Array& m_array;
    std::atomic<std::int64_t> m_seconds = 1;
    std::atomic<bool> m_stopped = false;
    std::vector<std::uint64_t> m_acknowledged; // each by its one writer
    std::vector<std::thread> m_threads;
};

void leaveForTheKernel(MemoryMirror& mirror, const Load& load, const std::filesystem::path& folder)
{
    load.list(folder / "acknowledged");
    for (const std::size_t i : {0U, 1U, 2U}) {
        const auto path = folder / (std::to_string(i) + ".img");
        EXPECT(createNewFile(path.string(), mirror.bytes(i)));
    }
}

void jobsBesideWriters(const std::filesystem::path& folder)
{
    MemoryMirror mirror(shape());
    prepare(mirror);
    const auto array = mirror.running();
    Load load(*array);

    JobControl control;
    const auto resynced = sync(*array, SyncAction::Resync, control);
    EXPECT(resynced && resynced->completed);
    const auto plan = planHotAdd(*array, "blank0");
    EXPECT(plan);
    EXPECT(hotAdd(*array, *plan));
    const auto recovered = sync(*array, SyncAction::Recover, control);
    EXPECT(recovered && recovered->completed);
    EXPECT(removeBitmap(*array));
    const auto bitmap = planBitmapAdd(*array, {.chunkBytes = kChunk});
    EXPECT(bitmap && addBitmap(*array, *bitmap));

    load.finish();
    EXPECT(stop(*array));
    load.check(mirror.data(0));
    for (const std::size_t i : {1U, 2U}) {
        EXPECT(std::ranges::equal(mirror.data(0), mirror.data(i)));
        EXPECT(mirror.setBits(i) == 0);
        EXPECT(!mirror.superblock(i).isDirty());
        EXPECT(mirror.superblock(i).events == mirror.superblock(0).events);
    }
    if (!folder.empty())
        leaveForTheKernel(mirror, load, folder);
}

void aMemberFailsBesideWriters()
{
    auto three = shape();
    three.present = 3;
    MemoryMirror mirror(three);
    const auto array = mirror.running();
    Load load(*array);
    mirror.device(1).vanishAfter(40);
    JobControl control;
    // It ends early or not at all, as the loss comes.
    [[maybe_unused]] const auto ended = sync(*array, SyncAction::Resync, control);
    load.finish();
    EXPECT(stop(*array));
    load.check(mirror.data(0));
    EXPECT(std::ranges::equal(mirror.data(0), mirror.data(2)));
    EXPECT(mirror.superblock(0).devRoles[1] == kRoleFaulty);
    EXPECT(mirror.superblock(2).devRoles[1] == kRoleFaulty);
    EXPECT(mirror.superblock(0).events == mirror.superblock(2).events);
}

// A stop while others still write: each write is either refused or there.
void stopBesideWriters()
{
    MemoryMirror mirror({.component = kComponent, .bitmapChunk = kChunk});
    const auto array = mirror.running();
    std::atomic<std::uint64_t> acknowledged = 0;
    std::thread writer([&] {
        for (std::uint64_t block = 0; block < kBlocks; ++block) {
            if (!array->writeAt(block * kBlock, stamped(block + 1)))
                return;
            acknowledged = block + 1;
        }
    });
    while (acknowledged < 3)
        std::this_thread::yield();
    EXPECT(stop(*array));
    writer.join();
    EXPECT(std::ranges::equal(mirror.data(0), mirror.data(1)));
    for (std::uint64_t block = 0; block < acknowledged; ++block)
        EXPECT(stampOf(mirror.data(1).subspan(block * kBlock)) == block + 1);
    EXPECT(!mirror.bit(0, kBlocks * kBlock / kChunk - 1));
}

} // namespace

int main(int count, char** words)
{
    jobsBesideWriters(count > 1 ? words[1] : "");
    aMemberFailsBesideWriters();
    stopBesideWriters();
}
