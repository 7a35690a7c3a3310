// SPDX-License-Identifier: Apache-2.0
// The member descriptors of a 0.90 superblock, read as roles and written back from them.
#pragma once

#include "engine/metadata/superblock.h"
#include "engine/metadata/superblock090_format.h"

#include <span>

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

// A member as the kernel lists it. `superblock` is its own, for its flags and device numbers; null:
// a newcomer, which has none of them yet.
struct Listing090
{
    const Superblock* superblock = nullptr;
    std::uint32_t number = 0;
    Role role = kRoleSpare;
};

// Writes the whole table into superblock.raw as the kernel does, the entries of empty slots and the
// counts included, and sets devNumber and devRoles by it. `own` is the one whose superblock this
// is.
void listMembers(
    Superblock& superblock, std::span<const Listing090> members, const Superblock* own);

} // namespace bitmend
