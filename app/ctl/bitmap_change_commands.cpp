// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/bitmap_change.h"

#include <nlohmann/json.hpp>

namespace bitmend::ctl {

namespace {

BitmapChoices choicesOf(const Options& options)
{
    return {options.chunk, options.location, options.bitmapFile};
}

// The file that is to be made is none that a scan could find.
Options withoutFile(Options options)
{
    options.bitmapFile.clear();
    return options;
}

Json planJson(const BitmapAddPlan& plan)
{
    const bool inFile = !plan.choices.file.empty();
    return {{"bitmap_file", inFile ? Json(plan.choices.file) : Json()},
        {"location", inFile ? Json() : Json(plan.offset)}, {"chunk_bytes", plan.chunkBytes},
        {"chunks", plan.chunks}, {"bitmap_pages", plan.pages}, {"writes", json(plan.writes)}};
}

std::string placeText(const BitmapAddPlan& plan)
{
    if (!plan.choices.file.empty())
        return "in " + plan.choices.file;
    const auto sectors = plan.offset < 0 ? -std::int64_t{plan.offset} : std::int64_t{plan.offset};
    return grouped(std::uint64_t(sectors)) + " sectors " + (plan.offset < 0 ? "before" : "behind") +
           " each superblock";
}

std::string bitmapText(const BitmapAddPlan& plan)
{
    return grouped(plan.chunks) + " chunks of " + iecSize(plan.chunkBytes) + ", " + placeText(plan);
}

ExitCode dryAdd(const ScanReport& found, const Options& options)
{
    const auto array = openArray(found, withoutFile(options), WriteMode::ReadOnly);
    if (!array)
        return complain(array.error());
    const auto plan = planBitmapAdd(**array, choicesOf(options));
    if (!plan)
        return complain(plan.error());
    if (options.json) {
        printJson(planJson(*plan));
    } else {
        print(wrapped("The bitmap would have " + bitmapText(*plan) + ".", 0) + "\n" +
              writesText(plan->writes));
    }
    return ExitCode::Done;
}

Json changeJson(std::string_view action, const ArraySnapshot& array, const BitmapOutcome& outcome)
{
    Json object = outcomeJson(action, array, nothingToDo({}));
    object["written_bytes"] = outcome.writtenBytes;
    object["events"] = outcome.events;
    return object;
}

// Leaves the array as a clean shutdown would: what lies in the members then is what the kernel
// leaves there.
Result<BitmapOutcome> stopAfter(Array& array, const Result<BitmapOutcome>& changed)
{
    if (!changed)
        return changed;
    const auto stopped = BM_TRY(stop(array));
    return BitmapOutcome{stopped.events, changed->writtenBytes + stopped.writtenBytes};
}

void report(const ArraySnapshot& array, const BitmapAddPlan& plan, const BitmapOutcome& outcome,
    const Options& options)
{
    if (options.json) {
        Json object = changeJson("bitmap-add", array, outcome);
        const auto more = planJson(plan);
        for (const auto* key : {"bitmap_file", "location", "chunk_bytes", "bitmap_pages"})
            object[key] = more[key];
        object["chunks"] = plan.chunks;
        printJson(object);
        return;
    }
    print(wrapped(array.report.name + " has a write-intent bitmap now: " + bitmapText(plan) +
                      "; it is at events " + grouped(outcome.events) + ".",
        0));
    printWayBack(array);
}

} // namespace

ExitCode bitmapAddCommand(const Options& options)
{
    WatchedJob job("Bitmap");
    const auto found = scanPaths(withoutFile(options), job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun)
        return dryAdd(found, options);
    const auto array = openForWriting(found, options);
    if (!array)
        return complain(array.error());
    const auto plan = planBitmapAdd(**array, choicesOf(options));
    if (!plan)
        return complain(plan.error(), **array);
    const auto outcome = stopAfter(**array, addBitmap(**array, *plan));
    if (!outcome)
        return complain(outcome.error(), **array);
    report((*array)->snapshot(), *plan, *outcome, options);
    return withLosses(**array, ExitCode::Done);
}

ExitCode bitmapRemoveCommand(const Options& options)
{
    WatchedJob job("Bitmap");
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    if (options.dryRun)
        return printPlan(planForWriting(found, options), options);
    const auto array = openForWriting(found, options);
    if (!array)
        return complain(array.error());
    const auto outcome = stopAfter(**array, removeBitmap(**array));
    if (!outcome)
        return complain(outcome.error(), **array);
    const auto left = (*array)->snapshot();
    if (options.json) {
        printJson(changeJson("bitmap-remove", left, *outcome));
    } else {
        print(wrapped(left.report.name + " has no write-intent bitmap any more; it is at events " +
                          grouped(outcome->events) + ".",
            0));
        printWayBack(left);
    }
    return ExitCode::Done;
}

} // namespace bitmend::ctl
