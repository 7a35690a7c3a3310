// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "ui/words.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bitmend::ctl {

namespace {

void printMember(const Member& member)
{
    if (member.path.empty())
        return;
    print("\n  " + member.path + ", " + std::string(word(member.state)) +
          (member.bitmap && !member.bitmapIsEvidence ? ", its bitmap counts for nothing\n" : "\n"));
    if (!member.bitmap) {
        print("    no bitmap of its own\n");
        return;
    }
    print(bitmapText(*member.bitmap, 4));
    print(problemsText(member.bitmap->problems, member.path, 4));
}

void printArray(const ArrayReport& array)
{
    print(array.name + "  " + shapeText(array) + "\n");
    if (!array.bitmap) {
        print("  no write-intent bitmap that counts\n");
    } else {
        const auto& bitmap = *array.bitmap;
        print(wrapped("The copy of " + bitmap.from + " counts: " + grouped(bitmap.dirty) + " of " +
                          grouped(bitmap.chunks) +
                          " chunks are set, and starting the array would "
                          "resync " +
                          grouped(bitmap.due) +
                          " of them. The members' copies differ "
                          "in " +
                          grouped(bitmap.differing) + ".",
            2));
    }
    for (const auto& member : array.members)
        printMember(member);
    print("\n");
}

Json arrayJson(const ArrayReport& array)
{
    const Json whole = json(array);
    Json members = Json::array();
    for (const auto& member : whole["members"]) {
        members.push_back(
            {{"path", member["path"]}, {"role", member["role"]}, {"state", member["state"]},
                {"bitmap_counts", member["bitmap_counts"]}, {"bitmap", member["bitmap"]}});
    }
    return {{"uuid", whole["uuid"]}, {"name", whole["name"]}, {"bitmap", whole["bitmap"]},
        {"members", std::move(members)}};
}

void printText(const ScanReport& report, const std::vector<ArrayReport>& arrays)
{
    for (const auto& array : arrays)
        printArray(array);
    for (const auto& source : report.sources) {
        if (!source.externalBitmap)
            continue;
        print(source.path + "  external bitmap of array " +
              toString(source.externalBitmap->header.uuid) + "\n");
        print(bitmapText(*source.externalBitmap, 2) +
              problemsText(source.externalBitmap->problems, source.path, 2));
    }
}

void printAsJson(const ScanReport& report, const std::vector<ArrayReport>& arrays)
{
    Json list = Json::array();
    for (const auto& array : arrays)
        list.push_back(arrayJson(array));
    Json files = Json::array();
    for (const auto& source : report.sources) {
        if (source.externalBitmap) {
            files.push_back(
                {{"path", source.path}, {"bitmap", json(*source.externalBitmap, source.path)}});
        }
    }
    printJson({{"arrays", std::move(list)}, {"files", std::move(files)}});
}

} // namespace

ExitCode bitmapCommand(const Options& options)
{
    WatchedJob job("Scan");
    const auto report = scanPaths(options, job.control());
    const auto arrays = arraysAsked(report, options);
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    if (!arrays)
        return complain(arrays.error());
    complainAboutSources(report);
    const bool file = std::ranges::any_of(report.sources,
        [](const SourceReport& source) { return source.externalBitmap.has_value(); });
    if (arrays->empty() && !file) {
        complain("No md array and no bitmap file was found, so there is no bitmap to show.");
        return ExitCode::Failed;
    }
    options.json ? printAsJson(report, *arrays) : printText(report, *arrays);
    return ExitCode::Done;
}

} // namespace bitmend::ctl
