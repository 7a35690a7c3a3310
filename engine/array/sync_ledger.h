// SPDX-License-Identifier: Apache-2.0
// What a pass over an array has come to so far, and which part of it is not recorded on disk yet.
#pragma once

#include "engine/array/array_state.h"
#include "engine/array/sync.h"
#include "engine/array/sync_window.h"
#include "engine/base/job_control.h"

#include <chrono>
#include <vector>

namespace bitmend {

class SyncLedger
{
public:
    SyncLedger(const ArrayState& state, SyncOutcome& outcome);

    // What is due, how much of the whole has been done before, and what need not be looked at.
    void begin(JobControl& control, Sectors due, Sectors before, Sectors skipped);

    // One window is done. `window` as the pass counts.
    void add(SectorRange window, const WindowOutcome& found);

    // It is time to record: as in md after every sixteenth of the whole, which only `positions` in
    // superblocks need, or when the bitmap's own period has passed.
    bool isDue(bool positions) const;
    void wasRecorded();

    std::vector<ChunkRun> chunks; // done, their bits still set

    std::int64_t chunkAt(Sectors sector) const; // -1 without a bitmap
    ChunkRun chunksOf(SectorRange range) const; // likewise empty

private:
    SyncOutcome& m_outcome;
    JobControl* m_control = nullptr;
    std::uint64_t m_chunk = 0; // sectors; 0: no bitmap
    std::chrono::seconds m_period;
    Sectors m_size;
    std::uint64_t m_dataMembers;
    Sectors m_done;
    Sectors m_unrecorded;
    std::chrono::steady_clock::time_point m_since = std::chrono::steady_clock::now();
};

} // namespace bitmend
