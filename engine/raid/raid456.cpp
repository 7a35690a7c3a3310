// SPDX-License-Identifier: Apache-2.0
// One or two parity blocks per row.
#include "engine/raid/parity_layout.h"
#include "engine/raid/personalities.h"
#include "engine/raid/stripe.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr int kMostMembersWithQ = 255;

class Raid456 final : public Personality
{
public:
    explicit Raid456(std::string_view name) : m_name(name) {}

    std::string_view name() const override { return m_name; }

    std::string layoutName(const Geometry& geometry) const override
    {
        const ParityLayout* layout = parityLayout(geometry);
        return std::string(layout == nullptr ? kUnknownLayout : layout->name);
    }

    Result<void> validate(const Geometry& geometry) const override
    {
        const int fewest = geometry.level == 6 ? 4 : 2;
        if (geometry.raidDisks < fewest || parityLayout(geometry) == nullptr)
            return fail(ErrorCode::BadGeometry);
        // With more members two of them would count alike in Q; the kernel stops itself here.
        if (geometry.level == 6 && geometry.raidDisks > kMostMembersWithQ)
            return fail(ErrorCode::BadGeometry);
        if (!isPowerOfTwo(geometry.chunk) || geometry.chunk < kPage)
            return fail(ErrorCode::BadGeometry);
        return {};
    }

    Sectors arraySize(const Geometry& geometry) const override
    {
        if (!validate(geometry))
            return {};
        return timesOrZero(roundedDown(geometry.componentSize, geometry.chunk),
            std::uint64_t(geometry.raidDisks) - parityCount(geometry));
    }

    bool canStart(
        const Geometry& geometry, const std::vector<bool>& inSync, bool dirty) const override
    {
        // A dirty row with a lost block cannot be rebuilt: its parity may be older than its data.
        const auto lost = std::uint64_t(std::ranges::count(inSync, false));
        return lost == 0 || (lost <= parityCount(geometry) && !dirty);
    }

    std::vector<Place> locate(const Geometry& geometry, Sectors arraySector) const override
    {
        const auto members = std::uint64_t(geometry.raidDisks);
        const std::uint64_t dataBlocks = members - parityCount(geometry);
        const std::uint64_t chunk = arraySector.count / geometry.chunk.count;
        const std::uint64_t row = chunk / dataBlocks;
        const ParityLayout& layout = *parityLayout(geometry);
        const Sectors sector{row * geometry.chunk.count + arraySector.count % geometry.chunk.count};
        const std::uint64_t slot =
            dataSlot(layout, parityRow(layout, members, row), chunk % dataBlocks);
        return {{int(slot), sector}};
    }

    bool takesBitmap() const override { return true; }

private:
    std::string_view m_name;
};

} // namespace

MemberContent raid456ContentAt(const Geometry& geometry, Place place)
{
    const std::uint64_t chunk = geometry.chunk.count;
    if (place.sector >= roundedDown(geometry.componentSize, geometry.chunk))
        return {};
    const std::uint64_t stripe = place.sector.count / chunk;
    const StripeRoles roles = stripeRoles(geometry, stripe);
    if (place.role == roles.p)
        return {Holds::P, {}, 0};
    if (place.role == roles.q)
        return {Holds::Q, {}, 0};
    const auto k = std::uint64_t(std::ranges::find(roles.data, place.role) - roles.data.begin());
    const std::uint64_t number = stripe * roles.data.size() + k;
    return {Holds::Data, {number * chunk + place.sector.count % chunk}, 0};
}

const Personality& raid4()
{
    static const Raid456 kRaid4("raid4");
    return kRaid4;
}

const Personality& raid5()
{
    static const Raid456 kRaid5("raid5");
    return kRaid5;
}

const Personality& raid6()
{
    static const Raid456 kRaid6("raid6");
    return kRaid6;
}

bool hasParity(const Geometry& geometry) { return geometry.level >= 4 && geometry.level <= 6; }

Sectors wholeStripe(const Geometry& geometry)
{
    const auto members = std::uint64_t(std::max(geometry.raidDisks, 0));
    const auto parity = parityCount(geometry);
    return hasParity(geometry) && members > parity ? timesOrZero(geometry.chunk, members - parity)
                                                   : Sectors{};
}

bool holdsOnlyParity(const Geometry& geometry, int role)
{
    if (!hasParity(geometry))
        return false;
    const ParityLayout* layout = parityLayout(geometry);
    if (layout == nullptr || geometry.raidDisks < 2)
        return false;
    if (layout->q == QPlace::LastSlot && role == geometry.raidDisks - 1)
        return true;
    if (layout->turn != Turn::First && layout->turn != Turn::Last)
        return false;
    const ParityRow row = parityRow(*layout, std::uint64_t(geometry.raidDisks), 0);
    return std::uint64_t(role) == row.p || std::uint64_t(role) == row.q;
}

} // namespace bitmend
