// SPDX-License-Identifier: Apache-2.0
// Superblock versions 1.0, 1.1 and 1.2: one format at three places.
#pragma once

#include "engine/metadata/metadata_format.h"

namespace bitmend {

class Superblock1Format final : public MetadataFormat
{
public:
    std::string_view name() const override { return "1.x"; }
    std::vector<SuperblockSlot> slotsOn(Sectors deviceSize) const override;
    bool hasMagic(std::span<const std::byte> bytes) const override;
    Result<DecodedSuperblock> decode(
        std::span<const std::byte> bytes, SuperblockSlot slot, Sectors deviceSize) const override;
    std::vector<std::byte> encode(const Superblock& superblock) const override;
};

// Entries of the role table as it is written: a table never shrinks.
std::uint32_t roleEntries(const Superblock& superblock);

// What a kernel checks when it is given the member, and what it leaves unchecked.
std::vector<Problem> checkSuperblock1(const Superblock& superblock, Sectors deviceSize);

} // namespace bitmend
