// SPDX-License-Identifier: Apache-2.0
// Readers beside one writer of an overlay: each read shows whole writes of one sector, and nothing
// goes back in time. Plain, for ThreadSanitizer.
#include "engine/io/overlay.h"
#include "engine/io/overlay_log.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/memory_device.h"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kSectors = 64;
constexpr int kRounds = 200;
constexpr int kReaders = 3;

// -1 when the sector is a mixture, or cannot be read.
int versionOf(const BlockSource& overlay, std::uint64_t sector)
{
    const auto bytes = bytesAt(overlay, sector * kSectorBytes, kSectorBytes);
    const bool isWhole = !bytes.empty() && std::ranges::all_of(bytes, [&](std::byte byte) {
        return byte == bytes.front();
    });
    return isWhole ? int(bytes.front()) : -1;
}

void readUntilDone(const BlockSource& overlay, const std::atomic<bool>& isDone)
{
    std::vector<int> newest(kSectors, 0);
    for (bool last = false; !last;) {
        last = isDone;
        for (std::uint64_t sector = 0; sector < kSectors; ++sector) {
            const int version = versionOf(overlay, sector);
            EXPECT(version >= newest[sector]);
            newest[sector] = version;
        }
    }
    EXPECT(newest.front() == kRounds && newest.back() == kRounds);
}

} // namespace

int main()
{
    const std::uint64_t size = kSectors * kSectorBytes;
    const auto overlay =
        openOverlayOn(std::make_shared<MemoryDevice>(size), std::make_shared<MemoryDevice>(size),
            std::make_shared<MemoryDevice>(overlayLogBytes(size)));
    EXPECT(overlay.has_value());
    std::atomic<bool> isDone = false;
    {
        std::vector<std::jthread> readers;
        readers.reserve(kReaders);
        for (int reader = 0; reader < kReaders; ++reader)
            readers.emplace_back([&] { readUntilDone(**overlay, isDone); });
        for (int round = 1; round <= kRounds; ++round) {
            for (std::uint64_t sector = 0; sector < kSectors; sector += 8) {
                const auto bytes = filled(8 * kSectorBytes, round);
                EXPECT((*overlay)->writeAt(sector * kSectorBytes, bytes).has_value());
            }
            EXPECT((*overlay)->flush().has_value());
        }
        isDone = true;
    }
    return 0;
}
