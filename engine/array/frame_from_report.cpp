// SPDX-License-Identifier: Apache-2.0
// The first picture of an array: what its bits, as they lie on the members, mean for a start now.
#include "engine/array/assembly.h"
#include "engine/array/bitmap_frame.h"
#include "engine/raid/member_content.h"

#include <algorithm>

namespace bitmend {

namespace {

using Words = std::vector<std::uint64_t>;

bool fits(const Member& member, const ArrayBitmap& bitmap)
{
    return member.bitmap && member.bitmap->bits.chunks == bitmap.chunks &&
           member.bitmap->header.chunkBytes == bitmap.header.chunkBytes;
}

bool wasLeftBehind(const Member& member)
{
    return member.state == MemberState::Stale || member.state == MemberState::Faulty;
}

bool isDegraded(const ArrayReport& report)
{
    const auto inSync = std::ranges::count_if(report.members, [](const Member& member) {
        return member.role >= 0 && member.state == MemberState::InSync;
    });
    return inSync < report.geometry.raidDisks;
}

// The first chunk whose bit means work; `chunks` when none does. As the kernel loads a bitmap: of a
// clean array no bit matters, of an unclean one those from the resync position on, and a degraded
// array keeps all of them for the member that will return.
std::uint64_t firstChunkDue(const ArrayReport& report, const ArrayBitmap& bitmap)
{
    if (isDegraded(report) && bitmap.header.eventsCleared != report.events)
        return 0;
    if (report.resyncOffset == kMaxSector)
        return bitmap.chunks;
    const std::uint64_t chunkSectors =
        std::max<std::uint64_t>(bitmap.header.chunkBytes / kSectorBytes, 1);
    const std::uint64_t at = report.resyncOffset.count;
    // A chunk that ends where the resync begins is still due, as in the kernel.
    const std::uint64_t first = at == 0 ? 0 : (at - 1) / chunkSectors;
    return std::min(first, bitmap.chunks);
}

struct Evidence
{
    Words counting; // the copy that counts
    Words differ;   // where in-sync members' copies do not agree
    Words stale;    // set by members left behind
};

Evidence gather(const ArrayReport& report, const ArrayBitmap& bitmap)
{
    const std::size_t words = BitmapBits(bitmap.chunks).words.size();
    Evidence evidence{Words(words), Words(words), Words(words)};
    if (bitmap.copy && bitmap.copy->bits.chunks == bitmap.chunks)
        evidence.counting = bitmap.copy->bits.words;

    const Words* other = nullptr;
    for (const Member& member : report.members) {
        if (!fits(member, bitmap))
            continue;
        const Words& own = member.bitmap->bits.words;
        if (member.bitmapIsEvidence && !member.bitmap->stale) {
            for (std::size_t i = 0; other && i < words; ++i)
                evidence.differ[i] |= own[i] ^ (*other)[i];
            other = &own;
        } else if (wasLeftBehind(member)) {
            for (std::size_t i = 0; i < words; ++i)
                evidence.stale[i] |= own[i];
        }
    }
    return evidence;
}

BitPages pagesOf(std::uint64_t chunks, Words words)
{
    BitmapBits bits;
    bits.chunks = chunks;
    bits.words = std::move(words);
    return BitPages(bits);
}

void clearBelow(Words& words, std::uint64_t bit)
{
    std::fill_n(words.begin(), std::min<std::uint64_t>(bit / 64, words.size()), 0);
    if (bit / 64 < words.size())
        words[bit / 64] &= ~std::uint64_t{0} << (bit % 64);
}

std::vector<MemberBits> membersOf(const ArrayReport& report, const ArrayBitmap& bitmap)
{
    std::vector<MemberBits> members;
    for (const Member& member : report.members) {
        if (member.path.empty())
            continue;
        MemberBits bits;
        bits.path = member.path;
        bits.role = member.role;
        bits.evidence = member.bitmapIsEvidence;
        if (member.superblock)
            bits.dataOffset = member.superblock->dataOffset;
        if (fits(member, bitmap))
            bits.set = BitPages(member.bitmap->bits);
        members.push_back(std::move(bits));
    }
    return members;
}

} // namespace

// A range of a member lies in one stretch of sync sectors, but on level 10, where chunks go round.
BitPages BitmapFrameBuilder::chunksOf(const BadBlocks& blocks, const MemberBits& member) const
{
    if (blocks.empty() || m_frame.chunkBytes == 0)
        return BitPages();
    BitPages chunks(m_frame.chunks);
    const auto assign = [&](SectorRange range) {
        const std::uint64_t unit = m_frame.chunkBytes / kSectorBytes;
        const auto end = std::min(range.end, m_frame.syncSize);
        if (range.begin < end)
            chunks.assign(range.begin.count / unit, (end.count - 1) / unit, true);
    };
    const bool goesRound = m_geometry.level == 10 && member.role >= 0;
    for (const auto& listed : blocks) {
        const auto first = std::max(listed.begin, member.dataOffset) - member.dataOffset;
        const auto end = std::max(listed.end, member.dataOffset) - member.dataOffset;
        for (auto at = first; at < end;) {
            if (!goesRound) {
                assign({at, end});
                break;
            }
            const auto chunk = m_geometry.chunk.count;
            const auto next = std::min(end, Sectors{(at.count / chunk + 1) * chunk});
            const auto content = contentAt(m_geometry, {member.role, at});
            if (content.kind == Holds::Data)
                assign({content.arraySector, content.arraySector + (next - at)});
            at = next;
        }
    }
    return chunks;
}

BitmapFrameBuilder::BitmapFrameBuilder(const ArrayReport& report) : m_geometry(report.geometry)
{
    m_frame.array = report.name;
    if (!report.bitmap || report.bitmap->chunks == 0)
        return;

    const ArrayBitmap& bitmap = *report.bitmap;
    const int level = report.geometry.level;
    m_frame.chunks = bitmap.chunks;
    m_frame.chunkBytes = bitmap.header.chunkBytes;
    m_frame.syncSize = bitmap.header.syncSize;
    m_frame.arrayAddressed = level != 4 && level != 5 && level != 6;
    m_frame.mirrored = level == 1;
    m_frame.members = membersOf(report, bitmap);
    for (auto& bits : m_frame.members) {
        const auto member = std::ranges::find(report.members, bits.path, &Member::path);
        bits.bad = chunksOf(member->badBlocks, bits);
    }
    m_frame.pagesDue = BitPages(pageOfChunk(bitmap.chunks - 1) + 1);

    // Every state takes what the worse ones left.
    Evidence evidence = gather(report, bitmap);
    Words taken(evidence.counting.size());
    const auto take = [&](ChunkState state, Words words) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] &= ~taken[i];
            taken[i] |= words[i];
        }
        m_frame.states[static_cast<std::size_t>(state)] = pagesOf(bitmap.chunks, std::move(words));
    };
    m_frame.states.fill(BitPages(bitmap.chunks));
    Words due = evidence.counting;
    clearBelow(due, firstChunkDue(report, bitmap));
    if (bitmap.stale) {
        // The kernel sets every bit of a bitmap that is older than its array.
        BitPages all(bitmap.chunks);
        all.assign(0, bitmap.chunks - 1, true);
        const std::uint64_t first = firstChunkDue(report, bitmap);
        m_frame.states[static_cast<std::size_t>(ChunkState::Ignored)] = std::move(all);
        if (first < bitmap.chunks)
            mark(first, bitmap.chunks - 1, ChunkState::Dirty);
        return;
    }
    take(ChunkState::Dirty, std::move(due));
    take(ChunkState::Differs, std::move(evidence.differ));
    Words left = evidence.stale;
    for (std::size_t i = 0; i < left.size(); ++i)
        left[i] &= ~evidence.counting[i];
    take(ChunkState::Stale, std::move(left));
    take(ChunkState::Ignored, std::move(evidence.counting));
}

} // namespace bitmend
