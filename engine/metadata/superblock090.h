// SPDX-License-Identifier: Apache-2.0
// Superblock version 0.90, in either byte order.
#pragma once

#include "engine/metadata/metadata_format.h"

namespace bitmend {

class Superblock090Format final : public MetadataFormat
{
public:
    std::string_view name() const override { return "0.90"; }
    std::vector<SuperblockSlot> slotsOn(Sectors deviceSize) const override;
    bool hasMagic(std::span<const std::byte> bytes) const override;
    Result<DecodedSuperblock> decode(
        std::span<const std::byte> bytes, SuperblockSlot slot, Sectors deviceSize) const override;
    std::vector<std::byte> encode(const Superblock& superblock) const override;
};

} // namespace bitmend
