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

    // BadGeometry or Unsupported, by the kernel's own rules of when it refuses to run.
    virtual Result<void> validate(const Geometry& geometry) const = 0;
    virtual Sectors arraySize(const Geometry& geometry) const = 0;

    // Whether every sector can be read with these roles in sync (one entry per role). `dirty`
    // matters to levels with parity.
    virtual bool canStart(
        const Geometry& geometry, const std::vector<bool>& inSync, bool dirty) const = 0;

    // Every copy of an array sector; for levels with parity, the one data place.
    virtual std::vector<Place> locate(const Geometry& geometry, Sectors arraySector) const = 0;

    // Whether md gives this level a write-intent bitmap.
    virtual bool takesBitmap() const = 0;
};

// Null when the level is not known.
const Personality* personality(int level);

} // namespace bitmend
