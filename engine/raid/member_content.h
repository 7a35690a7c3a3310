// SPDX-License-Identifier: Apache-2.0
// locate() turned round: what lies at a place of a member.
#pragma once

#include "engine/raid/geometry.h"

#include <cstdint>
#include <optional>

namespace bitmend {

enum class Holds : std::uint8_t { Data, P, Q, Unused };

struct MemberContent
{
    Holds kind = Holds::Unused;
    Sectors arraySector; // of data only
    int copy = 0;        // of data: its turn among locate()'s places

    bool operator==(const MemberContent&) const = default;
};

// For any role and any sector from the member's data_offset on; what the array does not reach is
// unused. The geometry has been validated.
MemberContent contentAt(const Geometry& geometry, Place place);

} // namespace bitmend
