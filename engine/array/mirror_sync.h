// SPDX-License-Identifier: Apache-2.0
// The windows of levels that keep copies: 1 and 10.
#pragma once

#include "engine/array/sync_window.h"

namespace bitmend {

std::unique_ptr<SyncWindow> makeMirrorSync(ArrayState& state, SyncScope scope);

} // namespace bitmend
