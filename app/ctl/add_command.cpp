// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/hot_add.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bitmend::ctl {

namespace {

// An earlier call was interrupted after the spare had its slot, or had finished: what is left is
// the recovery, if anything.
bool isSlotted(const ArrayReport& array, const std::string& path)
{
    return std::ranges::any_of(array.members, [&](const Member& member) {
        return member.path == path &&
               (member.state == MemberState::Rebuilding || member.state == MemberState::InSync ||
                   member.state == MemberState::Replacement);
    });
}

Json planJson(const HotAddPlan& plan)
{
    return {{"spare", plan.path}, {"dev_number", plan.devNumber}, {"role", plan.role},
        {"replaces", plan.replaces.empty() ? Json() : Json(plan.replaces)},
        {"data_offset", plan.dataOffset.bytes()}, {"data_bytes", plan.dataSize.bytes()},
        {"bitmap_pages", plan.bitmapPages}, {"recovery", json(plan.recovery)},
        {"writes", json(plan.writes)}};
}

std::string planText(const HotAddPlan& plan)
{
    const auto from = plan.replaces.empty() ? std::string() : " from " + plan.replaces;
    return wrapped(plan.path + " would take slot " + std::to_string(plan.role) + from +
                       ": superblock, " + grouped(plan.bitmapPages) +
                       " bitmap pages, then recovery, which reads " +
                       iecSize(plan.recovery.readBytes) + " and writes " +
                       iecSize(plan.recovery.writeBytes) + ".",
               0) +
           "\n" + writesText(plan.writes);
}

// Only a replacement names a member.
Result<HotAddPlan> planFor(const Array& array, const Options& options)
{
    return options.member.empty() ? planHotAdd(array, options.spare)
                                  : planReplace(array, options.spare, options.member);
}

ExitCode dryRun(const ScanReport& found, const Options& options)
{
    // Without a spare there is only the array to speak of.
    if (options.spare.empty())
        return printPlan(planForWriting(found, options), options);
    const auto array = openArray(found, options, WriteMode::ReadOnly);
    if (!array)
        return complain(array.error());
    const auto plan = planFor(**array, options);
    if (!plan)
        return complain(plan.error());
    if (options.json) {
        printJson(planJson(*plan));
    } else {
        print(planText(*plan));
    }
    return ExitCode::Done;
}

void report(const ArraySnapshot& array, const HotAddOutcome& added, const SyncOutcome& recovered,
    const Options& options)
{
    if (options.json) {
        Json object = outcomeJson(options.member.empty() ? "add" : "replace", array, recovered);
        object["written_bytes"] = recovered.writtenBytes + added.writtenBytes;
        object["spare"] = options.spare;
        if (!options.member.empty())
            object["member"] = options.member;
        object["role"] = added.role < 0 ? Json() : Json(added.role);
        object["bitmap_pages"] = added.pagesWritten;
        object["events"] = array.report.events;
        printJson(object);
        return;
    }
    if (added.role >= 0) {
        print(wrapped(options.spare + " took slot " + std::to_string(added.role) +
                          "; bitmap pages written to it: " + grouped(added.pagesWritten) + ".",
            0));
    }
    print(wrapped(syncSentence("Recovery of " + array.report.name, recovered), 0));
    printWayBack(array);
}

// Gives the spare a slot, unless it has it, and recovers what it lacks.
ExitCode slotAndRecover(const Options& options)
{
    WatchedJob job("Add", options.rateLimit);
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun)
        return dryRun(found, options);
    const auto array = openForWriting(found, options);
    if (!array)
        return complain(array.error());
    HotAddOutcome added;
    if (!isSlotted((*array)->snapshot().report, options.spare)) {
        const auto plan = planFor(**array, options);
        const auto slotted = plan ? hotAdd(**array, *plan) : std::unexpected(plan.error());
        if (!slotted)
            return complain(slotted.error(), **array);
        added = *slotted;
    }
    const auto recovered = recoverIfDue(**array, job.control(), options);
    if (!recovered)
        return complain(recovered.error(), **array);
    report((*array)->snapshot(), added, *recovered, options);
    return withLosses(**array, recovered->completed ? ExitCode::Done : ExitCode::Interrupted);
}

} // namespace

ExitCode addCommand(const Options& options)
{
    if (options.spare.empty() && !options.dryRun) {
        complain("Name the new member: --spare FILE. See 'bitmendctl add --help'.");
        return ExitCode::Usage;
    }
    return slotAndRecover(options);
}

ExitCode replaceCommand(const Options& options)
{
    if (options.spare.empty() || options.member.empty()) {
        complain(
            "Name the member that goes and the one that comes: --member FILE --spare FILE. See "
            "'bitmendctl replace --help'.");
        return ExitCode::Usage;
    }
    return slotAndRecover(options);
}

} // namespace bitmend::ctl
