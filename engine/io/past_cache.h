// SPDX-License-Identifier: Apache-2.0
// Reading past the page cache (O_DIRECT). What is larger than memory and read through once gains
// nothing from being kept, and copying it there takes several times the processor's time; but what
// already lies there is read faster from there.
#pragma once

#include "engine/io/block_source.h"

#include <cstddef>
#include <mutex>
#include <span>

namespace bitmend {

// The way past the cache to one open file. Safe to use from several threads.
class PastCache
{
public:
    // `descriptor` stays its owner's and has to outlive this.
    explicit PastCache(int descriptor) : m_descriptor(descriptor) {}
    PastCache(const PastCache&) = delete;
    PastCache& operator=(const PastCache&) = delete;
    ~PastCache();

    // How many bytes from the start of `to` were read. Fewer than all where the place or the memory
    // does not lie on 4 KiB, at the end of the file, where the file system knows no such way, and
    // on an error: whoever then reads on in the ordinary way is told about it.
    std::size_t read(std::uint64_t offset, std::span<std::byte> to) const;

private:
    void open() const;

    int m_descriptor;
    mutable std::once_flag m_once;
    mutable int m_direct = -1;
};

// What is to be asked of an open file for BlockSource::residence().
Residence residenceOf(int descriptor, std::uint64_t sizeBytes);

// Whether all these, read through once, are better read past the cache: block devices, and images
// of which more than half of this machine's memory would have to be fetched.
bool belongsPastCache(Residence all);

} // namespace bitmend
