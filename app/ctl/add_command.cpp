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
               (member.state == MemberState::Rebuilding || member.state == MemberState::InSync);
    });
}

Json planJson(const HotAddPlan& plan)
{
    return {{"spare", plan.path}, {"dev_number", plan.devNumber}, {"role", plan.role},
        {"data_offset", plan.dataOffset.bytes()}, {"data_bytes", plan.dataSize.bytes()},
        {"bitmap_pages", plan.bitmapPages}, {"recovery", json(plan.recovery)},
        {"writes", json(plan.writes)}};
}

std::string planText(const HotAddPlan& plan)
{
    return wrapped(plan.path + " would take slot " + std::to_string(plan.role) + ": superblock, " +
                       grouped(plan.bitmapPages) + " bitmap pages, then recovery, which reads " +
                       iecSize(plan.recovery.readBytes) + " and writes " +
                       iecSize(plan.recovery.writeBytes) + ".",
               0) +
           "\n" + writesText(plan.writes);
}

ExitCode dryRun(const ScanReport& found, const Options& options)
{
    // Without a spare there is only the array to speak of.
    if (options.spare.empty())
        return printPlan(planForWriting(found, options), options);
    const auto array = openArray(found, options, WriteMode::ReadOnly);
    if (!array)
        return complain(array.error());
    const auto plan = planHotAdd(**array, options.spare);
    if (!plan)
        return complain(plan.error());
    if (options.json) {
        printJson(planJson(*plan));
    } else {
        print(planText(*plan));
    }
    return ExitCode::Done;
}

Result<HotAddOutcome> slot(Array& array, const std::string& spare)
{
    const auto plan = BM_TRY(planHotAdd(array, spare));
    return hotAdd(array, plan);
}

void report(const ArraySnapshot& array, const HotAddOutcome& added, const SyncOutcome& recovered,
    const Options& options)
{
    if (options.json) {
        Json object = outcomeJson("add", array, recovered);
        object["written_bytes"] = recovered.writtenBytes + added.writtenBytes;
        object["spare"] = options.spare;
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

} // namespace

ExitCode addCommand(const Options& options)
{
    if (options.spare.empty() && !options.dryRun) {
        complain("Name the new member: --spare FILE. See 'bitmendctl add --help'.");
        return ExitCode::Usage;
    }
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
        const auto slotted = slot(**array, options.spare);
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

} // namespace bitmend::ctl
