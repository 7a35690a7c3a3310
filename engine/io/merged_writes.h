// SPDX-License-Identifier: Apache-2.0
// A device that gathers small writes which follow one another and passes them on as large ones that
// end where a stripe does: parity of whole stripes needs no old content to be read. Writes in any
// other order go straight through.
//
// What was gathered reaches the device when a stripe's worth is there, when it is read, written
// over or flushed, and a tenth of a second after its first byte at the latest. If that fails, it is
// kept, and whoever flushes, reads it or writes on is told so, until it succeeds.
#pragma once

#include "engine/base/aligned_buffer.h"
#include "engine/io/block_source.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace bitmend {

class MergedWrites final : public BlockDevice
{
public:
    // `stripe`: in bytes; 0 where no size is better than another.
    MergedWrites(DevicePtr inner, std::uint64_t stripe);
    ~MergedWrites() override; // passes on what it can
    MergedWrites(const MergedWrites&) = delete;
    MergedWrites& operator=(const MergedWrites&) = delete;

    const std::string& name() const override { return m_inner->name(); }
    std::uint64_t sizeBytes() const override { return m_inner->sizeBytes(); }
    std::int64_t modifiedNanos() const override { return m_inner->modifiedNanos(); }
    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override;
    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override;
    Result<void> flush() override;

private:
    using Lock = std::unique_lock<std::mutex>;

    bool touches(std::uint64_t offset, std::size_t length) const;
    Result<void> gather(Lock& lock, std::uint64_t offset, std::span<const std::byte> from);
    Result<void> passOn(Lock& lock) const;
    void passOnInTime(const std::stop_token& stop);

    DevicePtr m_inner;
    std::uint64_t m_window; // runs end at its multiples

    mutable std::mutex m_mutex; // not held while the device writes
    mutable std::condition_variable_any m_changed;
    AlignedBuffer m_run; // [m_begin, m_begin + m_length) of the device
    std::uint64_t m_begin = 0;
    mutable std::size_t m_length = 0;
    mutable bool m_isGoing = false; // to the device: the run stays as it is
    mutable bool m_hasFailed = false;
    std::uint64_t m_next = ~std::uint64_t(0); // where the last write ended
    std::uint64_t m_runs = 0;                 // that were begun
    std::jthread m_clock;
};

} // namespace bitmend
