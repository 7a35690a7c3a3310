// SPDX-License-Identifier: Apache-2.0
// A program that uses an array, for watching what its writes do to the bitmap: some longer files,
// many single blocks, a pause between two of them. It writes what is there already, so nothing that
// the array holds is changed by it.
#pragma once

#include "engine/base/job_control.h"
#include "engine/base/result.h"

#include <cstdint>

namespace bitmend {

class Array;

struct WriterOutcome
{
    bool completed = false;
    std::uint64_t writes = 0;
    std::uint64_t writtenBytes = 0; // of the array, each counted once
};

// From any thread, beside whatever job runs. An outcome, not an error, when cancelled.
Result<WriterOutcome> writeSomething(Array& array, JobControl& control);

} // namespace bitmend
