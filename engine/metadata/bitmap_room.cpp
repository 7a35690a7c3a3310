// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/bitmap_room.h"

namespace bitmend {

Sectors roomForBitmap(Sectors componentSize)
{
    constexpr Sectors kTiny{128};
    constexpr Sectors kSmall{std::uint64_t{8} << 21};   // 8 GiB
    constexpr Sectors kLarge{std::uint64_t{200} << 21}; // 200 GiB
    if (componentSize < kTiny)
        return {0};
    if (componentSize >= kLarge)
        return {256};
    return {componentSize > kSmall ? 128U : 8U};
}

} // namespace bitmend
