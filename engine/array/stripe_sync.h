// SPDX-License-Identifier: Apache-2.0
// The windows of levels 4, 5 and 6: the same stretch of all members, and the parity of what they
// hold.
#pragma once

#include "engine/array/sync_window.h"

namespace bitmend {

std::unique_ptr<SyncWindow> makeStripeSync(ArrayState& state, SyncScope scope);

} // namespace bitmend
