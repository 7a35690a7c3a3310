// SPDX-License-Identifier: Apache-2.0
#include "engine/array/sync_workers.h"

#include "engine/base/pace.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace bitmend {

namespace {

using Clock = Pace::Clock;

class Workers
{
public:
    Workers(SyncPass& pass, JobControl& control) : m_pass(pass), m_control(control) {}

    void work(SyncWindow& window);
    Result<bool> finish();

private:
    struct Task
    {
        SectorRange range;
        std::optional<Result<WindowOutcome>> result; // none: under way
    };

    Task* take();
    void give(Task& task, Result<WindowOutcome> result);
    void wait(std::unique_lock<std::mutex>& lock);
    bool mayGoOn(std::unique_lock<std::mutex>& lock);
    void settleFinished();
    void record(SyncPass::Occasion occasion);
    Sectors reached() const { return m_tasks.empty() ? m_settled : m_tasks.front().range.begin; }

    SyncPass& m_pass;
    JobControl& m_control;

    std::mutex m_mutex; // guards what follows and the pass; taken before the array's lock
    std::condition_variable m_idle;
    std::deque<Task> m_tasks; // handed out and not settled; in order, and a task never moves
    std::size_t m_underWay = 0;
    Sectors m_settled;
    Pace m_pace;
    bool m_isStopped = false;
    std::optional<Error> m_error; // of recording; a window's own is in its task
};

void Workers::work(SyncWindow& window)
{
    while (auto* task = take())
        give(*task, window.work(task->range));
}

Workers::Task* Workers::take()
{
    std::unique_lock lock(m_mutex);
    wait(lock);
    if (!mayGoOn(lock))
        return nullptr;
    const auto range = m_pass.next();
    if (range.empty())
        return nullptr;
    m_pace.take(range.length().bytes(), m_control.bytesPerSecond(), Clock::now());
    ++m_underWay;
    return &m_tasks.emplace_back(Task{range, {}});
}

void Workers::wait(std::unique_lock<std::mutex>& lock)
{
    // Whoever pauses or cancels the job, or changes its limit, does not wake anybody here.
    constexpr std::chrono::milliseconds kLook{50};
    while (!m_isStopped && !m_control.isAsked()) {
        const auto left = m_pace.notBefore(m_control.bytesPerSecond()) - Clock::now();
        if (left <= Clock::duration::zero())
            return;
        m_idle.wait_for(lock, std::min<Clock::duration>(left, kLook));
    }
}

// Rests while the job is paused. It does so when nothing is under way any more and what was done is
// recorded: whoever leaves it paused over night loses nothing when the machine goes down.
bool Workers::mayGoOn(std::unique_lock<std::mutex>& lock)
{
    while (!m_isStopped && m_control.isAsked()) {
        if (m_underWay != 0) {
            m_idle.wait(lock);
            continue;
        }
        record(SyncPass::Occasion::Stopped);
        if (!m_control.keepGoing())
            m_isStopped = true;
    }
    return !m_isStopped;
}

void Workers::give(Task& task, Result<WindowOutcome> result)
{
    const std::lock_guard lock(m_mutex);
    --m_underWay;
    m_isStopped |= !result;
    task.result = std::move(result);
    settleFinished();
    if (!m_isStopped)
        record(SyncPass::Occasion::OnTheWay);
    m_idle.notify_all();
}

void Workers::settleFinished()
{
    while (!m_tasks.empty()) {
        auto& first = m_tasks.front();
        if (!first.result || !*first.result)
            return;
        m_pass.settle(first.range, **first.result);
        m_settled = first.range.end;
        m_tasks.pop_front();
    }
}

void Workers::record(SyncPass::Occasion occasion)
{
    const auto recorded = m_pass.record(reached(), occasion);
    if (recorded)
        return;
    m_isStopped = true;
    if (!m_error)
        m_error = recorded.error();
}

Result<bool> Workers::finish()
{
    if (!m_isStopped)
        return true;
    // What lies behind a window that failed may be done as well. It is done again next time.
    if (!m_error)
        record(SyncPass::Occasion::Stopped);
    if (!m_tasks.empty()) {
        const auto& first = m_tasks.front().result;
        if (first && !*first)
            return std::unexpected(first->error());
    }
    if (m_error)
        return std::unexpected(*m_error);
    return false;
}

} // namespace

Result<bool> runPass(
    SyncPass& pass, const MakeWindow& makeWindow, const SyncOptions& options, JobControl& control)
{
    Workers all(pass, control);
    {
        std::vector<std::jthread> others;
        for (unsigned i = 1; i < options.workers; ++i) {
            others.emplace_back([&all, window = makeWindow()] { all.work(*window); });
        }
        all.work(*makeWindow());
    }
    return all.finish();
}

} // namespace bitmend
