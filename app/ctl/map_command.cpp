// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/array_map.h"
#include "ui/words.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bitmend::ctl {

namespace {

std::string_view key(Region region)
{
    switch (region) {
    case Region::Superblock:
        return "superblock";
    case Region::Bitmap:
        return "bitmap";
    case Region::BadBlockLog:
        return "bad_block_log";
    case Region::Reserved:
        return "reserved";
    case Region::Data:
        return "data";
    case Region::Outside:
        return "outside";
    }
    return {};
}

std::string_view key(Holds holds)
{
    switch (holds) {
    case Holds::Data:
        return "data";
    case Holds::P:
        return "p";
    case Holds::Q:
        return "q";
    case Holds::Unused:
        return "unused";
    }
    return {};
}

// What was asked for and what came of it. Byte by byte in the array, sector by sector on members.
struct Answer
{
    const ArrayReport& array;
    std::optional<std::uint64_t> offset; // asked, or that of the asked sector's first byte
    MemberPlace at;                      // the asked sector, or the first copy of the asked byte
    ArrayMap map;
};

Json chunkOrNull(const Geometry& geometry, Sectors arraySector)
{
    return geometry.chunk.count == 0 ? Json() : Json(arraySector.count / geometry.chunk.count);
}

Json placeJson(const MemberPlace& place, const Geometry& geometry)
{
    const bool inData = place.region == Region::Data;
    const bool isData = inData && place.content.kind == Holds::Data;
    return {{"role", place.role < 0 ? Json() : Json(place.role)},
        {"path", place.path.empty() ? Json() : Json(place.path)}, {"state", ctl::key(place.state)},
        {"sector", place.sector ? Json(place.sector->count) : Json()},
        {"region", key(place.region)}, {"holds", inData ? Json(key(place.content.kind)) : Json()},
        {"array_offset", isData ? Json(place.content.arraySector.bytes()) : Json()},
        {"chunk", isData ? chunkOrNull(geometry, place.content.arraySector) : Json()},
        {"copy", isData ? Json(place.content.copy) : Json()}, {"listed_bad", place.isListedBad},
        {"valid", place.isValid}, {"from", place.from}};
}

Json placesJson(const std::vector<MemberPlace>& places, const Geometry& geometry)
{
    Json list = Json::array();
    for (const auto& place : places)
        list.push_back(placeJson(place, geometry));
    return list;
}

Json answerJson(const Answer& answer)
{
    const Geometry& geometry = answer.array.geometry;
    const auto& sector = answer.map.arraySector;
    return {{"uuid", toString(answer.array.uuid)}, {"name", answer.array.name},
        {"array_offset", answer.offset ? Json(*answer.offset) : Json()},
        {"chunk", sector ? chunkOrNull(geometry, *sector) : Json()},
        {"stripe", answer.map.stripe ? Json(*answer.map.stripe) : Json()},
        {"at", placeJson(answer.at, geometry)}, {"copies", placesJson(answer.map.copies, geometry)},
        {"members", placesJson(answer.map.members, geometry)}};
}

std::string placesText(const std::vector<MemberPlace>& places, const Answer& answer)
{
    Table table({"", "SLOT", "STATE", "MEMBER", "SECTOR", "HOLDS"});
    for (const auto& place : places) {
        const bool asked = place.role == answer.at.role && place.inData == answer.at.inData;
        table.add({asked ? ">" : "", std::to_string(place.role), std::string(word(place.state)),
            place.path.empty() ? "-" : place.path,
            place.sector ? std::to_string(place.sector->count) : "-",
            plain(holding(place, answer.array.geometry))});
        if (const auto instead = standIn(place))
            table.note(plain(*instead));
    }
    return table.text(2);
}

std::string inChunkAndStripe(const Answer& answer)
{
    const Sectors chunk = answer.array.geometry.chunk;
    std::string text;
    if (answer.map.arraySector && chunk.count != 0)
        text += ", in data chunk " + grouped(answer.map.arraySector->count / chunk.count);
    if (answer.map.stripe)
        text += ", stripe " + grouped(*answer.map.stripe);
    return text;
}

std::string headingOf(const Answer& answer, const Options& options)
{
    if (options.member.empty()) {
        const auto offset = answer.offset.value_or(0);
        return "Byte " + grouped(offset) + " of the array is byte " +
               std::to_string(offset % kSectorBytes) + " of its sector " +
               grouped(offset / kSectorBytes) + inChunkAndStripe(answer) + ".";
    }
    std::string text = "Sector " + grouped(options.sector.value_or(0)) + " of " + options.member +
                       ": " + plain(holding(answer.at, answer.array.geometry));
    if (answer.offset)
        text += ", from byte " + grouped(*answer.offset) + " of the array on";
    if (answer.map.stripe)
        text += ", stripe " + grouped(*answer.map.stripe);
    return text + ".";
}

void printAnswer(const Answer& answer, const Options& options)
{
    print(answer.array.name + "  " + shapeText(answer.array) + "\n");
    print(wrapped(headingOf(answer, options), 2));
    if (!answer.map.members.empty())
        print("\n" + placesText(answer.map.members, answer));
    const bool elsewhere = std::ranges::any_of(answer.map.copies,
        [&](const MemberPlace& copy) { return copy.inData != answer.map.inData; });
    if (elsewhere)
        print("\n  All copies of this chunk:\n" + placesText(answer.map.copies, answer));
}

Result<Answer> answerFor(const ArrayReport& array, const Options& options)
{
    if (!options.member.empty()) {
        auto found = BM_TRY(mapMemberSector(array, options.member, {options.sector.value_or(0)}));
        std::optional<std::uint64_t> offset;
        if (found.around.arraySector)
            offset = found.around.arraySector->bytes();
        return Answer{array, offset, std::move(found.asked), std::move(found.around)};
    }
    auto found = BM_TRY(mapArraySector(array, {options.offset / kSectorBytes}));
    MemberPlace first = found.copies.front();
    return Answer{array, options.offset, std::move(first), std::move(found)};
}

} // namespace

ExitCode mapCommand(const Options& options)
{
    if (options.member.empty() == options.sector.has_value())
        return misused("map", "A sector of a member takes both: --member FILE --sector NUMBER.");
    WatchedJob job("Scan");
    const auto report = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(report);
    const auto plan = planAsked(report, options, WriteMode::ReadOnly);
    if (!plan)
        return complain(plan.error());
    const auto size = plan->array.arraySize.bytes();
    if (options.member.empty() && options.offset >= size) {
        return misused(
            "map", "The array ends at byte " + std::to_string(size) + ", before the asked one.");
    }
    const auto answer = answerFor(plan->array, options);
    if (!answer)
        return complain(answer.error());
    if (options.json) {
        printJson(answerJson(*answer));
    } else {
        printAnswer(*answer, options);
    }
    return ExitCode::Done;
}

} // namespace bitmend::ctl
