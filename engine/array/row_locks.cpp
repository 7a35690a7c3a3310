// SPDX-License-Identifier: Apache-2.0
#include "engine/array/row_locks.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <utility>

namespace bitmend {

namespace {

bool overlap(SectorRange left, SectorRange right)
{
    return left.begin < right.end && right.begin < left.end;
}

bool excludeEachOther(RowUse left, RowUse right)
{
    return left > RowUse::Write || right > RowUse::Write ||
           (left == RowUse::Write && right == RowUse::Write);
}

} // namespace

RowLocks::Hold::Hold(Hold&& other) noexcept
    : m_locks(std::exchange(other.m_locks, nullptr))
    , m_claim(other.m_claim)
{
}

RowLocks::Hold::~Hold()
{
    if (m_locks)
        m_locks->release(m_claim);
}

RowLocks::Hold RowLocks::take(SectorRange rows, RowUse use)
{
    BM_ASSERT(!rows.empty());
    std::unique_lock lock(m_mutex);
    const auto claim = m_claims.insert(m_claims.end(), Claim{rows, use});
    m_released.wait(lock, [&] { return mayHold(*claim); });
    claim->isHeld = true;
    if (use == RowUse::Sync)
        return {*this, claim};
    for (auto& other : m_claims) {
        if (other.use == RowUse::Sync && !other.isHeld && overlap(other.rows, rows))
            ++other.overtaken;
    }
    return {*this, claim};
}

std::size_t RowLocks::waiting() const
{
    const std::lock_guard lock(m_mutex);
    return static_cast<std::size_t>(std::ranges::count(m_claims, false, &Claim::isHeld));
}

// Nobody waits in a circle: a sync that was overtaken often enough waits for holders only, all
// others wait for it; a patient one waits for foreground, which does not wait for it; and writes
// wait for writes that came earlier.
bool RowLocks::mayHold(const Claim& claim) const
{
    bool cameEarlier = true;
    for (const auto& other : m_claims) {
        if (&other == &claim) {
            cameEarlier = false;
            continue;
        }
        if (!overlap(claim.rows, other.rows) || !excludeEachOther(claim.use, other.use))
            continue;
        if (other.isHeld)
            return false;
        if (claim.use == RowUse::Sync) {
            if (other.use != RowUse::Sync && claim.overtaken < kPatience)
                return false;
        } else if (other.use == RowUse::Sync ? other.overtaken >= kPatience : cameEarlier) {
            return false;
        }
    }
    return true;
}

void RowLocks::release(Claims::iterator claim)
{
    {
        const std::lock_guard lock(m_mutex);
        m_claims.erase(claim);
    }
    m_released.notify_all();
}

} // namespace bitmend
