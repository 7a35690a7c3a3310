// SPDX-License-Identifier: Apache-2.0
// What every byte of a superblock or bitmap header means: a list in the order of the bytes, without
// gaps, so that raw bytes and meaning can point at each other. Terms, no sentences.
#pragma once

#include "engine/metadata/superblock.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitmend {

struct FieldText
{
    std::string name;  // what mdadm --examine calls it, or `field` where it shows no such thing
    std::string field; // md's own name, "dev_roles[3]"
    std::string value;
    std::size_t offset = 0; // bytes from the beginning of the struct
    std::size_t length = 0;
    std::optional<std::uint64_t> raw; // the integer as stored, in host order; signed ones extended
};

// All of superblock.raw that has a meaning: the role table to its end, all 4096 bytes of 0.90. Runs
// of unused table entries are one item. Nothing when there are too few raw bytes.
std::vector<FieldText> describe(const Superblock& superblock);

// The 256 bytes of BitmapCopy::raw.
std::vector<FieldText> describeBitmapHeader(std::span<const std::byte> raw);

} // namespace bitmend
