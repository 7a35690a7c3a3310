// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"

#include <nlohmann/json.hpp>

namespace bitmend::ctl {

namespace {

void report(const ArraySnapshot& array, const StopOutcome& outcome, const Options& options)
{
    if (options.json) {
        Json object = outcomeJson("stop", array, nothingToDo({}));
        object["written_bytes"] = outcome.writtenBytes;
        object["events"] = outcome.events;
        object["chunks_kept"] = outcome.chunksKept;
        printJson(object);
        return;
    }
    std::string text = array.report.name + " is stopped at events " + grouped(outcome.events) +
                       "; written: " + iecSize(outcome.writtenBytes) + ".";
    if (outcome.chunksKept > 0)
        text += " Bitmap chunks still due and kept: " + grouped(outcome.chunksKept) + ".";
    print(wrapped(text, 0));
    printWayBack(array);
}

} // namespace

ExitCode stopCommand(const Options& options)
{
    WatchedJob job("Stop");
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun)
        return printPlan(planForWriting(found, options), options);
    const auto array = openForWriting(found, options);
    if (!array)
        return complain(array.error());
    const auto outcome = stop(**array);
    if (!outcome)
        return complain(outcome.error(), **array);
    report((*array)->snapshot(), *outcome, options);
    return withLosses(**array, ExitCode::Done);
}

} // namespace bitmend::ctl
