// SPDX-License-Identifier: Apache-2.0
// A device of which some sectors are known to hold nothing that can be believed. Reading them fails
// as if the medium did, so that whoever reads looks for the content elsewhere; what is written to
// them makes them good.
#pragma once

#include "engine/io/block_source.h"
#include "engine/io/extent_set.h"

#include <atomic>
#include <mutex>
#include <vector>

namespace bitmend {

// Sectors from the device's start. Grows and shrinks by whole units: a part of one makes all of it
// bad, and only all of one makes it good. From any thread.
class KnownBad
{
public:
    KnownBad(Sectors unit, const std::vector<SectorRange>& ranges);

    bool any() const { return m_any.load(std::memory_order_acquire); }
    std::vector<SectorRange> ranges() const;

    // The first that ends behind `from`; empty when there is none.
    SectorRange next(Sectors from) const;

    void insert(SectorRange range);
    void erase(SectorRange range);

private:
    std::uint64_t m_unit; // sectors
    mutable std::mutex m_mutex;
    ExtentSet m_ranges;
    std::atomic<bool> m_any = false;
};

using KnownBadPtr = std::shared_ptr<KnownBad>;

// The same bytes, but that a read in `among` which touches a bad sector fails with KnownBadBlock
// and the first such byte. What lies outside `among` is read whatever is listed.
SourcePtr heedKnownBad(SourcePtr source, KnownBadPtr bad, SectorRange among);
DevicePtr heedKnownBad(DevicePtr device, KnownBadPtr bad, SectorRange among);

} // namespace bitmend
