// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bitmend::ctl {

namespace {

// [first, last] in sectors of the array, both included.
Json rangesJson(const std::vector<SectorRange>& ranges)
{
    Json list = Json::array();
    for (const auto& range : ranges)
        list.push_back({range.begin.count, range.end.count - 1});
    return list;
}

void printRanges(std::string_view what, const std::vector<SectorRange>& ranges)
{
    constexpr std::size_t kShown = 20;
    for (std::size_t i = 0; i < std::min(kShown, ranges.size()); ++i) {
        print("  " + std::string(what) + " sectors " + std::to_string(ranges[i].begin.count) + "-" +
              std::to_string(ranges[i].end.count - 1) + "\n");
    }
    if (ranges.size() > kShown)
        print("  and " + grouped(ranges.size() - kShown) + " more (--json has all)\n");
}

ExitCode report(const ArrayReport& array, const SyncOutcome& outcome, const Options& options)
{
    const bool check = outcome.action == SyncAction::Check;
    if (options.json) {
        Json object = outcomeJson(check ? "check" : "repair", array, outcome);
        object["differing_ranges"] = rangesJson(outcome.differing);
        object["unreadable_ranges"] = rangesJson(outcome.unreadable);
        printJson(std::move(object));
    } else {
        const auto title = (check ? "Check of " : "Repair of ") + array.name;
        print(wrapped(checkSentence(title, outcome), 0));
        printRanges("differing", outcome.differing);
        printRanges("unreadable on every member", outcome.unreadable);
    }
    if (!outcome.completed)
        return ExitCode::Interrupted;
    const bool good = outcome.differing.empty() && outcome.unreadable.empty();
    return good ? ExitCode::Done : ExitCode::Findings;
}

ExitCode run(const Options& options, SyncAction action)
{
    const bool check = action == SyncAction::Check;
    const auto mode = check ? WriteMode::ReadOnly : WriteMode::Overlay;
    WatchedJob job(check ? "Check" : "Repair");
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun) {
        auto plan = planAsked(found, options, mode);
        return plan ? printPlan(*plan, options) : complain(plan.error());
    }
    const auto array = check ? openArray(found, options, mode) : openForWriting(found, options);
    if (!array)
        return complain(array.error());
    const auto outcome = sync(**array, action, job.control());
    if (outcome)
        return report((*array)->snapshot().report, *outcome, options);
    const auto code = complain(outcome.error());
    if (outcome.error().code != ErrorCode::NothingToDo)
        return code;
    return report((*array)->snapshot().report, nothingToDo(action), options);
}

} // namespace

ExitCode checkCommand(const Options& options) { return run(options, SyncAction::Check); }

ExitCode repairCommand(const Options& options) { return run(options, SyncAction::Repair); }

} // namespace bitmend::ctl
