// SPDX-License-Identifier: Apache-2.0
#include "engine/raid/personalities.h"

#include <algorithm>

namespace bitmend {

namespace {

class Raid1 final : public Personality
{
public:
    std::string_view name() const override { return "raid1"; }

    std::string layoutName(const Geometry&) const override { return {}; }

    Result<void> validate(const Geometry& geometry) const override
    {
        if (geometry.raidDisks <= 0)
            return fail(ErrorCode::BadGeometry);
        return {};
    }

    Sectors arraySize(const Geometry& geometry) const override { return geometry.componentSize; }

    bool canStart(const Geometry&, const std::vector<bool>& inSync, bool) const override
    {
        return std::ranges::any_of(inSync, [](bool present) { return present; });
    }

    std::vector<Place> locate(const Geometry& geometry, Sectors arraySector) const override
    {
        std::vector<Place> places;
        places.reserve(std::size_t(geometry.raidDisks));
        for (int role = 0; role < geometry.raidDisks; ++role)
            places.push_back({role, arraySector});
        return places;
    }

    bool takesBitmap() const override { return true; }
};

} // namespace

MemberContent raid1ContentAt(const Geometry&, Place place)
{
    return {Holds::Data, place.sector, place.role};
}

const Personality& raid1()
{
    static const Raid1 kRaid1;
    return kRaid1;
}

} // namespace bitmend
