// SPDX-License-Identifier: Apache-2.0
#include "ui/words_stripe.h"

#include "ui/phrase.h"

#include <algorithm>

namespace bitmend {

namespace {

bool isUsed(const StripeView& view)
{
    return std::ranges::any_of(view.cells, [](const StripeCell& cell) {
        return cell.place.region == Region::Data && cell.place.content.kind != Holds::Unused;
    });
}

bool hasRedundancy(int level) { return level >= 1; }

bool hasCopies(int level) { return level == 1 || level == 10; }

std::string bytesText(std::uint64_t count)
{
    return grouped(count) + (count == 1 ? " byte" : " bytes");
}

Phrase nothingToCompare(const StripeView& view)
{
    if (view.begin < 0) {
        return phrase("In front of the data each member keeps what is its own; here they need not "
                      "be equal.");
    }
    if (!isUsed(view))
        return phrase("The array does not use this place.");
    if (!hasRedundancy(view.geometry.level))
        return phrase("This level keeps nothing to compare the data with.");
    return phrase("All that is left is needed to make up for what is missing, so there is nothing "
                  "to compare it with.");
}

Phrase differing(const StripeView& view)
{
    const std::string bytes = bytesText(differingBytes(view));
    if (hasCopies(view.geometry.level))
        return phrase("The copies differ in %1. Which of them is right cannot be told.", bytes);
    if (view.geometry.level == 6) {
        return phrase(
            "Data and parity do not agree in %1, and no single member explains it.", bytes);
    }
    return phrase("The parity is not that of the data in %1. With one parity it cannot be told "
                  "which member is wrong.",
        bytes);
}

std::string slotsText(const std::vector<int>& roles)
{
    std::string text = roles.size() == 1 ? "slot " : "slots ";
    for (std::size_t i = 0; i < roles.size(); ++i) {
        if (i != 0)
            text += i + 1 == roles.size() ? " and " : ", ";
        text += std::to_string(roles[i]);
    }
    return text;
}

std::string whyNotRead(const StripeCell& cell)
{
    if (cell.place.isListedBad)
        return "known bad block";
    return cell.error ? "unreadable" : std::string(word(cell.place.state));
}

} // namespace

std::uint64_t differingBytes(const StripeView& view)
{
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < view.length.bytes(); ++i) {
        count += std::ranges::any_of(
                     view.cells, [i](const StripeCell& cell) { return cell.differsAt(i); })
                     ? 1
                     : 0;
    }
    return count;
}

Phrase verdictOf(const StripeView& view)
{
    switch (view.verdict) {
    case StripeVerdict::NothingToCompare:
        return nothingToCompare(view);
    case StripeVerdict::Agrees:
        return hasCopies(view.geometry.level) ? phrase("All copies are equal.")
                                              : phrase("Data and parity agree.");
    case StripeVerdict::Differs:
        return differing(view);
    case StripeVerdict::OneWrong:
        return phrase("Slot %1 is wrong in %2: with what the others say in its place, the data and "
                      "both parities agree.",
            std::to_string(view.wrong.value_or(-1)), bytesText(differingBytes(view)));
    case StripeVerdict::Lost:
        return phrase("More members are missing here than the others can make up for.");
    }
    return {};
}

std::vector<Phrase> regionsOf(const StripeCell& cell)
{
    std::vector<Phrase> list;
    const auto begin = cell.place.sector.value_or(Sectors{}).count;
    for (auto at = cell.regions.begin(); at != cell.regions.end();) {
        const auto end =
            std::find_if(at, cell.regions.end(), [at](Region region) { return region != *at; });
        const auto first = begin + std::uint64_t(at - cell.regions.begin());
        list.push_back(phrase("sectors %1 to %2: %3", grouped(first),
            grouped(first + std::uint64_t(end - at) - 1), std::string(word(*at))));
        at = end;
    }
    return list;
}

Phrase originOf(const StripeCell& cell)
{
    const MemberPlace& place = cell.place;
    const bool counts = place.isValid || place.region != Region::Data || !place.inData ||
                        place.content.kind == Holds::Unused;
    switch (cell.origin) {
    case CellOrigin::Read:
        if (counts)
            return {word(place.state), {}};
        return phrase("%1, does not count here", std::string(word(place.state)));
    case CellOrigin::Given:
        return phrase("%1, from %2", whyNotRead(cell), slotsText(place.from));
    case CellOrigin::Absent:
        return phrase("%1", whyNotRead(cell));
    }
    return {};
}

} // namespace bitmend
