// SPDX-License-Identifier: Apache-2.0
// Files that tests make and look at.
#pragma once

#include "engine/io/block_source.h"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace bitmend::test {

using Bytes = std::vector<std::byte>;

inline Bytes filled(std::size_t size, int value) { return Bytes(size, std::byte(value)); }

// Bytes that differ from place to place, the same at each call.
inline Bytes pattern(std::size_t size, unsigned seed = 1)
{
    Bytes bytes(size);
    for (auto& byte : bytes) {
        seed = seed * 1664525U + 1013904223U;
        byte = std::byte(seed >> 24);
    }
    return bytes;
}

inline void writeFile(const std::filesystem::path& path, std::span<const std::byte> bytes)
{
    std::FILE* const file = std::fopen(path.c_str(), "wbe");
    const bool isWritten =
        file != nullptr &&
        (bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
    if (!isWritten || std::fclose(file) != 0)
        std::abort();
}

// Empty when it cannot be read.
inline Bytes bytesAt(const BlockSource& source, std::uint64_t offset, std::size_t size)
{
    Bytes bytes(size);
    return source.readAt(offset, bytes) ? bytes : Bytes();
}

inline Bytes allBytes(const BlockSource& source) { return bytesAt(source, 0, source.sizeBytes()); }

} // namespace bitmend::test
