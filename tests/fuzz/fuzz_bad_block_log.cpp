// SPDX-License-Identifier: Apache-2.0
// Any bytes as a bad block log of any unit: what is listed is in order, apart and whole units; and
// what is written of it is read as the same again.
#include "engine/metadata/bad_block_log.h"
#include "engine/metadata/superblock.h"

#include <cstdlib>
#include <span>

using namespace bitmend;

namespace {

constexpr std::size_t kLogAt = 1; // behind the shift

void require(bool condition)
{
    if (!condition)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < kLogAt)
        return 0;
    const std::uint8_t shift = data[0];
    const auto blocks =
        decodeBadBlocks(std::as_bytes(std::span(data, size)).subspan(kLogAt), shift);
    require(blocks.size() <= size / sizeof(std::uint64_t));

    Superblock superblock;
    superblock.location = {8};
    superblock.featureMap = feature::kBadBlocks;
    superblock.badBlockLog = {16, 8, shift};
    const auto unit = badBlockUnit(superblock);
    Sectors end;
    for (const auto& range : blocks) {
        require(range.begin < range.end && (range.begin > end || end == Sectors{}));
        require(range.begin.count % unit.count == 0 && range.end.count % unit.count == 0);
        end = range.end;
    }
    const auto log = encodeBadBlocks(blocks, superblock);
    if (log)
        require(decodeBadBlocks(*log, shift) == blocks);
    return 0;
}
