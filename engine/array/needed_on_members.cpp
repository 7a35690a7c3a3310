// SPDX-License-Identifier: Apache-2.0
#include "engine/array/needed_on_members.h"

#include "engine/array/sync_window.h"
#include "engine/base/assert.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr Sectors kWindow{SyncWindow::kBytes / kSectorBytes};

// Offset copies lie in the next row, in one part with the others.
std::uint64_t sectionsOf(const Geometry& geometry)
{
    const bool isOffset = (geometry.layout & 0x10000) != 0;
    return isOffset ? 1 : std::max<std::uint64_t>(geometry.layout >> 8 & 0xff, 1);
}

} // namespace

NeededOnMembers::NeededOnMembers(const ArrayState& state)
    : m_state(state)
    , m_sections(sectionsOf(state.geometry))
{
}

// What lies further on in the array lies further on in each section.
SectorRange NeededOnMembers::onMembers(SectorRange arraySectors) const
{
    const auto chunk = m_state.geometry.chunk.count;
    const auto rowsOf = [&](Sectors sector) {
        SectorRange rows{m_state.componentSize, {}};
        const auto places = m_state.level->locate(m_state.geometry, sector);
        for (std::size_t i = 0; i < places.size(); ++i) {
            // Of each near copy its far ones follow it, one in every section.
            if (i % m_sections != m_section)
                continue;
            const auto row = places[i].sector.count / chunk * chunk;
            rows.begin = std::min(rows.begin, Sectors{row});
            rows.end = std::max(rows.end, Sectors{row + chunk});
        }
        return rows;
    };
    return {rowsOf(arraySectors.begin).begin,
        std::min(rowsOf(arraySectors.end - Sectors{1}).end, m_state.componentSize)};
}

SectorRange NeededOnMembers::next()
{
    const auto guard = m_state.lock();
    BM_ASSERT(m_state.bitmap.has_value());
    const auto& bitmap = *m_state.bitmap;
    const auto limit = std::max<std::uint64_t>(kWindow.count / bitmap.chunk().count, 1);
    while (m_at >= m_end && m_section < m_sections) {
        const auto run = bitmap.nextNeeded(m_bit, limit);
        if (run.empty()) {
            ++m_section;
            m_bit = 0;
            continue;
        }
        m_bit = run.end;
        const auto rows = onMembers(bitmap.sectors(run));
        // Chunks of one row belong to several runs.
        m_at = std::max(m_at, rows.begin);
        m_end = std::max(m_at, rows.end);
    }
    const SectorRange window{m_at, std::min(m_at + kWindow, m_end)};
    m_at = window.end;
    return window;
}

} // namespace bitmend
