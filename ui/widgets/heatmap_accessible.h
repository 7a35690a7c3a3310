// SPDX-License-Identifier: Apache-2.0
// The cells as a screen reader meets them: a table, every cell with its chunks and counts in words.
#pragma once

namespace bitmend {

// Once is enough; further calls do nothing. GUI thread.
void installHeatmapAccessibility();

} // namespace bitmend
