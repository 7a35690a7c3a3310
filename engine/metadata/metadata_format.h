// SPDX-License-Identifier: Apache-2.0
// What one family of md superblocks knows: where it can lie, how it is decoded, checked and
// encoded. A new one is a *_format.h, a .cpp and a row in formats().
#pragma once

#include "engine/base/result.h"
#include "engine/metadata/superblock.h"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace bitmend {

// A fixed slot: where a member of this size keeps its superblock.
struct SuperblockSlot
{
    MetadataVersion version{};
    Sectors sector;
};

struct DecodedSuperblock
{
    Superblock superblock;
    std::vector<Problem> problems; // empty: the kernel would accept it and so do we
};

class MetadataFormat
{
public:
    virtual ~MetadataFormat() = default;

    virtual std::string_view name() const = 0; // "1.x"

    // Empty when the device is too small.
    virtual std::vector<SuperblockSlot> slotsOn(Sectors deviceSize) const = 0;

    // True when the magic is there, in either byte order, with a major version that is this
    // format's or nobody's; `bytes` are at least 8. Never true for two formats.
    virtual bool hasMagic(std::span<const std::byte> bytes) const = 0;

    // `bytes` = kSuperblockBytes at `slot.sector` of a member of `deviceSize`. Fails with
    // NoSuperblock without the magic, else decodes whatever is there, absurd or not, and lists what
    // is wrong with it: a technician wants to see it.
    virtual Result<DecodedSuperblock> decode(
        std::span<const std::byte> bytes, SuperblockSlot slot, Sectors deviceSize) const = 0;

    // The bytes to write, checksum included, as long as the kernel would write (a multiple of 512).
    // Starts from superblock.raw and writes every field as it is in the value, so that decode and
    // encode give the same bytes and unknown ones stay. A role table that became shorter is filled
    // up with spares. `raw` may be empty: a new superblock.
    virtual std::vector<std::byte> encode(const Superblock& superblock) const = 0;
};

inline constexpr std::size_t kSuperblockBytes = 4096; // all that any version can use

std::span<const MetadataFormat* const> formats();
const MetadataFormat& formatOf(MetadataVersion version);

// Sectors a member of this kind keeps for its superblock, rounded as the kernel writes it.
Sectors superblockLength(const Superblock& superblock);

} // namespace bitmend
