// SPDX-License-Identifier: Apache-2.0
// Copies of each chunk beside each other ("near"), in another part of the members ("far"), or in
// the next row ("offset"). The layout word: bits 0-7 near copies, 8-15 far copies, 16 offset,
// 17-18 how far copies are grouped into sets.
#include "engine/base/assert.h"
#include "engine/raid/personalities.h"

#include <algorithm>

namespace bitmend {

namespace {

struct Copies
{
    std::uint64_t near = 0;
    std::uint64_t far = 0;
    bool offset = false;
    std::uint64_t farSet = 0; // far copies stay inside a set of so many members

    std::uint64_t count() const { return near * far; }
};

// All zero when the kernel would not take the layout word.
Copies copiesOf(const Geometry& geometry)
{
    const auto members = std::uint64_t(geometry.raidDisks);
    Copies copies{geometry.layout & 0xff, geometry.layout >> 8 & 0xff,
        (geometry.layout & 0x10000) != 0, members};
    if (copies.count() == 0)
        return {};
    switch (geometry.layout >> 17) {
    case 0:
        break;
    case 1: // the first attempt at sets, kept by md for whoever has it
        copies.farSet = members / copies.far;
        break;
    case 2:
        copies.farSet = copies.count();
        break;
    default:
        return {};
    }
    return copies.farSet == 0 ? Copies{} : copies;
}

// Chunks of each member that are used.
std::uint64_t usedRows(const Geometry& geometry, const Copies& copies)
{
    BM_ASSERT(copies.count() != 0);
    const auto members = std::uint64_t(geometry.raidDisks);
    const std::uint64_t arrayChunks =
        geometry.componentSize.count / geometry.chunk.count / copies.far * members / copies.near;
    return (arrayChunks * copies.count() + members - 1) / members;
}

// The member that holds the next far copy of what lies on `slot`.
std::uint64_t nextFar(std::uint64_t slot, std::uint64_t members, const Copies& copies)
{
    const std::uint64_t set = slot / copies.farSet;
    slot += copies.near;
    // With a remainder the last set is larger. The comparison is strict and looks at the slot
    // already moved on, as the kernel does it: anything neater finds other sectors.
    const std::uint64_t lastSet = (members / copies.farSet - 1) * copies.farSet;
    if (members % copies.farSet != 0 && slot > lastSet)
        return lastSet + (slot - lastSet) % (copies.farSet + members % copies.farSet);
    return set * copies.farSet + slot % copies.farSet;
}

std::uint64_t farSlot(
    std::uint64_t slot, std::uint64_t steps, std::uint64_t members, const Copies& copies)
{
    for (; steps != 0; --steps)
        slot = nextFar(slot, members, copies);
    return slot;
}

// The counts, one per near copy, that may put a first copy there. With offset copies a row of the
// count takes several rows of the members, and near copies that wrap lie just one row further.
std::vector<std::uint64_t> turnsOf(
    std::uint64_t row, std::uint64_t slot, std::uint64_t members, const Copies& copies)
{
    if (!copies.offset)
        return {row * members + slot};
    std::vector<std::uint64_t> turns;
    if (row % copies.far == 0)
        turns.push_back(row / copies.far * members + slot);
    if (row != 0 && (row - 1) % copies.far == 0)
        turns.push_back(((row - 1) / copies.far + 1) * members + slot);
    return turns;
}

MemberContent contentIfThere(const Geometry& geometry, std::uint64_t chunk, Place place)
{
    const Sectors sector{chunk * geometry.chunk.count + place.sector.count % geometry.chunk.count};
    if (sector >= raid10().arraySize(geometry))
        return {};
    const auto places = raid10().locate(geometry, sector);
    const auto found = std::ranges::find(places, place);
    if (found == places.end())
        return {};
    return {Holds::Data, sector, int(found - places.begin())};
}

class Raid10 final : public Personality
{
public:
    std::string_view name() const override { return "raid10"; }

    std::string layoutName(const Geometry& geometry) const override
    {
        const std::uint32_t near = geometry.layout & 0xff;
        const std::uint32_t far = geometry.layout >> 8 & 0xff;
        std::string name;
        if (near != 1)
            name = "near=" + std::to_string(near);
        if (far != 1) {
            name += name.empty() ? "" : ", ";
            name += (geometry.layout & 0x10000) != 0 ? "offset=" : "far=";
            name += std::to_string(far);
        }
        return name.empty() ? std::string(kUnknownLayout) : name;
    }

