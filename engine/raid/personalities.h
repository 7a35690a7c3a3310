// SPDX-License-Identifier: Apache-2.0
// The rows of the table in personality.cpp, and what several of them need.
#pragma once

#include "engine/raid/member_content.h"
#include "engine/raid/personality.h"

namespace bitmend {

const Personality& linear();
const Personality& raid0();
const Personality& raid1();
const Personality& raid4();
const Personality& raid5();
const Personality& raid6();
const Personality& raid10();

// contentAt() by level; linear, level 0 and 10 may name data behind the array's end.
MemberContent linearContentAt(const Geometry& geometry, Place place);
MemberContent raid0ContentAt(const Geometry& geometry, Place place);
MemberContent raid1ContentAt(const Geometry& geometry, Place place);
MemberContent raid456ContentAt(const Geometry& geometry, Place place);
MemberContent raid10ContentAt(const Geometry& geometry, Place place);

// The roles that hold all copies of the same chunks, one list for each set, as md asks them when it
// decides whether level 10 starts: one of each has to be there.
std::vector<std::vector<int>> raid10Sets(const Geometry& geometry);

// mdadm's word for a layout number it does not know.
inline constexpr std::string_view kUnknownLayout = "-unknown-";

inline constexpr Sectors kPage{8}; // the unit in which md handles parity and mirrored stripes

// 0 when the product does not fit: an absurd superblock, not an array.
Sectors timesOrZero(Sectors size, std::uint64_t count);

inline Sectors roundedDown(Sectors size, Sectors to) { return {size.count / to.count * to.count}; }

inline bool isPowerOfTwo(Sectors size)
{
    return size.count != 0 && !(size.count & (size.count - 1));
}

} // namespace bitmend
