// SPDX-License-Identifier: Apache-2.0
// Writers, readers and upkeep at once on level 0 and level 10, one member of it failing in the
// middle: no acknowledged write is lost, nobody reads half a block, the copies are equal at the
// end, and ThreadSanitizer has nothing to say. Readers of degraded parity beside them.
#include "tests/engine/array/memory_array.h"
#include "tests/support/expect.h"

#include <atomic>
#include <cstring>
#include <random>
#include <thread>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kBlock = 4096;
constexpr unsigned kWriters = 3;
constexpr unsigned kRounds = 150;

using Block = std::vector<std::byte>;

// A block of one number, so that a torn one can be told.
Block stamped(std::uint64_t stamp)
{
    Block block(kBlock);
    for (std::size_t at = 0; at < kBlock; at += sizeof stamp)
        std::memcpy(&block[at], &stamp, sizeof stamp);
    return block;
}

// 0: not of one number.
std::uint64_t stampOf(std::span<const std::byte> block)
{
    std::uint64_t stamp = 0;
    std::memcpy(&stamp, block.data(), sizeof stamp);
    return std::ranges::equal(block, stamped(stamp)) ? stamp : 0;
}

ArrayShape shapeOf(int level, std::uint32_t layout, std::uint32_t bitmapChunk)
{
    return {
        .level = level, .layout = layout, .component = Sectors{1024}, .bitmapChunk = bitmapChunk};
}

// Each writer has blocks of its own; a read may meet one in the middle of it, of an old number or a
// new one, for a block is one write to a member.
void run(const ArrayShape& shape, bool failing)
{
    MemoryArray members(shape);
    const auto blocks = members.arraySize().bytes() / kBlock;
    Block content;
    for (std::uint64_t i = 0; i < blocks; ++i) {
        const auto block = stamped(1);
        content.insert(content.end(), block.begin(), block.end());
    }
    members.lay(content);
    const auto array = members.running(WriteMode::Overlay);
    std::atomic<int> seconds = 0;
    array->state().clock = [&seconds] {
        return ArrayState::Clock::time_point(std::chrono::seconds(++seconds));
    };

    std::vector<std::uint64_t> last(blocks, 1);
    std::atomic<bool> isOver = false;
    std::vector<std::thread> writers;
    for (unsigned writer = 0; writer < kWriters; ++writer) {
        writers.emplace_back([&, writer] {
            std::mt19937_64 random(writer);
            for (unsigned round = 0; round < kRounds; ++round) {
                const auto block = random() % (blocks / kWriters) * kWriters + writer;
                const auto stamp = 10 + std::uint64_t(round) * kWriters + writer;
                EXPECT(array->writeAt(block * kBlock, stamped(stamp)));
                last[block] = stamp;
                if (failing && writer == 0 && round == kRounds / 2)
                    members.device(1).vanishAfter(2);
            }
        });
    }
    std::vector<std::thread> others;
    for (unsigned reader = 0; reader < 2; ++reader) {
        others.emplace_back([&, reader] {
            std::mt19937_64 random(100 + reader);
            while (!isOver) {
                Block block(kBlock);
                EXPECT(array->readAt(random() % blocks * kBlock, block));
            }
        });
    }
    others.emplace_back([&] {
        while (!isOver) {
            EXPECT(array->maintain());
            EXPECT(!array->snapshot().stopped);
        }
    });
    for (auto& writer : writers)
        writer.join();
    isOver = true;
    for (auto& other : others)
        other.join();

    EXPECT(!failing || array->state().member("m1")->isFaulty());
    for (std::uint64_t block = 0; block < blocks; ++block) {
        Block found(kBlock);
        EXPECT(array->readAt(block * kBlock, found));
        EXPECT(stampOf(found) == last[block]);
        std::ranges::copy(found, content.begin() + std::ptrdiff_t(block * kBlock));
    }
    EXPECT(stop(*array));
    MemoryArray expected(shape);
    expected.lay(content);
    for (std::size_t i = 0; i < members.devices(); ++i)
        EXPECT((failing && i == 1) || std::ranges::equal(members.data(i), expected.data(i)));
}

void readDegradedParity()
{
    MemoryArray members({.level = 6, .raidDisks = 5});
    const auto content = members.fill(3);
    members.device(4).failReads(
        MemoryArray::kData.bytes() + 4096, MemoryArray::kData.bytes() + 5000, EIO);
    const auto array = members.running(WriteMode::Overlay, {1});
    std::vector<std::thread> readers;
    for (unsigned reader = 0; reader < 4; ++reader) {
        readers.emplace_back([&, reader] {
            std::mt19937_64 random(reader);
            for (int i = 0; i < 60; ++i) {
                const auto offset = random() % content.size();
                Block found(random() % std::min<std::size_t>(content.size() - offset, 100'000));
                EXPECT(array->readAt(offset, found));
                EXPECT(std::ranges::equal(found, std::span(content).subspan(offset, found.size())));
            }
        });
    }
    for (auto& reader : readers)
        reader.join();
}

} // namespace

int main()
{
    run(shapeOf(0, 1, 0), false);
    run(shapeOf(10, 0x102, 16'384), false);
    run(shapeOf(10, 0x102, 16'384), true);
    run(shapeOf(10, 0x201, 0), true);
    readDegradedParity();
    return 0;
}
