// SPDX-License-Identifier: Apache-2.0
// Whose copy of the bitmap counts. The kernel asks one member for each page, and the next one only
// when that read fails.
#include "engine/array/assembly_parts.h"

#include <algorithm>

namespace bitmend {

namespace {

bool isOf(const BitmapCopy& copy, const ArrayReport& array)
{
    return copy.header.uuid == bitmapUuid(*array.superblock);
}

// A bitmap file among the sources; it counts only where the members have none of their own.
CountingCopy fileAmong(const std::vector<SourceReport>& sources, const ArrayReport& array)
{
    for (const auto& source : sources) {
        if (source.externalBitmap && isOf(*source.externalBitmap, array))
            return {std::make_shared<const BitmapCopy>(*source.externalBitmap), source.path};
    }
    return {};
}

bool isUnread(const BitmapCopy& copy, std::uint64_t page)
{
    return std::ranges::any_of(copy.problems, [page](const Problem& problem) {
        return problem.code == ProblemCode::BitmapPageUnreadable && problem.found == page;
    });
}

void takePage(BitmapBits& to, const BitmapBits& from, std::uint64_t page)
{
    const std::uint64_t first = page == 0 ? 0 : page * kBitmapPageBits - kBitmapHeaderBits;
    const std::uint64_t end = std::min(to.chunks, (page + 1) * kBitmapPageBits - kBitmapHeaderBits);
    std::copy(from.words.begin() + std::ptrdiff_t(first / 64),
        from.words.begin() + std::ptrdiff_t((end + 63) / 64),
        to.words.begin() + std::ptrdiff_t(first / 64));
}

// The pages that `first` could not read, from whoever comes next and could.
std::shared_ptr<const BitmapCopy> withPagesOfOthers(
    const std::vector<const Member*>& order, const std::shared_ptr<const BitmapCopy>& first)
{
    constexpr std::uint32_t kClustered =
        5; // several bitmaps in one, whose pages are not told apart
    const auto unread =
        std::ranges::count(first->problems, ProblemCode::BitmapPageUnreadable, &Problem::code);
    if (unread == 0 || first->header.version == kClustered)
        return first;

    auto copy = *first;
    std::erase_if(copy.problems, [&](const Problem& problem) {
        if (problem.code != ProblemCode::BitmapPageUnreadable)
            return false;
        const std::uint64_t page = problem.found;
        const auto helper = std::ranges::find_if(order, [&](const Member* member) {
            return member->bitmap && member->bitmap->usable() &&
                   member->bitmap->bits.chunks == copy.bits.chunks &&
                   !isUnread(*member->bitmap, page);
        });
        if (helper == order.end())
            return false;
        takePage(copy.bits, (*helper)->bitmap->bits, page);
        return true;
    });
    copy.dirty = copy.bits.count();
    return std::make_shared<const BitmapCopy>(std::move(copy));
}

} // namespace

std::vector<const Member*> bitmapOrder(const ArrayReport& array)
{
    // mdadm adds members by slot and the freshest last; the kernel asks the last one first.
    std::vector<const Member*> order;
    for (const auto& member : array.members) {
        if (member.state == MemberState::InSync && !member.isAccepted())
            order.push_back(&member);
    }
    std::ranges::stable_sort(order, [](const Member* a, const Member* b) {
        return a->isFreshest != b->isFreshest ? a->isFreshest : a->role > b->role;
    });
    return order;
}

CountingCopy countingCopy(const ArrayReport& array, const ScanReport& report)
{
    // A file overrides the members' own.
    if (report.externalBitmap && isOf(*report.externalBitmap, array))
        return {report.externalBitmap, report.externalBitmapPath};
    if (!array.superblock->hasBitmap())
        return fileAmong(report.sources, array);
    // A header that can be read but is no bitmap's ends the start: nobody else is asked.
    const auto order = bitmapOrder(array);
    for (const Member* member : order) {
        if (member->bitmap)
            return {withPagesOfOthers(order, member->bitmap), member->path};
    }
    return {};
}

} // namespace bitmend
