// SPDX-License-Identifier: Apache-2.0
// The windows in which members of levels 4, 5 and 6 are replaced: copied from the member whose
// place they take, and where that gives nothing computed from the rest.
#pragma once

#include "engine/array/sync_window.h"

#include <memory>

namespace bitmend {

// `others` does what there is to do for members that nobody else stands in for.
std::unique_ptr<SyncWindow> makeReplacementSync(
    ArrayState& state, SyncScope scope, std::unique_ptr<SyncWindow> others);

} // namespace bitmend
