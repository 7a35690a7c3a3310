// SPDX-License-Identifier: Apache-2.0
// The wire between whoever started a long job and the job itself. One side asks for pause, cancel
// or a slower pace and looks at the progress; the other side calls keepGoing() between two stripes.
//
// Not QPromise: a suspended QPromise hands its pool thread to the next queued job, and a
// cancelled one drops its result, so a stopped resync could not report how far it came.
#pragma once

#include "engine/base/units.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace bitmend {

// Whoever sees a job's total sees at least what was done when that was set: the time before it was
// spent on nothing that is counted.
struct Progress
{
    Sectors done;
    Sectors total;
};

class JobControl
{
public:
    // From any thread.
    void cancel();
    void pause();
    void resume();
    void limitTo(std::uint64_t bytesPerSecond) { m_bytesPerSecond = bytesPerSecond; }
    Progress progress() const;
    bool isPaused() const { return m_paused; } // true only once the job really rests
    std::uint64_t bytesPerSecond() const { return m_bytesPerSecond; } // of each member; 0: no limit

    // From the job. True when keepGoing() would not return true at once.
    bool isAsked() const { return m_wish.load(std::memory_order_acquire) != Wish::Run; }

    // From the job. Blocks while paused; false means stop here, where the disk is consistent.
    [[nodiscard]] bool keepGoing();
    void setTotal(Sectors total) { m_total.store(total.count, std::memory_order_release); }
    void setDone(Sectors done) { m_done.store(done.count, std::memory_order_relaxed); }

private:
    enum class Wish { Run, Pause, Cancel };
    void wish(Wish wish);

    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::atomic<Wish> m_wish = Wish::Run; // written under m_mutex, read without it
    std::atomic<bool> m_paused = false;
    std::atomic<std::uint64_t> m_bytesPerSecond = 0;
    std::atomic<std::uint64_t> m_done = 0;
    std::atomic<std::uint64_t> m_total = 0;
};

} // namespace bitmend
