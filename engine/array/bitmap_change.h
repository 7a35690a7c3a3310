// SPDX-License-Identifier: Apache-2.0
// Giving an array a write-intent bitmap, and taking it away, as mdadm --grow --bitmap does. While
// it is done nobody reads or writes; refused while a resync or a recovery is due, as in the kernel.
//
// Adding goes in the kernel's order: header and ones on every member that has a role, durable; the
// bitmap is loaded from there, out of date by its event count and so all set; only then do the
// superblocks name it. The bits go as idle ones always do. A cut in between leaves an array without
// a bitmap, or with one that says more than it need to.
#pragma once

#include "engine/array/snapshot.h"
#include "engine/base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace bitmend {

class Array;

struct BitmapChoices
{
    std::uint32_t chunkBytes = 0; // 0: what mdadm would take
    // Sectors from the superblock; none: where mdadm puts it.
    std::optional<std::int32_t> offset = std::nullopt;
    // A bitmap in this file instead, which must not be there yet.
    // NOLINTNEXTLINE(readability-redundant-member-init): gcc asks for it where others are named
    std::string file = {};
};

struct BitmapAddPlan
{
    BitmapChoices choices;
    std::uint32_t chunkBytes = 0;
    std::uint64_t chunks = 0;
    std::uint64_t pages = 0;
    std::int32_t offset = 0; // 0: in the file
    std::vector<PlannedWrite> writes;
};

// HasBitmap, SyncDue, NoRoomForBitmap (where: the member; found and expected in bytes), BadBitmap
// for a chunk size that cannot be. Writes nothing, also on an array that is only read.
Result<BitmapAddPlan> planBitmapAdd(const Array& array, const BitmapChoices& choices);

struct BitmapOutcome
{
    std::uint64_t events = 0;
    std::uint64_t writtenBytes = 0;
};

// A member that does not take the first bytes leaves the array without a bitmap, and running.
Result<BitmapOutcome> addBitmap(Array& array, const BitmapAddPlan& plan);

// The superblocks forget it. What lies in its place stays, out of date. NoBitmap, SyncDue.
Result<BitmapOutcome> removeBitmap(Array& array);

} // namespace bitmend
