// SPDX-License-Identifier: Apache-2.0
// Bytes to read, from anywhere: a disk, a raw image, a split set, a partition of another source.
#pragma once

#include "engine/base/endian.h"
#include "engine/base/result.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace bitmend {

// Bytes, half-open. Empty at the end of a source.
struct DataStretch
{
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    bool empty() const { return begin >= end; }
    bool operator==(const DataStretch&) const = default;
};

// How much of a source a reader would have to wait for.
struct Residence
{
    std::uint64_t missing = 0; // bytes that lie on the medium and not in the page cache, about
    bool isDevice = false;     // not a file: the cache is nobody's

    void add(const Residence& other)
    {
        missing += other.missing;
        isDevice = isDevice || other.isDevice;
    }
};

class BlockSource
{
public:
    virtual ~BlockSource() = default;

    // What the user calls it: the path, with "#2" behind it for the second partition of an image.
    virtual const std::string& name() const = 0;
    virtual std::uint64_t sizeBytes() const = 0;

    // Fills all of `to` or fails; a short read is an error. Safe to call from several threads.
    virtual Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const = 0;

    // The same for what is read through once: past the page cache where there is a way
    // (past_cache.h). It is the faster one only for memory and places that lie on 4 KiB.
    virtual Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const
    {
        return readAt(offset, to);
    }
    virtual Residence residence() const { return {}; }

    // A descriptor that reads exactly these bytes from offset 0, for libraries that take nothing
    // else; -1 where there is none. Stays owned by the source.
    virtual int descriptor() const { return -1; }

    // When the bytes last changed, as the file system says: nanoseconds since the epoch, asked anew
    // at each call. 0 where nobody knows (a block device).
    virtual std::int64_t modifiedNanos() const { return 0; }

    // The first stretch at or after `offset` that may hold other than zeros: what lies before it is
    // a hole and reads as zeros, what lies behind it has to be asked for again. Whoever knows of no
    // holes says all of the rest.
    virtual DataStretch nextData(std::uint64_t offset) const { return {offset, sizeBytes()}; }
};

using SourcePtr = std::shared_ptr<const BlockSource>;

// A source that may also be changed. Evidence is never opened as one: it is wrapped in an Overlay.
class BlockDevice : public BlockSource
{
public:
    // Writes all of `from` or fails; after a failure any part of the range may hold either content.
    virtual Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) = 0;

    // On return every earlier write is on stable storage.
    virtual Result<void> flush() = 0;
};

using DevicePtr = std::shared_ptr<BlockDevice>;

// The only way on-disk structs are read: whole, bounds-checked, copied.
template <OnDisk T> Result<T> readStruct(const BlockSource& source, std::uint64_t offset)
{
    T value;
    BM_TRY(source.readAt(offset, std::as_writable_bytes(std::span(&value, 1))));
    return value;
}

} // namespace bitmend
