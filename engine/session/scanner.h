// SPDX-License-Identifier: Apache-2.0
// Looks at sources on a few threads and leaves what it found in a mailbox. First the quick look at
// everything, then the deep one; the quick look at a source that is opened later goes before the
// deep looks still waiting.
#pragma once

#include "engine/session/mailbox.h"
#include "engine/session/source_list.h"

#include <QThreadPool>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bitmend {

struct ScanDelivery
{
    std::string path;
    ScanDepth depth{};
    std::filesystem::path overlay;
    SourceReport report;
};

struct ScanProgress
{
    std::size_t done = 0; // looks finished, of those asked for since nothing was running
    std::size_t total = 0;
    double fraction = 0; // counts the bytes of looks that are under way
    ScanDepth depth = ScanDepth::Quick;
    bool paused = false;
};

// All functions from one thread.
class Scanner
{
public:
    Scanner();
    ~Scanner(); // cancels and waits

    // Both list without blocking the caller: a folder on a slow network, a sleeping disk.
    void listPaths(std::vector<std::string> paths);
    void listDisks();
    void look(const ScannedSource& source, ScanDepth depth);

    // Runs on the same threads; for looks whose result goes elsewhere.
    QThreadPool& pool() { return m_pool; }

    std::vector<ScannedSource> takeListed() { return m_listed.takeAll(); }
    std::vector<ScanDelivery> takeDelivered();

    bool isBusy() const { return m_busy.load(std::memory_order_acquire) > 0; }
    ScanProgress progress() const;
    void cancel();
    void pause();
    void resume();

private:
    void run(int priority, std::function<void()> task);

    Mailbox<ScannedSource> m_listed;
    Mailbox<ScanDelivery> m_delivered;
    std::atomic<int> m_busy = 0; // falls only after the result is in its mailbox
    std::vector<std::shared_ptr<JobControl>> m_controls; // of looks not delivered yet
    std::size_t m_done = 0;
    std::size_t m_total = 0;
    ScanDepth m_depth = ScanDepth::Quick;
    bool m_paused = false;
    QThreadPool m_pool; // last: it waits for its threads before the mailboxes go
};

} // namespace bitmend
