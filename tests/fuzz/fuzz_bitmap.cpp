// SPDX-License-Identifier: Apache-2.0
// Any header, sync size and length of the source: reading ends, takes no more memory than the
// source has bytes, and the bits that were read are written as the same bits.
#include "engine/metadata/to_text.h"
#include "engine/metadata/write_intent_bitmap.h"
#include "tests/engine/metadata/md_bytes.h"

#include <cstdlib>
#include <span>

using namespace bitmend;
using namespace bitmend::test;

namespace {

// The input: choices, sync size, then the bitmap from its header on.
constexpr std::size_t kSyncAt = 2;
constexpr std::size_t kBitmapAt = 10;
constexpr std::size_t kHeaderBytes = 256;
constexpr std::size_t kWholeInput = kBitmapAt + 3 * kBitmapPageBytes;
constexpr SuperblockSlot kSlot{MetadataVersion::V1_2, {8}};
constexpr std::uint64_t kPlace = 8192; // of the bitmap of superblock1()

void require(bool condition)
{
    if (!condition)
        std::abort();
}

const Bytes& superblockBytes()
{
    static const Bytes kBytes = superblock1(2, 8);
    return kBytes;
}

void checkPages(const BitmapCopy& copy, const Superblock& superblock, Sectors syncSize)
{
    const std::uint64_t pages = bitmapPages(copy.bits.chunks);
    MemorySource file(pages * kBitmapPageBytes);
    for (std::uint64_t page = 0; page < pages; ++page) {
        encodeBitmapPage(copy.bits, page,
            std::span(file.bytes()).subspan(page * kBitmapPageBytes, kBitmapPageBytes));
    }
    BitmapHeader header = copy.header;
    header.version = 4; // one bitmap now, whatever it was collected from
    file.place(0, encodeBitmapHeader(header, copy.raw));

    const auto again = readBitmap(file, superblock, syncSize, true);
    require(again.has_value() && again->bits.words == copy.bits.words);
}

} // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t maxSize);

// Starts from a valid bitmap of three pages; every other time the magic is mended.
extern "C" std::size_t LLVMFuzzerCustomMutator(
    std::uint8_t* data, std::size_t size, std::size_t maxSize, unsigned int seed)
{
    if (maxSize < kWholeInput)
        return LLVMFuzzerMutate(data, size, maxSize);
    if (size < kBitmapAt + kHeaderBytes) {
        std::memset(data, 0, kWholeInput);
        data[kSyncAt + 1] = 0x30; // 12288 sectors
        const Bytes header = bitmapHeader(uuidOf1(superblockBytes()), 12288);
        std::memcpy(data + kBitmapAt, header.data(), header.size());
        return kWholeInput;
    }
    size = LLVMFuzzerMutate(data, size, kWholeInput);
    if (seed % 2 == 0 && size >= kBitmapAt + kHeaderBytes) {
        const Bytes header = bitmapHeader(uuidOf1(superblockBytes()), 12288);
        std::memcpy(data + kBitmapAt, header.data(), 4);
        std::memcpy(data + kBitmapAt + 8, header.data() + 8, 16);
    }
    return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < kBitmapAt)
        return 0;
    const bool external = (data[0] & 1) != 0;
    const auto bitmap = std::as_bytes(std::span(data, size)).subspan(kBitmapAt);
    const Bytes bytes(bitmap.begin(), bitmap.end());

    auto superblock =
        formatOf(kSlot.version).decode(superblockBytes(), kSlot, {kDevice})->superblock;
    if (data[0] & 2)
        superblock.byteOrder = std::endian::big;
    superblock.level = data[0] & 4 ? 10 : 1;
    MemorySource source((external ? 0 : kPlace) + bytes.size());
    source.place(external ? 0 : kPlace, bytes);
    if (data[0] & 8) {
        source.badFrom = data[1] * std::uint64_t{256};
        source.badTo = source.badFrom + 512;
    }

    std::uint64_t sync = 0;
    std::memcpy(&sync, data + kSyncAt, sizeof sync);
    const auto copy = readBitmap(source, superblock, {sync}, external);
    if (!copy)
        return 0;
    require(copy->bits.words.size() <= source.sizeBytes());
    require(copy->dirty == copy->bits.count() && copy->dirty <= copy->bits.chunks);
    require(encodeBitmapHeader(copy->header, copy->raw) == copy->raw);
    describeBitmapHeader(copy->raw);
    if (copy->bits.chunks != 0)
        checkPages(*copy, superblock, {sync});
    return 0;
}
