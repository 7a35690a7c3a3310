// SPDX-License-Identifier: Apache-2.0
// Integers as they lie on disk. Le<T> holds bytes, not a T, so it has alignment 1 and the compiler
// can put no padding between fields: a struct of Le fields is the disk layout, on every host.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace bitmend {

template <std::integral T> class Le
{
public:
    constexpr Le() = default;
    constexpr Le(T value) : m_bytes(std::bit_cast<Bytes>(value)) { toOrFromHost(); }

    constexpr operator T() const { return read(std::endian::little); }

    // Version 0.90 superblocks are in the byte order of the machine that wrote them.
    constexpr T read(std::endian order) const
    {
        Bytes bytes = m_bytes;
        if (order != std::endian::native)
            std::ranges::reverse(bytes);
        return std::bit_cast<T>(bytes);
    }

private:
    using Bytes = std::array<std::uint8_t, sizeof(T)>;

    constexpr void toOrFromHost()
    {
        if constexpr (std::endian::native == std::endian::big)
            std::ranges::reverse(m_bytes);
    }

    Bytes m_bytes{};
};

using le16 = Le<std::uint16_t>;
using le32 = Le<std::uint32_t>;
using le64 = Le<std::uint64_t>;
using sle32 = Le<std::int32_t>;

template <typename T>
concept OnDisk = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && alignof(T) == 1;

} // namespace bitmend
