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

Sectors timesOrZero(Sectors size, std::uint64_t count)
{
    std::uint64_t product = 0;
    return {__builtin_mul_overflow(size.count, count, &product) ? 0 : product};
}

} // namespace bitmend
