// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/outcome.h"

#include "app/ctl/array_text.h"
#include "app/ctl/console.h"

#include <nlohmann/json.hpp>

namespace bitmend::ctl {

namespace {

bool counts(SyncAction action)
{
    return action == SyncAction::Check || action == SyncAction::Repair;
}

} // namespace

Json outcomeJson(std::string_view action, const ArrayReport& array, const SyncOutcome& outcome)
{
    return {{"action", action}, {"array", toString(array.uuid)}, {"name", array.name},
        {"completed", outcome.completed}, {"checked_bytes", outcome.checkedBytes},
        {"skipped_bytes", outcome.skippedBytes}, {"read_bytes", outcome.readBytes},
        {"written_bytes", outcome.writtenBytes}, {"differing_bytes", outcome.differingBytes},
        {"chunks", outcome.chunks},
        {"mismatch_sectors", counts(outcome.action) ? Json(outcome.mismatch.count) : Json()}};
}

SyncOutcome nothingToDo(SyncAction action)
{
    SyncOutcome outcome;
    outcome.action = action;
    outcome.completed = true;
    return outcome;
}

Result<SyncOutcome> recoverIfDue(Array& array, JobControl& control)
{
    auto recovered = sync(array, SyncAction::Recover, control);
    if (!recovered && recovered.error().code == ErrorCode::NothingToDo)
        return nothingToDo(SyncAction::Recover);
    return recovered;
}

std::string checkSentence(std::string_view action, const SyncOutcome& outcome)
{
    const bool repaired = outcome.action == SyncAction::Repair;
    std::string text =
        std::string(action) +
        (outcome.completed ? " finished: looked at " : " stopped on request after ") +
        iecSize(outcome.checkedBytes) + ", ";
    if (outcome.differing.empty())
        return text + "found nothing that differs.";
    text += "found " + iecSize(outcome.differingBytes) + " that differed in " +
            grouped(outcome.differing.size()) +
            (outcome.differing.size() == 1 ? " range" : " ranges") + "; md counts " +
            grouped(outcome.mismatch.count) + " sectors for it (mismatch_cnt).";
    if (repaired)
        text += " Overwritten with the lowest slot's copy: " + iecSize(outcome.writtenBytes) + ".";
    return text;
}

std::string syncSentence(std::string_view action, const SyncOutcome& outcome)
{
    return std::string(action) + (outcome.completed ? " finished: " : " stopped on request: ") +
           "looked at " + iecSize(outcome.checkedBytes) + ", skipped " +
           iecSize(outcome.skippedBytes) + " that the bitmap calls clean, read " +
           iecSize(outcome.readBytes) + ", found " + iecSize(outcome.differingBytes) +
           " that differed, wrote " + iecSize(outcome.writtenBytes) + "." +
           (outcome.completed ? "" : " The same call carries on from here.");
}

ExitCode printPlan(const AssemblyPlan& plan, const Options& options)
{
    if (options.json) {
        printJson(json(plan));
    } else {
        print(planText(plan));
    }
    return ExitCode::Done;
}

} // namespace bitmend::ctl
