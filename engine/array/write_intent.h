// SPDX-License-Identifier: Apache-2.0
// Who writes where just now, as md counts it: one 16-bit counter per bitmap chunk. 0: clean, its
// bit is not set. 1: idle, its bit goes with the next sweep. 2: idle. n + 2: n writes under way. So
// a bit stays for two to three sweeps after the last write under it, and whoever writes there again
// meanwhile finds it set.
//
// Memory is taken where something was written, in groups of 2048 chunks. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace bitmend {

struct BitmapBits;

class WriteIntent
{
public:
    explicit WriteIntent(std::uint64_t chunks);

    // What a bitmap holds when it is loaded: idle, and due to fade like any other.
    void adopt(const BitmapBits& set);

    // True when the chunk's bit has to be on disk before the write.
    [[nodiscard]] bool begin(std::uint64_t chunk);
    void end(std::uint64_t chunk);
    bool isUnderWay(std::uint64_t chunk) const { return counter(chunk) > kIdle; }
    bool isTouched(std::uint64_t chunk) const { return counter(chunk) != 0; }

    void forget(std::uint64_t chunk); // its bit was cleared by somebody else; no write is under way

    // events_cleared has to be raised on disk before any bit goes.
    bool headerFirst() const { return m_headerFirst; }
    void setHeaderFirst(bool first) { m_headerFirst = first; }

    // True when a sweep might find something.
    bool isPending() const;

    // One pass over what was idle since: returns, ascending, the chunks whose bits go now. Those
    // that `isNeeded` for a resync or a recovery keep theirs.
    std::vector<std::uint64_t> sweep(const std::function<bool(std::uint64_t)>& isNeeded);

private:
    static constexpr std::uint16_t kIdle = 2;
    static constexpr std::uint64_t kGroupChunks = 2048;

    struct Group
    {
        std::array<std::uint16_t, kGroupChunks> counters{};
        bool isPending = false;
    };

    std::uint16_t counter(std::uint64_t chunk) const;
    Group& groupOf(std::uint64_t chunk);

    std::vector<std::unique_ptr<Group>> m_groups; // null: all zero
    bool m_headerFirst = false;
};

} // namespace bitmend
