// SPDX-License-Identifier: Apache-2.0
#include "engine/array/commit.h"

#include "engine/array/bad_blocks.h"
#include "engine/array/intent_bits.h"
#include "engine/array/member_writes.h"
#include "engine/array/next_superblock.h"
#include "engine/array/replacement.h"
#include "engine/base/assert.h"
#include "engine/base/log.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>
#include <array>
#include <utility>

namespace bitmend {

namespace {

// Runs one ordered write of metadata. A member that does not take it is lost and the others are
// told; when the array cannot do without it, nothing more is written.
template <typename Write> Result<void> guarded(ArrayState& state, Write&& write)
{
    state.culprit.reset();
    const auto result = std::forward<Write>(write)();
    if (result)
        return {};
    if (loseCulprit(state))
        return updateSuperblocks(state);
    state.failure = result.error();
    return result;
}

// The one copy of an external bitmap. The file ends where its bits do, which need not be a sector's
// end.
Result<void> writePageToFile(
    ArrayState& state, BitmapFile& file, const LiveBitmap& bitmap, std::uint64_t page)
{
    const auto offset = page * kBitmapPageBytes;
    const auto bytes = bitmap.page(page);
    const auto room = file.device->sizeBytes() - offset;
    return writeFile(state, file, offset, bytes.first(std::min<std::uint64_t>(bytes.size(), room)));
}

// At the array's offset, as in the kernel; a spare's own superblock may not name it yet.
Result<void> writePage(
    ArrayState& state, ArrayMember& member, const LiveBitmap& bitmap, std::uint64_t page)
{
    const auto location = static_cast<std::int64_t>(member.superblock->location.count);
    const auto sector = static_cast<std::uint64_t>(location + state.reference->bitmapOffset);
    return writeMember(
        state, member, sector * kSectorBytes + page * kBitmapPageBytes, bitmap.page(page));
}

// In ascending order, so that the header's page leads. To every member that has a role, in sync or
// recovering: a member that is being rebuilt needs the map as much as the others should the array
// stop now. An idle spare has no use for it.
Result<void> writeDuePages(ArrayState& state, LiveBitmap& bitmap)
{
    if (state.bitmapKicked)
        return {};
    for (std::uint64_t page = 0; page < bitmap.pages(); ++page) {
        if (!bitmap.isPageDue(page))
            continue;
        if (state.bitmapFile) {
            BM_TRY(writePageToFile(state, *state.bitmapFile, bitmap, page));
            continue;
        }
        for (auto& member : state.members) {
            if (member.hasRole())
                BM_TRY(writePage(state, member, bitmap, page));
        }
    }
    BM_TRY(flushAll(state));
    for (std::uint64_t page = 0; page < bitmap.pages(); ++page) {
        if (!bitmap.isPageDue(page))
            continue;
        bitmap.setPageDue(page, false);
        state.frames.setPagesDue(page, page + 1, false);
    }
    return {};
}

Result<void> writeHeader(ArrayState& state)
{
    if (!state.bitmap)
        return {};
    state.bitmap->setEvents(state.events);
    return writeDuePages(state, *state.bitmap);
}

// Without a bitmap the array runs on: when its file cannot be written, or the last copy does not
// take its own. What is on disk is stale, and says so where it can still be told; otherwise the
// superblocks, which go on counting events, do.
bool kickBitmap(ArrayState& state, LiveBitmap& bitmap)
{
    if (!state.culprit || !isMembersFault(*state.culprit))
        return false;
    const auto* member = state.member(state.culprit->where);
    const bool isFile = state.bitmapFile && state.bitmapFile->path == state.culprit->where;
    // A flush that the last copy does not take may have lost data: that is no matter of the bitmap.
    const bool isLastCopy =
        member && !state.canDoWithout(*member) && state.culprit->offset != kWholeDevice;
    if (!isFile && !isLastCopy)
        return false;
    bitmap.markStale();
    std::uint64_t told = 0;
    if (state.bitmapFile) {
        auto& file = *state.bitmapFile;
        told += writePageToFile(state, file, bitmap, 0) && flushFile(state, file) ? 1 : 0;
    }
    for (auto& holder : state.members) {
        if (!state.bitmapFile && holder.hasRole())
            told += writePage(state, holder, bitmap, 0) && flushMember(state, holder) ? 1 : 0;
    }
    log(LogEvent::BitmapKicked, state.name, {}, told);
    state.bitmapKicked = true;
    state.culprit.reset();
    return true;
}

// Encodes, and reads back what a kernel would make of the bytes: whatever it or we would refuse
// must not reach a member.
Result<void> writeSuperblock(ArrayState& state, ArrayMember& member, const Superblock& next)
{
    const auto& format = formatOf(next.version);
    const auto bytes = format.encode(next);
    std::vector<std::byte> whole = next.raw;
    BM_ASSERT(bytes.size() <= whole.size());
    std::ranges::copy(bytes, whole.begin());
    auto decoded = BM_TRY(format.decode(
        whole, {next.version, next.location}, {member.source->sizeBytes() / kSectorBytes}));
    for (const auto& problem : decoded.problems) {
        if (problem.bars())
            return fail(ErrorCode::BadSuperblock, member.path, problem.offset);
    }
    BM_TRY(writeBadBlocks(state, member, next));
    BM_TRY(writeMember(state, member, next.location.bytes(), bytes));
    member.superblock = std::make_shared<const Superblock>(std::move(decoded.superblock));
    return {};
}

Result<void> writeSuperblocks(ArrayState& state, const ArrayMember* newcomer)
{
    // A member one event behind goes first, on its own: until it is durable the others must not
    // move on and leave it two behind. Then one that took over: were the others the first to call
    // the member it replaced faulty, the array would lack both. A newcomer goes last, and so does
    // one that was accepted: newest, beside tables that do not know it or call it failed, it would
    // look like the other half of a split array.
    const auto turn = [&state, newcomer](const ArrayMember* member) {
        if (member->accepted || member == newcomer)
            return 3;
        const bool behind = member->hasRole() && member->superblock->events + 1 < state.events;
        return behind ? 0 : member->tookOver ? 1 : 2;
    };
    std::array<std::vector<ArrayMember*>, 4> turns;
    for (auto& member : state.members) {
        if (!member.isFaulty())
            turns.at(static_cast<std::size_t>(turn(&member))).push_back(&member);
    }
    for (const auto& together : turns) {
        for (auto* member : together)
            BM_TRY(writeSuperblock(state, *member, nextSuperblock(state, *member)));
        BM_TRY(flushAll(state));
    }
    for (auto& member : state.members)
        member.accepted = member.tookOver = false;
    return {};
}

Result<void> updateOnce(ArrayState& state, const ArrayMember* newcomer)
{
    state.culprit.reset();
    settleBadBlocks(state);
    BM_TRY(flushAll(state));
    loseFollowers(state);
    ++state.events;
    const auto header = writeHeader(state);
    if (!header && !(state.bitmap && kickBitmap(state, *state.bitmap)))
        return header;
    return writeSuperblocks(state, newcomer);
}

// events_cleared on every member before the first bit that it vouches for is gone from any.
Result<void> settleHeader(ArrayState& state, LiveBitmap& bitmap)
{
    if (!bitmap.intent().headerFirst())
        return {};
    bitmap.ripenPages();
    BM_TRY(writeBitmap(state));
    bitmap.intent().setHeaderFirst(false);
    return {};
}

} // namespace

Result<void> announceWrites(ArrayState& state)
{
    const auto guard = state.lock();
    // Nothing of level 0 and linear is kept twice: md calls them clean all the time.
    if (state.syncSize == Sectors{})
        return {};
    if (state.isDirty)
        return writeBitmap(state);
    state.isDirty = true;
    return updateSuperblocks(state);
}

Result<void> sweepBits(ArrayState& state)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    if (!state.bitmap)
        return {};
    auto& bitmap = *state.bitmap;
    if (!bitmap.ripenPages() && !bitmap.intent().isPending())
        return {};
    BM_TRY(settleHeader(state, bitmap));
    const auto copies = state.inSyncCount();
    BM_TRY(flushMembers(state));
    if (state.inSyncCount() < copies)
        return {};
    const auto isNeeded = [&bitmap](std::uint64_t chunk) {
        return bitmap.isNeeded(chunk);
    };
    for (const auto chunk : bitmap.intent().sweep(isNeeded)) {
        clearBits(state, bitmap, {chunk, chunk + 1}, LiveBitmap::Pace::Lazily);
        state.frames.mark({chunk, chunk + 1}, ChunkState::Clean);
    }
    return writeBitmap(state);
}

