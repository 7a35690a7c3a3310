// SPDX-License-Identifier: Apache-2.0
// What lies at a place of a member.
#include "ui/phrase.h"

namespace bitmend {

namespace {

// "0", "0 and 2", "0, 2 and 3"
std::string listed(const std::vector<int>& numbers)
{
    std::string text;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (i != 0)
            text += i + 1 == numbers.size() ? " and " : ", ";
        text += std::to_string(numbers[i]);
    }
    return text;
}

std::string chunkNumber(Sectors arraySector, const Geometry& geometry)
{
    return grouped(arraySector.count / geometry.chunk.count);
}

} // namespace

std::string_view word(Region region)
{
    switch (region) {
    case Region::Superblock:
        return "superblock";
    case Region::Bitmap:
        return "write-intent bitmap";
    case Region::BadBlockLog:
        return "bad block log";
    case Region::Reserved:
        return "not in use";
    case Region::Data:
        return "data";
    case Region::Outside:
        return "outside the member";
    }
    return {};
}

std::string_view word(Holds holds)
{
    switch (holds) {
    case Holds::Data:
        return "data";
    case Holds::P:
        return "parity P";
    case Holds::Q:
        return "parity Q";
    case Holds::Unused:
        return "not in use";
    }
    return {};
}

Phrase holding(const MemberPlace& place, const Geometry& geometry)
{
    if (place.region != Region::Data || place.content.kind != Holds::Data) {
        const auto what =
            place.region != Region::Data ? word(place.region) : word(place.content.kind);
        return {what, {}};
    }
    if (geometry.level == 1)
        return phrase("copy %1", std::to_string(place.content.copy + 1));
    if (geometry.chunk.count == 0)
        return phrase("data");
    const auto chunk = chunkNumber(place.content.arraySector, geometry);
    if (geometry.level == 10)
        return phrase("data chunk %1, copy %2", chunk, std::to_string(place.content.copy + 1));
    return phrase("data chunk %1", chunk);
}

std::optional<Phrase> standIn(const MemberPlace& place)
{
    const bool unused = place.region != Region::Data || place.content.kind == Holds::Unused;
    if (place.isValid || unused)
        return std::nullopt;
    if (place.isListedBad && place.from.empty())
        return phrase(
            "It is listed as a bad block, and nothing that is left gives what lies here.");
    if (place.isListedBad) {
        return phrase(
            "It is listed as a bad block; what lies here comes from slots %1.", listed(place.from));
    }
    if (place.from.empty())
        return phrase("Nothing that is left gives what lies here.");
    if (place.from.size() == 1)
        return phrase("It is taken from slot %1.", listed(place.from));
    return phrase("It is computed from slots %1.", listed(place.from));
}

} // namespace bitmend
