// SPDX-License-Identifier: Apache-2.0
// A raw image cut into files: disk.001 disk.002 ... (counted from 000 or 001), or disk.aa disk.ab
// ... as split(1) names them. Every part but the last is as long as the first; anything else means
// that a part was lost or cut, and joining would put every later byte in the wrong place.
#pragma once

#include "engine/io/block_source.h"

#include <optional>
#include <string>

namespace bitmend {

// The first part of the set that `path` belongs to, which may be itself; nothing when it belongs to
// none. The first part need not exist: then opening it says PartMissing. A lone "x.001" is a set of
// one; letters count only where a second part exists.
std::optional<std::string> firstPartOf(const std::string& path);

// Of the first part's path. Errors: PartMissing, PartSizeDiffers, and those of openFile.
Result<SourcePtr> openSplit(const std::string& firstPart);

// The same to be written. Errors: those, and those of openFileForWriting.
Result<DevicePtr> openSplitForWriting(const std::string& firstPart);

} // namespace bitmend
