// SPDX-License-Identifier: Apache-2.0
// Every byte range that assembling, the resync that is due and a clean stop would write: an upper
// bound, for a person to look at and for the writer to be held to.
#include "engine/array/assembly_parts.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>
#include <tuple>

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

class Writes
{
public:
    explicit Writes(const AssemblyPlan& plan) : m_array(plan.array) {}

    std::vector<PlannedWrite> list();

private:
    void add(
        const std::string& path, std::uint64_t offset, std::uint64_t length, WritePurpose purpose)
    {
        if (length != 0)
            m_writes.push_back({path, offset, length, purpose});
    }
    void addBitmap(
        const ArrayBitmap& bitmap, const std::string& path, std::uint64_t begin, bool allPages);
    void addBitmaps();
    void addData();
    void addData(const Member& member, SectorRange range);
    void addMirrored(SectorRange range);
    void addStriped10(SectorRange range);
    void merge();

    const ArrayReport& m_array;
    std::vector<PlannedWrite> m_writes;
};

void Writes::addBitmap(
    const ArrayBitmap& bitmap, const std::string& path, std::uint64_t begin, bool allPages)
{
    // The last page is written only as far as its bits reach.
    const std::uint64_t end = roundedUp(bitmapBytes(bitmap.chunks));
    add(path, begin, std::min<std::uint64_t>(end, kBitmapPageBytes), WritePurpose::BitmapHeader);
    const auto addPage = [&](std::uint64_t page) {
        const std::uint64_t offset = page * kBitmapPageBytes;
        add(path, begin + offset, std::min<std::uint64_t>(end - offset, kBitmapPageBytes),
            WritePurpose::Bitmap);
    };
    const BitmapBits& bits = bitmap.copy->bits;
    for (std::uint64_t page = 1; page < bitmapPages(bitmap.chunks); ++page) {
        const std::uint64_t first = (page * kBitmapPageBits - kBitmapHeaderBits) / 64;
        const std::uint64_t last =
            std::min<std::uint64_t>(first + kBitmapPageBits / 64, bits.words.size());
        bool set = allPages || first >= bits.words.size();
        for (std::uint64_t word = first; word < last && !set; ++word)
            set = bits.words[word] != 0;
        if (set)
            addPage(page);
    }
}

void Writes::addBitmaps()
{
    if (!m_array.bitmap || !m_array.bitmap->copy->usable())
        return;
    const ArrayBitmap& bitmap = *m_array.bitmap;
    const bool all = bitmap.stale || bitmap.differing != 0;
    if (bitmap.location.external) {
        addBitmap(bitmap, bitmap.from, 0, all);
        return;
    }
    for (const auto& member : m_array.members) {
        if (!isWritten(member))
            continue;
        // The array's offset counts, from where this member's own superblock lies.
        const auto begin =
            std::int64_t(member.superblock->location.bytes()) +
            std::int64_t(m_array.superblock->bitmapOffset) * std::int64_t(kSectorBytes);
        addBitmap(bitmap, member.path, std::uint64_t(begin), all || !member.bitmapIsEvidence);
    }
}

void Writes::addData(const Member& member, SectorRange range)
{
    add(member.path, (member.superblock->dataOffset + range.begin).bytes(), range.length().bytes(),
        WritePurpose::Data);
}

// Level 1 copies from the lowest slot that is not write-mostly, to all others.
void Writes::addMirrored(SectorRange range)
{
    const auto inSync = [](const Member& member) {
        return member.state == MemberState::InSync;
    };
    const auto preferred = [&](const Member& member) {
        return inSync(member) && !member.writeMostly;
    };
    auto source = std::ranges::find_if(m_array.members, preferred);
    if (source == m_array.members.end())
        source = std::ranges::find_if(m_array.members, inSync);
    for (const auto& member : m_array.members) {
        if (inSync(member) && &member != &*source)
            addData(member, range);
    }
}

// Any copy but the first of each block.
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
            if (!first)
                addData(*member, {place.sector, place.sector + (next - at)});
            first = false;
        }
        at = next;
    }
}

void Writes::addData()
{
    const bool resyncs = m_array.needs == Needs::Resync;
    if (!resyncs)
        return;
    for (const auto& range : dueRanges(m_array)) {
        if (range.empty())
            continue;
        if (m_array.geometry.level == 1) {
            addMirrored(range);
        } else if (m_array.geometry.level == 10) {
            addStriped10(range);
        } else {
            // Parity wanders: of each row some member holds it.
            for (const auto& member : m_array.members) {
                if (member.state == MemberState::InSync)
                    addData(member, range);
            }
        }
    }
}

void Writes::merge()
{
    std::ranges::sort(m_writes, {}, [](const PlannedWrite& write) {
        return std::tuple(write.path, write.offset, write.purpose);
    });
    std::vector<PlannedWrite> merged;
    for (auto& write : m_writes) {
        const bool continues = !merged.empty() && merged.back().path == write.path &&
                               merged.back().purpose == write.purpose &&
                               write.offset <= merged.back().offset + merged.back().length;
        if (continues) {
            const std::uint64_t end =
                std::max(merged.back().offset + merged.back().length, write.offset + write.length);
            merged.back().length = end - merged.back().offset;
        } else {
            merged.push_back(std::move(write));
        }
    }
    m_writes = std::move(merged);
}

std::vector<PlannedWrite> Writes::list()
{
    for (const auto& member : m_array.members) {
        if (takesPart(member)) {
            add(member.path, member.superblock->location.bytes(),
                superblockLength(*member.superblock).bytes(), WritePurpose::Superblock);
        }
    }
    addBitmaps();
    addData();
    merge();
    return std::move(m_writes);
}

} // namespace

bool takesPart(const Member& member)
{
    return isWritten(member) || member.state == MemberState::Journal ||
           (member.state == MemberState::Spare && member.reason.code == ReasonCode::IdleSpare);
}

std::vector<PlannedWrite> plannedWrites(const AssemblyPlan& plan)
{
    if (!plan.array.canStart || plan.array.needs == Needs::Unsupported ||
        plan.choices.mode == WriteMode::ReadOnly)
        return {};
    return Writes(plan).list();
}

} // namespace bitmend
