// SPDX-License-Identifier: Apache-2.0
// The commands that go through an array and make its members agree.
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"

#include <nlohmann/json.hpp>

#include <algorithm>

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

ExitCode report(const ArrayReport& array, const SyncOutcome& outcome, const Options& options)
{
    const auto words = wordsOf(outcome.action);
    if (options.json)
        printJson(outcomeJson(words.action, array, outcome));
    if (!options.json) {
        print(wrapped(syncSentence(words.title + " of " + array.name, outcome), 0));
        printRanges("unreadable on every member", outcome.unreadable);
    }
    if (outcome.lost)
        return ExitCode::Findings;
    return outcome.completed ? ExitCode::Done : ExitCode::Interrupted;
}

// Resync is part of every plan. A recovery writes, besides, to the members that are being rebuilt.
ExitCode dryRun(const ScanReport& found, const Options& options, SyncAction action)
{
    auto plan = planAsked(found, options, WriteMode::Overlay);
    if (!plan)
        return complain(plan.error());
    for (const auto& member : plan->array.members) {
        if (action != SyncAction::Recover || member.state != MemberState::Rebuilding)
            continue;
        const auto& superblock = *member.superblock;
        const auto from = std::min(superblock.recoveryOffset, superblock.componentSize);
        plan->writes.push_back({member.path, (superblock.dataOffset + from).bytes(),
            (superblock.componentSize - from).bytes(), WritePurpose::Data});
    }
    return printPlan(*plan, options);
}

ExitCode run(const Options& options, SyncAction action)
{
    WatchedJob job(wordsOf(action).title);
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun)
        return dryRun(found, options, action);
    const auto array = openForWriting(found, options);
    if (!array)
        return complain(array.error());
    const auto outcome = sync(**array, action, job.control(), syncOptions(options));
    const auto name = (*array)->snapshot().report;
    if (outcome)
        return report(name, *outcome, options);
    const auto code = complain(outcome.error());
    if (outcome.error().code != ErrorCode::NothingToDo)
        return code;
    return report(name, nothingToDo(action), options);
}

} // namespace

ExitCode resyncCommand(const Options& options) { return run(options, SyncAction::Resync); }

ExitCode recoverCommand(const Options& options) { return run(options, SyncAction::Recover); }

} // namespace bitmend::ctl
