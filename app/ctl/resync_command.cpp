// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"

#include <nlohmann/json.hpp>

namespace bitmend::ctl {

namespace {

ExitCode report(const ArrayReport& array, const SyncOutcome& outcome, const Options& options)
{
    if (options.json)
        printJson(outcomeJson("resync", array, outcome));
    else
        print(wrapped(syncSentence("Resync of " + array.name, outcome), 0));
    return outcome.completed ? ExitCode::Done : ExitCode::Interrupted;
}

} // namespace

ExitCode resyncCommand(const Options& options)
{
    WatchedJob job("Resync");
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun) {
        const auto plan = planAsked(found, options, WriteMode::Overlay);
        return plan ? printPlan(*plan, options) : complain(plan.error());
    }
    const auto array = openForWriting(found, options);
    if (!array)
        return complain(array.error());
    const auto outcome = sync(**array, SyncAction::Resync, job.control());
    const auto name = (*array)->snapshot().report;
    if (outcome)
        return report(name, *outcome, options);
    if (outcome.error().code != ErrorCode::NothingToDo)
        return complain(outcome.error());
    complain(outcome.error());
    return report(name, {.action = SyncAction::Resync, .completed = true}, options);
}

} // namespace bitmend::ctl
