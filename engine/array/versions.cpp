// SPDX-License-Identifier: Apache-2.0
#include "engine/array/versions.h"

#include "engine/array/array.h"
#include "engine/array/read_stripe.h"
#include "engine/base/assert.h"
#include "engine/raid/personality.h"

#include <algorithm>
#include <map>
#include <utility>

namespace bitmend {

namespace {

Version asItIs(const StripeCell& cell) { return {cell.place, false, cell.bytes, cell.error}; }

void addCell(const StripeCell& cell, std::vector<Version>& all)
{
    if (cell.origin == CellOrigin::Read || cell.error)
        all.push_back(asItIs(cell));
    if (!cell.expected.empty()) {
        all.push_back({cell.place, true, cell.expected, {}});
    } else if (cell.origin == CellOrigin::Given) {
        all.push_back({cell.place, true, cell.bytes, {}});
    }
}

Result<Versions> ofStripe(SectorRange range, const ReadStripe& read)
{
    const auto view = BM_TRY(read(std::int64_t(range.begin.count), range.length()));
    Versions versions{{range.begin, range.begin + view.length}, {}};
    for (const auto& cell : view.cells)
        addCell(cell, versions.all);
    return versions;
}

Result<Versions> ofCopies(const ArrayReport& array, SectorRange range, const ReadStripe& read)
{
    const auto map = BM_TRY(mapArraySector(array, range.begin));
    Versions versions{range, {}};
    std::map<std::uint64_t, StripeView> views;
    for (const auto& copy : map.copies) {
        BM_ASSERT(copy.inData.has_value());
        const auto inData = copy.inData->count;
        auto view = views.find(inData);
        if (view == views.end()) {
            const auto begin = std::int64_t(inData);
            view = views.emplace(inData, BM_TRY(read(begin, range.length()))).first;
        }
        const auto& cell = view->second.cells[std::size_t(copy.role)];
        versions.range.end =
            std::min(versions.range.end, versions.range.begin + view->second.length);
        // A member that does not count here is no party to it.
        if (cell.place.isValid || cell.error)
            versions.all.push_back(asItIs(cell));
    }
    return versions;
}

} // namespace

bool Versions::differAt(std::size_t offset) const
{
    const bool anyComputed = std::ranges::any_of(all, &Version::isComputed);
    const Version* before = nullptr;
    for (const auto& version : all) {
        if (offset >= version.bytes.size())
            continue;
        // With parity what a member holds stands before what it should hold.
        const bool comparable =
            before != nullptr && (!anyComputed || (version.isComputed && !before->isComputed &&
                                                      before->place.role == version.place.role));
        if (comparable && before->bytes[offset] != version.bytes[offset])
            return true;
        before = &version;
    }
    return false;
}

Result<Versions> versionsIn(const ArrayReport& array, SectorRange range, const ReadStripe& read)
{
    return hasParity(array.geometry) ? ofStripe(range, read) : ofCopies(array, range, read);
}

Result<Versions> versionsIn(const Array& array, SectorRange range)
{
    const auto report = array.snapshot().report;
    return versionsIn(report, range,
        [&array](std::int64_t begin, Sectors length) { return readStripe(array, begin, length); });
}

} // namespace bitmend
