// SPDX-License-Identifier: Apache-2.0
// The member descriptors of a 0.90 superblock, read as roles and written back from them.
#pragma once

#include "engine/metadata/superblock.h"
#include "engine/metadata/superblock090_format.h"

namespace bitmend {

// Le<T>, but in the byte order of this superblock.
template <std::integral T> Le<T> ordered(T value, std::endian order)
{
    return order == std::endian::little ? value : std::byteswap(value);
}

// `own`: the descriptor of the member that the superblock lies on.
Role roleOf(const ondisk::Disk090& disk, std::endian order, bool own, bool reshaping);

// Makes the descriptors say what devRoles, devNumber and devFlags say, as the kernel writes them;
// those that say it already stay as they are. this_disk and the counts follow.
void rebuildDescriptors(ondisk::Superblock090& disk, const Superblock& superblock);

} // namespace bitmend
