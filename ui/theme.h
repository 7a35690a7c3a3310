// SPDX-License-Identifier: Apache-2.0
// The colours of a bitmap chunk's states and of what a stripe holds, by role, light and dark.
// Chosen so that any two stay apart for colour-blind eyes; no other place names them.
#pragma once

#include "engine/array/bitmap_frame.h"

#include <QColor>
#include <QPalette>

namespace bitmend {

enum class ColorRole : std::uint8_t {
    Clean,
    Dirty,
    Syncing,
    Done,
    Bad,
    Unknown,
    PageDue,
    Data,
    ParityP,
    ParityQ
};

// Light or dark is the palette's: whether its window colour is.
QColor roleColor(ColorRole role, const QPalette& palette);

// Ignored and Differs are drawn with the colour of Dirty (hollow, split), Stale with Unknown.
ColorRole roleOf(ChunkState state);

} // namespace bitmend
