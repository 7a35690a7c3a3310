// SPDX-License-Identifier: Apache-2.0
#include "engine/array/sync_window.h"

#include "engine/array/mirror_sync.h"
#include "engine/array/replacement_sync.h"
#include "engine/array/stripe_sync.h"

#include <algorithm>
#include <utility>

namespace bitmend {

std::unique_ptr<SyncWindow> makeSyncWindow(ArrayState& state, SyncScope scope)
{
    const bool parity = state.geometry.level >= 4 && state.geometry.level <= 6;
    if (!parity)
        return makeMirrorSync(state, scope);
    auto stripes = makeStripeSync(state, scope);
    const auto guard = state.lock();
    const bool replaces = std::ranges::any_of(state.members, &ArrayMember::replaces);
    if (scope.action != SyncAction::Recover || !replaces)
        return stripes;
    return makeReplacementSync(state, scope, std::move(stripes));
}

void appendRange(std::vector<SectorRange>& ranges, SectorRange range)
{
    if (!ranges.empty() && ranges.back().end == range.begin) {
        ranges.back().end = range.end;
        return;
    }
    ranges.push_back(range);
}

void uniteRanges(std::vector<SectorRange>& all, const std::vector<SectorRange>& found)
{
    if (found.empty())
        return;
    auto unsorted = std::exchange(all, {});
    unsorted.insert(unsorted.end(), found.begin(), found.end());
    mergeRanges(all, std::move(unsorted));
}

void mergeRanges(std::vector<SectorRange>& all, std::vector<SectorRange> found)
{
    std::ranges::sort(found, {}, &SectorRange::begin);
    for (auto& range : found) {
        if (!all.empty() && range.begin < all.back().end)
            range.begin = std::min(all.back().end, range.end);
        if (!range.empty())
            appendRange(all, range);
    }
}

} // namespace bitmend
