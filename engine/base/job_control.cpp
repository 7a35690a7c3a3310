// SPDX-License-Identifier: Apache-2.0
#include "engine/base/job_control.h"

namespace bitmend {

void JobControl::cancel() { wish(Wish::Cancel); }

void JobControl::pause() { wish(Wish::Pause); }

void JobControl::resume() { wish(Wish::Run); }

Progress JobControl::progress() const
{
    const Sectors total{m_total.load(std::memory_order_acquire)};
    return {{m_done.load(std::memory_order_relaxed)}, total};
}

bool JobControl::keepGoing()
{
    if (m_wish.load(std::memory_order_acquire) == Wish::Run) [[likely]]
        return true;

    std::unique_lock lock(m_mutex);
    m_paused = m_wish == Wish::Pause;
    m_changed.wait(lock, [this] { return m_wish != Wish::Pause; });
    m_paused = false;
    return m_wish == Wish::Run;
}

void JobControl::wish(Wish wish)
{
    {
        const std::lock_guard lock(m_mutex);
        if (m_wish == Wish::Cancel) // final: a late resume() must not revive the job
            return;
        m_wish.store(wish, std::memory_order_release);
    }
    m_changed.notify_all();
}

} // namespace bitmend
