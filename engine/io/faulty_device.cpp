// SPDX-License-Identifier: Apache-2.0
#include "engine/io/faulty_device.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <cerrno>

namespace bitmend {

namespace {

// As FileDevice tells them apart.
Result<void> ofAWrite(Result<void> failed)
{
    if (failed.error().code == ErrorCode::Io)
        failed.error().found = 1;
    return failed;
}

} // namespace

std::size_t IoJournal::addDevice()
{
    const std::lock_guard lock(m_mutex);
    return m_devices++;
}

void IoJournal::append(JournalEntry entry)
{
    const std::lock_guard lock(m_mutex);
    m_entries.push_back(std::move(entry));
}

std::vector<JournalEntry> IoJournal::entries() const
{
    const std::lock_guard lock(m_mutex);
    return m_entries;
}

std::vector<std::byte> afterPowerCut(std::vector<std::byte> before,
    const std::vector<JournalEntry>& entries, std::size_t device, std::size_t cut,
    const SectorSurvives& survives, std::uint64_t grain)
{
    BM_ASSERT(cut <= entries.size());
    std::size_t durable = 0; // entries before this one were flushed
    for (std::size_t index = 0; index < cut; ++index) {
        if (entries[index].device == device && entries[index].isFlush)
            durable = index;
    }
    for (std::size_t index = 0; index < cut; ++index) {
        const auto& entry = entries[index];
        if (entry.device != device || entry.isFlush)
            continue;
        BM_ASSERT(entry.offset + entry.bytes.size() <= before.size());
        for (std::uint64_t done = 0; done < entry.bytes.size();) {
            const std::uint64_t at = entry.offset + done;
            const auto length =
                std::min<std::uint64_t>(grain - at % grain, entry.bytes.size() - done);
            if (index < durable || survives()) {
                std::copy_n(entry.bytes.begin() + std::ptrdiff_t(done), length,
                    before.begin() + std::ptrdiff_t(at));
            }
            done += length;
        }
    }
    return before;
}

FaultyDevice::FaultyDevice(DevicePtr inner, std::shared_ptr<IoJournal> journal)
    : m_inner(std::move(inner))
    , m_journal(std::move(journal))
{
    if (m_journal)
        m_number = m_journal->addDevice();
}

void FaultyDevice::failReads(std::uint64_t begin, std::uint64_t end, int sysErrno, unsigned times)
{
    const std::lock_guard lock(m_mutex);
    m_readFaults.push_back({begin, end, sysErrno, times});
}

void FaultyDevice::failWrites(std::uint64_t begin, std::uint64_t end, int sysErrno, unsigned times)
{
    const std::lock_guard lock(m_mutex);
    m_writeFaults.push_back({begin, end, sysErrno, times});
}

void FaultyDevice::failFlushes(int sysErrno, unsigned times)
{
    const std::lock_guard lock(m_mutex);
    m_flushFaults.push_back({0, ~std::uint64_t(0), sysErrno, times});
}

void FaultyDevice::vanishAfter(std::uint64_t writes)
{
    const std::lock_guard lock(m_mutex);
    m_writesLeft = writes;
}

void FaultyDevice::heal()
{
    const std::lock_guard lock(m_mutex);
    m_readFaults.clear();
    m_writeFaults.clear();
    m_flushFaults.clear();
    m_writesLeft = ~std::uint64_t(0);
}

IoCounts FaultyDevice::counts() const
{
    const std::lock_guard lock(m_mutex);
    return m_counts;
}

void FaultyDevice::resetCounts()
{
    const std::lock_guard lock(m_mutex);
    m_counts = {};
}

Result<void> FaultyDevice::readAt(std::uint64_t offset, std::span<std::byte> to) const
{
    {
        const std::lock_guard lock(m_mutex);
        m_counts.reads += 1;
        m_counts.readBytes += to.size();
        BM_TRY(checkPresent());
        BM_TRY(meet(m_readFaults, offset, to.size()));
    }
    return m_inner->readAt(offset, to);
}

Result<void> FaultyDevice::readOnceAt(std::uint64_t offset, std::span<std::byte> to) const
{
    {
        const std::lock_guard lock(m_mutex);
        m_counts.readsOnce += 1;
    }
    return readAt(offset, to);
}

Result<void> FaultyDevice::writeAt(std::uint64_t offset, std::span<const std::byte> from)
{
    const std::lock_guard lock(m_mutex);
    m_counts.writes += 1;
    BM_TRY(checkPresent());
    if (auto met = meet(m_writeFaults, offset, from.size()); !met)
        return ofAWrite(std::move(met));
    BM_TRY(m_inner->writeAt(offset, from));
    m_counts.writtenBytes += from.size();
    if (m_writesLeft != ~std::uint64_t(0))
        m_writesLeft -= 1;
    if (m_journal)
        m_journal->append({m_number, false, offset, {from.begin(), from.end()}});
    return {};
}

Result<void> FaultyDevice::flush()
{
    const std::lock_guard lock(m_mutex);
    m_counts.flushes += 1;
    BM_TRY(checkPresent());
    if (auto met = meet(m_flushFaults, 0, 1); !met) {
        met.error().offset = -1; // a flush has no place
        return ofAWrite(std::move(met));
    }
    BM_TRY(m_inner->flush());
    if (m_journal)
        m_journal->append({m_number, true, 0, {}});
    return {};
}

Result<void> FaultyDevice::meet(
    std::vector<Fault>& faults, std::uint64_t offset, std::size_t length) const
{
    const std::uint64_t end = offset + length;
    for (auto& fault : faults) {
        if (fault.times == 0 || fault.begin >= end || offset >= fault.end)
            continue;
        if (fault.times != kForever)
            fault.times -= 1;
        const auto code = fault.sysErrno == ENOSPC ? ErrorCode::NoSpace : ErrorCode::Io;
        return fail(code, name(), std::int64_t(std::max(fault.begin, offset)), fault.sysErrno);
    }
    return {};
}

Result<void> FaultyDevice::checkPresent() const
{
    if (m_writesLeft == 0)
        return fail(ErrorCode::Vanished, name(), -1, ENODEV);
    return {};
}

} // namespace bitmend
