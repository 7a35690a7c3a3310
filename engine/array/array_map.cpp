// SPDX-License-Identifier: Apache-2.0
#include "engine/array/array_map.h"

#include "engine/metadata/metadata_format.h"
#include "engine/raid/parity.h"
#include "engine/raid/personality.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr Sectors kPage{8};
constexpr int kMostRoles = 1920;       // as many as a superblock can list
constexpr Sectors kBitmapRoom090{120}; // mdadm always fills it

Result<const Personality*> mappable(const ArrayReport& array)
{
    const auto* level = personality(array.geometry.level);
    if (level == nullptr || !array.superblock || array.superblock->reshape ||
        array.geometry.raidDisks > kMostRoles)
        return fail(ErrorCode::Unsupported, array.name);
    if (const auto valid = level->validate(array.geometry); !valid)
        return fail(valid.error().code, array.name);
    return level;
}

// How much a member's state says for itself: the lower, the more.
int rankOf(MemberState state)
{
    switch (state) {
    case MemberState::InSync:
        return 0;
    case MemberState::Rebuilding:
        return 1;
    case MemberState::Missing:
        return 3;
    default:
        return 2;
    }
}

Sectors plus(Sectors begin, std::int64_t offset)
{
    return {std::uint64_t(std::int64_t(begin.count) + offset)};
}

bool liesIn(Sectors sector, Sectors begin, Sectors length)
{
    return sector >= begin && sector - begin < length;
}

Sectors bitmapLength(const Member& member)
{
    if (member.superblock->version == MetadataVersion::V0_90)
        return kBitmapRoom090;
    // Where it could not be read, at least its header lies there.
    const std::uint64_t bytes = member.bitmap ? bitmapBytes(member.bitmap->bits.chunks) : 0;
    return std::max(kPage, Sectors{(bytes + kSectorBytes - 1) / kSectorBytes});
}

class Mapper
{
public:
    explicit Mapper(const ArrayReport& array, const Personality& level)
        : m_array(array)
        , m_level(level)
    {
    }

    MemberPlace placeAt(Place place) const;
    ArrayMap row(Sectors inData) const;
    std::vector<MemberPlace> copiesOf(Sectors arraySector) const;
    Sectors lostIn(int role, SectorRange inPage) const;

private:
    bool isValid(Place place) const
    {
        return countsAt(memberInRole(m_array, place.role), place.sector);
    }
    std::vector<int> othersThatGive(Place place, const MemberContent& content) const;
    std::vector<int> parityThatGives(Place place) const;
    bool parityGives(SectorRange page) const;

    const ArrayReport& m_array;
    const Personality& m_level;
};

std::vector<int> Mapper::parityThatGives(Place place) const
{
    const Geometry& geometry = m_array.geometry;
    const auto roles = stripeRoles(geometry, place.sector.count / geometry.chunk.count);
    std::vector<int> lost;
    for (int role = 0; role < geometry.raidDisks; ++role) {
        if (!isValid({role, place.sector}))
            lost.push_back(role);
    }
    if (!StripeCode::canRecover(roles, lost))
        return {};
    return StripeCode(roles, lost).sources();
}

std::vector<int> Mapper::othersThatGive(Place place, const MemberContent& content) const
{
    if (content.kind == Holds::Unused)
        return {};
    if (hasParity(m_array.geometry))
        return parityThatGives(place);
    for (const auto& other : m_level.locate(m_array.geometry, content.arraySector)) {
        if (other != place && isValid(other))
            return {other.role};
    }
    return {};
}

bool Mapper::parityGives(SectorRange page) const
{
    const Geometry& geometry = m_array.geometry;
    std::vector<int> lost;
    for (int role = 0; role < geometry.raidDisks; ++role) {
        const auto* member = memberInRole(m_array, role);
        if (!countsAt(member, page.begin) || isListedBad(*member, page))
            lost.push_back(role);
    }
    return StripeCode::canRecover(
        stripeRoles(geometry, page.begin.count / geometry.chunk.count), lost);
}

// Of sectors in one page that the role does not give.
Sectors Mapper::lostIn(int role, SectorRange inPage) const
{
    if (hasParity(m_array.geometry)) {
        const Sectors page{inPage.begin.count / kPage.count * kPage.count};
        return parityGives({page, page + kPage}) ? Sectors{} : inPage.length();
    }
    Sectors lost;
    for (auto at = inPage.begin; at < inPage.end; at = at + Sectors{1}) {
        const auto content = contentAt(m_array.geometry, {role, at});
        if (content.kind != Holds::Unused && othersThatGive({role, at}, content).empty())
            lost = lost + Sectors{1};
    }
    return lost;
}

MemberPlace Mapper::placeAt(Place place) const
{
    MemberPlace at;
    at.role = place.role;
    at.inData = place.sector;
    at.content = contentAt(m_array.geometry, place);
    if (const Member* member = memberInRole(m_array, place.role)) {
        at.path = member->path;
        at.state = member->state;
        if (member->superblock) {
            at.sector = member->superblock->dataOffset + place.sector;
            at.region = regionAt(*member, *at.sector);
        }
        at.isValid = isValid(place);
        at.isListedBad =
            member->superblock && isListedBad(*member, {place.sector, place.sector + Sectors{1}});
    }
    if (!at.isValid)
        at.from = othersThatGive(place, at.content);
    return at;
}

