// SPDX-License-Identifier: Apache-2.0
// A device that takes writes only where somebody allowed them beforehand. A write outside is
// stopped before it happens, and after one such nothing is written at all: whoever computed one
// wrong place may have computed others.
#pragma once

#include "engine/io/block_source.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>

namespace bitmend {

// The byte ranges that may be written, by the name of the device. Only grows. From any thread.
class AllowedWrites
{
public:
    void allow(const std::string& name, std::uint64_t offset, std::uint64_t length);

    // The first byte of the range that is not allowed; nothing when all of it is.
    std::optional<std::uint64_t> firstOutside(
        const std::string& name, std::uint64_t offset, std::uint64_t length) const;

    // As if the power went: whatever comes from now on fails with Vanished and does not arrive.
    void cutPower() { m_cut.store(true, std::memory_order_release); }
    bool isCut() const { return m_cut.load(std::memory_order_acquire); }

    bool isViolated() const { return m_violated.load(std::memory_order_relaxed); }
    void setViolated() { m_violated.store(true, std::memory_order_relaxed); }

private:
    using Ranges = std::map<std::uint64_t, std::uint64_t>; // begin -> end, apart from each other

    mutable std::shared_mutex m_mutex;
    std::map<std::string, Ranges> m_ranges;
    std::atomic<bool> m_violated = false;
    std::atomic<bool> m_cut = false;
};

using AllowedWritesPtr = std::shared_ptr<AllowedWrites>;

// `device` under the name that `allowed` has for it. A write outside fails with OutsidePlan and
// the first byte that is not allowed; so does every later one of any device with the same ranges.
DevicePtr guardWrites(DevicePtr device, std::string name, AllowedWritesPtr allowed);

} // namespace bitmend
