// SPDX-License-Identifier: Apache-2.0
// The field of 256 elements in which Q is computed: x^8 + x^4 + x^3 + x^2 + 1, generator 2.
#pragma once

#include <array>
#include <cstdint>

namespace bitmend {

inline constexpr int kPowers = 255; // how many powers of the generator differ

struct GaloisTables
{
    std::array<std::uint8_t, kPowers> power{};
    std::array<std::uint8_t, 256> log{}; // of 0 it means nothing
};

inline constexpr GaloisTables kGalois = [] {
    GaloisTables tables;
    unsigned value = 1;
    for (int exponent = 0; exponent < kPowers; ++exponent) {
        tables.power[std::size_t(exponent)] = std::uint8_t(value);
        tables.log[value] = std::uint8_t(exponent);
        value = value << 1 ^ (value & 0x80 ? 0x11d : 0);
    }
    return tables;
}();

constexpr std::uint8_t powerOfTwo(int exponent)
{
    return kGalois.power[std::size_t(exponent % kPowers)];
}

} // namespace bitmend
