// SPDX-License-Identifier: Apache-2.0
// An assembled array at one instant, by value, for the window and for bitmendctl.
#pragma once

#include "engine/array/assembly.h"

namespace bitmend {

enum class SyncAction : std::uint8_t { Resync, Recover, Check, Repair };

struct ArraySnapshot
{
    ArrayReport report; // states, events and bitmap as they are now
    WriteMode mode{};
    std::string restoreFile; // when in place: what it wrote over is saved there
    bool stopped = false;
    bool resyncDue = false;
    bool recoveryDue = false;
    SyncEstimate resync;   // what it would cost now
    SyncEstimate recovery; // likewise
};

} // namespace bitmend