Result<void> writeData(
    ArrayState& state, ArrayMember& member, Sectors at, std::span<const std::byte> data)
{
    BM_TRY(state.writable());
    BM_ASSERT(at.bytes() + data.size() <= state.componentSize.bytes());
    const auto written = member.device->writeAt((member.dataOffset + at).bytes(), data);
    return noteDataWritten(state, member, data.size(), written);
}

Result<void> noteDataWritten(
    ArrayState& state, ArrayMember& member, std::uint64_t bytes, const Result<void>& written)
{
    const auto guard = state.lock();
    if (member.isFaulty())
        return written;
    member.unflushed = true;
    if (!written)
        return noteRefusal(state, member, written.error(), 0);
    state.writtenBytes += bytes;
    return {};
}

Result<void> failMember(ArrayState& state, ArrayMember& member, const Error& why)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    if (member.isFaulty())
        return {};
    if (!canLose(state, member, why))
        return std::unexpected(why);
    loseMember(state, member, why);
    return updateSuperblocks(state);
}

Result<void> flushMembers(ArrayState& state)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    BM_TRY(guarded(state, [&] { return flushAll(state); }));
    return loseFollowers(state) ? updateSuperblocks(state) : Result<void>();
}

Result<void> clearChunks(ArrayState& state, std::span<const ChunkRun> chunks)
{
    const auto guard = state.lock();
    const auto copies = state.inSyncCount();
    BM_TRY(flushMembers(state));
    // A member that was lost over this needs the bits when it returns.
    if (chunks.empty() || !state.bitmap || state.inSyncCount() < copies)
        return {};
    auto& bitmap = *state.bitmap;
    BM_TRY(settleHeader(state, bitmap));
    for (const auto& range : chunks)
        clearUnlessWritten(state, bitmap, range);
    return writeBitmap(state);
}

