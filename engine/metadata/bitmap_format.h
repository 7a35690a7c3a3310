// SPDX-License-Identifier: Apache-2.0
// Write-intent bitmap header, exactly as on disk, with the names of the kernel's md-bitmap.h. Every
// integer is little-endian, whatever machine and superblock version it belongs to.
//
//   byte    0  this header
//         256  bits: bit i is mask 1 << (i & 7) of byte 256 + (i >> 3)
//
// Where it lies: 0.90 at superblock + 8 sectors; 1.x at superblock + bitmap_offset; an external one
// at byte 0 of its file. A clustered one (version 5) is one such image per node, back to back, each
// rounded up to 4 KiB.
//
// Version 3 numbers its bits inside the native words of its writer: the same bytes on little-endian
// machines; on others byte 256 + ((i >> 3) ^ (W - 1)) for words of W bytes, 4 or 8. Version 6
// (lockless) has a byte per chunk from byte 1024 on.
#pragma once

#include "engine/base/endian.h"

#include <array>
#include <cstddef>

namespace bitmend::ondisk {

inline constexpr std::uint32_t BITMAP_MAGIC = 0x6d746962; // "bitm"

inline constexpr std::uint32_t BITMAP_MAJOR_HOSTENDIAN = 3;
inline constexpr std::uint32_t BITMAP_MAJOR_HI = 4;
inline constexpr std::uint32_t BITMAP_MAJOR_CLUSTERED = 5;
inline constexpr std::uint32_t BITMAP_MAJOR_LOCKLESS = 6;

// Masks of `state` (the kernel's header has the bit numbers).
inline constexpr std::uint32_t BITMAP_STALE = 0x2;
inline constexpr std::uint32_t BITMAP_WRITE_ERROR = 0x4;
inline constexpr std::uint32_t BITMAP_HOSTENDIAN = 0x8000;

struct BitmapSuperblock
{
    le32 magic;
    le32 version;
    std::array<std::uint8_t, 16> uuid; // of the array, as the bytes lie in its superblock
    le64 events;                       // of the array, when this header was last written
    le64 events_cleared;               // of the array, when a bit was last allowed to be cleared
    le64 sync_size;                    // sectors covered; the kernel goes by the array instead
    le32 state;
    le32 chunksize;    // bytes per bit
    le32 daemon_sleep; // seconds between two sweeps that clear bits
    le32 write_behind; // 0..16383 writes
    le32 sectors_reserved;
    le32 nodes;
    std::array<char, 64> cluster_name;
    std::array<std::uint8_t, 120> pad;
};

static_assert(OnDisk<BitmapSuperblock>);
static_assert(sizeof(BitmapSuperblock) == 256);
static_assert(offsetof(BitmapSuperblock, events) == 24);
static_assert(offsetof(BitmapSuperblock, state) == 48);
static_assert(offsetof(BitmapSuperblock, nodes) == 68);
static_assert(offsetof(BitmapSuperblock, pad) == 136);

} // namespace bitmend::ondisk
