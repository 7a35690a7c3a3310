// SPDX-License-Identifier: Apache-2.0
// A device whose writes go elsewhere. The base is only ever read; what is written lies in a sparse
// data file beside a checksummed log of extents (a hole in the data file could not say "written
// with zeros").
//
// Both files live in one folder per job, named after the base, and survive restarts: opening the
// same base with the same folder again shows what was written. The log records the base's size,
// modification time and the hash of its superblock areas, and a base that changed is refused.
// Durability: flush() makes data durable first, then the log, so a cut leaves each sector as it was
// at the last flush or as a later write left it, never an extent without its data. Nothing is made
// durable before flush(), and a program that ends without one may lose what it wrote since. One
// writer per overlay, guarded by a lock on the log; reading beside it is safe from any thread.
#pragma once

#include "engine/base/units.h"
#include "engine/io/block_source.h"

#include <filesystem>
#include <vector>

namespace bitmend {

// Creates the folder and the overlay, or reopens it. Errors: OverlayForeign, OverlayDamaged, InUse,
// NoSpace, Io. Of its writes: ShortRead past the end; NoSpace changes nothing that was not written
// before. A flush that failed for another reason fails for good: what the kernel dropped is lost.
Result<DevicePtr> openOverlay(SourcePtr base, const std::filesystem::path& folder);

// The same over two devices in place of the two files: `data` at least as large as the base in
// whole sectors, `log` at least overlayLogBytes(). All zeros is an overlay not yet begun.
Result<DevicePtr> openOverlayOn(SourcePtr base, DevicePtr data, DevicePtr log);

// For looking only: the base as the overlay showed it at its last flush, or `base` itself when the
// folder has no overlay of it. Takes no lock.
Result<SourcePtr> viewThroughOverlay(SourcePtr base, const std::filesystem::path& folder);

// What has been written, merged and in order; for tests and for the user's own look.
Result<std::vector<SectorRange>> overlaidRanges(
    const BlockSource& base, const std::filesystem::path& folder);

// Writes the overlaid bytes into `copy`, which must be a copy of the base (same size, or
// BadGeometry), and flushes it.
Result<void> applyOverlay(
    const BlockSource& base, const std::filesystem::path& folder, BlockDevice& copy);

} // namespace bitmend
