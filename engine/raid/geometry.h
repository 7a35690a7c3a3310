// SPDX-License-Identifier: Apache-2.0
// The shape of an array, without its members.
#pragma once

#include "engine/base/units.h"

#include <cstdint>
#include <vector>

namespace bitmend {

struct Geometry
{
    int level = 0;
    std::uint32_t layout = 0; // meaning depends on the level
    int raidDisks = 0;
    Sectors chunk;         // the stripe unit; not the bitmap's chunk
    Sectors componentSize; // used on each member, from data_offset; 0 for level 0 and linear
    std::vector<Sectors> memberSizes; // by role; only linear and level 0 look at them
    bool hasLayout = true;            // level 0: the layout word is meaningful
};

struct Place
{
    int role = 0;   // 0 .. raidDisks-1
    Sectors sector; // from that member's data_offset

    bool operator==(const Place&) const = default;
};

} // namespace bitmend
