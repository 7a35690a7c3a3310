// SPDX-License-Identifier: Apache-2.0
// How much room there is for a bitmap on a member, where in it mdadm would put one, and with which
// chunk size. Copied so that what we add looks as if mdadm had added it.
#pragma once

#include "engine/base/units.h"

#include <cstdint>

namespace bitmend {

struct Superblock;

// What mdadm sets aside on a member of which so much is used. 1.x only: 0.90 always has 60 KiB
// behind the superblock.
Sectors roomForBitmap(Sectors componentSize);

// What is free on a member of an array that exists.
struct BitmapRoom
{
    Sectors length;
    std::int32_t begin = 0; // sectors from the superblock; 0: it ends at `end`, wherever it begins
    std::int32_t end = 0;
};
BitmapRoom freeBitmapRoom(const Superblock& superblock);

// What a bitmap covers `syncSize` with where it may be so long. 0: with no chunk size that there
// is.
std::uint32_t smallestBitmapChunk(Sectors syncSize, Sectors length);
std::uint32_t usualBitmapChunk(Sectors syncSize, Sectors length);

// The same for a file, which may be as long as it likes.
std::uint32_t usualBitmapFileChunk(Sectors syncSize);

// Sectors from the superblock.
std::int32_t usualBitmapOffset(const BitmapRoom& room, Sectors syncSize, std::uint32_t chunkBytes);

} // namespace bitmend
