// SPDX-License-Identifier: Apache-2.0
#include "engine/io/followed_device.h"

#include <algorithm>
#include <utility>

namespace bitmend {

namespace {

class FollowedDevice final : public BlockDevice
{
public:
    FollowedDevice(DevicePtr device, FollowerPtr follower)
        : m_device(std::move(device))
        , m_follower(std::move(follower))
    {
    }

    const std::string& name() const override { return m_device->name(); }
    std::uint64_t sizeBytes() const override { return m_device->sizeBytes(); }
    int descriptor() const override { return m_device->descriptor(); }
    std::int64_t modifiedNanos() const override { return m_device->modifiedNanos(); }
    Residence residence() const override { return m_device->residence(); }
    DataStretch nextData(std::uint64_t offset) const override { return m_device->nextData(offset); }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return orFromFollower(m_device->readAt(offset, to), offset, to);
    }

    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return orFromFollower(m_device->readOnceAt(offset, to), offset, to);
    }

    // Whether or not the device takes it: it may fail, and the follower then has its place.
    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        auto written = m_device->writeAt(offset, from);
        m_follower->write(offset, from);
        return written;
    }

    Result<void> flush() override
    {
        auto flushed = m_device->flush();
        m_follower->flush();
        return flushed;
    }

private:
    Result<void> orFromFollower(
        Result<void> read, std::uint64_t offset, std::span<std::byte> to) const
    {
        if (read || !m_follower->holds(offset, to.size()))
            return read;
        return m_follower->readAt(offset, to) ? Result<void>() : read;
    }

    DevicePtr m_device;
    FollowerPtr m_follower;
};

} // namespace

Follower::Follower(DevicePtr device, DataStretch data, std::uint64_t begin)
    : m_device(std::move(device))
    , m_data(data)
    , m_begin(begin)
{
}

std::optional<Error> Follower::fault() const
{
    if (!m_failed.load(std::memory_order_acquire))
        return {};
    const std::lock_guard lock(m_mutex);
    return m_fault;
}

void Follower::note(const Result<void>& done)
{
    if (done)
        return;
    const std::lock_guard lock(m_mutex);
    if (!m_fault)
        m_fault = done.error();
    m_failed.store(true, std::memory_order_release);
}

void Follower::write(std::uint64_t offset, std::span<const std::byte> from)
{
    const auto begin = std::max(offset, m_data.begin);
    const auto end = std::min(offset + from.size(), m_data.end);
    if (begin < end && !m_failed.load(std::memory_order_acquire)) {
        note(m_device->writeAt(
            m_begin + (begin - m_data.begin), from.subspan(begin - offset, end - begin)));
    }
}

void Follower::flush()
{
    if (!m_failed.load(std::memory_order_acquire))
        note(m_device->flush());
}

bool Follower::holds(std::uint64_t offset, std::size_t length) const
{
    const auto valid = m_valid.load(std::memory_order_acquire);
    return !m_failed.load(std::memory_order_acquire) && offset >= m_data.begin &&
           offset - m_data.begin <= valid && length <= valid - (offset - m_data.begin);
}

Result<void> Follower::readAt(std::uint64_t offset, std::span<std::byte> to) const
{
    return m_device->readAt(m_begin + (offset - m_data.begin), to);
}

DevicePtr followedBy(DevicePtr device, FollowerPtr follower)
{
    return std::make_shared<FollowedDevice>(std::move(device), std::move(follower));
}

} // namespace bitmend
