// SPDX-License-Identifier: Apache-2.0
// The commands that go through an array and make its members agree.
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/planned_writes.h"

#include <nlohmann/json.hpp>

namespace bitmend::ctl {

namespace {

struct Words
{
    std::string_view action; // as in JSON
    std::string title;
};

Words wordsOf(SyncAction action)
{
    if (action == SyncAction::Resync)
        return {"resync", "Resync"};
    return {"recover", "Recovery"};
}

ExitCode report(const ArraySnapshot& array, const SyncOutcome& outcome, const Options& options)
{
    const auto words = wordsOf(outcome.action);
    if (options.json) {
        printJson(outcomeJson(words.action, array, outcome));
    } else {
        print(wrapped(syncSentence(words.title + " of " + array.report.name, outcome), 0));
        printRanges("unreadable on every member", outcome.unreadable);
        printWayBack(array);
    }
    if (outcome.lost)
        return ExitCode::Findings;
    return outcome.completed ? ExitCode::Done : ExitCode::Interrupted;
}

// Resync is part of every plan.
MoreWrites moreWrites(SyncAction action)
{
    return action == SyncAction::Recover ? recoveryWrites : MoreWrites();
}

ExitCode run(const Options& options, SyncAction action)
{
    WatchedJob job(wordsOf(action).title, options.rateLimit);
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun)
        return printPlan(planForWriting(found, options, moreWrites(action)), options);
    const auto array = openForWriting(found, options, moreWrites(action));
    if (!array)
        return complain(array.error());
    const auto outcome = sync(**array, action, job.control(), syncOptions(options));
    if (outcome)
        return withLosses(**array, report((*array)->snapshot(), *outcome, options));
    if (outcome.error().code != ErrorCode::NothingToDo)
        return complain(outcome.error(), **array);
    complain(outcome.error());
    return withLosses(**array, report((*array)->snapshot(), nothingToDo(action), options));
}

} // namespace

ExitCode resyncCommand(const Options& options) { return run(options, SyncAction::Resync); }

ExitCode recoverCommand(const Options& options) { return run(options, SyncAction::Recover); }

} // namespace bitmend::ctl
