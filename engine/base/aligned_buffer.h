// SPDX-License-Identifier: Apache-2.0
// A block of memory for I/O: page aligned, allocated once and reused for a whole job. Large ones
// lie on huge pages where the system gives them: reading past the page cache into small ones takes
// several times as long.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace bitmend {

class AlignedBuffer
{
public:
    static constexpr std::size_t kAlignment = 4096;

    // The contents are zero.
    explicit AlignedBuffer(std::size_t size);

    std::size_t size() const { return m_size; }
    std::span<std::byte> span() { return {m_bytes.get(), m_size}; }
    std::span<const std::byte> span() const { return {m_bytes.get(), m_size}; }
    std::span<std::byte> first(std::size_t count) { return span().first(count); }

private:
    struct Free
    {
        void operator()(std::byte* bytes) const;
    };

    std::size_t m_size;
    std::unique_ptr<std::byte[], Free> m_bytes;
};

} // namespace bitmend
