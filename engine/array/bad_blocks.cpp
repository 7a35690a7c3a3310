// SPDX-License-Identifier: Apache-2.0
#include "engine/array/bad_blocks.h"

#include "engine/array/member_writes.h"
#include "engine/base/log.h"
#include "engine/io/extent_set.h"
#include "engine/metadata/field_checks.h"

#include <algorithm>
#include <iterator>

namespace bitmend {

namespace {

using Log = std::vector<std::byte>;

std::uint64_t placeOf(const Superblock& superblock)
{
    return badBlockLogArea(superblock).value_or(SectorRange{}).begin.bytes();
}

std::optional<Log> encoded(const ArrayMember& member, const BadBlocks& blocks)
{
    return encodeBadBlocks(blocks, *member.superblock);
}

BadBlocks inBoth(const BadBlocks& a, const BadBlocks& b)
{
    ExtentSet set;
    for (const auto& range : b)
        set.insert(range);
    BadBlocks both;
    for (const auto& range : a) {
        for (const auto& piece : set.split(range)) {
            if (piece.isInside)
                both.push_back(piece.range);
        }
    }
    return both;
}

// From one log in force to another, a sector after the other, each durable before the next: what is
// in both never disappears from the disk, whatever moves from one sector to another. `isShrinking`:
// words only move to the front.
Result<void> rewrite(
    ArrayState& state, ArrayMember& member, const Log& from, const Log& to, bool isShrinking)
{
    std::vector<std::size_t> changed;
    for (std::size_t at = 0; at < to.size(); at += kSectorBytes) {
        if (!std::ranges::equal(
                std::span(from).subspan(at, kSectorBytes), std::span(to).subspan(at, kSectorBytes)))
            changed.push_back(at);
    }
    if (!isShrinking)
        std::ranges::reverse(changed);
    for (const auto at : changed) {
        BM_TRY(writeMember(state, member, placeOf(*member.superblock) + at,
            std::span(to).subspan(at, kSectorBytes)));
        BM_TRY(flushMember(state, member));
    }
    return {};
}

} // namespace

Result<void> heedBadBlocks(ArrayMember& member)
{
    const auto& superblock = *member.superblock;
    const auto unit = badBlockUnit(superblock);
    // md's level 0 and linear do not look at it: there is nothing to go round by.
    if (unit == Sectors{} || superblock.level < 1)
        return {};
    member.badListed = BM_TRY(readBadBlocks(*member.source, superblock));
    member.badSettled = member.badListed;
    member.bad = std::make_shared<KnownBad>(unit, member.badListed);
    const auto data = dataArea(superblock);
    if (member.device) {
        member.device = heedKnownBad(member.device, member.bad, data);
        member.source = member.device;
    } else {
        member.source = heedKnownBad(member.source, member.bad, data);
    }
    return {};
}

bool noteBadBlocks(ArrayState& state, ArrayMember& member, SectorRange range)
{
    const auto guard = state.lock();
    if (!member.bad || member.isFaulty())
        return false;
    ExtentSet all;
    for (const auto& listed : member.bad->ranges())
        all.insert(listed);
    const SectorRange place{member.dataOffset + range.begin, member.dataOffset + range.end};
    all.insert(place);
    const auto words = encoded(member, all.ranges());
    const auto at = placeOf(*member.superblock);
    if (!words || state.allowed->firstOutside(member.path, at, words->size()))
        return false;
    member.bad->insert(place);
    state.superblocksDue = true;
    log(LogEvent::BadBlockListed, state.name, member.path, place.begin.count, place.length().count);
    return true;
}

bool areBadBlocksDue(const ArrayState& state)
{
    return std::ranges::any_of(state.members, [](const ArrayMember& member) {
        return member.bad && !member.isFaulty() && member.bad->ranges() != member.badListed;
    });
}

void settleBadBlocks(ArrayState& state)
{
    for (auto& member : state.members) {
        if (!member.bad || member.isFaulty())
            continue;
        member.badSettled = member.bad->ranges();
        if (!encoded(member, member.badSettled))
            member.badSettled = member.badListed; // too many pieces: what it says is bad stays so
        // What made them good may have come after the last flush, and not be noted yet.
        member.unflushed |= member.badSettled != member.badListed;
    }
}

Result<void> writeBadBlocks(ArrayState& state, ArrayMember& member, const Superblock& next)
{
    if (!member.bad || member.badSettled == member.badListed)
        return {};
    const auto from = encoded(member, member.badListed);
    const auto to = encoded(member, member.badSettled);
    if (next.has(feature::kBadBlocks) && to) {
        if (member.superblock->has(feature::kBadBlocks) && from) {
            const auto between =
                encoded(member, inBoth(member.badListed, member.badSettled)).value_or(*to);
            BM_TRY(rewrite(state, member, *from, between, true));
            BM_TRY(rewrite(state, member, between, *to, false));
        } else {
            // Not in force yet: whatever lies there means nothing before the superblock says so.
            BM_TRY(writeMember(state, member, placeOf(*member.superblock), *to));
            BM_TRY(flushMember(state, member));
        }
    }
    member.badListed = member.badSettled;
    state.frames.setMemberBad(member.path, member.badListed);
    return {};
}

void logReadFailure(
    const std::string& array, const std::string& where, std::uint64_t offset, const Error& error)
{
    if (error.code != ErrorCode::KnownBadBlock) {
        log(LogEvent::ReadFailed, array, where, offset, static_cast<std::uint64_t>(error.sysErrno));
    }
}

} // namespace bitmend
