// SPDX-License-Identifier: Apache-2.0
#include "engine/array/array_readers.h"

#include "engine/raid/personality.h"

#include <algorithm>

namespace bitmend {

// A role is lost in all of a zone when it does not give the zone's last stripe: zones end where
// somebody's rebuilt stripes do.
std::vector<StripeCode> ArrayReaders::codesBefore(
    const Geometry& geometry, std::uint64_t zoneEnd) const
{
    const auto chunk = geometry.chunk.bytes();
    std::vector<int> lost;
    for (std::size_t role = 0; role < byRole.size(); ++role) {
        const auto* reader = byRole[role];
        const bool gives = reader && (reader->isWhole() ||
                                         (zoneEnd != kAll && reader->validEnd / chunk >= zoneEnd));
        if (!gives)
            lost.push_back(static_cast<int>(role));
    }
    std::vector<StripeCode> codes;
    codes.reserve(std::size_t(stripePeriod(geometry)));
    for (int stripe = 0; stripe < stripePeriod(geometry); ++stripe)
        codes.emplace_back(stripeRoles(geometry, static_cast<std::uint64_t>(stripe)), lost);
    return codes;
}

void ArrayReaders::settle(const Geometry& geometry)
{
    byRole.assign(static_cast<std::size_t>(geometry.raidDisks), nullptr);
    for (const auto& reader : all)
        byRole[static_cast<std::size_t>(reader.role)] = &reader;
    if (!hasParity(geometry))
        return;
    std::vector<std::uint64_t> ends{kAll};
    for (const auto& reader : all) {
        const auto stripes = reader.validEnd / geometry.chunk.bytes();
        if (!reader.isWhole() && stripes != 0)
            ends.push_back(stripes);
    }
    std::ranges::sort(ends);
    ends.erase(std::ranges::unique(ends).begin(), ends.end());
    zones.reserve(ends.size());
    for (const auto end : ends)
        zones.push_back({end, codesBefore(geometry, end)});
}

} // namespace bitmend
