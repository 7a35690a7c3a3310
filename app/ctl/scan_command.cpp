// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bitmend::ctl {

namespace {

void printText(const ScanReport& report, const std::vector<ArrayReport>& arrays)
{
    for (const auto& array : arrays)
        print(arrayText(array) + "\n");
    if (arrays.empty())
        print("No md array was found.\n\n");
    print(sourcesText(report, arrays));
}

// Nothing could be read at all: that is a failure, and not an empty result.
bool nothingReadable(const ScanReport& report)
{
    return !report.sources.empty() &&
           std::ranges::all_of(
               report.sources, [](const SourceReport& source) { return source.error.has_value(); });
}

bool hasUnreadable(const SourceReport& source)
{
    return (source.error && source.error->code == ErrorCode::Io) ||
           std::ranges::any_of(source.partitions, hasUnreadable);
}

} // namespace

ExitCode scanCommand(const Options& options)
{
    WatchedJob job("Scan");
    const auto report = scanPaths(options, job.control());
    const auto arrays = arraysAsked(report, options);
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    if (!arrays)
        return complain(arrays.error());
    if (options.json) {
        Json list = Json::array();
        for (const auto& array : *arrays)
            list.push_back(json(array));
        printJson({{"sources", json(report)}, {"arrays", std::move(list)}});
    } else {
        printText(report, *arrays);
    }
    complainAboutSources(report);
    if (nothingReadable(report))
        return ExitCode::Failed;
    return std::ranges::any_of(report.sources, hasUnreadable) ? ExitCode::Findings : ExitCode::Done;
}

} // namespace bitmend::ctl
