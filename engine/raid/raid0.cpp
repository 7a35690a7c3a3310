// SPDX-License-Identifier: Apache-2.0
// Striping over members of different sizes, in zones: zone k runs over all members that are larger
// than zone k-1 reaches. Two layouts differ in where a zone's first chunk lies; superblocks written
// before 2019 do not say which of them was meant.
#include "engine/raid/personalities.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr std::uint32_t kOriginal = 1;  // kernels before 3.14
constexpr std::uint32_t kAlternate = 2; // kernels 3.14 to 5.3

struct Zone
{
    Sectors arrayBegin;
    Sectors memberBegin;
    Sectors rows;           // its height on each member
    std::vector<int> roles; // in role order

    Sectors length() const { return {rows.count * roles.size()}; }
};

std::vector<Zone> zonesOf(const Geometry& geometry)
{
    std::vector<Sectors> sizes;
    sizes.reserve(geometry.memberSizes.size());
    for (const Sectors size : geometry.memberSizes)
        sizes.push_back(roundedDown(size, geometry.chunk));

    std::vector<Sectors> heights = sizes;
    std::ranges::sort(heights);
    heights.erase(std::ranges::unique(heights).begin(), heights.end());

    std::vector<Zone> zones;
    Sectors arrayBegin;
    Sectors reached;
    for (const Sectors height : heights) {
        if (height == reached)
            continue; // a member that holds nothing
        Zone zone{arrayBegin, reached, height - reached, {}};
        for (std::size_t role = 0; role < sizes.size(); ++role) {
            if (sizes[role] > reached)
                zone.roles.push_back(int(role));
        }
        arrayBegin = arrayBegin + zone.length();
        reached = height;
        zones.push_back(std::move(zone));
    }
    return zones;
}

bool layoutMatters(const Geometry& geometry)
{
    const auto zones = zonesOf(geometry);
    return zones.size() > 1 && zones[1].roles.size() > 1;
}

class Raid0 final : public Personality
{
public:
    std::string_view name() const override { return "raid0"; }

    std::string layoutName(const Geometry& geometry) const override
    {
        if (!geometry.hasLayout)
            return {};
        switch (geometry.layout) {
        case kOriginal:
            return "original";
        case kAlternate:
            return "alternate";
        default:
            return std::string(kUnknownLayout);
        }
    }

    Result<void> validate(const Geometry& geometry) const override
    {
        if (geometry.raidDisks <= 0 || geometry.chunk.count == 0)
            return fail(ErrorCode::BadGeometry);
        const bool known =
            geometry.hasLayout && (geometry.layout == kOriginal || geometry.layout == kAlternate);
        if (!known && layoutMatters(geometry))
            return fail(ErrorCode::NeedsChoice);
        return {};
    }

    Sectors arraySize(const Geometry& geometry) const override
    {
        if (geometry.chunk.count == 0)
            return {};
        // The kernel rounds with a mask, as if every chunk were a power of two: with 24-sector
        // chunks it exports less than the zones hold. An array must have the size it had there.
        const std::uint64_t mask = ~(geometry.chunk.count - 1);
        Sectors sum;
        for (const Sectors size : geometry.memberSizes) {
            const std::uint64_t counted = roundedDown(size, geometry.chunk).count & mask;
            if (__builtin_add_overflow(sum.count, counted, &sum.count))
                return {};
        }
        return sum;
    }

    bool canStart(const Geometry&, const std::vector<bool>& inSync, bool) const override
    {
        return std::ranges::all_of(inSync, [](bool present) { return present; });
    }

    std::vector<Place> locate(const Geometry& geometry, Sectors arraySector) const override
    {
        const std::uint64_t chunk = geometry.chunk.count;
        for (const auto& zone : zonesOf(geometry)) {
            if (arraySector >= zone.arrayBegin + zone.length())
                continue;
            const std::uint64_t inZone = (arraySector - zone.arrayBegin).count;
            const std::uint64_t members = zone.roles.size();
            // "original" counts chunks from the array's start, so that a zone may begin on any of
            // its members.
            const std::uint64_t counted = geometry.layout == kOriginal ? arraySector.count : inZone;
            const Sectors sector{zone.memberBegin.count + inZone / (chunk * members) * chunk +
                                 arraySector.count % chunk};
            return {{zone.roles[counted / chunk % members], sector}};
        }
        return {};
    }

    bool takesBitmap() const override { return false; }
};

} // namespace

MemberContent raid0ContentAt(const Geometry& geometry, Place place)
{
    const std::uint64_t chunk = geometry.chunk.count;
    for (const auto& zone : zonesOf(geometry)) {
        if (place.sector >= zone.memberBegin + zone.rows)
            continue;
        const auto found = std::ranges::find(zone.roles, place.role);
        if (found == zone.roles.end())
            return {};
        const std::uint64_t members = zone.roles.size();
        const auto index = std::uint64_t(found - zone.roles.begin());
        const std::uint64_t row = (place.sector - zone.memberBegin).count / chunk;
        const std::uint64_t firstChunk = zone.arrayBegin.count / chunk + row * members;
        // "original" counts the members from the array's start: see locate().
        const std::uint64_t ahead = geometry.layout == kOriginal
                                        ? (index + members - firstChunk % members) % members
                                        : index;
        return {Holds::Data, {(firstChunk + ahead) * chunk + place.sector.count % chunk}, 0};
    }
    return {};
}

const Personality& raid0()
{
    static const Raid0 kRaid0;
    return kRaid0;
}

} // namespace bitmend
