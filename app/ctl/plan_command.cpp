// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"

#include <nlohmann/json.hpp>

namespace bitmend::ctl {

ExitCode planCommand(const Options& options)
{
    WatchedJob job("Scan");
    const auto report = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(report);
    const auto plan =
        planAsked(report, options, options.readOnly ? WriteMode::ReadOnly : WriteMode::Overlay);
    if (!plan)
        return complain(plan.error());
    if (options.json)
        printJson(json(*plan));
    else
        print(planText(*plan));
    return ExitCode::Done;
}

} // namespace bitmend::ctl
