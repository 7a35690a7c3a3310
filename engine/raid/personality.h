// SPDX-License-Identifier: Apache-2.0
// What one RAID level knows and the others do not: its size, its names, what it can lose, where a
// sector lives. "Personality" is md's own word for it. A new level is one new file here and one row
// in personality.cpp.
#pragma once

#include "engine/base/result.h"
#include "engine/raid/geometry.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitmend {

class Personality
{
public:
    virtual ~Personality() = default;

    virtual std::string_view name() const = 0; // mdadm's word: "raid5", "linear"

    // mdadm's words for the layout ("left-symmetric", "near=2"); empty where a level has none.
    virtual std::string layoutName(const Geometry& geometry) const = 0;

    // BadGeometry or Unsupported, by the kernel's own rules of when it refuses to run; NeedsChoice
    // for a level 0 with several zones and no recorded layout (the kernel refuses that as well).
    virtual Result<void> validate(const Geometry& geometry) const = 0;

    // 0 for a geometry that validate() refuses. Exact but for level 0 with a chunk that is not a
    // power of two: there the kernel exports too little, and so do we, to agree with it.
    virtual Sectors arraySize(const Geometry& geometry) const = 0;

    // Whether every sector can be read with these roles in sync (one entry per role). `dirty`
    // matters to levels with parity.
    virtual bool canStart(
        const Geometry& geometry, const std::vector<bool>& inSync, bool dirty) const = 0;

    // Every copy of an array sector, in the order the kernel asks them; for levels with parity, the
    // one data place. The geometry has been validated and the sector lies inside the array.
    virtual std::vector<Place> locate(const Geometry& geometry, Sectors arraySector) const = 0;

    // Whether md gives this level a write-intent bitmap.
    virtual bool takesBitmap() const = 0;
};

// Null when the level is not known.
const Personality* personality(int level);

// Levels 4, 5 and 6.
bool hasParity(const Geometry& geometry);

// On those: what a row of chunks holds of the array; written whole, it needs no old content. 0
// elsewhere.
Sectors wholeStripe(const Geometry& geometry);

// On those: whether this role never holds data. md starts a dirty array although such a
// member is not rebuilt yet, because only parity can be wrong there.
bool holdsOnlyParity(const Geometry& geometry, int role);

} // namespace bitmend
