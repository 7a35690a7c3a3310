// SPDX-License-Identifier: Apache-2.0
#include "engine/array/intent_bits.h"

namespace bitmend {

namespace {

void show(ArrayState& state, ChunkRun run, bool isSet)
{
    for (const auto& member : state.members) {
        if (member.hasRole())
            state.frames.setMemberBits(member.path, run, isSet);
    }
}

// Until they are on disk; commit takes the mark away.
void markPagesDue(ArrayState& state, ChunkRun run)
{
    if (!run.empty() && !state.bitmapKicked)
        state.frames.setPagesDue(pageOfChunk(run.begin), pageOfChunk(run.end - 1) + 1, true);
}

} // namespace

void setBit(ArrayState& state, LiveBitmap& bitmap, std::uint64_t chunk)
{
    bitmap.set(chunk);
    state.frames.mark({chunk, chunk + 1}, ChunkState::Dirty);
    show(state, {chunk, chunk + 1}, true);
    markPagesDue(state, {chunk, chunk + 1});
}

void clearBits(ArrayState& state, LiveBitmap& bitmap, ChunkRun run, LiveBitmap::Pace pace)
{
    bitmap.clear(run, pace);
    show(state, run, false);
    markPagesDue(state, run);
}

void clearUnlessWritten(ArrayState& state, LiveBitmap& bitmap, ChunkRun range)
{
    ChunkRun run{range.begin, range.begin};
    for (auto chunk = range.begin; chunk < range.end; ++chunk) {
        if (!bitmap.intent().isUnderWay(chunk)) {
            bitmap.intent().forget(chunk);
            run.end = chunk + 1;
            continue;
        }
        bitmap.dropNeed(chunk);
        if (!run.empty())
            clearBits(state, bitmap, run, LiveBitmap::Pace::AtOnce);
        run = {chunk + 1, chunk + 1};
    }
    if (!run.empty())
        clearBits(state, bitmap, run, LiveBitmap::Pace::AtOnce);
}

} // namespace bitmend
