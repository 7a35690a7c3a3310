// SPDX-License-Identifier: Apache-2.0
// A set of sectors, kept as merged ranges in order.
#pragma once

#include "engine/base/units.h"

#include <cstddef>
#include <map>
#include <vector>

namespace bitmend {

class ExtentSet
{
public:
    void insert(SectorRange range);
    void erase(SectorRange range);
    bool empty() const { return m_ranges.empty(); }
    void clear() { m_ranges.clear(); }
    std::vector<SectorRange> ranges() const;

    // The first merged range that ends after `from`; empty when there is none.
    SectorRange next(Sectors from) const;

    // `range` cut at the borders of the set: in order, without gaps, alternately in and out.
    struct Piece
    {
        SectorRange range;
        bool isInside = false;
    };
    std::vector<Piece> split(SectorRange range) const;

private:
    std::map<std::uint64_t, std::uint64_t> m_ranges; // first sector -> end
};

} // namespace bitmend
