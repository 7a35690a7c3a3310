// SPDX-License-Identifier: Apache-2.0
#include "engine/io/write_guard.h"

#include <algorithm>
#include <iterator>
#include <mutex>

namespace bitmend {

namespace {

class WriteGuard final : public BlockDevice
{
public:
    WriteGuard(DevicePtr device, std::string name, AllowedWritesPtr allowed)
        : m_device(std::move(device))
        , m_name(std::move(name))
        , m_allowed(std::move(allowed))
    {
    }

    const std::string& name() const override { return m_device->name(); }
    std::uint64_t sizeBytes() const override { return m_device->sizeBytes(); }
    int descriptor() const override { return m_device->descriptor(); }
    std::int64_t modifiedNanos() const override { return m_device->modifiedNanos(); }

    DataStretch nextData(std::uint64_t offset) const override { return m_device->nextData(offset); }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return m_device->readAt(offset, to);
    }

    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return m_device->readOnceAt(offset, to);
    }

    Residence residence() const override { return m_device->residence(); }

    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        if (m_allowed->isCut())
            return fail(ErrorCode::Vanished, m_name);
        const auto outside = m_allowed->firstOutside(m_name, offset, from.size());
        if (outside || m_allowed->isViolated()) {
            m_allowed->setViolated();
            return fail(ErrorCode::OutsidePlan, m_name, std::int64_t(outside.value_or(offset)));
        }
        return m_device->writeAt(offset, from);
    }

    Result<void> flush() override
    {
        return m_allowed->isCut() ? fail(ErrorCode::Vanished, m_name) : m_device->flush();
    }

private:
    DevicePtr m_device;
    std::string m_name;
    AllowedWritesPtr m_allowed;
};

} // namespace

void AllowedWrites::allow(const std::string& name, std::uint64_t offset, std::uint64_t length)
{
    if (length == 0)
        return;
    const std::lock_guard lock(m_mutex);
    auto& ranges = m_ranges[name];
    auto end = offset + length;
    auto next = ranges.upper_bound(offset);
    if (next != ranges.begin() && std::prev(next)->second >= offset)
        --next;
    while (next != ranges.end() && next->first <= end) {
        offset = std::min(offset, next->first);
        end = std::max(end, next->second);
        next = ranges.erase(next);
    }
    ranges.emplace_hint(next, offset, end);
}

std::optional<std::uint64_t> AllowedWrites::firstOutside(
    const std::string& name, std::uint64_t offset, std::uint64_t length) const
{
    if (length == 0)
        return {};
    const std::shared_lock lock(m_mutex);
    const auto ranges = m_ranges.find(name);
    if (ranges == m_ranges.end())
        return offset;
    const auto next = ranges->second.upper_bound(offset);
    if (next == ranges->second.begin() || std::prev(next)->second <= offset)
        return offset;
    // Ranges are merged, so what begins in one has to end in it.
    const auto end = std::prev(next)->second;
    return end >= offset + length ? std::nullopt : std::optional(end);
}

DevicePtr guardWrites(DevicePtr device, std::string name, AllowedWritesPtr allowed)
{
    return std::make_shared<WriteGuard>(std::move(device), std::move(name), std::move(allowed));
}

} // namespace bitmend
