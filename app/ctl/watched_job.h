// SPDX-License-Identifier: Apache-2.0
// A long job seen from a terminal: a progress line on standard error while it runs, and Ctrl-C,
// which asks the job to stop at a point it can go on from. A second Ctrl-C ends at once.
#pragma once

#include "engine/base/job_control.h"
#include "engine/base/rate.h"

#include <signal.h>

#include <atomic>
#include <string>
#include <thread>

namespace bitmend::ctl {

// What asks a job to stop.
sigset_t interrupts();

// In main, before any thread exists.
void blockInterrupts();

class WatchedJob
{
public:
    // Of each member, so much a second; 0: as fast as it goes.
    explicit WatchedJob(std::string title, std::uint64_t bytesPerSecond = 0);
    ~WatchedJob();
    WatchedJob(const WatchedJob&) = delete;
    WatchedJob& operator=(const WatchedJob&) = delete;

    JobControl& control() { return m_control; }
    bool wasInterrupted() const { return m_interrupted; }

private:
    void watch(const std::stop_token& stop);

    std::string m_title;
    JobControl m_control;
    std::atomic<bool> m_interrupted = false;
    int m_wake; // an eventfd, so that the end of a short job need not wait for the watcher
    std::jthread m_watcher;
};

// "Resync web:data  [######....]  48 %  312 MiB/s  about 4 min", the last two once they can be
// told.
std::string progressLine(const std::string& title, Progress progress, const Rate& rate);

} // namespace bitmend::ctl
