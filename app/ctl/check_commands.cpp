// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/differences.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/planned_writes.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bitmend::ctl {

namespace {

// [first, last, slot]
Json wrongJson(const std::vector<WrongBlock>& blocks)
{
    Json list = Json::array();
    for (const auto& block : blocks)
        list.push_back({block.range.begin.count, block.range.end.count - 1, block.role});
    return list;
}

void printWrong(const std::vector<WrongBlock>& blocks, int members)
{
    for (int role = 0; role < members; ++role) {
        const auto count = std::ranges::count(blocks, role, &WrongBlock::role);
        if (count != 0) {
            print("  the block of slot " + std::to_string(role) + " is the wrong one in " +
                  grouped(static_cast<std::uint64_t>(count)) +
                  (count == 1 ? " place\n" : " places\n"));
        }
    }
}

ExitCode report(const Array& running, const SyncOutcome& outcome, const Options& options)
{
    const auto array = running.snapshot();
    const auto shown = options.showDifferences;
    const bool check = outcome.action == SyncAction::Check;
    if (options.json) {
        Json object = outcomeJson(check ? "check" : "repair", array, outcome);
        object["differing_ranges"] = rangesJson(outcome.differing);
        object["wrong_blocks"] = wrongJson(outcome.wrong);
        if (shown != 0)
            object["differences"] = differencesJson(running, outcome.differing, shown);
        printJson(object);
    } else {
        const auto title = (check ? "Check of " : "Repair of ") + array.report.name;
        print(wrapped(checkSentence(title, outcome), 0));
        const int level = array.report.geometry.level;
        const bool parity = level >= 4 && level <= 6;
        printRanges(parity ? "parity does not fit: member" : "differing", outcome.differing);
        printWrong(outcome.wrong, array.report.geometry.raidDisks);
        printRanges("unreadable on every member", outcome.unreadable);
        print(differencesText(running, outcome.differing, shown));
        printWayBack(array);
    }
    if (!outcome.completed)
        return ExitCode::Interrupted;
    const bool good = outcome.differing.empty() && outcome.unreadable.empty();
    return good ? ExitCode::Done : ExitCode::Findings;
}

ExitCode run(const Options& options, SyncAction action)
{
    const bool check = action == SyncAction::Check;
    WatchedJob job(check ? "Check" : "Repair", options.rateLimit);
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun) {
        return printPlan(check ? planAsked(found, options, WriteMode::ReadOnly)
                               : planForWriting(found, options, repairWrites),
            options);
    }
    const auto array = check ? openArray(found, options, WriteMode::ReadOnly)
                             : openForWriting(found, options, repairWrites);
    if (!array)
        return complain(array.error());
    const auto outcome = sync(**array, action, job.control(), syncOptions(options));
    if (outcome)
        return withLosses(**array, report(**array, *outcome, options));
    if (outcome.error().code != ErrorCode::NothingToDo)
        return complain(outcome.error(), **array);
    complain(outcome.error());
    return withLosses(**array, report(**array, nothingToDo(action), options));
}

} // namespace

ExitCode checkCommand(const Options& options) { return run(options, SyncAction::Check); }

ExitCode repairCommand(const Options& options) { return run(options, SyncAction::Repair); }

} // namespace bitmend::ctl
