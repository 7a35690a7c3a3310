// SPDX-License-Identifier: Apache-2.0
#include "engine/io/merged_writes.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

namespace bitmend {

namespace {

constexpr std::uint64_t kUsual = std::uint64_t{1} << 20U;
constexpr std::uint64_t kMost = std::uint64_t{16} << 20U;
constexpr std::chrono::milliseconds kLongest{100};

// Stripes of a mebibyte or more are taken one by one.
std::uint64_t windowOf(std::uint64_t stripe)
{
    if (stripe == 0 || stripe > kMost)
        return kUsual;
    return (kUsual + stripe - 1) / stripe * stripe;
}

} // namespace

MergedWrites::MergedWrites(DevicePtr inner, std::uint64_t stripe)
    : m_inner(std::move(inner))
    , m_window(windowOf(stripe))
    , m_run(m_window)
    , m_clock([this](const std::stop_token& stop) { passOnInTime(stop); })
{
}

MergedWrites::~MergedWrites()
{
    m_clock.request_stop();
    m_clock.join();
    Lock lock(m_mutex);
    std::ignore = passOn(lock);
}

bool MergedWrites::touches(std::uint64_t offset, std::size_t length) const
{
    return m_length != 0 && offset < m_begin + m_length && m_begin < offset + length;
}

Result<void> MergedWrites::readAt(std::uint64_t offset, std::span<std::byte> to) const
{
    {
        Lock lock(m_mutex);
        if (touches(offset, to.size()))
            BM_TRY(passOn(lock));
    }
    return m_inner->readAt(offset, to);
}

Result<void> MergedWrites::writeAt(std::uint64_t offset, std::span<const std::byte> from)
{
    {
        Lock lock(m_mutex);
        const bool follows = offset == std::exchange(m_next, offset + from.size());
        const bool fits = offset <= sizeBytes() && from.size() <= sizeBytes() - offset;
        if (touches(offset, from.size()))
            BM_TRY(passOn(lock));
        if (follows && fits)
            return gather(lock, offset, from);
    }
    return m_inner->writeAt(offset, from);
}

// To where it goes on; whole windows of it need not be copied.
Result<void> MergedWrites::gather(Lock& lock, std::uint64_t offset, std::span<const std::byte> from)
{
    while (!from.empty()) {
        m_changed.wait(lock, [this] { return !m_isGoing; });
        const bool goesOn = m_length != 0 && offset == m_begin + m_length;
        const auto room = std::size_t(m_window - (goesOn ? m_begin : offset) % m_window) -
                          (goesOn ? m_length : 0);
        if (m_length != 0 && (!goesOn || room == 0)) {
            const auto passed = passOn(lock);
            if (passed)
                continue;
            if (goesOn)
                return passed;
            lock.unlock();
            return m_inner->writeAt(offset, from); // elsewhere it may work
        }
        if (!goesOn && room == m_window && from.size() >= m_window) {
            const auto whole = from.first(from.size() / m_window * m_window);
            lock.unlock();
            BM_TRY(m_inner->writeAt(offset, whole));
            lock.lock();
            offset += whole.size();
            from = from.subspan(whole.size());
            continue;
        }
        if (!goesOn) {
            m_begin = offset;
            ++m_runs;
            m_changed.notify_all();
        }
        const auto piece = from.first(std::min(from.size(), room));
        std::ranges::copy(piece, m_run.span().subspan(m_length).begin());
        m_length += piece.size();
        offset += piece.size();
        from = from.subspan(piece.size());
        if (piece.size() == room)
            BM_TRY(passOn(lock));
    }
    return {};
}

Result<void> MergedWrites::passOn(Lock& lock) const
{
    m_changed.wait(lock, [this] { return !m_isGoing; });
    if (m_length == 0)
        return {};
    m_isGoing = true;
    lock.unlock();
    auto written = m_inner->writeAt(m_begin, m_run.span().first(m_length));
    lock.lock();
    m_isGoing = false;
    m_hasFailed = !written;
    if (written)
        m_length = 0;
    m_changed.notify_all();
    return written;
}

Result<void> MergedWrites::flush()
{
    {
        Lock lock(m_mutex);
        BM_TRY(passOn(lock));
    }
    return m_inner->flush();
}

void MergedWrites::passOnInTime(const std::stop_token& stop)
{
    Lock lock(m_mutex);
    while (!stop.stop_requested()) {
        // What did not work is tried again by whoever needs it.
        m_changed.wait(lock, stop, [this] { return m_length != 0 && !m_hasFailed; });
        const auto run = m_runs;
        m_changed.wait_for(lock, stop, kLongest, [this, run] { return m_runs != run; });
        if (m_runs == run && !m_hasFailed && !stop.stop_requested())
            std::ignore = passOn(lock);
    }
}

} // namespace bitmend
