// SPDX-License-Identifier: Apache-2.0
// From the command line to what the engine works on: paths to a scan, a scan to the array that is
// meant, and that to a plan.
#pragma once

#include "app/ctl/options.h"
#include "engine/array/array.h"
#include "engine/array/assembly.h"
#include "engine/array/scan.h"

#include <functional>

namespace bitmend::ctl {

// Paths expanded as the engine does it; none: all block devices. A spare is looked at like any
// other source. Sources that cannot be read are rows of the report.
ScanReport scanPaths(const Options& options, JobControl& control);

// All arrays, or only the one asked for; NoSuchArray when it is not there.
Result<std::vector<ArrayReport>> arraysAsked(const ScanReport& report, const Options& options);

// Where a writing command was told to write; overlays when it was not, as for a dry run.
WriteMode writeMode(const Options& options);

// For the one array that is asked for, or is the only one. NoSuchArray, SeveralArrays.
Result<AssemblyPlan> planAsked(const ScanReport& report, const Options& options, WriteMode mode);

// Planned and assembled. NotEnoughMembers, NeedsChoice or Unsupported when it does not start.
Result<std::unique_ptr<Array>> openArray(
    const ScanReport& report, const Options& options, WriteMode mode);

// What a command writes beyond assembling, resync and stop (engine/array/planned_writes.h).
using MoreWrites = std::function<std::vector<PlannedWrite>(const ArrayReport& array)>;

// The plan of a writing command, with all that it would write.
Result<AssemblyPlan> planForWriting(
    const ScanReport& report, const Options& options, const MoreWrites& more = {});

// Assembled by that plan. A source that could not be looked at may be a member; without it the
// others would be written as if it had failed. So its error is the answer, unless it is left out by
// choice.
Result<std::unique_ptr<Array>> openForWriting(
    const ScanReport& report, const Options& options, const MoreWrites& more = {});

// The sources' own errors, one sentence each on standard error.
void complainAboutSources(const ScanReport& report);

} // namespace bitmend::ctl
