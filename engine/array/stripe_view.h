// SPDX-License-Identifier: Apache-2.0
// One stripe over all members, by value: what each holds at the same place, read from it or given
// by the others, and where it does not agree with them.
#pragma once

#include "engine/array/array_map.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace bitmend {

enum class CellOrigin : std::uint8_t {
    Read,   // from the member, whether or not it counts there
    Given,  // by the other members
    Absent, // there is no member to read, and nothing to be known, or nobody who knows it
};

struct StripeCell
{
    MemberPlace place; // of the window's first sector
    // What each sector of the window belongs to; empty where `place` says it of all of them.
    std::vector<Region> regions;
    CellOrigin origin = CellOrigin::Absent;
    std::vector<std::byte> bytes;
    // What the others say it should be, where they can tell and it is not; else empty.
    std::vector<std::byte> expected;
    std::optional<Error> error; // it is there and could not be read

    // What a sector of the window belongs to, counted from its first one.
    Region regionAt(std::size_t sector) const
    {
        return sector < regions.size() ? regions[sector] : place.region;
    }

    bool differsAt(std::size_t offset) const
    {
        return offset < expected.size() && expected[offset] != bytes[offset];
    }
};

enum class StripeVerdict : std::uint8_t {
    NothingToCompare, // no redundancy, or all that is left is needed to give what is missing
    Agrees,
    Differs,
    OneWrong, // level 6: one member alone explains all differences
    Lost,     // more is missing than the others can give
};

struct StripeView
{
    Geometry geometry;
    std::int64_t begin = 0; // sectors from each member's data_offset; before it when negative
    Sectors length;         // may be less than asked: it never crosses a chunk's end
    std::optional<std::uint64_t> stripe;
    std::vector<StripeCell> cells; // by role
    StripeVerdict verdict = StripeVerdict::NothingToCompare;
    std::optional<int> wrong; // OneWrong: its role
};

} // namespace bitmend
