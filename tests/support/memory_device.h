// SPDX-License-Identifier: Apache-2.0
// A device in memory, for tests that need no file.
#pragma once

#include "engine/io/block_source.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

namespace bitmend::test {

class MemoryDevice final : public BlockDevice
{
public:
    explicit MemoryDevice(std::vector<std::byte> bytes, std::string name = "memory")
        : m_bytes(std::move(bytes))
        , m_name(std::move(name))
    {
    }
    explicit MemoryDevice(std::uint64_t size, std::string name = "memory")
        : MemoryDevice(std::vector<std::byte>(size), std::move(name))
    {
    }

    const std::string& name() const override { return m_name; }
    std::uint64_t sizeBytes() const override { return m_bytes.size(); }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        const std::lock_guard lock(m_mutex);
        if (offset > m_bytes.size() || to.size() > m_bytes.size() - offset)
            return fail(ErrorCode::ShortRead, m_name, std::int64_t(offset));
        std::copy_n(m_bytes.begin() + std::ptrdiff_t(offset), to.size(), to.begin());
        return {};
    }

    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        const std::lock_guard lock(m_mutex);
        if (offset > m_bytes.size() || from.size() > m_bytes.size() - offset)
            return fail(ErrorCode::ShortRead, m_name, std::int64_t(offset));
        std::ranges::copy(from, m_bytes.begin() + std::ptrdiff_t(offset));
        return {};
    }

    Result<void> flush() override { return {}; }

    // For the test's own look; no other thread may be writing.
    std::vector<std::byte>& bytes() { return m_bytes; }

private:
    mutable std::mutex m_mutex;
    std::vector<std::byte> m_bytes;
    std::string m_name;
};

} // namespace bitmend::test
