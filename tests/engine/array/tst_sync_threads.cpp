// SPDX-License-Identifier: Apache-2.0
// Several workers of a sync, readers of the array and somebody who pauses it, all at once, on
// levels 1, 6 and 10: what is read is always the content, all members agree in the end, and
// ThreadSanitizer has nothing to say.
#include "engine/array/sync.h"
#include "tests/engine/array/memory_array.h"
#include "tests/support/expect.h"

#include <atomic>
#include <random>
#include <thread>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr SyncOptions kWorkers{.workers = 3};

void readAllOver(
    const Array& array, std::span<const std::byte> content, std::atomic<bool>& stop, unsigned seed)
{
    std::mt19937 random(seed);
    std::vector<std::byte> read(20'000);
    do {
        const auto offset = random() % (content.size() - read.size());
        EXPECT(array.readAt(offset, read));
        EXPECT(std::ranges::equal(read, content.subspan(offset, read.size())));
    } while (!stop);
}

void runBesideReaders(Array& array, std::span<const std::byte> content, SyncAction action)
{
    std::atomic<bool> stopped = false;
    std::vector<std::thread> others;
    others.emplace_back([&] { readAllOver(array, content, stopped, 1); });
    others.emplace_back([&] { readAllOver(array, content, stopped, 2); });
    JobControl control;
    others.emplace_back([&control] {
        control.pause();
        std::this_thread::yield();
        control.resume();
    });
    const auto outcome = sync(array, action, control, kWorkers);
    EXPECT(outcome && outcome->completed);
    stopped = true;
    for (auto& other : others)
        other.join();
}

void expectAgreement(MemoryArray& memory, const std::vector<int>& missing)
{
    const auto array = memory.running(WriteMode::ReadOnly, missing);
    JobControl control;
    const auto checked = sync(*array, SyncAction::Check, control, kWorkers);
    EXPECT(checked && checked->mismatch.count == 0);
}

// Copies that are not read and parity are noise: reads go on beside their repair.
void resync(ArrayShape shape)
{
    shape.resyncOffset = {};
    shape.bitmapChunk = 65'536;
    MemoryArray memory(shape);
    const auto content = memory.fill(1);
    for (std::uint32_t i = 0; i < shape.raidDisks; ++i)
        std::ranges::fill(std::span(memory.bytes(i)).subspan(16 * 512 + 256, 24), std::byte{0xff});
    if (shape.level == 1)
        fillPattern(memory.data(1), 5);
    {
        const auto array = memory.running(WriteMode::Overlay);
        runBesideReaders(*array, content, SyncAction::Resync);
        runBesideReaders(*array, content, SyncAction::Repair);
        EXPECT(stop(*array));
    }
    expectAgreement(memory, {});
}

// Of the last role: on this level 6 the member that holds Q.
void recover(ArrayShape shape)
{
    const int lost = int(shape.raidDisks) - 1;
    shape.spares = 1;
    MemoryArray memory(shape);
    const auto content = memory.fill(1);
    {
        const auto array = memory.running(WriteMode::Overlay, {lost});
        runBesideReaders(*array, content, SyncAction::Recover);
        EXPECT(stop(*array));
    }
    expectAgreement(memory, {lost});
}

} // namespace

int main()
{
    const Sectors component{16'384};
    const std::vector<ArrayShape> shapes{
        {.level = 1, .layout = 0, .raidDisks = 2, .component = component},
        {.level = 6, .layout = 5, .raidDisks = 5, .chunk = Sectors{64}, .component = component},
        {.level = 10,
            .layout = 0x102,
            .raidDisks = 3,
            .chunk = Sectors{64},
            .component = component},
    };
    for (const auto& shape : shapes) {
        resync(shape);
        recover(shape);
    }
    return 0;
}
