// SPDX-License-Identifier: Apache-2.0
#include "engine/array/member_writes.h"

#include "engine/array/replacement.h"
#include "engine/base/assert.h"
#include "engine/base/log.h"

#include <algorithm>
#include <utility>

namespace bitmend {

namespace {

Result<void> note(
    ArrayState& state, const std::string& path, const Error& error, std::int64_t offset)
{
    log(LogEvent::WriteFailed, state.name, path,
        static_cast<std::uint64_t>(std::max<std::int64_t>(offset, 0)),
        static_cast<std::uint64_t>(error.sysErrno));
    state.culprit = error;
    state.culprit->where = path;
    state.culprit->offset = offset;
    return std::unexpected(error);
}

// A member, or the file that holds the bitmap.
template <typename Target>
Result<void> writeTo(
    ArrayState& state, Target& target, std::uint64_t offset, std::span<const std::byte> bytes)
{
    BM_ASSERT(target.device != nullptr);
    target.unflushed = true;
    const auto written = target.device->writeAt(offset, bytes);
    if (!written)
        return note(state, target.path, written.error(), static_cast<std::int64_t>(offset));
    state.writtenBytes += bytes.size();
    return {};
}

template <typename Target> Result<void> flush(ArrayState& state, Target& target)
{
    if (!target.unflushed)
        return {};
    const auto flushed = target.device->flush();
    if (!flushed)
        return note(state, target.path, flushed.error(), kWholeDevice);
    target.unflushed = false;
    return {};
}

} // namespace

Result<void> noteRefusal(
    ArrayState& state, const ArrayMember& member, const Error& error, std::uint64_t offset)
{
    return note(state, member.path, error, static_cast<std::int64_t>(offset));
}

Result<void> writeMember(
    ArrayState& state, ArrayMember& member, std::uint64_t offset, std::span<const std::byte> bytes)
{
    return writeTo(state, member, offset, bytes);
}

Result<void> writeFile(
    ArrayState& state, BitmapFile& file, std::uint64_t offset, std::span<const std::byte> bytes)
{
    return writeTo(state, file, offset, bytes);
}

Result<void> flushMember(ArrayState& state, ArrayMember& member) { return flush(state, member); }

Result<void> flushFile(ArrayState& state, BitmapFile& file) { return flush(state, file); }

Result<void> flushAll(ArrayState& state)
{
    for (auto& member : state.members) {
        if (!member.isFaulty())
            BM_TRY(flush(state, member));
    }
    if (state.bitmapFile && !state.bitmapKicked)
        BM_TRY(flush(state, *state.bitmapFile));
    return {};
}

bool isMembersFault(const Error& why)
{
    return why.code != ErrorCode::NoSpace && why.code != ErrorCode::NoSpaceInPlace &&
           why.code != ErrorCode::OutsidePlan;
}

// A member without which data is lost is kept whatever it does.
bool canLose(const ArrayState& state, const ArrayMember& member, const Error& why)
{
    return isMembersFault(why) && state.canDoWithout(member);
}

// Takes a member's role away; the others' superblocks do not say so yet.
void loseMember(ArrayState& state, ArrayMember& member, const Error& why)
{
    // What it took before it failed may be in its cache only. When it cannot be told that it is
    // not, every bit of a recent write is kept for its return.
    const bool holdsWhatItTook = !member.unflushed || member.device->flush().has_value();
    if (!holdsWhatItTook && state.bitmap) {
        for (std::uint64_t chunk = 0; chunk < state.bitmap->chunks(); ++chunk) {
            if (state.bitmap->intent().isTouched(chunk))
                state.bitmap->need(chunk);
        }
    }
    log(LogEvent::MemberFailed, state.name, member.path, static_cast<std::uint64_t>(member.role));
    const bool stood = member.stands();
    const int role = member.role;
    member.fault = why;
    member.unflushed = false;
    member.role = -1;
    member.inSync = false;
    member.recoveryOffset = {};
    member.byBitmap = false;
    member.replaces = false;
    member.following.reset();
    if (stood)
        standAlone(state, role);
    state.superblocksDue = true;
    state.publishReaders();
}

// Loses the member over which a commit broke off. False when the array cannot do without it.
bool loseCulprit(ArrayState& state)
{
    const auto culprit = std::exchange(state.culprit, std::nullopt);
    if (!culprit)
        return false;
    auto* member = state.member(culprit->where);
    if (!member || !canLose(state, *member, *culprit))
        return false;
    loseMember(state, *member, *culprit);
    return true;
}

} // namespace bitmend
