// SPDX-License-Identifier: Apache-2.0
// The 16 raw bytes by which md names an array or a member, as they lie on disk.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bitmend {

struct Uuid
{
    std::array<std::uint8_t, 16> bytes{};

    auto operator<=>(const Uuid&) const = default;
    bool isNull() const { return *this == Uuid{}; }
};

// mdadm's form, "01234567:89abcdef:...". The bytes are printed in their order. (A 0.90 superblock
// holds four native words; its decoder stores them here most significant byte first, so that this
// prints what mdadm prints.)
std::string toString(const Uuid& uuid);

// Accepts mdadm's form, and hyphens or no separators at all.
std::optional<Uuid> parseUuid(std::string_view text);

// From the system's random source.
Uuid randomUuid();

} // namespace bitmend
