// SPDX-License-Identifier: Apache-2.0
// The members of a running array as a scan of them would find them if it were stopped now, those
// that do not take part included: what a snapshot of the array is planned from. Superblocks that
// say dirty only because the array runs and is written to, say here what they would after a stop.
// The caller holds the array's lock.
#pragma once

#include "engine/array/scan.h"

namespace bitmend {

struct ArrayState;

ScanReport asScanned(const ArrayState& state);

} // namespace bitmend
