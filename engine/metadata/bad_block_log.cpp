// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/bad_block_log.h"

#include "engine/base/endian.h"
#include "engine/io/block_source.h"
#include "engine/io/extent_set.h"
#include "engine/metadata/field_checks.h"
#include "engine/metadata/superblock.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace bitmend {

namespace {

constexpr std::uint64_t kEnd = ~std::uint64_t{0};
constexpr unsigned kLengthBits = 10;
constexpr std::uint64_t kLengthMask = (std::uint64_t{1} << kLengthBits) - 1;
constexpr std::uint64_t kLongest = 512;                                      // units in one word
constexpr std::uint64_t kMostUnits = std::uint64_t{1} << (64 - kLengthBits); // a word can name
constexpr unsigned kMostShift = 40; // units larger than any member

// Nothing when it cannot be counted in sectors.
SectorRange rangeOf(std::uint64_t word, std::uint8_t shift)
{
    const auto first = word >> kLengthBits;
    const auto last = first + (word & kLengthMask);
    if (last > kMostUnits ||
        last > std::numeric_limits<std::uint64_t>::max() / kSectorBytes >> shift)
        return {};
    return {{first << shift}, {last << shift}};
}

} // namespace

Sectors badBlockUnit(const Superblock& superblock)
{
    const auto shift = superblock.badBlockLog.shift;
    if (!badBlockLogArea(superblock) || shift > kMostShift)
        return {};
    return {std::uint64_t{1} << shift};
}

BadBlocks decodeBadBlocks(std::span<const std::byte> log, std::uint8_t shift)
{
    ExtentSet blocks;
    le64 word;
    for (std::size_t at = 0; at + sizeof word <= log.size() && shift <= kMostShift;
        at += sizeof word) {
        std::memcpy(&word, &log[at], sizeof word);
        if (word == kEnd)
            break;
        blocks.insert(rangeOf(word, shift));
    }
    return blocks.ranges();
}

Result<BadBlocks> readBadBlocks(const BlockSource& source, const Superblock& superblock)
{
    const auto area = badBlockLogArea(superblock);
    if (!superblock.has(feature::kBadBlocks) || !area)
        return BadBlocks();
    std::vector<std::byte> bytes(area->length().bytes());
    BM_TRY(source.readAt(area->begin.bytes(), bytes));
    return decodeBadBlocks(bytes, superblock.badBlockLog.shift);
}

std::optional<std::vector<std::byte>> encodeBadBlocks(
    const BadBlocks& blocks, const Superblock& superblock)
{
    const auto unit = badBlockUnit(superblock);
    if (unit == Sectors{})
        return {};
    std::vector<std::byte> log(Sectors{superblock.badBlockLog.size}.bytes(), std::byte{0xff});
    std::size_t at = 0;
    for (const auto& range : blocks) {
        const auto end = (range.end.count + unit.count - 1) / unit.count;
        for (auto begin = range.begin.count / unit.count; begin < end;) {
            const auto length = std::min(end - begin, kLongest);
            const le64 word(begin << kLengthBits | length);
            if (at + sizeof word > log.size())
                return {};
            std::memcpy(&log[at], &word, sizeof word);
            at += sizeof word;
            begin += length;
        }
    }
    return log;
}

} // namespace bitmend
