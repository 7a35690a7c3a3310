// SPDX-License-Identifier: Apache-2.0
// JobControl between two threads: pause really rests, cancel is final, progress is seen. Without
// Qt, for ThreadSanitizer.
#include "engine/base/job_control.h"
#include "tests/support/expect.h"

#include <thread>

using namespace bitmend;

namespace {

void pause_holdsTheJobUntilResume()
{
    JobControl control;
    std::atomic<std::uint64_t> steps = 0;
    std::jthread job([&] {
        while (control.keepGoing()) {
            steps.fetch_add(1);
            control.setDone({steps.load()});
        }
    });

    control.pause();
    while (!control.isPaused())
        std::this_thread::yield();
    const auto rested = steps.load();
    for (int i = 0; i < 1000; ++i)
        std::this_thread::yield();
    EXPECT(steps.load() == rested);

    control.resume();
    while (steps.load() == rested)
        std::this_thread::yield();
    EXPECT(control.progress().done.count >= rested);
    control.cancel();
}

void cancel_isFinal()
{
    JobControl control;
    control.cancel();
    control.resume();
    EXPECT(!control.keepGoing());
    control.pause();
    EXPECT(!control.keepGoing());
}

void cancel_endsAPausedJob()
{
    JobControl control;
    std::atomic<bool> ended = false;
    control.pause();
    std::jthread job([&] {
        EXPECT(!control.keepGoing());
        ended = true;
    });
    while (!control.isPaused())
        std::this_thread::yield();
    control.cancel();
    job.join();
    EXPECT(ended);
}

void progress_isReadWhileItIsWritten()
{
    JobControl control;
    control.setTotal({100'000});
    std::jthread job([&] {
        for (std::uint64_t i = 0; i <= 100'000; ++i)
            control.setDone({i});
    });
    std::uint64_t last = 0;
    while (last < 100'000) {
        const auto progress = control.progress();
        EXPECT(progress.done.count >= last);
        EXPECT(progress.total.count == 100'000);
        last = progress.done.count;
    }
}

} // namespace

int main()
{
    pause_holdsTheJobUntilResume();
    cancel_isFinal();
    cancel_endsAPausedJob();
    progress_isReadWhileItIsWritten();
}