ArrayMap Mapper::row(Sectors inData) const
{
    const Geometry& geometry = m_array.geometry;
    ArrayMap map;
    map.inData = inData;
    if (geometry.level != -1 && geometry.level != 1)
        map.stripe = inData.count / geometry.chunk.count;
    for (int role = 0; role < geometry.raidDisks; ++role)
        map.members.push_back(placeAt({role, inData}));
    return map;
}

std::vector<MemberPlace> Mapper::copiesOf(Sectors arraySector) const
{
    std::vector<MemberPlace> copies;
    for (const auto& place : m_level.locate(m_array.geometry, arraySector))
        copies.push_back(placeAt(place));
    return copies;
}

} // namespace

const Member* memberInRole(const ArrayReport& array, int role)
{
    const Member* best = nullptr;
    for (const auto& member : array.members) {
        if (member.role != role)
            continue;
        if (best == nullptr || rankOf(member.state) < rankOf(best->state))
            best = &member;
    }
    return best;
}

bool countsAt(const Member* member, Sectors inData)
{
    if (member == nullptr || isListedBad(*member, {inData, inData + Sectors{1}}))
        return false;
    if (member->state == MemberState::InSync)
        return true;
    return member->state == MemberState::Rebuilding && inData < member->superblock->recoveryOffset;
}

bool isListedBad(const Member& member, SectorRange inData)
{
    if (member.superblock && member.superblock->level < 1)
        return false; // md's level 0 and linear do not look at it
    return std::ranges::any_of(member.badBlocks, [&](const SectorRange& listed) {
        const auto start = member.superblock->dataOffset;
        return start + inData.begin < listed.end && listed.begin < start + inData.end;
    });
}

Region regionAt(const Member& member, Sectors sector)
{
    const Superblock& superblock = *member.superblock;
    if (liesIn(sector, superblock.location, superblockLength(superblock)))
        return Region::Superblock;
    if (superblock.hasBitmap() &&
        liesIn(sector, plus(superblock.location, superblock.bitmapOffset), bitmapLength(member)))
        return Region::Bitmap;
    const auto& log = superblock.badBlockLog;
    if (log.offset != 0 && liesIn(sector, plus(superblock.location, log.offset), {log.size}))
        return Region::BadBlockLog;
    if (liesIn(sector, superblock.dataOffset, superblock.dataSize))
        return Region::Data;
    // What it does not fill of its slot is its own all the same.
    if (liesIn(sector, superblock.location, kPage))
        return Region::Superblock;
    return Region::Reserved;
}

Result<ArrayMap> mapArraySector(const ArrayReport& array, Sectors sector)
{
    const auto* level = BM_TRY(mappable(array));
    if (sector >= array.arraySize)
        return fail(ErrorCode::ShortRead, array.name, std::int64_t(sector.bytes()));
    const Mapper mapper(array, *level);
    auto copies = mapper.copiesOf(sector);
    ArrayMap map = mapper.row(copies.front().inData.value_or(Sectors{}));
    map.arraySector = sector;
    map.copies = std::move(copies);
    return map;
}

Result<MemberMap> mapMemberSector(const ArrayReport& array, const std::string& path, Sectors sector)
{
    const auto* level = BM_TRY(mappable(array));
    const auto member = std::ranges::find(array.members, path, &Member::path);
    if (member == array.members.end() || !member->superblock)
        return fail(ErrorCode::NotAMember, path);
    const Mapper mapper(array, *level);
    MemberMap map;
    map.asked.role = member->role;
    map.asked.path = path;
    map.asked.state = member->state;
    map.asked.sector = sector;
    map.asked.region = regionAt(*member, sector);
    if (map.asked.region != Region::Data || member->role < 0)
        return map;
    const Sectors inData = sector - member->superblock->dataOffset;
    map.around = mapper.row(inData);
    // Of several that name the role, this one was asked for, whichever counts.
    MemberPlace counting = mapper.placeAt({member->role, inData});
    counting.isValid = counting.isValid && counting.path == path;
    counting.path = path;
    counting.state = member->state;
    counting.sector = sector;
    counting.region = Region::Data;
    map.asked = std::move(counting);
    if (map.asked.content.kind == Holds::Data) {
        map.around.arraySector = map.asked.content.arraySector;
        map.around.copies = mapper.copiesOf(map.asked.content.arraySector);
    }
    return map;
}

ListedBad countListedBad(const ArrayReport& array)
{
    ListedBad count;
    const auto level = mappable(array);
    if (!level)
        return count;
    const Mapper mapper(array, **level);
    for (const auto& member : array.members) {
        if (member.role < 0 || member.badBlocks.empty() || array.geometry.level < 1 ||
            memberInRole(array, member.role) != &member)
            continue;
        const auto data = member.superblock->dataOffset;
        for (const auto& listed : member.badBlocks) {
            for (auto at = std::max(listed.begin, data); at < listed.end;) {
                const auto page = Sectors{((at - data).count / kPage.count + 1) * kPage.count};
                const auto end = std::min(listed.end, data + page);
                const auto lost = mapper.lostIn(member.role, {at - data, end - data});
                count.lost = count.lost + lost;
                count.all = count.all + (end - at);
                at = end;
            }
        }
    }
    return count;
}

Result<ArrayMap> mapRow(const ArrayReport& array, Sectors inData)
{
    const auto* level = BM_TRY(mappable(array));
    return Mapper(array, *level).row(inData);
}

} // namespace bitmend
