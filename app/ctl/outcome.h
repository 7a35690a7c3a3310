// SPDX-License-Identifier: Apache-2.0
// What the writing commands come to and report, for people and for scripts.
#pragma once

#include "app/ctl/exit_code.h"
#include "app/ctl/json.h"
#include "app/ctl/options.h"
#include "engine/array/array.h"
#include "engine/array/sync.h"

#include <string>

namespace bitmend::ctl {

// {action, completed, checked_bytes, skipped_bytes, read_bytes, written_bytes, ...}: the same keys
// for every action, so that a script needs to know them once.
Json outcomeJson(std::string_view action, const ArraySnapshot& array, const SyncOutcome& outcome);

// Where what was written over in place is saved, if anything was: behind the result, or behind the
// error that ended a job. The latter returns the error's exit code.
void printWayBack(const ArraySnapshot& array);
ExitCode complain(const Error& error, const Array& array);

// Says which members the job lost on its way, while the others went on. What was done is then done
// with a finding.
ExitCode withLosses(const Array& array, ExitCode code);

// [first, last], both included.
void printRanges(std::string_view what, const std::vector<SectorRange>& ranges);

SyncOptions syncOptions(const Options& options);

// What is reported where there was nothing to do.
SyncOutcome nothingToDo(SyncAction action);

// A recovery; where none is due, the outcome says so instead of an error.
Result<SyncOutcome> recoverIfDue(Array& array, JobControl& control, const Options& options);

// One sentence about a finished or interrupted sync.
std::string syncSentence(std::string_view action, const SyncOutcome& outcome);
std::string checkSentence(std::string_view action, const SyncOutcome& outcome);

// The plan, for --dry-run; or why there is none.
ExitCode printPlan(const Result<AssemblyPlan>& plan, const Options& options);

} // namespace bitmend::ctl
