// SPDX-License-Identifier: Apache-2.0
// FrameBox between a writer and readers: never a torn or an older frame. Without Qt, for
// ThreadSanitizer.
#include "engine/base/frame_box.h"
#include "tests/support/expect.h"

#include <thread>
#include <vector>

using namespace bitmend;

namespace {

struct Frame
{
    int sequence = 0;
    std::vector<int> cells;
};

} // namespace

int main()
{
    FrameBox<Frame> box;
    EXPECT(box.load() == nullptr);

    constexpr int kFrames = 20'000;
    std::jthread writer([&box] {
        for (int i = 1; i <= kFrames; ++i)
            box.store(std::make_shared<Frame>(Frame{i, std::vector<int>(16, i)}));
    });

    std::vector<std::jthread> readers;
    for (int reader = 0; reader < 3; ++reader) {
        readers.emplace_back([&box] {
            int last = 0;
            while (last < kFrames) {
                const auto frame = box.load();
                if (!frame)
                    continue;
                EXPECT(frame->sequence >= last);
                for (const int cell : frame->cells)
                    EXPECT(cell == frame->sequence);
                last = frame->sequence;
            }
        });
    }
}
