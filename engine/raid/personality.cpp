// SPDX-License-Identifier: Apache-2.0
#include "engine/raid/personality.h"

#include "engine/raid/personalities.h"

namespace bitmend {

const Personality* personality(int level)
{
    switch (level) {
    case -1:
        return &linear();
    case 0:
        return &raid0();
    case 1:
        return &raid1();
    case 4:
        return &raid4();
    case 5:
        return &raid5();
    case 6:
        return &raid6();
    case 10:
        return &raid10();
    default:
        return nullptr;
    }
}

namespace {

MemberContent contentOfLevel(const Geometry& geometry, Place place)
{
    switch (geometry.level) {
    case -1:
        return linearContentAt(geometry, place);
    case 0:
        return raid0ContentAt(geometry, place);
    case 1:
        return raid1ContentAt(geometry, place);
    case 4:
    case 5:
    case 6:
        return raid456ContentAt(geometry, place);
    case 10:
        return raid10ContentAt(geometry, place);
    default:
        return {};
    }
}

} // namespace

MemberContent contentAt(const Geometry& geometry, Place place)
{
    const Personality* level = personality(geometry.level);
    if (level == nullptr || place.role < 0 || place.role >= geometry.raidDisks)
        return {};
    const MemberContent content = contentOfLevel(geometry, place);
    if (content.kind == Holds::Data && content.arraySector >= level->arraySize(geometry))
        return {};
    return content;
}

Sectors timesOrZero(Sectors size, std::uint64_t count)
{
    std::uint64_t product = 0;
    return {__builtin_mul_overflow(size.count, count, &product) ? 0 : product};
}

} // namespace bitmend
