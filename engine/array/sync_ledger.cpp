// SPDX-License-Identifier: Apache-2.0
#include "engine/array/sync_ledger.h"

#include <algorithm>

namespace bitmend {

namespace {

// What a sync sector stands for.
std::uint64_t dataMembers(const Geometry& geometry)
{
    const auto members = static_cast<std::uint64_t>(geometry.raidDisks);
    switch (geometry.level) {
    case 4:
    case 5:
        return members - 1;
    case 6:
        return members - 2;
    default:
        return 1;
    }
}

} // namespace

// A check of an array that is only read has no bitmap in memory; the plan knows its chunk.
SyncLedger::SyncLedger(const ArrayState& state, SyncOutcome& outcome)
    : m_outcome(outcome)
    , m_period(state.bitmap ? state.bitmap->header().daemonSleep : 5)
    , m_size(state.syncSize)
    , m_dataMembers(dataMembers(state.geometry))
{
    const auto& bitmap = state.plan.array.bitmap;
    if (bitmap)
        m_chunk = bitmap->header.chunkBytes / kSectorBytes;
}

void SyncLedger::begin(JobControl& control, Sectors due, Sectors before, Sectors skipped)
{
    m_control = &control;
    m_done = before;
    m_outcome.skippedBytes = skipped.bytes() * m_dataMembers;
    control.setDone(before); // first: see Progress
    control.setTotal(before + due);
}

void SyncLedger::add(SectorRange window, const WindowOutcome& found)
{
    m_done = m_done + window.length();
    m_unrecorded = m_unrecorded + window.length();
    m_control->setDone(m_done);
    m_outcome.checkedBytes += window.length().bytes() * m_dataMembers;
    m_outcome.readBytes += found.readBytes;
    m_outcome.writtenBytes += found.writtenBytes;
    m_outcome.differingBytes += found.differingBytes;
    m_outcome.recomputedBytes += found.recomputedBytes;
    m_outcome.listedBadBytes += found.listedBadBytes;
}

bool SyncLedger::isDue(bool positions) const
{
    if (m_unrecorded == Sectors{})
        return false;
    if (positions && m_unrecorded.count > std::max<std::uint64_t>(m_size.count / 16, 1))
        return true;
    return std::chrono::steady_clock::now() - m_since > m_period;
}

void SyncLedger::wasRecorded()
{
    chunks.clear();
    m_unrecorded = {};
    m_since = std::chrono::steady_clock::now();
}

std::int64_t SyncLedger::chunkAt(Sectors sector) const
{
    return m_chunk == 0 ? -1 : static_cast<std::int64_t>(sector.count / m_chunk);
}

ChunkRun SyncLedger::chunksOf(SectorRange range) const
{
    if (m_chunk == 0)
        return {};
    return {range.begin.count / m_chunk, (range.end.count + m_chunk - 1) / m_chunk};
}

} // namespace bitmend
