// SPDX-License-Identifier: Apache-2.0
// Every byte range that assembling, the resync that is due and a clean stop would write, and those
// of the operations that may follow.
#include "engine/array/assembly_parts.h"
#include "engine/array/planned_writes.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>
#include <functional>

namespace bitmend {

namespace {

// Beyond this many stripe units a range is named by the rows it can touch, not block by block.
constexpr std::uint64_t kMostPlaces = 65536;

std::uint64_t roundedUp(std::uint64_t bytes)
{
    return (bytes + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
}

bool isWritten(const Member& member)
{
    return member.state == MemberState::InSync || member.state == MemberState::Rebuilding ||
           member.state == MemberState::Replacement;
}

bool isInSync(const Member& member) { return member.state == MemberState::InSync; }

bool isRebuilding(const Member& member) { return member.state == MemberState::Rebuilding; }

bool isReplacing(const Member& member) { return member.state == MemberState::Replacement; }

bool isIdleSpare(const Member& member)
{
    return member.state == MemberState::Spare && member.reason.code == ReasonCode::IdleSpare;
}

using PageWanted = std::function<bool(std::uint64_t page)>;

class Writes
{
public:
    explicit Writes(const ArrayReport& array) : m_array(array) {}

    // What any operation writes: superblocks, bitmap headers, and pages in which bits can go.
    void addMetadata(const PageWanted& alsoWanted = {});
    void addResync();
    void addRecovery();
    void addRepair();
    void addForeground(SectorRange range);
    std::vector<PlannedWrite> list();

private:
    void add(
        const std::string& path, std::uint64_t offset, std::uint64_t length, WritePurpose purpose)
    {
        if (length != 0)
            m_writes.push_back({path, offset, length, purpose});
    }
    void addBitmap(const ArrayBitmap& bitmap, const std::string& path, std::uint64_t begin,
        const PageWanted& wanted);
    void addBitmapOf(const Member& member, const PageWanted& wanted);
    void addBadBlockLogOf(const Member& member)
    {
        addBadBlockLog(m_writes, member.path, *member.superblock, member.superblock->location);
    }
    void addData(
        const Member& member, SectorRange range, WritePurpose purpose = WritePurpose::Data);
    void addFollowers(SectorRange range);
    void addMirrored(SectorRange range, const Member* source);
    void addStriped10(SectorRange range);
    void addReplacements();
    const Member* resyncSource() const;

    const ArrayReport& m_array;
    std::vector<PlannedWrite> m_writes;
};

void Writes::addBitmap(const ArrayBitmap& bitmap, const std::string& path, std::uint64_t begin,
    const PageWanted& wanted)
{
    // The last page is written only as far as its bits reach.
    const std::uint64_t end = roundedUp(bitmapBytes(bitmap.chunks));
    add(path, begin, std::min<std::uint64_t>(end, kBitmapPageBytes), WritePurpose::BitmapHeader);
    for (std::uint64_t page = 1; page < bitmapPages(bitmap.chunks); ++page) {
        const std::uint64_t offset = page * kBitmapPageBytes;
        if (wanted(page)) {
            add(path, begin + offset, std::min<std::uint64_t>(end - offset, kBitmapPageBytes),
                WritePurpose::Bitmap);
        }
    }
}

bool hasSetBit(const BitmapBits& bits, std::uint64_t page)
{
    const std::uint64_t first = (page * kBitmapPageBits - kBitmapHeaderBits) / 64;
    const std::uint64_t last =
        std::min<std::uint64_t>(first + kBitmapPageBits / 64, bits.words.size());
    bool set = first >= bits.words.size();
    for (std::uint64_t word = first; word < last && !set; ++word)
        set = bits.words[word] != 0;
    return set;
}

void Writes::addBitmapOf(const Member& member, const PageWanted& wanted)
{
    const auto& bitmap = m_array.bitmap;
    if (!bitmap)
        return;
    // The array's offset counts, from where this member's own superblock lies.
    const auto begin = std::int64_t(member.superblock->location.bytes()) +
                       std::int64_t(m_array.superblock->bitmapOffset) * std::int64_t(kSectorBytes);
    addBitmap(*bitmap, member.path, std::uint64_t(begin), wanted);
}

void Writes::addMetadata(const PageWanted& alsoWanted)
{
    for (const auto& member : m_array.members) {
        if (takesPart(member)) {
            add(member.path, member.superblock->location.bytes(),
                superblockLength(*member.superblock).bytes(), WritePurpose::Superblock);
            // What is written over becomes good, and is not listed any more.
            if (!member.badBlocks.empty())
                addBadBlockLogOf(member);
        }
    }
    if (!m_array.bitmap || !m_array.bitmap->copy->usable())
        return;
    const ArrayBitmap& bitmap = *m_array.bitmap;
    const bool all = bitmap.everything || bitmap.differing != 0;
    const auto wanted = [&](std::uint64_t page) {
        return all || hasSetBit(bitmap.copy->bits, page) || (alsoWanted && alsoWanted(page));
    };
    if (bitmap.location.external) {
        addBitmap(bitmap, bitmap.from, 0, wanted);
        return;
    }
    for (const auto& member : m_array.members) {
        if (!isWritten(member))
            continue;
        const auto evidence = member.bitmapIsEvidence;
        addBitmapOf(member, [&](std::uint64_t page) { return !evidence || wanted(page); });
    }
}

void Writes::addData(const Member& member, SectorRange range, WritePurpose purpose)
{
    add(member.path, (member.superblock->dataOffset + range.begin).bytes(), range.length().bytes(),
        purpose);
}

// A member that is being rebuilt claims to be valid below its offset, so there it has to follow.
void Writes::addFollowers(SectorRange range)
{
    for (const auto& member : m_array.members) {
        if (isRebuilding(member))
            addData(member, {range.begin, std::min(range.end, member.superblock->recoveryOffset)});
        if (isReplacing(member))
            addData(member, range);
    }
}

// Level 1 copies from the lowest slot that is not write-mostly, to all others; and to that one
// where it cannot be read.
const Member* Writes::resyncSource() const
{
    const auto preferred = [](const Member& member) {
        return isInSync(member) && !member.writeMostly;
    };
    auto source = std::ranges::find_if(m_array.members, preferred);
    if (source == m_array.members.end())
        source = std::ranges::find_if(m_array.members, isInSync);
    return source == m_array.members.end() ? nullptr : &*source;
}

void Writes::addMirrored(SectorRange range, const Member* source)
{
    for (const auto& member : m_array.members) {
        if (isInSync(member)) {
            addData(member, range,
                &member == source ? WritePurpose::DataIfUnreadable : WritePurpose::Data);
        }
    }
    addFollowers(range);
}

// Of each block any copy; to the first, which counts, only where it cannot be read.
void Writes::addStriped10(SectorRange range)
{
    const Geometry& geometry = m_array.geometry;
    const auto& level = *personality(geometry.level);
    const auto memberOf = [&](int role) {
        return std::ranges::find_if(m_array.members, [&](const Member& member) {
            return member.role == role && member.state == MemberState::InSync;
        });
    };
    const std::uint64_t unit = geometry.chunk.count;
    if (range.length().count / unit > kMostPlaces) {
        for (const auto& member : m_array.members) {
            if (member.state == MemberState::InSync)
                addData(member, {{}, geometry.componentSize});
        }
        return;
    }
    for (Sectors at = range.begin; at < range.end;) {
        const Sectors next = std::min(range.end, Sectors{(at.count / unit + 1) * unit});
        bool first = true;
        for (const Place& place : level.locate(geometry, at)) {
            const auto member = memberOf(place.role);
            if (member == m_array.members.end())
                continue;
            addData(*member, {place.sector, place.sector + (next - at)},
                first ? WritePurpose::DataIfUnreadable : WritePurpose::Data);
            first = false;
        }
        at = next;
    }
}

// They follow the members that they replace, wherever those are written to.
void Writes::addReplacements()
{
    for (const auto& member : m_array.members) {
        if (isReplacing(member))
            addData(member, {{}, m_array.geometry.componentSize});
    }
}

void Writes::addResync()
{
    if (m_array.needs != Needs::Resync)
        return;
    for (const auto& range : dueRanges(m_array)) {
        if (range.empty())
            continue;
        if (m_array.geometry.level == 1) {
            addMirrored(range, resyncSource());
        } else if (m_array.geometry.level == 10) {
            addStriped10(range);
            addReplacements();
        } else {
            // Parity wanders: of each row some member holds it.
            for (const auto& member : m_array.members) {
                if (member.state == MemberState::InSync)
                    addData(member, range);
            }
            addFollowers(range);
        }
    }
}

void Writes::addRecovery()
{
    const auto whole = m_array.geometry.componentSize;
    // Writes that were under way may have reached such a member or not: then it begins anew.
    const bool anew = m_array.resyncOffset != kMaxSector;
    for (const auto& member : m_array.members) {
        if (isRebuilding(member) || isReplacing(member)) {
            addData(member,
                {anew ? Sectors{} : std::min(member.superblock->recoveryOffset, whole), whole});
            addBadBlockLogOf(member);
        }
    }
    const auto spare = std::ranges::find_if(m_array.members, isIdleSpare);
    if (m_array.missing == 0 || spare == m_array.members.end())
        return;
    addData(*spare, {{}, whole});
    addBadBlockLogOf(*spare);
    if (m_array.bitmap && m_array.bitmap->copy->usable() && !m_array.bitmap->location.external)
        addBitmapOf(*spare, [](std::uint64_t) { return true; });
}

// The lowest slot wins; while a resync is due, whoever would win that.
void Writes::addRepair()
{
    const auto whole = m_array.geometry.componentSize;
    if (m_array.geometry.level != 1) {
        for (const auto& member : m_array.members) {
            if (isWritten(member))
                addData(member, {{}, whole});
        }
        return;
    }
    const auto lowest = std::ranges::find_if(m_array.members, isInSync);
    const auto* source = m_array.resyncOffset != kMaxSector ? resyncSource()
                         : lowest != m_array.members.end()  ? &*lowest
                                                            : nullptr;
    addMirrored({{}, whole}, source);
}

void Writes::addForeground(SectorRange range)
{
    const bool mirrored = m_array.geometry.level == 1;
    for (const auto& member : m_array.members) {
        // Elsewhere rows go round the members, and a write takes parity with it.
        if (isWritten(member))
            addData(member, mirrored ? range : SectorRange{{}, member.superblock->dataSize});
    }
}

std::vector<PlannedWrite> Writes::list()
{
    std::vector<PlannedWrite> all;
    addWrites(all, std::move(m_writes));
    return all;
}

} // namespace

bool takesPart(const Member& member)
{
    return isWritten(member) || member.state == MemberState::Journal || isIdleSpare(member);
}

std::vector<PlannedWrite> plannedWrites(const AssemblyPlan& plan)
{
    if (!plan.array.canStart || plan.array.opens != Opens::ToWrite ||
        plan.choices.mode == WriteMode::ReadOnly)
        return {};
    Writes writes(plan.array);
    writes.addMetadata();
    writes.addResync();
    return writes.list();
}

std::vector<PlannedWrite> recoveryWrites(const ArrayReport& array)
{
    Writes writes(array);
    writes.addMetadata();
    writes.addRecovery();
    return writes.list();
}

std::vector<PlannedWrite> repairWrites(const ArrayReport& array)
{
    Writes writes(array);
    writes.addMetadata();
    writes.addRepair();
    return writes.list();
}

std::vector<PlannedWrite> foregroundWrites(const ArrayReport& array, SectorRange range)
{
    Writes writes(array);
    const auto chunkBytes = array.bitmap ? array.bitmap->header.chunkBytes : 0;
    const auto chunk = std::max<std::uint64_t>(chunkBytes / kSectorBytes, 1);
    const auto pageOf = [](std::uint64_t bit) {
        return (bit + kBitmapHeaderBits) / kBitmapPageBits;
    };
    const auto first = pageOf(range.begin.count / chunk);
    const auto last = range.empty() ? first : pageOf((range.end.count - 1) / chunk);
    const bool mirrored = array.geometry.level == 1;
    writes.addMetadata(
        [&](std::uint64_t page) { return !mirrored || (page >= first && page <= last); });
    writes.addForeground(range);
    return writes.list();
}

} // namespace bitmend
