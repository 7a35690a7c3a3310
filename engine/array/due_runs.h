// SPDX-License-Identifier: Apache-2.0
// What is due, cut into windows.
#pragma once

#include "engine/array/array_state.h"

#include <algorithm>

namespace bitmend {

class DueRuns
{
public:
    DueRuns(const ArrayState& state, Sectors end) : m_state(state), m_end(end) {}

    void startAt(Sectors sector) { m_at = std::min(sector, m_end); }

    SectorRange nextOfAll();

    // Of the chunks that the bitmap says are needed, asked anew each time: writes add some. Whole
    // ones together, as long as they fit in a window and lie beside each other.
    SectorRange nextNeeded();

private:
    SectorRange cut(Sectors end);

    const ArrayState& m_state;
    Sectors m_end;
    Sectors m_at;
    Sectors m_runEnd; // of the chunk that is being cut
};

} // namespace bitmend
