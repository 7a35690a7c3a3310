// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/sources.h"

#include "app/ctl/console.h"
#include "engine/array/planned_writes.h"
#include "engine/io/enumerate.h"

#include <algorithm>

namespace bitmend::ctl {

namespace {

std::vector<std::string> pathsOf(const Options& options)
{
    const auto& named = options.spare.empty() ? options.member : options.spare;
    if (options.paths.empty() && named.empty()) {
        std::vector<std::string> disks;
        for (const auto& disk : listDisks())
            disks.push_back(disk.path);
        return disks;
    }
    auto paths = expandPaths(options.paths);
    if (!named.empty() && std::ranges::find(paths, named) == paths.end())
        paths.push_back(named);
    return paths;
}

// Why an array that does not start does not: the code that gives the right exit status.
ErrorCode whyNot(Needs needs)
{
    switch (needs) {
    case Needs::Choice:
    case Needs::Force:
        return ErrorCode::NeedsChoice;
    case Needs::Unsupported:
        return ErrorCode::Unsupported;
    case Needs::Nothing:
    case Needs::Resync:
    case Needs::Recovery:
    case Needs::MembersMissing:
        return ErrorCode::NotEnoughMembers;
    }
    return ErrorCode::Unsupported;
}

// What a file in the folder that is no disk image at all may say is no reason to stop.
bool mayHideAMember(ErrorCode code)
{
    return code != ErrorCode::Empty && code != ErrorCode::NotAStorage &&
           code != ErrorCode::NoSuperblock;
}

Result<void> everySourceWasRead(const std::vector<SourceReport>& sources, const Options& options)
{
    for (const auto& source : sources) {
        if (std::ranges::find(options.without, source.path) != options.without.end())
            continue;
        if (source.error && mayHideAMember(source.error->code))
            return std::unexpected(*source.error);
        BM_TRY(everySourceWasRead(source.partitions, options));
    }
    return {};
}

Result<std::unique_ptr<Array>> start(const AssemblyPlan& plan, const Options& options)
{
    if (!plan.array.canStart)
        return fail(whyNot(plan.array.needs), plan.array.name);
    auto array = assemble(plan, options.overlay);
    const auto& limit = plan.array.limit;
    if (!array && array.error().code == ErrorCode::Unsupported && limit)
        complain(plain(sentence(*limit, plan.array)));
    return array;
}

// A path that is misspelt must not pass for a choice that was made.
Result<void> namesMembers(const AssemblyChoices& choices, const ArrayReport& array)
{
    const auto isMember = [&](const std::string& path) {
        return std::ranges::find(array.members, path, &Member::path) != array.members.end();
    };
    for (const auto& path : choices.acceptStale) {
        if (!isMember(path))
            return fail(ErrorCode::NotAMember, path);
    }
    for (const auto& given : choices.roles) {
        if (!isMember(given.path))
            return fail(ErrorCode::NotAMember, given.path);
    }
    return {};
}

void complainAbout(const SourceReport& source)
{
    if (source.error)
        complain(*source.error);
    for (const auto& partition : source.partitions)
        complainAbout(partition);
}

} // namespace

ScanReport scanPaths(const Options& options, JobControl& control)
{
    ScanOptions how;
    if (options.deep || options.whole)
        how.depth = options.whole ? ScanDepth::Whole : ScanDepth::Deep;
    how.bitmapFile = options.bitmapFile;
    how.overlay = options.overlay;
    return scan(pathsOf(options), how, control);
}

Result<std::vector<ArrayReport>> arraysAsked(const ScanReport& report, const Options& options)
{
    auto arrays = findArrays(report);
    if (options.array.empty())
        return arrays;
    const auto uuid = parseUuid(options.array);
    std::erase_if(arrays, [&](const ArrayReport& array) { return array.uuid != uuid; });
    if (arrays.empty())
        return fail(ErrorCode::NoSuchArray, options.array);
    return arrays;
}

Result<AssemblyPlan> planAsked(const ScanReport& report, const Options& options, WriteMode mode)
{
    const auto arrays = BM_TRY(arraysAsked(report, options));
    if (arrays.empty())
        return fail(ErrorCode::NoSuchArray);
    if (arrays.size() > 1)
        return fail(ErrorCode::SeveralArrays);
    AssemblyChoices choices{options.without, options.reference, mode, options.restoreFile};
    choices.acceptStale = options.acceptStale;
    choices.acceptDirtyDegraded = options.acceptDirtyDegraded;
    for (const auto& [path, role] : options.roles)
        choices.roles.push_back({path, role});
    BM_TRY(namesMembers(choices, arrays.front()));
    return planAssembly(report, arrays.front().uuid, choices);
}

WriteMode writeMode(const Options& options)
{
    return options.inPlace ? WriteMode::InPlace : WriteMode::Overlay;
}

Result<AssemblyPlan> planForWriting(
    const ScanReport& report, const Options& options, const MoreWrites& more)
{
    auto plan = BM_TRY(planAsked(report, options, writeMode(options)));
    if (more && !plan.writes.empty())
        addWrites(plan.writes, more(plan.array));
    return plan;
}

Result<std::unique_ptr<Array>> openArray(
    const ScanReport& report, const Options& options, WriteMode mode)
{
    return start(BM_TRY(planAsked(report, options, mode)), options);
}

Result<std::unique_ptr<Array>> openForWriting(
    const ScanReport& report, const Options& options, const MoreWrites& more)
{
    BM_TRY(everySourceWasRead(report.sources, options));
    return start(BM_TRY(planForWriting(report, options, more)), options);
}

void complainAboutSources(const ScanReport& report)
{
    for (const auto& source : report.sources)
        complainAbout(source);
    if (report.externalBitmapError)
        complain(*report.externalBitmapError);
}

} // namespace bitmend::ctl
