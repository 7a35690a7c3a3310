// SPDX-License-Identifier: Apache-2.0
// One unit per type. md counts 512-byte sectors whatever the device's real sector size is.
#pragma once

#include <compare>
#include <cstdint>

namespace bitmend {

inline constexpr std::uint64_t kSectorBytes = 512;

struct Sectors
{
    std::uint64_t count = 0;

    constexpr std::uint64_t bytes() const { return count * kSectorBytes; }
    constexpr auto operator<=>(const Sectors&) const = default;
    constexpr Sectors operator+(Sectors other) const { return {count + other.count}; }
    constexpr Sectors operator-(Sectors other) const { return {count - other.count}; }
};

// Half-open: [begin, end).
struct SectorRange
{
    Sectors begin;
    Sectors end;

    constexpr bool empty() const { return begin >= end; }
    constexpr Sectors length() const { return empty() ? Sectors{} : end - begin; }
    constexpr bool contains(Sectors sector) const { return begin <= sector && sector < end; }
    constexpr bool operator==(const SectorRange&) const = default;
};

} // namespace bitmend
