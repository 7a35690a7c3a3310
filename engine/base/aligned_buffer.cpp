// SPDX-License-Identifier: Apache-2.0
#include "engine/base/aligned_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace bitmend {

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20U;

std::byte* allocate(std::size_t size)
{
    const auto alignment = size >= kHugePage ? kHugePage : AlignedBuffer::kAlignment;
    // Whole pages, as std::aligned_alloc() wants them.
    const auto whole = (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment;
    auto* const bytes = static_cast<std::byte*>(std::aligned_alloc(alignment, whole));
    if (bytes == nullptr)
        throw std::bad_alloc();
    // A wish: without it all works as well, only more slowly.
    if (alignment == kHugePage)
        ::madvise(bytes, whole, MADV_HUGEPAGE);
    return bytes;
}

} // namespace

AlignedBuffer::AlignedBuffer(std::size_t size) : m_size(size), m_bytes(allocate(size))
{
    std::fill_n(m_bytes.get(), size, std::byte{});
}

void AlignedBuffer::Free::operator()(std::byte* bytes) const { std::free(bytes); }

} // namespace bitmend
