// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/membership.h"

#include <nlohmann/json.hpp>

namespace bitmend::ctl {

namespace {

using Change = Result<MembershipOutcome> (*)(Array& array, const std::string& path);

struct Words
{
    std::string_view action; // as in JSON
    std::string title;
    std::string done; // "<member> <done>."
};

ExitCode memberWanted(const Words& words)
{
    complain("Name the member: --member FILE. See 'bitmendctl " + std::string(words.action) +
             " --help'.");
    return ExitCode::Usage;
}

void report(const ArraySnapshot& array, const Words& words, const MembershipOutcome& outcome,
    const Options& options)
{
    if (options.json) {
        Json object = outcomeJson(words.action, array, nothingToDo({}));
        object["written_bytes"] = outcome.writtenBytes;
        object["member"] = outcome.path;
        object["events"] = outcome.events;
        printJson(object);
        return;
    }
    print(wrapped(outcome.path + " " + words.done + "; " + array.report.name + " is at events " +
                      grouped(outcome.events) + ".",
        0));
    printWayBack(array);
}

// Assemble, the change, stop: what lies in the members then is what the kernel would leave there.
ExitCode run(const Options& options, const Words& words, Change change)
{
    if (options.member.empty())
        return memberWanted(words);
    WatchedJob job(words.title);
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun)
        return printPlan(planForWriting(found, options), options);
    const auto array = openForWriting(found, options);
    if (!array)
        return complain(array.error());
    auto outcome = change(**array, options.member);
    if (!outcome && outcome.error().code != ErrorCode::NothingToDo)
        return complain(outcome.error(), **array);
    const auto stopped = stop(**array);
    if (!stopped)
        return complain(stopped.error(), **array);
    if (!outcome) {
        complain(outcome.error());
        outcome = MembershipOutcome{options.member, 0, 0};
    }
    outcome->events = stopped->events;
    outcome->writtenBytes += stopped->writtenBytes;
    report((*array)->snapshot(), words, *outcome, options);
    return ExitCode::Done;
}

Json planJson(const ReAddPlan& plan)
{
    return {{"member", plan.path}, {"dev_number", plan.devNumber}, {"role", plan.role},
        {"by_bitmap", plan.byBitmap}, {"bitmap_pages", plan.bitmapPages},
        {"recovery", json(plan.recovery)}, {"writes", json(plan.writes)}};
}

std::string planText(const ReAddPlan& plan)
{
    return wrapped(plan.path + " would take slot " + std::to_string(plan.role) + " again; " +
                       grouped(plan.recovery.chunks) + " bitmap chunks, at most " +
                       iecSize(plan.recovery.writeBytes) + ", would be copied to it.",
               0) +
           "\n" + writesText(plan.writes);
}

ExitCode dryReAdd(const ScanReport& found, const Options& options)
{
    const auto array = openArray(found, options, WriteMode::ReadOnly);
    if (!array)
        return complain(array.error());
    const auto plan = planReAdd(**array, options.member);
    if (!plan)
        return complain(plan.error());
    if (options.json) {
        printJson(planJson(*plan));
    } else {
        print(planText(*plan));
    }
    return ExitCode::Done;
}

Result<HotAddOutcome> takeBack(Array& array, const std::string& path)
{
    const auto plan = BM_TRY(planReAdd(array, path));
    return reAdd(array, plan);
}

void report(const ArraySnapshot& array, const HotAddOutcome& added, const SyncOutcome& recovered,
    const Options& options)
{
    if (options.json) {
        Json object = outcomeJson("re-add", array, recovered);
        object["written_bytes"] = recovered.writtenBytes + added.writtenBytes;
        object["member"] = added.path;
        object["role"] = added.role;
        object["bitmap_pages"] = added.pagesWritten;
        object["events"] = array.report.events;
        printJson(object);
        return;
    }
    print(wrapped(added.path + " took slot " + std::to_string(added.role) + " again.", 0));
    print(wrapped(syncSentence("Recovery of " + array.report.name, recovered), 0));
    printWayBack(array);
}

} // namespace

ExitCode failCommand(const Options& options)
{
    return run(options, {"fail", "Fail", "is marked as failed"}, failMember);
}

ExitCode removeCommand(const Options& options)
{
    return run(options, {"remove", "Remove", "is not in the array's table any more"}, removeMember);
}

ExitCode reAddCommand(const Options& options)
{
    if (options.member.empty())
        return memberWanted({"re-add", {}, {}});
    WatchedJob job("Re-add", options.rateLimit);
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun)
        return dryReAdd(found, options);
    const auto array = openForWriting(found, options);
    if (!array)
        return complain(array.error());
    const auto added = takeBack(**array, options.member);
    if (!added)
        return complain(added.error(), **array);
    const auto recovered = recoverIfDue(**array, job.control(), options);
    if (!recovered)
        return complain(recovered.error(), **array);
    report((*array)->snapshot(), *added, *recovered, options);
    return withLosses(**array, recovered->completed ? ExitCode::Done : ExitCode::Interrupted);
}

} // namespace bitmend::ctl
