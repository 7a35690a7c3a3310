// SPDX-License-Identifier: Apache-2.0
// How much room mdadm sets aside for a bitmap. Copied so that a member added by us looks like one
// that mdadm added.
#pragma once

#include "engine/base/units.h"

namespace bitmend {

// On a member of which so much is used. 1.x only: 0.90 always has 60 KiB behind the superblock.
Sectors roomForBitmap(Sectors componentSize);

} // namespace bitmend
