// SPDX-License-Identifier: Apache-2.0
// Members one after the other. With a chunk size each counts only in whole chunks.
#include "engine/raid/personalities.h"

#include <algorithm>

namespace bitmend {

namespace {

Sectors usable(const Geometry& geometry, std::size_t role)
{
    const Sectors size = geometry.memberSizes[role];
    return geometry.chunk.count == 0 ? size : roundedDown(size, geometry.chunk);
}

class Linear final : public Personality
{
public:
    std::string_view name() const override { return "linear"; }

    std::string layoutName(const Geometry&) const override { return {}; }

    Result<void> validate(const Geometry& geometry) const override
    {
        if (geometry.raidDisks <= 0)
            return fail(ErrorCode::BadGeometry);
        return {};
    }

    Sectors arraySize(const Geometry& geometry) const override
    {
        Sectors sum;
        for (std::size_t role = 0; role < geometry.memberSizes.size(); ++role) {
            if (__builtin_add_overflow(sum.count, usable(geometry, role).count, &sum.count))
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
        Sectors begin;
        for (std::size_t role = 0; role < geometry.memberSizes.size(); ++role) {
            const Sectors end = begin + usable(geometry, role);
            if (arraySector < end)
                return {{int(role), arraySector - begin}};
            begin = end;
        }
        return {};
    }

    bool takesBitmap() const override { return false; }
};

} // namespace

MemberContent linearContentAt(const Geometry& geometry, Place place)
{
    const auto role = std::size_t(place.role);
    if (role >= geometry.memberSizes.size() || place.sector >= usable(geometry, role))
        return {};
    Sectors begin;
    for (std::size_t before = 0; before < role; ++before)
        begin = begin + usable(geometry, before);
    return {Holds::Data, begin + place.sector, 0};
}

const Personality& linear()
{
    static const Linear kLinear;
    return kLinear;
}

} // namespace bitmend
