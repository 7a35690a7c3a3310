// SPDX-License-Identifier: Apache-2.0
// One pass over an array: which stretches are due, in order, and what is recorded when they are
// done. Its windows are worked on by several threads at once; everything here is called by one of
// them at a time, and a window is settled only after all that lie before it.
#pragma once

#include "engine/array/array_state.h"
#include "engine/array/sync.h"
#include "engine/array/sync_window.h"

#include <memory>

namespace bitmend {

class SyncPass
{
public:
    virtual ~SyncPass() = default;

    // How much is due, in what the pass counts in.
    virtual Sectors begin(JobControl& control) = 0;

    // The next window, at most SyncWindow::kBytes long; empty when all have been handed out.
    virtual SectorRange next() = 0;

    virtual void settle(SectorRange window, const WindowOutcome& found) = 0;

    // Makes durable and records what is settled. `reached`: all that is due before it is. OnTheWay
    // only when enough has come together for it.
    enum class Occasion : std::uint8_t { OnTheWay, Stopped };
    virtual Result<void> record(Sectors reached, Occasion occasion) = 0;

    // Everything has been settled.
    virtual Result<void> end() = 0;
};

std::unique_ptr<SyncPass> makeResyncPass(ArrayState& state, SyncOutcome& outcome);
std::unique_ptr<SyncPass> makeRecoveryPass(ArrayState& state, SyncOutcome& outcome, bool byBitmap);
std::unique_ptr<SyncPass> makeCheckPass(ArrayState& state, SyncOutcome& outcome);

} // namespace bitmend
