// SPDX-License-Identifier: Apache-2.0
// Making members agree again. md's word for each case, and they are not interchangeable: resync
// after an unclean stop (all members), recovery of one that was added (that member only), check
// (count what differs) and repair (count, and overwrite with the lowest slot's copy).
#pragma once

#include "engine/array/snapshot.h"
#include "engine/base/job_control.h"
#include "engine/base/result.h"

#include <vector>

namespace bitmend {

class Array;

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

    // Of check and repair. md's mismatch_cnt: whole windows of 128 sectors, for each member that
    // differs from the first in one.
    Sectors mismatch;
    std::vector<SectorRange> differing;  // array sectors, exact, merged over the members
    std::vector<SectorRange> unreadable; // no member gives these
};

// Returns an outcome, not an error, when cancelled: what was done is on disk and recorded there, so
// the next call carries on from it (a check or repair begins anew). NothingToDo when the action is
// not due; a check or repair wants two members in sync. A check writes nothing and may run on an
// array that is only read.
Result<SyncOutcome> sync(Array& array, SyncAction action, JobControl& control);

} // namespace bitmend