    Result<void> validate(const Geometry& geometry) const override
    {
        if (geometry.raidDisks <= 0 || geometry.chunk < kPage || !isPowerOfTwo(geometry.chunk))
            return fail(ErrorCode::BadGeometry);
        const Copies copies = copiesOf(geometry);
        if (copies.count() < 2 || copies.count() > std::uint64_t(geometry.raidDisks))
            return fail(ErrorCode::BadGeometry);
        return {};
    }

    Sectors arraySize(const Geometry& geometry) const override
    {
        if (!validate(geometry))
            return {};
        const Copies copies = copiesOf(geometry);
        const Sectors chunks{geometry.componentSize.count / geometry.chunk.count / copies.far};
        const Sectors perNear{
            timesOrZero(chunks, std::uint64_t(geometry.raidDisks)).count / copies.near};
        return timesOrZero(geometry.chunk, perNear.count);
    }

    bool canStart(const Geometry& geometry, const std::vector<bool>& inSync, bool) const override
    {
        auto slots = geometry;
        slots.raidDisks = int(inSync.size());
        const auto sets = raid10Sets(slots);
        return !sets.empty() && std::ranges::all_of(sets, [&inSync](const std::vector<int>& roles) {
            return std::ranges::any_of(
                roles, [&inSync](int role) { return inSync[std::size_t(role)]; });
        });
    }

    std::vector<Place> locate(const Geometry& geometry, Sectors arraySector) const override
    {
        const Copies copies = copiesOf(geometry);
        const auto members = std::uint64_t(geometry.raidDisks);
        const std::uint64_t chunk = geometry.chunk.count;
        const std::uint64_t stride =
            copies.offset ? chunk : usedRows(geometry, copies) / copies.far * chunk;

        const std::uint64_t turn = arraySector.count / chunk * copies.near;
        std::uint64_t slot = turn % members;
        std::uint64_t row = turn / members * (copies.offset ? copies.far : 1);

        std::vector<Place> places;
        places.reserve(copies.count());
        for (std::uint64_t near = 0; near < copies.near; ++near) {
            std::uint64_t sector = row * chunk + arraySector.count % chunk;
            places.push_back({int(slot), {sector}});
            std::uint64_t farSlot = slot;
            for (std::uint64_t far = 1; far < copies.far; ++far) {
                farSlot = nextFar(farSlot, members, copies);
                sector += stride;
                places.push_back({int(farSlot), {sector}});
            }
            if (++slot == members) {
                slot = 0;
                ++row;
            }
        }
        return places;
    }

    bool takesBitmap() const override { return true; }
};

} // namespace

std::vector<std::vector<int>> raid10Sets(const Geometry& geometry)
{
    const Copies copies = copiesOf(geometry);
    const auto members = std::uint64_t(geometry.raidDisks);
    std::vector<std::vector<int>> sets;
    if (copies.count() == 0 || geometry.raidDisks <= 0)
        return sets;
    std::uint64_t first = 0;
    do {
        auto& roles = sets.emplace_back();
        for (std::uint64_t copy = 0; copy < copies.count(); ++copy)
            roles.push_back(int((first + copy) % members));
        first = (first + copies.near) % members;
    } while (first != 0);
    return sets;
}

// A place is the n-th far copy of what lies first on some slot of some row. The steps between far
// copies have no inverse in closed form where the sets differ in size, and slots are few, so all
// are tried; locate() has the last word.
MemberContent raid10ContentAt(const Geometry& geometry, Place place)
{
    const Copies copies = copiesOf(geometry);
    const auto members = std::uint64_t(geometry.raidDisks);
    const std::uint64_t strideRows = copies.offset ? 1 : usedRows(geometry, copies) / copies.far;
    const std::uint64_t placeRow = place.sector.count / geometry.chunk.count;

    for (std::uint64_t far = 0; far < copies.far && far * strideRows <= placeRow; ++far) {
        const std::uint64_t row = placeRow - far * strideRows;
        for (std::uint64_t slot = 0; slot < members; ++slot) {
            if (farSlot(slot, far, members, copies) != std::uint64_t(place.role))
                continue;
            for (const std::uint64_t turn : turnsOf(row, slot, members, copies)) {
                const auto content = contentIfThere(geometry, turn / copies.near, place);
                if (content.kind == Holds::Data)
                    return content;
            }
        }
    }
    return {};
}

const Personality& raid10()
{
    static const Raid10 kRaid10;
    return kRaid10;
}

} // namespace bitmend
