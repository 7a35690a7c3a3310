// SPDX-License-Identifier: Apache-2.0
// Whose bitmap counts, and what its bits mean now.
#include "engine/array/assembly_parts.h"

#include <algorithm>
#include <bit>

namespace bitmend {

namespace {

void refuse(Draft& draft, const CountingCopy& counting)
{
    const auto& problems = counting.copy->problems;
    const bool lockless = std::ranges::any_of(problems,
        [](const Problem& problem) { return problem.code == ProblemCode::BitmapLockless; });
    const bool kernelToo = std::ranges::any_of(problems,
        [](const Problem& problem) { return problem.severity == Severity::KernelRefuses; });
    draft.blockers.push_back(
        {lockless ? RemarkCode::LocklessBitmap : RemarkCode::BitmapRefused, 0, 0, counting.from});
    draft.unsupported = draft.unsupported || lockless;
    draft.kernelRefuses = draft.kernelRefuses || kernelToo;
}

std::uint64_t countFrom(const BitmapBits& bits, std::uint64_t first)
{
    std::uint64_t count = 0;
    for (std::uint64_t word = first / 64; word < bits.words.size(); ++word) {
        std::uint64_t value = bits.words[word];
        if (word == first / 64)
            value &= ~std::uint64_t{0} << first % 64;
        count += std::uint64_t(std::popcount(value));
    }
    return count;
}

// The first chunk whose bit still counts: md goes by where a chunk ends, so the one that ends
// exactly at the checkpoint is done again.
std::uint64_t firstCounting(const ArrayReport& array, const ArrayBitmap& bitmap)
{
    const bool complete = std::ranges::all_of(array.members, [](const Member& member) {
        return member.role < 0 || member.state == MemberState::InSync;
    });
    const bool trusted =
        complete || bitmap.everything || bitmap.header.eventsCleared == array.events;
    const std::uint64_t chunk = bitmap.header.chunkBytes / kSectorBytes;
    if (!trusted || array.resyncOffset.count == 0 || chunk == 0)
        return 0;
    const std::uint64_t end = (array.resyncOffset.count + chunk - 1) / chunk;
    return std::min(end - 1, bitmap.chunks);
}

std::uint64_t differingChunks(const ArrayReport& array)
{
    std::vector<const BitmapBits*> copies;
    for (const auto& member : array.members) {
        if (member.bitmapIsEvidence && member.bitmap->bits.chunks != 0)
            copies.push_back(&member.bitmap->bits);
    }
    std::uint64_t differing = 0;
    for (std::size_t word = 0; !copies.empty() && word < copies.front()->words.size(); ++word) {
        std::uint64_t all = ~std::uint64_t{0};
        std::uint64_t any = 0;
        for (const BitmapBits* bits : copies) {
            const std::uint64_t value = word < bits->words.size() ? bits->words[word] : 0;
            all &= value;
            any |= value;
        }
        differing += std::uint64_t(std::popcount(any & ~all));
    }
    return differing;
}

SyncEstimate estimate(const Draft& draft)
{
    const ArrayReport& array = draft.array;
    const auto readers = std::uint64_t(std::ranges::count(draft.inSync, true));
    std::uint64_t due = 0;
    for (const auto& range : dueRanges(array))
        due += range.length().bytes();

    auto cost = resyncCost(array.geometry, readers, due);
    cost.chunks = array.bitmap ? array.bitmap->due : 0;
    return cost;
}

bool takesBitmap(const Draft& draft)
{
    return draft.personality != nullptr && draft.personality->takesBitmap();
}

void takeCopy(Draft& draft, const CountingCopy& counting)
{
    constexpr std::uint32_t kClustered = 5;
    ArrayReport& array = draft.array;
    const BitmapCopy& copy = *counting.copy;
    ArrayBitmap bitmap{copy.location, copy.header, copy.bits.chunks, copy.dirty, 0, counting.from,
        copy.stale, false, 0, counting.copy};
    if (copy.header.version != kClustered && copy.header.events < array.events)
        bitmap.stale = true;
    bitmap.everything =
        bitmap.stale || std::ranges::any_of(array.members, [&](const Member& member) {
            return member.isAccepted() && !reachesBack(bitmap, member);
        });
    array.bitmap = std::move(bitmap);
    array.bitmap->differing = copy.location.external ? 0 : differingChunks(array);

    // Read for another size than that of the array, as when only a member that disagrees with the
    // freshest one could be read.
    const bool fits =
        copy.bits.chunks ==
        bitmapChunks(bitmapSyncSize(*array.superblock, array.arraySize), copy.header.chunkBytes);
    if (!takesBitmap(draft)) {
        draft.blockers.push_back({RemarkCode::Raid0BitmapPanics, 0, 0, counting.from});
        draft.kernelRefuses = draft.unsupported = true;
    } else if (!copy.usable() || !fits) {
        refuse(draft, counting);
    } else if (copy.header.version == kClustered && copy.header.nodes != 0) {
        draft.limits.push_back({RemarkCode::ClusteredBitmap, copy.header.nodes, 0, {}});
        limitTo(array, Opens::ReadOnly, draft.limits.back());
    }
}

bool willResync(const Draft& draft)
{
    return draft.array.resyncOffset != kMaxSector && !dirtyFlagFalls(draft) &&
           !draft.array.superblock->ppl;
}

} // namespace

std::uint64_t copiesOfEach(const Geometry& geometry)
{
    return std::uint64_t(geometry.layout & 0xff) * (geometry.layout >> 8 & 0xff);
}

SyncEstimate resyncCost(const Geometry& geometry, std::uint64_t inSync, std::uint64_t bytes)
{
    SyncEstimate cost;
    switch (geometry.level) {
    case 1:
        cost.readBytes = bytes * inSync;
        cost.writeBytes = inSync == 0 ? 0 : bytes * (inSync - 1);
        break;
    case 10: {
        const std::uint64_t copies = copiesOfEach(geometry);
        cost.readBytes = bytes * copies;
        cost.writeBytes = copies == 0 ? 0 : bytes * (copies - 1);
        break;
    }
    default: // parity: every member of a row is read, its parity blocks are written
        cost.readBytes = bytes * inSync;
        cost.writeBytes = bytes * (geometry.level == 6 ? 2 : 1);
        break;
    }
    return cost;
}

std::vector<SectorRange> dueRanges(const ArrayReport& array)
{
    const Sectors end = bitmapSyncSize(*array.superblock, array.arraySize);
    if (!array.bitmap)
        return {{array.resyncOffset, std::max(end, array.resyncOffset)}};

    const ArrayBitmap& bitmap = *array.bitmap;
    const std::uint64_t chunk = bitmap.header.chunkBytes / kSectorBytes;
    std::vector<SectorRange> ranges;
    for (std::uint64_t at = firstCounting(array, bitmap); at < bitmap.chunks; ++at) {
        if (!bitmap.everything && !bitmap.copy->bits.test(at))
            continue;
        const SectorRange range{{at * chunk}, std::min(Sectors{(at + 1) * chunk}, end)};
        if (!ranges.empty() && ranges.back().end == range.begin) {
            ranges.back().end = range.end;
        } else {
            ranges.push_back(range);
        }
    }
    return ranges;
}

void weighBitmap(Draft& draft, const ScanReport& report)
{
    ArrayReport& array = draft.array;
    if (!array.superblock)
        return;
    for (auto& member : array.members) {
        member.bitmapIsEvidence = member.bitmap && member.bitmap->usable() &&
                                  member.state == MemberState::InSync && !member.isAccepted();
    }

    const auto counting = countingCopy(array, report);
    if (counting.copy) {
        takeCopy(draft, counting);
    } else if (array.superblock->hasBitmap() && takesBitmap(draft) && !bitmapOrder(array).empty()) {
        // None of the members' copies could be read: md does not start without one it was promised.
        draft.blockers.push_back({RemarkCode::BitmapRefused, 0, 0, array.reference});
        draft.kernelRefuses = true;
    }

    if (!willResync(draft) || (array.bitmap && !array.bitmap->copy->usable()))
        return;
    if (array.bitmap) {
        ArrayBitmap& bitmap = *array.bitmap;
        const std::uint64_t first = firstCounting(array, bitmap);
        bitmap.due =
            bitmap.everything ? bitmap.chunks - first : countFrom(bitmap.copy->bits, first);
    }
    array.resync = estimate(draft);
}

} // namespace bitmend
