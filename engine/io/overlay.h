// SPDX-License-Identifier: Apache-2.0
// A device whose writes go elsewhere. The base is only ever read; what is written lies in a sparse
// data file beside a checksummed log of extents (a hole in the data file could not say "written
// with zeros").
//
// Both files live in one folder per job, named after the base, and survive restarts: opening the
// same base with the same folder again shows what was written. The log records the base's size,
// modification time and the hash of its superblock areas, and a base that changed is refused.
// Durability: flush() makes data durable first, then the log, so a cut leaves old or new bytes,
// never an extent without its data. One writer per overlay, guarded by a lock on the log.
#pragma once

#include "engine/base/units.h"
#include "engine/io/block_source.h"

#include <filesystem>
#include <vector>

namespace bitmend {

// Creates the folder and the overlay, or reopens it. Errors: OverlayForeign, OverlayDamaged, InUse,
// NoSpace, Io.
Result<DevicePtr> openOverlay(SourcePtr base, const std::filesystem::path& folder);

// For looking only: the base as the overlay shows it, or `base` itself when the folder has no
// overlay of it. Takes no lock for longer than the call.
Result<SourcePtr> viewThroughOverlay(SourcePtr base, const std::filesystem::path& folder);

// What has been written, merged and in order; for tests and for the user's own look.
Result<std::vector<SectorRange>> overlaidRanges(
    const BlockSource& base, const std::filesystem::path& folder);

// Writes the overlaid bytes into `copy`, which must be a copy of the base (same size).
Result<void> applyOverlay(
    const BlockSource& base, const std::filesystem::path& folder, BlockDevice& copy);

} // namespace bitmend
