// SPDX-License-Identifier: Apache-2.0
// Levels 1 and 10: which members hold copies of a stretch, and between which of them a sync copies.
// Asked anew for each window: writes that go on beside it may fail a member at any time.
#pragma once

#include "engine/array/mirror_window.h"

#include <vector>

namespace bitmend {

struct CopyPiece
{
    SectorRange range;                      // of the array; on each member in one stretch
    std::vector<MirrorWindow::Copy> copies; // in sync, as they are trusted
    std::vector<MirrorWindow::Copy>
        rebuilt; // valid here as well: asked when none of those gives it
    std::vector<MirrorWindow::Copy> targets;
};

// For a resync, a check or a repair, and on level 1 a recovery by the bitmap: of array sectors.
std::vector<CopyPiece> copyPieces(ArrayState& state, SyncAction action, SectorRange range);

// For any other recovery: of component sectors of those that are being rebuilt; by the bitmap, what
// it needs of them. On level 1 they are the array's as well.
std::vector<CopyPiece> recoveryPieces(ArrayState& state, SectorRange range, bool byBitmap);

} // namespace bitmend
