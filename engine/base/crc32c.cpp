// SPDX-License-Identifier: Apache-2.0
#include "engine/base/crc32c.h"

#include <array>

namespace bitmend {

namespace {

constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t index = 0; index < table.size(); ++index) {
        std::uint32_t value = index;
        for (int bit = 0; bit < 8; ++bit)
            value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78U : 0U);
        table[index] = value;
    }
    return table;
}();

} // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before)
{
    std::uint32_t value = ~before;
    for (const std::byte byte : bytes)
        value = (value >> 8) ^ kTable[(value ^ std::uint32_t(byte)) & 0xff];
    return ~value;
}

} // namespace bitmend
