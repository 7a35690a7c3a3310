// SPDX-License-Identifier: Apache-2.0
// A member's bad block log: the sectors of it that hold nothing to be believed, though the member
// is in sync otherwise. Only metadata 1.x has one; only a list that is not empty is in force
// (feature bit BAD_BLOCKS).
//
// On disk: bblog_size sectors at bblog_offset from the superblock, little-endian words. Bits 0 to 9
// are the length of a range, 1 to 512, bits 10 to 63 its first place; both in units of
// 512 << bblog_shift bytes, counted from the member's start. The list ends before the first word of
// all ones; what is not used is all ones. The kernel writes ranges in no certain order.
// Source: super_1_load() and super_1_sync() in drivers/md/md.c, block/badblocks.c.
#pragma once

#include "engine/base/result.h"
#include "engine/base/units.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bitmend {

class BlockSource;
struct Superblock;

// Of the member, from its start; in order, apart from each other, whole units.
using BadBlocks = std::vector<SectorRange>;

// Empty when none are listed. The error of the read otherwise: the kernel refuses such a member.
Result<BadBlocks> readBadBlocks(const BlockSource& source, const Superblock& superblock);

// Any bytes; words of length 0 or beyond what can be counted say nothing.
BadBlocks decodeBadBlocks(std::span<const std::byte> log, std::uint8_t shift);

// All of the log's area, longer ranges as several words; nothing when they are more than it has
// room for.
std::optional<std::vector<std::byte>> encodeBadBlocks(
    const BadBlocks& blocks, const Superblock& superblock);

// The sectors of one unit; 0 when the superblock has no place for a log.
Sectors badBlockUnit(const Superblock& superblock);

} // namespace bitmend
