// SPDX-License-Identifier: Apache-2.0
// The log of an overlay: which base it belongs to, and which sectors lie in the data file.
//
//   byte    0  header, once, durable before anything else
//        4096  batches, one per flush that overlaid new sectors: a head and its extents
//
// Zeros follow the last batch, in a sparse file that never changes its length. A batch is written
// after the one before it is durable, so a power cut can only tear the last: a bad batch with a
// good one behind it is damage, not a cut. (Damage to the very last one cannot be told from a cut.)
// Sums are CRC-32C; integers are little-endian.
#pragma once

#include "engine/base/endian.h"
#include "engine/io/block_source.h"
#include "engine/io/extent_set.h"

#include <array>
#include <vector>

namespace bitmend {

namespace ondisk {

inline constexpr std::array<char, 8> kOverlayMagic = {'B', 'M', 'O', 'V', 'L', 'L', 'O', 'G'};
inline constexpr std::uint32_t kOverlayVersion = 1;
inline constexpr std::uint32_t kBatchMagic = 0x58454d42; // "BMEX"
inline constexpr std::uint64_t kFirstBatch = 4096;

struct OverlayHeader
{
    std::array<char, 8> magic;
    le32 version;
    le32 checksum; // of this struct, taken as 0
    le64 baseBytes;
    Le<std::int64_t> baseModified; // nanoseconds since the epoch; 0 = unknown
    le64 baseHash;                 // FNV-1a 64 of the first 64 KiB and the last 128 KiB
};

struct OverlayBatch
{
    le32 magic;
    le32 checksum; // of this struct, taken as 0
    le64 sequence; // counts from 1
    le64 extents;
    le32 extentsChecksum;
    le32 zero;
};

struct OverlayExtent
{
    le64 begin; // sector
    le64 end;   // the one after the last
};

static_assert(OnDisk<OverlayHeader> && sizeof(OverlayHeader) == 40);
static_assert(OnDisk<OverlayBatch> && sizeof(OverlayBatch) == 32);
static_assert(OnDisk<OverlayExtent> && sizeof(OverlayExtent) == 16);

} // namespace ondisk

struct BaseIdentity
{
    std::uint64_t bytes = 0;
    std::int64_t modified = 0;
    std::uint64_t hash = 0;

    bool operator==(const BaseIdentity&) const = default;
};
Result<BaseIdentity> identityOf(const BlockSource& base);

// What a log says. `end` is where the next batch goes; [end, dirtyEnd) holds what a cut left.
struct OverlayLogState
{
    bool hasHeader = false; // without one nothing was ever written: the log is new
    BaseIdentity base;
    ExtentSet extents;
    std::uint64_t sequence = 0;
    std::uint64_t end = ondisk::kFirstBatch;
    std::uint64_t dirtyEnd = ondisk::kFirstBatch;
};

// Reads only. Errors: OverlayDamaged, Io.
Result<OverlayLogState> readOverlayLog(const BlockSource& log);

// Enough for a log of a base of this size, however its sectors are written.
std::uint64_t overlayLogBytes(std::uint64_t baseBytes);

// Both durable on return.
Result<void> startOverlayLog(BlockDevice& log, const BaseIdentity& base);
Result<void> clearTornTail(BlockDevice& log, OverlayLogState& state);

// Appends one batch and makes it durable; on failure `state` is as before and the call may be
// repeated, with these extents or more.
Result<void> appendBatch(
    BlockDevice& log, OverlayLogState& state, const std::vector<SectorRange>& extents);

} // namespace bitmend
