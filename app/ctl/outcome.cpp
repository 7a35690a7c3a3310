// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/outcome.h"

#include "app/ctl/array_text.h"
#include "app/ctl/console.h"
#include "engine/array/array_state.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bitmend::ctl {

namespace {

bool counts(SyncAction action)
{
    return action == SyncAction::Check || action == SyncAction::Repair;
}

std::string wayBack(const std::string& file)
{
    return "The metadata that was there before is saved; 'bitmendctl restore " + file +
           "' puts it back.";
}

} // namespace

Json outcomeJson(std::string_view action, const ArraySnapshot& array, const SyncOutcome& outcome)
{
    return {{"action", action}, {"array", toString(array.report.uuid)}, {"name", array.report.name},
        {"completed", outcome.completed}, {"checked_bytes", outcome.checkedBytes},
        {"skipped_bytes", outcome.skippedBytes}, {"read_bytes", outcome.readBytes},
        {"written_bytes", outcome.writtenBytes}, {"differing_bytes", outcome.differingBytes},
        {"recomputed_bytes", outcome.recomputedBytes}, {"listed_bad_bytes", outcome.listedBadBytes},
        {"chunks", outcome.chunks},
        {"mismatch_sectors", counts(outcome.action) ? Json(outcome.mismatch.count) : Json()},
        {"unreadable_ranges", rangesJson(outcome.unreadable)},
        {"restore_file", array.restoreFile.empty() ? Json() : Json(array.restoreFile)}};
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

SyncOptions syncOptions(const Options& options)
{
    return {static_cast<unsigned>(options.threads), options.verifySlot};
}

void printWayBack(const ArraySnapshot& array)
{
    if (!array.restoreFile.empty())
        print(wrapped(wayBack(array.restoreFile), 0));
}

ExitCode complain(const Error& error, const Array& array)
{
    const auto snapshot = array.snapshot();
    complain(plain(sentence(error, snapshot.report)));
    if (!snapshot.restoreFile.empty())
        complain(wayBack(snapshot.restoreFile));
    return exitCodeOf(error.code);
}

ExitCode withLosses(const Array& array, ExitCode code)
{
    const auto report = array.snapshot().report;
    const auto& state = array.state();
    const auto guard = state.lock();
    for (const auto& member : state.members) {
        // Marked as failed on request: that is no loss.
        if (!member.fault || member.fault->code == ErrorCode::Cancelled)
            continue;
        complain(plain(sentence(*member.fault, report)));
        complain(member.path + " is marked as failed, and the array went on without it. Replace it "
                               "and add a new member, or add it again when it is well.");
        if (code == ExitCode::Done)
            code = ExitCode::Findings;
    }
    return code;
}

SyncOutcome nothingToDo(SyncAction action)
{
    SyncOutcome outcome;
    outcome.action = action;
    outcome.completed = true;
    return outcome;
}

Result<SyncOutcome> recoverIfDue(Array& array, JobControl& control, const Options& options)
{
    auto recovered = sync(array, SyncAction::Recover, control, syncOptions(options));
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
        text += " Written to make it agree: " + iecSize(outcome.writtenBytes) + ".";
    return text;
}

std::string syncSentence(std::string_view action, const SyncOutcome& outcome)
{
    const std::string_view end = outcome.lost ? " is not complete, as some of it cannot be read: "
                                 : outcome.completed ? " finished: "
                                                     : " stopped on request: ";
    return std::string(action) + std::string(end) + "looked at " + iecSize(outcome.checkedBytes) +
           ", skipped " + iecSize(outcome.skippedBytes) + " that the bitmap calls clean, read " +
           iecSize(outcome.readBytes) + ", found " + iecSize(outcome.differingBytes) +
           " that differed, wrote " + iecSize(outcome.writtenBytes) + "." +
           (outcome.recomputedBytes == 0
                   ? ""
                   : " Sectors that a member did not give were recomputed and rewritten: " +
                         iecSize(outcome.recomputedBytes) + ".") +
           (outcome.listedBadBytes == 0
                   ? ""
                   : " What nobody gives is listed as bad blocks on the new member: " +
                         iecSize(outcome.listedBadBytes) + ".") +
           (outcome.completed ? "" : " The same call carries on from here.");
}

ExitCode printPlan(const Result<AssemblyPlan>& plan, const Options& options)
{
    if (!plan)
        return complain(plan.error());
    if (options.json) {
        printJson(json(*plan));
    } else {
        print(planText(*plan));
    }
    return ExitCode::Done;
}

} // namespace bitmend::ctl
