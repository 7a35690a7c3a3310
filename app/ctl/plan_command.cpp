// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"

namespace bitmend::ctl {

ExitCode planCommand(const Options& options)
{
    WatchedJob job("Scan");
    const auto report = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(report);
    return printPlan(
        planAsked(report, options, options.readOnly ? WriteMode::ReadOnly : writeMode(options)),
        options);
}

} // namespace bitmend::ctl
