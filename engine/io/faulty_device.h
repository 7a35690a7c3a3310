// SPDX-License-Identifier: Apache-2.0
// Fault injection: a device that fails where it is told to, counts what is asked of it, and can
// write everything down in a journal from which a power cut is played back. The engine never wraps
// a user's device in one; tests put it where a disk would be, and a rehearsal can as well.
#pragma once

#include "engine/base/units.h"
#include "engine/io/block_source.h"

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace bitmend {

// What went to a group of devices, in one order for all of them.
struct JournalEntry
{
    std::size_t device = 0; // as numbered by IoJournal::addDevice
    bool isFlush = false;   // then the rest is empty
    std::uint64_t offset = 0;
    std::vector<std::byte> bytes;
};

class IoJournal
{
public:
    std::size_t addDevice();
    void append(JournalEntry entry);
    std::vector<JournalEntry> entries() const;

private:
    mutable std::mutex m_mutex;
    std::size_t m_devices = 0;
    std::vector<JournalEntry> m_entries;
};

// What a power cut after the first `cut` entries leaves of `before`, the contents of one device
// when the journal began. Flushed writes are there. Of the others each sector is there or not as
// `survives` says, which is called once per sector and write, in order; a later write may survive
// an earlier one's loss, as in a disk's cache. A sector is never torn; with a larger `grain`, for
// disks whose own blocks are larger, neither is a block of so many bytes.
using SectorSurvives = std::function<bool()>;
std::vector<std::byte> afterPowerCut(std::vector<std::byte> before,
    const std::vector<JournalEntry>& entries, std::size_t device, std::size_t cut,
    const SectorSurvives& survives, std::uint64_t grain = kSectorBytes);

struct IoCounts
{
    std::uint64_t reads = 0;
    std::uint64_t readsOnce = 0; // of those, asked for as read once
    std::uint64_t writes = 0;
    std::uint64_t flushes = 0;
    std::uint64_t readBytes = 0;
    std::uint64_t writtenBytes = 0;
};

class FaultyDevice final : public BlockDevice
{
public:
    static constexpr unsigned kForever = ~0U;

    // A null journal records nothing. One journal may serve several devices.
    explicit FaultyDevice(DevicePtr inner, std::shared_ptr<IoJournal> journal = {});

    // The next `times` calls that touch [begin, end) in bytes fail with Io and `sysErrno` (NoSpace
    // for ENOSPC), at the first byte they share with it. Nothing of such a write arrives.
    void failReads(std::uint64_t begin, std::uint64_t end, int sysErrno, unsigned times = kForever);
    void failWrites(
        std::uint64_t begin, std::uint64_t end, int sysErrno, unsigned times = kForever);
    void failFlushes(int sysErrno, unsigned times = kForever);

    // From now on every call fails with Vanished, after `writes` more writes have arrived.
    void vanishAfter(std::uint64_t writes);

    void heal(); // forgets all of the above
    IoCounts counts() const;
    void resetCounts();
    std::size_t journalNumber() const { return m_number; }

    const std::string& name() const override { return m_inner->name(); }
    std::uint64_t sizeBytes() const override { return m_inner->sizeBytes(); }
    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override;
    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override;
    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override;
    Result<void> flush() override;
    std::int64_t modifiedNanos() const override { return m_inner->modifiedNanos(); }
    DataStretch nextData(std::uint64_t offset) const override { return m_inner->nextData(offset); }

private:
    struct Fault
    {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        int sysErrno = 0;
        unsigned times = 0;
    };

    Result<void> meet(std::vector<Fault>& faults, std::uint64_t offset, std::size_t length) const;
    Result<void> checkPresent() const;

    DevicePtr m_inner;
    std::shared_ptr<IoJournal> m_journal;
    std::size_t m_number = 0;

    mutable std::mutex m_mutex; // guards what follows; held over writes, so that the journal has
                                // them in the order in which they arrived
    mutable std::vector<Fault> m_readFaults;
    std::vector<Fault> m_writeFaults;
    std::vector<Fault> m_flushFaults;
    std::uint64_t m_writesLeft = ~std::uint64_t(0);
    mutable IoCounts m_counts;
};

} // namespace bitmend
