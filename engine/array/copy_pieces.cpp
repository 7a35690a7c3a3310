// SPDX-License-Identifier: Apache-2.0
#include "engine/array/copy_pieces.h"

#include "engine/raid/member_content.h"

#include <algorithm>

namespace bitmend {

namespace {

using Copy = MirrorWindow::Copy;

// One that is being rebuilt claims to be valid below its offset: there it has to follow, above it
// the recovery will come by.
bool isTarget(const ArrayMember& member, SyncAction action, Sectors at)
{
    if (action == SyncAction::Recover)
        return member.isRebuilding() && at >= member.recoveryOffset;
    if (member.replaces)
        return false; // it follows the member that it replaces
    if (action == SyncAction::Resync && member.inSync)
        return true;
    return member.isRebuilding() && at < member.recoveryOffset;
}

// Asked last: it holds what the others had when it was copied, and has followed since.
bool isRebuilt(const ArrayMember& member, Sectors end)
{
    return member.stands() && !member.inSync && end <= member.recoveryOffset;
}

// One piece is all rebuilt on a member or not at all. `at` is where the range begins on it.
void addCut(std::vector<Sectors>& cuts, const ArrayMember& member, Sectors at, SectorRange range)
{
    if (!member.isRebuilding() || member.recoveryOffset <= at)
        return;
    const auto cut = range.begin + (member.recoveryOffset - at);
    if (cut < range.end)
        cuts.push_back(cut);
}

std::vector<SectorRange> cutAt(std::vector<Sectors> cuts, SectorRange range)
{
    cuts.push_back(range.end);
    std::ranges::sort(cuts);
    std::vector<SectorRange> parts;
    for (auto begin = range.begin; const auto cut : cuts) {
        if (begin < cut)
            parts.push_back({begin, cut});
        begin = cut;
    }
    return parts;
}

// Every member holds all of a mirror. md reads write-mostly ones in a check as well, and lets the
// lowest slot win; while a resync is due its order counts: that is who would win then.
CopyPiece pieceOfMirror(ArrayState& state, SyncAction action, SectorRange range)
{
    CopyPiece piece{range, {}, {}, {}};
    const bool isCheck = action == SyncAction::Check || action == SyncAction::Repair;
    auto inSync = state.copies();
    if (isCheck && !state.resyncDue())
        std::ranges::sort(inSync, {}, &ArrayMember::role);
    for (auto* member : inSync)
        piece.copies.push_back({member, range.begin});
    for (auto& member : state.members) {
        if (isTarget(member, action, range.begin))
            piece.targets.push_back({&member, range.begin});
        if (isRebuilt(member, range.end))
            piece.rebuilt.push_back({&member, range.begin});
    }
    return piece;
}

std::vector<SectorRange> partsOfMirror(const ArrayState& state, SectorRange range)
{
    std::vector<Sectors> cuts;
    for (const auto& member : state.members)
        addCut(cuts, member, range.begin, range);
    return cutAt(std::move(cuts), range);
}

Sectors endOfChunk(const ArrayState& state, Sectors at)
{
    const auto chunk = state.geometry.chunk.count;
    return {(at.count / chunk + 1) * chunk};
}

// Level 10, inside one chunk: all its copies in the order in which md asks them.
CopyPiece pieceOfChunk(ArrayState& state, SyncAction action, SectorRange range)
{
    CopyPiece piece{range, {}, {}, {}};
    for (const auto& place : state.level->locate(state.geometry, range.begin)) {
        auto* found = state.holderOf(place.role);
        if (!found)
            continue;
        const Copy copy{found, place.sector};
        if (found->inSync)
            piece.copies.push_back(copy);
        if (isTarget(*found, action, place.sector))
            piece.targets.push_back(copy);
        if (isRebuilt(*found, place.sector + range.length()))
            piece.rebuilt.push_back(copy);
    }
    return piece;
}

std::vector<SectorRange> partsOfChunk(const ArrayState& state, SectorRange range)
{
    std::vector<Sectors> cuts;
    for (const auto& place : state.level->locate(state.geometry, range.begin)) {
        if (const auto* found = state.holderOf(place.role))
            addCut(cuts, *found, place.sector, range);
    }
    return cutAt(std::move(cuts), range);
}

// All of a stretch of the array, or what the bitmap needs of it.
std::vector<SectorRange> neededOf(const ArrayState& state, SectorRange range, bool byBitmap)
{
    if (!byBitmap || !state.bitmap)
        return {range};
    const auto& bitmap = *state.bitmap;
    const auto chunk = bitmap.chunk().count;
    std::vector<SectorRange> needed;
    for (auto at = range.begin; at < range.end;) {
        const auto bit = at.count / chunk;
        const auto end = std::min(range.end, Sectors{(bit + 1) * chunk});
        if (bitmap.isNeeded(bit))
            appendRange(needed, {at, end});
        at = end;
    }
    return needed;
}

struct Wanted
{
    SectorRange range; // of the target
    bool byBitmap = false;
};

void appendTarget(
    ArrayState& state, ArrayMember& target, const Wanted& wanted, std::vector<CopyPiece>& pieces)
{
    for (auto at = wanted.range.begin; at < wanted.range.end;) {
        const auto end = std::min(endOfChunk(state, at), wanted.range.end);
        const auto content = contentAt(state.geometry, {target.role, at});
        const auto first = content.arraySector;
        // What the array does not reach holds nothing.
        const auto parts = content.kind == Holds::Data
                               ? neededOf(state, {first, first + (end - at)}, wanted.byBitmap)
                               : std::vector<SectorRange>();
        for (const auto& part : parts) {
            auto piece = pieceOfChunk(state, SyncAction::Recover, part);
            piece.targets = {{&target, at + (part.begin - first)}};
            pieces.push_back(std::move(piece));
        }
        at = end;
    }
}

} // namespace

std::vector<CopyPiece> copyPieces(ArrayState& state, SyncAction action, SectorRange range)
{
    const auto guard = state.lock();
    std::vector<CopyPiece> pieces;
    if (state.geometry.level == 1) {
        for (const auto& part : partsOfMirror(state, range))
            pieces.push_back(pieceOfMirror(state, action, part));
        return pieces;
    }
    for (auto at = range.begin; at < range.end;) {
        const auto end = std::min(endOfChunk(state, at), range.end);
        for (const auto& part : partsOfChunk(state, {at, end}))
            pieces.push_back(pieceOfChunk(state, action, part));
        at = end;
    }
    return pieces;
}

std::vector<CopyPiece> recoveryPieces(ArrayState& state, SectorRange range, bool byBitmap)
{
    if (state.geometry.level == 1)
        return copyPieces(state, SyncAction::Recover, range);
    const auto guard = state.lock();
    std::vector<CopyPiece> pieces;
    for (auto& member : state.members) {
        if (!member.isRebuilding())
            continue;
        const auto from = std::max(range.begin, member.recoveryOffset);
        if (from < range.end)
            appendTarget(state, member, {{from, range.end}, byBitmap}, pieces);
    }
    return pieces;
}

} // namespace bitmend
