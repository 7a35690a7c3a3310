// SPDX-License-Identifier: Apache-2.0
// The steps of scanning one source: its fixed slots, its partitions, and what was left behind.
#pragma once

#include "engine/array/scan.h"
#include "engine/io/block_source.h"

#include <atomic>
#include <cstdint>
#include <span>

namespace bitmend {

// Sources that are scanned side by side count into one progress.
class ScanTally
{
public:
    explicit ScanTally(JobControl& control) : m_control(control) {}

    void expect(Sectors sectors) { m_control.setTotal({m_total += sectors.count}); }
    void done(Sectors sectors) { m_control.setDone({m_done += sectors.count}); }
    bool keepGoing() { return m_control.keepGoing(); }

private:
    JobControl& m_control;
    std::atomic<std::uint64_t> m_total = 0;
    std::atomic<std::uint64_t> m_done = 0;
};

// Fixed slots, partitions, external bitmap, content. A read that fails becomes report.error.
void lookQuickly(const SourcePtr& source, SourceReport& report);

// Adds superblocks that lie in none of the places already in the report. False when cancelled.
bool lookDeeply(const BlockSource& source, ScanDepth depth, SourceReport& report, ScanTally& tally);

// The bits of a bitmap file, read as its own header describes them or, when `superblock` is set,
// as the array it belongs to does.
Result<BitmapCopy> readBitmapFile(const BlockSource& source, const Superblock* superblock);

// Array sectors by the superblock's own fields; what raid10's bitmap measures.
Sectors arraySizeBy(const Superblock& superblock);

} // namespace bitmend
