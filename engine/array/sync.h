// SPDX-License-Identifier: Apache-2.0
// Making members agree again. md's word for each case, and they are not interchangeable: resync
// after an unclean stop (all members), recovery of one that was added (that member only).
#pragma once

#include "engine/array/snapshot.h"
#include "engine/base/job_control.h"
#include "engine/base/result.h"

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
};

// Returns an outcome, not an error, when cancelled: what was done is on disk and recorded there, so
// the next call carries on from it. NothingToDo when the action is not due.
Result<SyncOutcome> sync(Array& array, SyncAction action, JobControl& control);

} // namespace bitmend
