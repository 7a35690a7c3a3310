// SPDX-License-Identifier: Apache-2.0
// Any bytes at any slot: decoding ends, what nobody refuses is encoded to the same bytes, and
// encoding what was decoded is stable even for the rest.
#include "engine/metadata/to_text.h"
#include "tests/engine/metadata/md_bytes.h"

#include <array>
#include <cstdlib>

using namespace bitmend;
using namespace bitmend::test;

namespace {

// The input: one byte of choices, then the superblock.
constexpr std::size_t kSuperblockAt = 1;
constexpr std::size_t kWholeInput = kSuperblockAt + kSuperblockBytes;
constexpr std::array<SuperblockSlot, 4> kSlots{
    {{MetadataVersion::V0_90, {kPlace090}}, {MetadataVersion::V1_0, {kDevice - 16}},
        {MetadataVersion::V1_1, {0}}, {MetadataVersion::V1_2, {8}}}};

SuperblockSlot slotOf(std::byte choice)
{
    return kSlots[std::to_integer<std::size_t>(choice) % kSlots.size()];
}

void require(bool condition)
{
    if (!condition)
        std::abort();
}

Bytes padded(Bytes bytes, const Bytes& rest)
{
    bytes.insert(bytes.end(), rest.begin() + std::ptrdiff_t(bytes.size()), rest.end());
    return bytes;
}

void checkRoundTrip(const Bytes& bytes, SuperblockSlot slot, bool described)
{
    const auto& format = formatOf(slot.version);
    const auto decoded = format.decode(bytes, slot, {kDevice});
    if (!decoded)
        return;
    if (described)
        describe(decoded->superblock);

    const Bytes once = padded(format.encode(decoded->superblock), bytes);
    if (!anyBars(decoded->problems))
        require(once == bytes);
    const auto again = format.decode(once, slot, {kDevice});
    require(again.has_value());
    require(padded(format.encode(again->superblock), once) == once);
}

Bytes valid(SuperblockSlot slot, bool bigEndian)
{
    if (slot.version != MetadataVersion::V0_90)
        return superblock1(static_cast<unsigned>(slot.version) - 1, slot.sector.count);
    return bigEndian ? bigEndian090(superblock090()) : superblock090();
}

// Random bytes hardly ever have a right checksum.
void seal(Bytes& bytes, SuperblockSlot slot)
{
    if (slot.version != MetadataVersion::V0_90) {
        seal1(bytes);
        return;
    }
    const bool big = bytes[0] == std::byte{0xa9};
    if (big)
        bytes = bigEndian090(bytes);
    seal090(bytes);
    if (big)
        bytes = bigEndian090(bytes);
}

} // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t maxSize);

// Starts from a valid superblock and mends the checksum of seven inputs in eight.
extern "C" std::size_t LLVMFuzzerCustomMutator(
    std::uint8_t* data, std::size_t size, std::size_t maxSize, unsigned int seed)
{
    if (maxSize < kWholeInput)
        return LLVMFuzzerMutate(data, size, maxSize);
    if (size < kWholeInput) {
        data[0] = static_cast<std::uint8_t>(seed);
        const auto start = valid(slotOf(std::byte{data[0]}), (seed & 16) != 0);
        std::memcpy(data + kSuperblockAt, start.data(), start.size());
    } else {
        size = LLVMFuzzerMutate(data, kWholeInput, kWholeInput);
        std::fill(data + size, data + kWholeInput, std::uint8_t{0});
    }
    if (seed % 8 != 0) {
        Bytes bytes(kSuperblockBytes);
        std::memcpy(bytes.data(), data + kSuperblockAt, bytes.size());
        seal(bytes, slotOf(std::byte{data[0]}));
        std::memcpy(data + kSuperblockAt, bytes.data(), bytes.size());
    }
    return kWholeInput;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < kSuperblockAt)
        return 0;
    Bytes bytes(kSuperblockBytes);
    std::memcpy(bytes.data(), data + kSuperblockAt, std::min(size - kSuperblockAt, bytes.size()));
    // Two thousand lines of text for a full role table would be most of the work.
    const bool described = data[0] >= 0xf0;
    checkRoundTrip(bytes, slotOf(std::byte{data[0]}), described);

    // And as long as it is, for those that check the length themselves.
    bytes.resize(std::min(size - kSuperblockAt, bytes.size()));
    if (bytes.size() == kSuperblockBytes)
        return 0;
    for (const auto& slot : kSlots) {
        const auto decoded = formatOf(slot.version).decode(bytes, slot, {size});
        if (decoded && described)
            describe(decoded->superblock);
    }
    return 0;
}
