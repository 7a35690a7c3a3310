// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/metadata/to_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bitmend::ctl {

namespace {

std::string fieldsText(const std::vector<FieldText>& fields)
{
    Table table({});
    for (const auto& field : fields)
        table.add({field.name, field.value});
    auto text = table.text(4);
    return text.erase(0, text.find('\n') + 1); // the empty header
}

// md's "no sector" is null; what was sign-extended is printed with its sign.
Json rawJson(const FieldText& field)
{
    if (!field.raw || (field.length == 8 && *field.raw == kMaxSector.count))
        return {};
    return field.length < 8 && *field.raw >> 63 != 0 ? Json(std::int64_t(*field.raw))
                                                     : Json(*field.raw);
}

Json fieldsJson(const std::vector<FieldText>& fields, std::uint64_t base)
{
    Json list = Json::array();
    for (const auto& field : fields) {
        list.push_back({{"name", field.name}, {"field", field.field}, {"value", field.value},
            {"raw", rawJson(field)}, {"offset", base + field.offset}, {"length", field.length}});
    }
    return list;
}

Json bitmapJson(const BitmapCopy& bitmap, std::string_view source)
{
    const auto base = bitmap.location.byteOffset;
    return {{"offset", base}, {"fields", fieldsJson(describeBitmapHeader(bitmap.raw), base)},
        {"problems", json(bitmap.problems, source)}};
}

Json superblockJson(const FoundSuperblock& found, std::string_view source)
{
    const auto& superblock = *found.superblock;
    const auto base = superblock.location.bytes();
    return {{"metadata", toString(superblock.version)}, {"offset", base},
        {"left_behind", found.leftBehind}, {"fields", fieldsJson(describe(superblock), base)},
        {"problems", json(found.problems, source)}, {"bad_blocks", rangesJson(found.badBlocks)},
        {"bitmap", found.bitmap ? bitmapJson(*found.bitmap, source) : Json()},
        {"bitmap_error", sentenceOrNull(found.bitmapError)}};
}

void addJson(Json& list, const SourceReport& source)
{
    Json superblocks = Json::array();
    for (const auto& found : source.found)
        superblocks.push_back(superblockJson(found, source.path));
    list.push_back({{"path", source.path}, {"size_bytes", source.sizeBytes},
        {"error", sentenceOrNull(source.error)}, {"superblocks", std::move(superblocks)},
        {"bitmap_file",
            source.externalBitmap ? bitmapJson(*source.externalBitmap, source.path) : Json()}});
    for (const auto& child : source.partitions)
        addJson(list, child);
}

void printBitmap(const BitmapCopy& bitmap, std::string_view source)
{
    print("\n  Bitmap header at byte " + std::to_string(bitmap.location.byteOffset) + "\n");
    print(fieldsText(describeBitmapHeader(bitmap.raw)));
    print(problemsText(bitmap.problems, source, 4));
}

void printSuperblock(const FoundSuperblock& found, std::string_view source)
{
    const auto& superblock = *found.superblock;
    print("\n  Superblock " + std::string(toString(superblock.version)) + " at byte " +
          std::to_string(superblock.location.bytes()) +
          (found.leftBehind ? ", left behind\n" : "\n"));
    print(fieldsText(describe(superblock)));
    print(problemsText(found.problems, source, 4));
    if (!found.badBlocks.empty())
        print("\n  Bad blocks, as its log lists them\n");
    printRanges("  bad:", found.badBlocks);
    if (found.bitmap)
        printBitmap(*found.bitmap, source);
    if (found.bitmapError)
        print(wrapped(plain(sentence(*found.bitmapError)), 4));
}

void printSource(const SourceReport& source)
{
    print(source.path + "  " + std::to_string(source.sizeBytes) + " bytes\n");
    for (const auto& found : source.found)
        printSuperblock(found, source.path);
    if (source.externalBitmap)
        printBitmap(*source.externalBitmap, source.path);
    if (source.found.empty() && !source.externalBitmap && !source.error)
        print("  no md superblock\n");
    print("\n");
    for (const auto& child : source.partitions)
        printSource(child);
}

bool hasMetadata(const SourceReport& source)
{
    return !source.found.empty() || source.externalBitmap ||
           std::ranges::any_of(source.partitions, hasMetadata);
}

} // namespace

ExitCode examineCommand(const Options& options)
{
    WatchedJob job("Scan");
    const auto report = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    if (options.json) {
        Json sources = Json::array();
        for (const auto& source : report.sources)
            addJson(sources, source);
        printJson({{"sources", std::move(sources)}});
    } else {
        std::ranges::for_each(report.sources, printSource);
    }
    complainAboutSources(report);
    if (std::ranges::any_of(report.sources, hasMetadata))
        return ExitCode::Done;
    complain("No source has an md superblock. A deep scan (--deep) also finds ones left behind.");
    return ExitCode::Failed;
}

} // namespace bitmend::ctl
