// SPDX-License-Identifier: Apache-2.0
// Level 10: where on the members chunks lie that the bitmap says are needed. In the order in which
// they lie there, which is md's for a recovery: how far it came is then one sector of a member.
#pragma once

#include "engine/array/array_state.h"

namespace bitmend {

class NeededOnMembers
{
public:
    explicit NeededOnMembers(const ArrayState& state);

    void startAt(Sectors memberSector) { m_at = m_end = memberSector; }

    // Whole chunks of the array, cut into windows; ascending, empty at the end. The bitmap is asked
    // anew each time: writes add to it. Not all that lies in a stretch is needed.
    SectorRange next();

private:
    SectorRange onMembers(SectorRange arraySectors) const;

    const ArrayState& m_state;
    std::uint64_t m_sections; // far copies lie in as many parts of the members
    std::uint64_t m_section = 0;
    std::uint64_t m_bit = 0;
    Sectors m_at;
    Sectors m_end; // of the stretch that is being cut
};

} // namespace bitmend
