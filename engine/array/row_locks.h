// SPDX-License-Identifier: Apache-2.0
// What makes foreground I/O and a running sync correct together, as md's barrier does: a sync has
// the rows it works on for itself, reads and writes share theirs with each other. Two writes to the
// same rows go one after the other, so that all copies get them in the same order.
//
// Foreground goes first: while reads or writes wait for rows, a sync that wants the same ones waits
// as well. It is not starved: after a number of them overtook it, those that come later stand
// behind it. Only overlapping ranges ever wait for each other. Nobody may take rows while it holds
// some.
#pragma once

#include "engine/base/units.h"

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>

namespace bitmend {

enum class RowUse : std::uint8_t { Read, Write, WriteAlone, Sync };

class RowLocks
{
    struct Claim
    {
        SectorRange rows;
        RowUse use{};
        bool isHeld = false;
        unsigned overtaken = 0; // a waiting sync's: by how many that came later
    };
    using Claims = std::list<Claim>;

public:
    static constexpr unsigned kPatience = 8; // how many may overtake a sync

    // Gives the rows back when it goes.
    class Hold
    {
    public:
        Hold(Hold&& other) noexcept;
        Hold& operator=(Hold&&) = delete;
        ~Hold();

    private:
        friend class RowLocks;
        Hold(RowLocks& locks, Claims::iterator claim) : m_locks(&locks), m_claim(claim) {}

        RowLocks* m_locks;
        Claims::iterator m_claim;
    };

    RowLocks() = default;
    RowLocks(const RowLocks&) = delete;
    RowLocks& operator=(const RowLocks&) = delete;

    // Waits until the rows are free for this use. `rows` must not be empty.
    [[nodiscard]] Hold take(SectorRange rows, RowUse use);

    std::size_t waiting() const; // how many stand in line at this instant

private:
    bool mayHold(const Claim& claim) const;
    void release(Claims::iterator claim);

    mutable std::mutex m_mutex;
    std::condition_variable m_released;
    Claims m_claims; // held and waiting, in the order in which they came
};

} // namespace bitmend
