// SPDX-License-Identifier: Apache-2.0
// CRC-32C, the sum of all files that are our own.
#pragma once

#include "engine/base/endian.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace bitmend {

// Runs on from an earlier result, so that long records need not lie in memory at once.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);

// Of a struct with a field `checksum`, which is taken as 0.
template <OnDisk T> std::uint32_t checksumOf(T value)
{
    value.checksum = 0;
    return crc32c(std::as_bytes(std::span(&value, 1)));
}

} // namespace bitmend
