// SPDX-License-Identifier: Apache-2.0
// A device that another one is made a copy of while it is written to: what is written to its data
// goes to the follower as well. What the follower does not take harms nobody but the follower.
#pragma once

#include "engine/io/block_source.h"

#include <atomic>
#include <mutex>
#include <optional>

namespace bitmend {

// The copy, as far as it has come. From any thread.
class Follower
{
public:
    // `data`: bytes of the device that is followed; they are at `begin` of the follower.
    Follower(DevicePtr device, DataStretch data, std::uint64_t begin);

    // Bytes of the data that it holds all of, and that it stands in for where the other one fails.
    void setValid(std::uint64_t bytes) { m_valid.store(bytes, std::memory_order_release); }

    // The first error. Nothing more is written to it after that.
    std::optional<Error> fault() const;

    // Places are those of the device that is followed; what lies outside the data is left alone.
    void write(std::uint64_t offset, std::span<const std::byte> from);
    void flush();
    bool holds(std::uint64_t offset, std::size_t length) const;
    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const;

private:
    void note(const Result<void>& done);

    DevicePtr m_device;
    DataStretch m_data;
    std::uint64_t m_begin;
    std::atomic<std::uint64_t> m_valid = 0;
    std::atomic<bool> m_failed = false;
    mutable std::mutex m_mutex; // guards what follows
    std::optional<Error> m_fault;
};

using FollowerPtr = std::shared_ptr<Follower>;

// The same device. Its own errors are those of `device`; a flush is one of both.
DevicePtr followedBy(DevicePtr device, FollowerPtr follower);

} // namespace bitmend
