// SPDX-License-Identifier: Apache-2.0
// A member's write-intent bitmap as it lies on disk: header, bits, and what is wrong with them. One
// bit per bitmap chunk, set while the members may differ there.
#pragma once

#include "engine/base/result.h"
#include "engine/base/units.h"
#include "engine/base/uuid.h"
#include "engine/metadata/problem.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bitmend {

class BlockSource;
struct Superblock;

// Where a bitmap is: inside every member, or in a file of its own.
struct BitmapLocation
{
    bool external = false;
    std::int64_t sectorsFromSuperblock = 0; // internal; negative when it lies before the superblock
    std::uint64_t byteOffset = 0;           // in the member, or 0 in the file
};

struct BitmapHeader
{
    std::uint32_t magic = 0;
    std::uint32_t version = 0;
    Uuid uuid; // raw bytes as on disk
    std::uint64_t events = 0;
    std::uint64_t eventsCleared = 0;
    Sectors syncSize;
    std::uint32_t state = 0; // masks 0x2 stale, 0x4 write error, 0x8000 host-endian bits
    std::uint32_t chunkBytes = 0;
    std::uint32_t daemonSleep = 0; // seconds
    std::uint32_t writeBehind = 0;
    std::uint32_t sectorsReserved = 0;
    std::uint32_t nodes = 0;
    std::string clusterName;
};

// Bit i is bit (i & 63) of word i / 64. Bits past the last chunk are zero here whatever the disk
// says.
struct BitmapBits
{
    std::uint64_t chunks = 0;
    std::vector<std::uint64_t> words;

    explicit BitmapBits(std::uint64_t count = 0) : chunks(count), words((count + 63) / 64) {}
    bool test(std::uint64_t chunk) const { return (words[chunk / 64] >> (chunk % 64) & 1) != 0; }
    void set(std::uint64_t chunk) { words[chunk / 64] |= std::uint64_t{1} << (chunk % 64); }
    void clear(std::uint64_t chunk) { words[chunk / 64] &= ~(std::uint64_t{1} << (chunk % 64)); }
    std::uint64_t count() const; // by POPCNT where the CPU has it
};

struct BitmapCopy
{
    BitmapLocation location;
    BitmapHeader header;
    std::vector<Problem> problems;
    BitmapBits bits;            // empty when the header cannot be trusted
    std::uint64_t dirty = 0;    // set bits in `bits`
    bool stale = false;         // by state or events: every chunk counts as dirty
    std::vector<std::byte> raw; // the 256 header bytes

    bool usable() const; // no problem that the kernel or we would refuse
};

// Sectors that the bitmap's bits cover, by level (array sectors for 1 and 10, member sectors for 4,
// 5, 6), and the number of chunks and bytes that follow from it.
// (0 for a level that has no bitmap or a chunk that cannot be.)
Sectors bitmapSyncSize(const Superblock& superblock, Sectors arraySize);
std::uint64_t bitmapChunks(Sectors syncSize, std::uint32_t chunkBytes);
std::uint64_t bitmapBytes(std::uint64_t chunks); // header included, not rounded

// The array's UUID as its bitmaps hold it: the raw bytes of the superblock, which for 0.90 depend
// on the byte order of the writer.
Uuid bitmapUuid(const Superblock& superblock);

// Decodes 256 bytes and checks them as the kernel does, against the superblock they belong to.
BitmapHeader decodeBitmapHeader(std::span<const std::byte> bytes);
std::vector<std::byte> encodeBitmapHeader(
    const BitmapHeader& header, std::span<const std::byte> raw);
std::vector<Problem> checkBitmapHeader(
    const BitmapHeader& header, const Superblock& superblock, std::uint64_t byteOffset);

// Reads the internal bitmap of a member, or an external file when `external` is set. Never
// allocates more than the source's own size. Absurd headers come back as problems, an unreadable
// header as the error; an unreadable bit page is a BitmapPageUnreadable problem and its chunks are
// set.
Result<BitmapCopy> readBitmap(
    const BlockSource& source, const Superblock& superblock, Sectors syncSize, bool external);

// One 4 KiB page of the on-disk image. Page 0 begins with the header: its first 256 bytes are left
// as they are. Bits past the last chunk are written as zero.
inline constexpr std::size_t kBitmapPageBytes = 4096;
std::uint64_t bitmapPages(std::uint64_t chunks);
void encodeBitmapPage(const BitmapBits& bits, std::uint64_t page, std::span<std::byte> to);

} // namespace bitmend