Result<void> writeBitmap(ArrayState& state)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    if (!state.bitmap || state.bitmapKicked || !state.bitmap->anyPageDue())
        return {};
    auto& bitmap = *state.bitmap;
    return guarded(state, [&state, &bitmap]() -> Result<void> {
        const auto written = writeDuePages(state, bitmap);
        if (written || !kickBitmap(state, bitmap))
            return written;
        return updateSuperblocks(state);
    });
}

Result<void> writeFirstBitmap(
    ArrayState& state, std::int32_t offset, std::span<const std::byte> image)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    for (auto& member : state.members) {
        const auto location = static_cast<std::int64_t>(member.superblock->location.count);
        const auto sector = static_cast<std::uint64_t>(location + offset);
        if (member.hasRole())
            BM_TRY(writeMember(state, member, sector * kSectorBytes, image));
    }
    return flushAll(state);
}

Result<void> startBitmap(ArrayState& state)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    if (!state.bitmap)
        return {};
    auto& bitmap = *state.bitmap;
    return guarded(state, [&]() -> Result<void> {
        // Ones first, under the header that says stale; only then the header that vouches for them.
        BM_TRY(writeDuePages(state, bitmap));
        return writeHeader(state);
    });
}

Result<void> rewriteBitmapHeader(ArrayState& state)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    return guarded(state, [&] { return writeHeader(state); });
}

Result<void> updateSuperblocks(ArrayState& state, const ArrayMember* newcomer)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    for (auto updated = updateOnce(state, newcomer); !updated;
        updated = updateOnce(state, newcomer)) {
        if (!loseCulprit(state)) {
            state.failure = updated.error();
            return updated;
        }
    }
    state.superblocksDue = false;
    log(LogEvent::SuperblocksWritten, state.name, {}, state.events, state.members.size());
    if (newcomer && newcomer->fault)
        return std::unexpected(*newcomer->fault);
    return {};
}

Result<void> writeSpare(ArrayState& state, ArrayMember& newcomer, const Superblock& spare)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    BM_ASSERT(!newcomer.hasRole());
    BM_TRY(writeSuperblock(state, newcomer, spare));
    BM_TRY(flushMember(state, newcomer));
    log(LogEvent::SpareWritten, state.name, newcomer.path);
    return {};
}

Result<std::uint64_t> writeAllPages(ArrayState& state, ArrayMember& member)
{
    const auto guard = state.lock();
    BM_TRY(state.writable());
    if (!state.bitmap || !state.hasInternalBitmap())
        return 0;
    const auto& bitmap = *state.bitmap;
    const auto pages = bitmap.pages();
    state.frames.setPagesDue(0, pages, true);
    state.frames.publish(LiveFrames::Pace::Now);
    for (std::uint64_t page = 0; page < pages; ++page) {
        BM_TRY(writePage(state, member, bitmap, page));
        state.frames.publish(LiveFrames::Pace::WhenDue);
    }
    BM_TRY(flushMember(state, member));
    state.frames.setPagesDue(0, pages, false);
    log(LogEvent::BitmapPagesWritten, state.name, member.path, pages);
    return pages;
}

} // namespace bitmend
