// SPDX-License-Identifier: Apache-2.0
// Writers, readers and upkeep at once on levels 0, 5, 6 and 10, one member of it failing in the
// middle, a resync, or one being rebuilt or replaced meanwhile, or failing while it is replaced: no
// acknowledged write is lost, nobody reads half a block, copies are equal and parity is right at
// the end, and ThreadSanitizer has nothing to say. Readers of degraded parity beside them. Given a
// folder, it leaves there the members and the content of what is complete at the end, for the
// kernel to look at.
#include "engine/array/hot_add.h"
#include "engine/array/sync.h"
#include "engine/base/job_control.h"
#include "tests/engine/array/array_damage.h"
#include "tests/support/expect.h"

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
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

enum class Event : std::uint8_t { Nothing, Failure, Resync, Recovery, Replacement, ReplacedFails };

std::filesystem::path folder; // empty: nothing is left

void leave(const std::filesystem::path& file, std::span<const std::byte> bytes)
{
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
}

void leaveAll(MemoryArray& members, std::uint32_t count, const Block& content)
{
    static int number = 0;
    const auto own = folder / std::to_string(number++);
    std::filesystem::create_directories(own);
    for (std::uint32_t i = 0; i < count; ++i)
        leave(own / (std::to_string(i) + ".img"), members.bytes(i));
    leave(own / "content", content);
}

void beginReplacing(Array& array)
{
    const auto plan = planReplace(array, "blank0", "m1");
    EXPECT(plan && hotAdd(array, *plan));
}

// Each writer has blocks of its own; a read may meet one in the middle of it, of an old number or a
// new one, for a block is one write to a member.
void run(ArrayShape shape, Event event)
{
    const bool replaces = event == Event::Replacement || event == Event::ReplacedFails;
    const bool failing = event == Event::Failure || event == Event::ReplacedFails;
    shape.blanks = replaces ? 1 : 0;
    if (event == Event::Resync)
        shape.resyncOffset = {};
    MemoryArray members(shape);
    const auto blocks = members.arraySize().bytes() / kBlock;
    Block content;
    for (std::uint64_t i = 0; i < blocks; ++i) {
        const auto block = stamped(1);
        content.insert(content.end(), block.begin(), block.end());
    }
    members.lay(content);
    if (event == Event::Recovery)
        interruptRecovery(members, 2, Sectors{96});
    const auto array = members.running(WriteMode::Overlay);
    std::atomic<int> seconds = 0;
    array->state().clock = [&seconds] {
        return ArrayState::Clock::time_point(std::chrono::seconds(++seconds));
    };

    if (event == Event::ReplacedFails)
        beginReplacing(*array); // before it can be too late

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
                EXPECT(shape.level < 4 || shape.level > 6 || stampOf(block) != 0);
            }
        });
    }
    others.emplace_back([&] {
        while (!isOver) {
            EXPECT(array->maintain());
            EXPECT(!array->snapshot().stopped);
        }
    });
    if (event == Event::Replacement)
        beginReplacing(*array);
    if (replaces || event == Event::Recovery || event == Event::Resync) {
        JobControl control;
        const auto action = event == Event::Resync ? SyncAction::Resync : SyncAction::Recover;
        const auto done = sync(*array, action, control);
        EXPECT(done && done->completed);
    }
    for (auto& writer : writers)
        writer.join();
    isOver = true;
    for (auto& other : others)
        other.join();

    EXPECT((!failing && !replaces) || array->state().member("m1")->isFaulty());
    for (std::uint64_t block = 0; block < blocks; ++block) {
        Block found(kBlock);
        EXPECT(array->readAt(block * kBlock, found));
        EXPECT(stampOf(found) == last[block]);
        std::ranges::copy(found, content.begin() + std::ptrdiff_t(block * kBlock));
    }
    EXPECT(stop(*array));
    MemoryArray expected(shape);
    expected.lay(content);
    if (replaces)
        members.bytes(1) = members.bytes(members.devices() - 1); // stands in its place now
    for (std::size_t i = 0; i < shape.raidDisks; ++i) {
        EXPECT((event == Event::Failure && i == 1) ||
               std::ranges::equal(members.data(i), expected.data(i)));
    }
    if (!folder.empty() && event != Event::Failure)
        leaveAll(members, shape.raidDisks, content);
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

int main(int count, char** words)
{
    if (count > 1)
        folder = words[1];
    run(shapeOf(0, 1, 0), Event::Nothing);
    run(shapeOf(10, 0x102, 16'384), Event::Nothing);
    run(shapeOf(10, 0x102, 16'384), Event::Failure);
    run(shapeOf(10, 0x201, 0), Event::Failure);
    for (const int level : {5, 6}) {
        run(shapeOf(level, 2, 16'384), Event::Failure);
        run(shapeOf(level, 2, 0), Event::Resync);
        run(shapeOf(level, 2, 16'384), Event::Recovery);
        run(shapeOf(level, 2, 16'384), Event::Replacement);
        run(shapeOf(level, 2, 16'384), Event::ReplacedFails);
    }
    run(shapeOf(10, 0x102, 0), Event::Resync);
    run(shapeOf(10, 0x102, 16'384), Event::Replacement);
    run(shapeOf(10, 0x201, 0), Event::ReplacedFails);
    readDegradedParity();
    return 0;
}
