// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "engine/array/restore.h"

#include <nlohmann/json.hpp>

#include <set>

namespace bitmend::ctl {

namespace {

Json outcomeJson(const RestorePlan& plan, bool completed, std::uint64_t writtenBytes)
{
    return {{"action", "restore"}, {"array", toString(plan.arrayUuid)}, {"name", plan.name},
        {"completed", completed}, {"saved_at", timeOrNull(plan.savedAt)},
        {"differing_bytes", plan.differingBytes}, {"written_bytes", writtenBytes},
        {"writes", json(plan.writes)}};
}

std::string summary(const RestorePlan& plan)
{
    std::set<std::string> members;
    std::uint64_t bytes = 0;
    for (const auto& write : plan.writes) {
        members.insert(write.path);
        bytes += write.length;
    }
    return "Metadata of " + plan.name + " as of " + utcRfc3339(plan.savedAt) + ": " +
           iecSize(bytes) + " of " + grouped(members.size()) +
           (members.size() == 1 ? " file" : " files") + ". ";
}

ExitCode dryRun(const RestorePlan& plan, const Options& options)
{
    if (options.json) {
        printJson(outcomeJson(plan, false, 0));
    } else {
        print(wrapped(summary(plan) + iecSize(plan.differingBytes) +
                          " is not as it was and would be put back.",
                  0) +
              "\n" + writesText(plan.writes));
    }
    return ExitCode::Done;
}

} // namespace

ExitCode restoreCommand(const Options& options)
{
    if (options.paths.size() != 1) {
        complain("Name the one restore file. See 'bitmendctl restore --help'.");
        return ExitCode::Usage;
    }
    const auto plan = planRestore(options.paths.front());
    if (!plan)
        return complain(plan.error());
    if (options.dryRun)
        return dryRun(*plan, options);
    const auto outcome = restore(*plan);
    if (!outcome)
        return complain(outcome.error());
    if (options.json) {
        printJson(outcomeJson(*plan, true, outcome->writtenBytes));
    } else {
        print(wrapped(summary(*plan) + "Put back: " + iecSize(outcome->writtenBytes) + ".", 0));
    }
    return ExitCode::Done;
}

} // namespace bitmend::ctl
