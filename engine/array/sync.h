// SPDX-License-Identifier: Apache-2.0
// Making members agree again. md's word for each case, and they are not interchangeable: resync
// after an unclean stop (all members), recovery of one that was added (that member only), check
// (count what differs) and repair (count, and overwrite with the first copy or with what the data's
// parity is).
#pragma once

#include "engine/array/snapshot.h"
#include "engine/base/job_control.h"
#include "engine/base/result.h"

#include <optional>
#include <vector>

namespace bitmend {

class Array;

// On level 6 the one block that, put right, makes P and Q agree with the data.
struct WrongBlock
{
    SectorRange range; // of the component
    int role = 0;

    bool operator==(const WrongBlock&) const = default;
};

struct SyncOutcome
{
    SyncAction action{};
    bool completed = false;
    std::uint64_t checkedBytes = 0;   // array bytes looked at
    std::uint64_t skippedBytes = 0;   // clean in the bitmap
    std::uint64_t readBytes = 0;      // over all members
    std::uint64_t writtenBytes = 0;   // data, over all members
    std::uint64_t differingBytes = 0; // what differed, in 4 KiB blocks
    std::uint64_t chunks = 0;         // bitmap chunks worked on

    std::uint64_t recomputedBytes = 0; // which a member did not give; rewritten but by a check

    // Of check and repair. md's mismatch_cnt: for copies the requests of (mostly) 128 sectors in
    // which one differs from the first, for each that does; for parity 8 for each page of a stripe.
    Sectors mismatch;
    std::vector<SectorRange> differing;  // copies: array sectors, exact; parity: member sectors
    std::vector<WrongBlock> wrong;       // level 6: where one block explains what differs
    std::vector<SectorRange> unreadable; // array sectors that no redundancy gives
    std::uint64_t listedBadBytes = 0;    // of each new member, now in its bad block log
    std::optional<Error> lost;           // why, of the first one that is not
};

// What is read goes through the page cache or past it (engine/io/past_cache.h).
enum class Reading : std::uint8_t { AsItFits, Cached, PastCache };

struct SyncOptions
{
    unsigned workers = 0;    // 0: one for each processor, or more where they only wait
    bool verifySlot = false; // a repair of level 6 mends the wrong block instead of the parity
    Reading reading = Reading::AsItFits;
};

// Returns an outcome, not an error, when cancelled or when some of it was lost: what was done is on
// disk and recorded there, so the next call carries on from it (a check or repair begins anew).
// NothingToDo when the action is not due; a check or repair wants redundancy to compare. A check
// writes nothing and may run on an array that is only read.
Result<SyncOutcome> sync(
    Array& array, SyncAction action, JobControl& control, const SyncOptions& options = {});

} // namespace bitmend
