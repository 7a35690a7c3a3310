// SPDX-License-Identifier: Apache-2.0
// Small writes that follow one another reach the device as whole stripes; whoever reads sees them
// at once, a flush is one, and what could not be written is neither lost nor kept quiet.
#include "engine/io/faulty_device.h"
#include "engine/io/merged_writes.h"
#include "engine/io/slice.h"
#include "tests/support/expect.h"
#include "tests/support/memory_device.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <random>
#include <thread>
#include <vector>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kSize = std::uint64_t{16} << 20U;
constexpr std::size_t kBlock = 4096;
constexpr std::uint64_t kStripe = 3 * 65'536;
constexpr std::uint64_t kWindow = 6 * kStripe; // the least multiple from a mebibyte on

using Bytes = std::vector<std::byte>;

struct Scene
{
    std::shared_ptr<MemoryDevice> memory = std::make_shared<MemoryDevice>(kSize);
    std::shared_ptr<IoJournal> journal = std::make_shared<IoJournal>();
    std::shared_ptr<FaultyDevice> device = std::make_shared<FaultyDevice>(memory, journal);
    std::shared_ptr<MergedWrites> merged = std::make_shared<MergedWrites>(device, kStripe);

    void write(std::uint64_t offset, std::size_t length, int what)
    {
        EXPECT(merged->writeAt(offset, Bytes(length, std::byte(what))));
    }
    std::byte read(std::uint64_t offset) const
    {
        Bytes byte(1);
        EXPECT(merged->readAt(offset, byte));
        return byte[0];
    }
};

// All but the first, from which nobody can tell that more follow, and what a slow machine lets
// grow old.
void whatFollowsItselfArrivesAsWholeStripes()
{
    Scene scene;
    constexpr std::uint64_t kWritten = 8 * kWindow;
    for (std::uint64_t at = 0; at < kWritten; at += kBlock)
        scene.write(at, kBlock, int(at / kBlock));
    EXPECT(scene.merged->flush());
    std::uint64_t inWholeStripes = 0;
    for (const auto& entry : scene.journal->entries()) {
        if (entry.bytes.size() % kStripe == 0 && entry.offset % kStripe == 0)
            inWholeStripes += entry.bytes.size();
    }
    EXPECT(scene.device->counts().writes < kWritten / kBlock / 20);
    EXPECT(inWholeStripes >= kWritten / 2);
    for (std::uint64_t at = 0; at < kWritten; at += kBlock)
        EXPECT(scene.memory->bytes()[at] == std::byte(at / kBlock));
}

// The same in pieces that have nothing to do with stripes, and larger than a window.
void piecesOfAnySizeArriveWhereTheyBelong()
{
    Scene scene;
    std::mt19937_64 random(3);
    Bytes expected(kSize);
    for (std::uint64_t at = 0; at < kSize;) {
        const bool isLarge = random() % 20 == 0;
        const auto length =
            std::min<std::uint64_t>(kSize - at, random() % (isLarge ? 3 * kWindow : 20'000) + 1);
        const Bytes bytes(length, std::byte(random()));
        EXPECT(scene.merged->writeAt(at, bytes));
        std::ranges::copy(bytes, expected.begin() + std::ptrdiff_t(at));
        at += length;
    }
    EXPECT(scene.merged->flush() && scene.memory->bytes() == expected);
}

void otherWritesGoStraightThrough()
{
    Scene scene;
    std::mt19937_64 random(1);
    for (unsigned i = 1; i <= 100; ++i) {
        scene.write(random() % 1000 * 2 * kBlock + (i % 2) * (kSize / 2), kBlock, int(i));
        EXPECT(scene.device->counts().writes == i);
    }
}

void whoReadsSeesItAtOnce()
{
    Scene scene;
    scene.write(0, 100, 1);
    scene.write(100, 100, 2);
    const auto part = slice(scene.merged, 150, 10, "part");
    Bytes bytes(10);
    EXPECT(part->readAt(0, bytes) && bytes == Bytes(10, std::byte{2}));
    scene.write(200, 100, 3);
    scene.write(150, 100, 4); // over what was gathered
    EXPECT(scene.read(149) == std::byte{2} && scene.read(249) == std::byte{4});
    EXPECT(scene.read(250) == std::byte{3});
}

void nothingIsHeldBackForLong()
{
    Scene scene;
    scene.write(0, 100, 1);
    scene.write(100, 100, 2);
    while (scene.device->counts().writes != 2)
        std::this_thread::yield();
}

void whatCannotBeWrittenIsKeptAndTold()
{
    Scene scene;
    scene.device->failWrites(kBlock, 2 * kBlock, ENOSPC);
    scene.write(0, kBlock, 1);
    scene.write(kBlock, kBlock, 2);
    for (int i = 0; i < 2; ++i) {
        const auto flushed = scene.merged->flush();
        EXPECT(!flushed && flushed.error().code == ErrorCode::NoSpace);
    }
    Bytes bytes(1);
    EXPECT(!scene.merged->readAt(kBlock, bytes) && scene.merged->readAt(0, bytes));
    scene.write(kSize / 2, kBlock, 3); // elsewhere it goes on, also one after the other
    scene.write(kSize / 2 + kBlock, kBlock, 4);
    EXPECT(scene.memory->bytes()[kSize / 2 + kBlock] == std::byte{4});
    scene.device->heal();
    EXPECT(scene.merged->flush() && scene.read(kBlock) == std::byte{2});
    scene.write(kSize / 2 + 2 * kBlock, kBlock, 5);
    scene.merged.reset();
    EXPECT(scene.memory->bytes()[kSize / 2 + 2 * kBlock] == std::byte{5});
}

// As a disk: each has a part to itself, and finds there what it wrote.
void threadsWriteSideBySide()
{
    Scene scene;
    std::vector<std::jthread> threads;
    for (unsigned number = 0; number < 4; ++number) {
        threads.emplace_back([&scene, number] {
            std::mt19937_64 random(number);
            const auto begin = number * (kSize / 4);
            Bytes expected(kSize / 4);
            for (int round = 0; round < 300; ++round) {
                auto at = random() % (kSize / 4 - 10 * kBlock);
                for (auto left = random() % 8; left != 0; --left) {
                    const Bytes bytes(random() % kBlock + 1, std::byte(random()));
                    EXPECT(scene.merged->writeAt(begin + at, bytes));
                    std::ranges::copy(bytes, expected.begin() + std::ptrdiff_t(at));
                    at += bytes.size();
                }
                Bytes found(kBlock);
                const auto place = random() % (kSize / 4 - kBlock);
                EXPECT(scene.merged->readAt(begin + place, found));
                EXPECT(std::ranges::equal(
                    found, std::span(expected).subspan(std::size_t(place), kBlock)));
                EXPECT(round % 50 != 0 || scene.merged->flush());
            }
        });
    }
}

} // namespace

int main()
{
    whatFollowsItselfArrivesAsWholeStripes();
    piecesOfAnySizeArriveWhereTheyBelong();
    otherWritesGoStraightThrough();
    whoReadsSeesItAtOnce();
    nothingIsHeldBackForLong();
    whatCannotBeWrittenIsKeptAndTold();
    threadsWriteSideBySide();
}
