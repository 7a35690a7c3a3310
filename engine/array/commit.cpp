// SPDX-License-Identifier: Apache-2.0
#include "engine/array/commit.h"

#include "engine/array/next_superblock.h"
#include "engine/base/assert.h"
#include "engine/base/log.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>
#include <array>

namespace bitmend {

namespace {

Result<void> writeTo(
    ArrayState& state, ArrayMember& member, std::uint64_t offset, std::span<const std::byte> bytes)
{
    BM_ASSERT(member.device != nullptr);
    member.unflushed = true;
    const auto written = member.device->writeAt(offset, bytes);
    if (!written) {
        log(LogEvent::WriteFailed, state.name, member.path, offset,
            static_cast<std::uint64_t>(written.error().sysErrno));
        return written;
    }
    state.writtenBytes += bytes.size();
    return {};
}

// A member, or the file that holds the bitmap.
template <typename Target> Result<void> flush(ArrayState& state, Target& target)
{
    if (!target.unflushed)
        return {};
    const auto flushed = target.device->flush();
    if (!flushed) {
        log(LogEvent::WriteFailed, state.name, target.path, 0,
            static_cast<std::uint64_t>(flushed.error().sysErrno));
        return flushed;
    }
    target.unflushed = false;
    return {};
}

Result<void> flushAll(ArrayState& state)
{
    for (auto& member : state.members)
        BM_TRY(flush(state, member));
    if (state.bitmapFile)
        BM_TRY(flush(state, *state.bitmapFile));
    return {};
}

// Runs one ordered write of metadata; when it breaks off, the array takes no more.
template <typename Write> auto guarded(ArrayState& state, Write&& write)
{
    auto result = std::forward<Write>(write)();
    if (!result)
        state.failure = result.error();
    return result;
}

// The one copy of an external bitmap. The file ends where its bits do, which need not be a sector's
// end.
Result<void> writePageToFile(ArrayState& state, std::uint64_t page)
{
    auto& file = *state.bitmapFile;
    const auto offset = page * kBitmapPageBytes;
    const auto bytes = state.bitmap->page(page);
    const auto room = file.device->sizeBytes() - offset;
    file.unflushed = true;
    const auto written =
        file.device->writeAt(offset, bytes.first(std::min<std::uint64_t>(bytes.size(), room)));
    if (!written) {
        log(LogEvent::WriteFailed, state.name, file.path, offset,
            static_cast<std::uint64_t>(written.error().sysErrno));
        return written;
    }
    state.writtenBytes += std::min<std::uint64_t>(bytes.size(), room);
    return {};
}

// At the array's offset, as in the kernel; a spare's own superblock may not name it yet.
Result<void> writePage(
    ArrayState& state, ArrayMember& member, const LiveBitmap& bitmap, std::uint64_t page)
{
    const auto location = static_cast<std::int64_t>(member.superblock->location.count);
    const auto sector = static_cast<std::uint64_t>(location + state.reference->bitmapOffset);
    return writeTo(
        state, member, sector * kSectorBytes + page * kBitmapPageBytes, bitmap.page(page));
}

// In ascending order, so that the header's page leads. To every member that has a role, in sync or
// recovering: a member that is being rebuilt needs the map as much as the others should the array
// stop now. An idle spare has no use for it.
Result<void> writeDuePages(ArrayState& state, LiveBitmap& bitmap)
{
    for (std::uint64_t page = 0; page < bitmap.pages(); ++page) {
        if (!bitmap.isPageDue(page))
            continue;
        if (state.bitmapFile) {
            BM_TRY(writePageToFile(state, page));
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
    BM_TRY(writeTo(state, member, next.location.bytes(), bytes));
    member.superblock = std::make_shared<const Superblock>(std::move(decoded.superblock));
    return {};
}

Result<void> writeSuperblocks(ArrayState& state, const ArrayMember* first)
{
    // A member one event behind goes first, on its own: until it is durable the others must not
    // move on and leave it two behind. The same for a newcomer, whose table is then the newest.
    const auto turn = [&state, first](const ArrayMember* member) {
        if (member == first)
            return 1;
        const bool behind = member->hasRole() && member->superblock->events + 1 < state.events;
        return behind ? 0 : 2;
    };
    std::array<std::vector<ArrayMember*>, 3> turns;
    for (auto& member : state.members)
        turns.at(static_cast<std::size_t>(turn(&member))).push_back(&member);
    for (const auto& together : turns) {
        for (auto* member : together)
            BM_TRY(writeSuperblock(state, *member, nextSuperblock(state, *member)));
        BM_TRY(flushAll(state));
    }
    return {};
}

} // namespace

Result<void> writeData(
    ArrayState& state, ArrayMember& member, Sectors at, std::span<const std::byte> data)
{
    BM_TRY(state.writable());
    BM_ASSERT(at.bytes() + data.size() <= state.reference->componentSize.bytes());
    return writeTo(state, member, (member.superblock->dataOffset + at).bytes(), data);
}

Result<void> flushMembers(ArrayState& state)
{
    BM_TRY(state.writable());
    return guarded(state, [&] { return flushAll(state); });
}

Result<void> clearChunks(ArrayState& state, std::span<const ChunkRun> chunks)
{
    BM_TRY(flushMembers(state));
    if (chunks.empty() || !state.bitmap)
        return {};
    auto& bitmap = *state.bitmap;
    for (const auto& range : chunks) {
        bitmap.clear(range);
        for (const auto& member : state.members) {
            if (member.hasRole())
                state.frames.clearMemberBits(member.path, range);
        }
    }
    return guarded(state, [&] { return writeDuePages(state, bitmap); });
}

Result<void> startBitmap(ArrayState& state)
{
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
    BM_TRY(state.writable());
    return guarded(state, [&] { return writeHeader(state); });
}

Result<void> updateSuperblocks(ArrayState& state, const ArrayMember* first)
{
    BM_TRY(state.writable());
    return guarded(state, [&]() -> Result<void> {
        BM_TRY(flushAll(state));
        ++state.events;
        BM_TRY(writeHeader(state));
        BM_TRY(writeSuperblocks(state, first));
        state.superblocksDue = false;
        log(LogEvent::SuperblocksWritten, state.name, {}, state.events, state.members.size());
        return {};
    });
}

Result<void> writeSpare(ArrayState& state, ArrayMember& newcomer, const Superblock& spare)
{
    BM_TRY(state.writable());
    BM_ASSERT(!newcomer.hasRole());
    BM_TRY(writeSuperblock(state, newcomer, spare));
    BM_TRY(flush(state, newcomer));
    log(LogEvent::SpareWritten, state.name, newcomer.path);
    return {};
}

Result<std::uint64_t> writeAllPages(ArrayState& state, ArrayMember& member)
{
    BM_TRY(state.writable());
    if (!state.hasInternalBitmap())
        return 0;
    const auto& bitmap = *state.bitmap;
    const auto pages = bitmap.pages();
    state.frames.setPagesDue(0, pages, true);
    state.frames.publish(LiveFrames::Pace::Now);
    for (std::uint64_t page = 0; page < pages; ++page) {
        BM_TRY(writePage(state, member, bitmap, page));
        state.frames.publish(LiveFrames::Pace::WhenDue);
    }
    BM_TRY(flush(state, member));
    state.frames.setPagesDue(0, pages, false);
    log(LogEvent::BitmapPagesWritten, state.name, member.path, pages);
    return pages;
}

} // namespace bitmend
