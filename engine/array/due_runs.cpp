// SPDX-License-Identifier: Apache-2.0
#include "engine/array/due_runs.h"

#include "engine/array/sync_window.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr Sectors kWindow{SyncWindow::kBytes / kSectorBytes};

} // namespace

SectorRange DueRuns::cut(Sectors end)
{
    const SectorRange window{m_at, std::min(m_at + kWindow, end)};
    m_at = window.end;
    return window;
}

SectorRange DueRuns::nextOfAll() { return cut(m_end); }

SectorRange DueRuns::nextNeeded()
{
    if (m_at >= m_end)
        return {};
    if (m_at >= m_runEnd) {
        const auto guard = m_state.lock();
        const auto& live = m_state.bitmap;
        if (!live)
            return {};
        const auto& bitmap = *live;
        const auto chunk = bitmap.chunk().count;
        const auto limit = std::max<std::uint64_t>(kWindow.count / chunk, 1);
        const auto run = bitmap.sectors(bitmap.nextNeeded(m_at.count / chunk, limit));
        if (run.empty())
            return {};
        m_at = run.begin;
        m_runEnd = run.end;
    }
    return cut(m_runEnd);
}

} // namespace bitmend
