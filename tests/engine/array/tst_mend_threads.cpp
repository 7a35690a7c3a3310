// SPDX-License-Identifier: Apache-2.0
// Readers, a window that takes snapshots and frames, and the job that writes, all at once: what is
// read is always the array's content, a frame never changes, and ThreadSanitizer has nothing to
// say.
#include "engine/array/hot_add.h"
#include "engine/array/sync.h"
#include "tests/engine/array/memory_mirror.h"
#include "tests/support/expect.h"

#include <atomic>
#include <random>
#include <thread>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kDirtyChunk = 16'384;

void prepare(MemoryMirror& mirror)
{
    for (const std::size_t i : {0U, 1U})
        fillPattern(mirror.data(i), 1);
    for (std::uint64_t chunk = 0; chunk < 512; chunk += 5) {
        mirror.setBit(chunk);
        fillPattern(mirror.data(1).subspan(chunk * kDirtyChunk, kDirtyChunk), 100 + chunk);
    }
}

void readAllOver(
    const Array& array, std::span<const std::byte> content, std::atomic<bool>& stop, unsigned seed)
{
    std::mt19937 random(seed);
    std::vector<std::byte> read(65'536);
    do {
        const auto offset = random() % (content.size() - read.size());
        EXPECT(array.readAt(offset, read));
        EXPECT(std::ranges::equal(read, content.subspan(offset, read.size())));
    } while (!stop);
}

// As the window does: the picture it holds stays what it was while newer ones come.
void watch(const Array& array, std::atomic<bool>& stop)
{
    std::uint64_t seen = 0;
    do {
        const auto frame = array.frames().load();
        EXPECT(frame != nullptr);
        EXPECT(frame->sequence >= seen);
        seen = frame->sequence;
        std::uint64_t set = 0;
        for (const auto& state : frame->states)
            set += state.size() == 0 ? 0 : state.count(0, frame->chunks - 1);
        EXPECT(set <= frame->chunks);
        const auto snapshot = array.snapshot();
        EXPECT(!snapshot.report.members.empty());
        std::this_thread::yield();
    } while (!stop);
}

} // namespace

int main()
{
    MemoryMirror mirror(
        {.raidDisks = 3, .present = 2, .component = Sectors{16'384}, .bitmapChunk = kDirtyChunk});
    prepare(mirror);
    const std::vector<std::byte> content(mirror.data(0).begin(), mirror.data(0).end());
    const auto array = mirror.running();

    std::atomic<bool> stopped = false;
    std::vector<std::thread> others;
    others.emplace_back([&] { readAllOver(*array, content, stopped, 1); });
    others.emplace_back([&] { readAllOver(*array, content, stopped, 2); });
    others.emplace_back([&] { watch(*array, stopped); });

    JobControl control;
    std::thread steering([&control] {
        control.pause();
        std::this_thread::yield();
        control.resume();
    });
    const auto resynced = sync(*array, SyncAction::Resync, control);
    steering.join();
    EXPECT(resynced && resynced->completed);
    const auto plan = planHotAdd(*array, "blank0");
    EXPECT(plan);
    EXPECT(hotAdd(*array, *plan));
    const auto recovered = sync(*array, SyncAction::Recover, control);
    EXPECT(recovered && recovered->completed);
    EXPECT(stop(*array));

    stopped = true;
    for (auto& other : others)
        other.join();
    for (const std::size_t i : {1U, 2U})
        EXPECT(std::ranges::equal(mirror.data(i), content));
    return 0;
}
