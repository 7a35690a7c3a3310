// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/metadata_format.h"
#include "engine/metadata/superblock090.h"
#include "engine/metadata/superblock090_format.h"
#include "engine/metadata/superblock1.h"
#include "engine/metadata/superblock1_format.h"

#include <array>

namespace bitmend {

namespace {

const Superblock1Format kSuperblock1;
const Superblock090Format kSuperblock090;
const std::array<const MetadataFormat*, 2> kFormats{&kSuperblock1, &kSuperblock090};

} // namespace

std::span<const MetadataFormat* const> formats() { return kFormats; }

const MetadataFormat& formatOf(MetadataVersion version)
{
    if (version == MetadataVersion::V0_90)
        return kSuperblock090;
    return kSuperblock1;
}

Sectors superblockLength(const Superblock& superblock)
{
    if (superblock.version == MetadataVersion::V0_90)
        return {ondisk::MD_SB_BYTES / kSectorBytes};
    const std::uint64_t bytes =
        sizeof(ondisk::Superblock1) + std::uint64_t{2} * roleEntries(superblock);
    return {(bytes + kSectorBytes - 1) / kSectorBytes};
}

} // namespace bitmend
