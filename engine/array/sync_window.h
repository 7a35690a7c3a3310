// SPDX-License-Identifier: Apache-2.0
// What one worker of a sync does: one stretch after the other, each on its own. How a stretch is
// compared and mended is the level's business; which ones are due, and what is recorded when they
// are done, is the pass's (sync_pass.h).
#pragma once

#include "engine/array/array_state.h"
#include "engine/array/sync.h"
#include "engine/base/result.h"

#include <memory>
#include <optional>
#include <vector>

namespace bitmend {

// Ranges are in order.
struct WindowOutcome
{
    std::uint64_t readBytes = 0;
    std::uint64_t writtenBytes = 0;
    std::uint64_t differingBytes = 0;
    std::uint64_t recomputedBytes = 0;   // which a member did not give
    Sectors mismatch;                    // as md counts
    std::vector<SectorRange> differing;  // of a check or repair: sync sectors
    std::vector<WrongBlock> wrong;       // likewise
    std::vector<SectorRange> unreadable; // array sectors that no redundancy gives
    std::uint64_t listedBadBytes = 0;    // of those, on a member each: in its bad block log
    std::optional<Error> lost;           // why, of the first one that is not
};

class SyncWindow
{
public:
    // Members' bytes that are read at once: with less, calls cost more than bytes; with more, what
    // was read has left the processor's cache before it is compared.
    static constexpr std::uint64_t kBytes = std::uint64_t{1} << 20U;

    virtual ~SyncWindow() = default;

    // `range` in the pass's sectors, at most kBytes long. Waits for reads and writes of the array
    // that are under way there, and keeps others out. The error of a write that was not taken.
    virtual Result<WindowOutcome> work(SectorRange range) = 0;
};

struct SyncScope
{
    SyncAction action{};
    bool byBitmap = false;   // of a recovery: only needed chunks
    bool verifySlot = false; // of a repair: mend the block that explains it
    bool pastCache = false;  // how members are read: BlockSource::readOnceAt()
};

std::unique_ptr<SyncWindow> makeSyncWindow(ArrayState& state, SyncScope scope);

// Appends a range to a list of them, or lets the last one grow.
void appendRange(std::vector<SectorRange>& ranges, SectorRange range);

// Adds ranges from anywhere.
void uniteRanges(std::vector<SectorRange>& all, const std::vector<SectorRange>& found);

// Appends what was found in one window, in whatever order, to a list that ends before it.
void mergeRanges(std::vector<SectorRange>& all, std::vector<SectorRange> found);

} // namespace bitmend
