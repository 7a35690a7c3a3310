// SPDX-License-Identifier: Apache-2.0
#include "engine/io/slice.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <type_traits>

namespace bitmend {

namespace {

// The user knows the partition by its own name and offsets.
Result<void> inOwnTerms(Result<void> outcome, const std::string& name, std::uint64_t offset)
{
    if (outcome)
        return outcome;
    Error error = std::move(outcome).error();
    error.where = name;
    if (error.offset >= 0)
        error.offset -= std::int64_t(offset);
    return std::unexpected(std::move(error));
}

// Of a source or of a device.
template <typename Whole> class Slice : public std::remove_const_t<Whole>
{
public:
    Slice(
        std::shared_ptr<Whole> whole, std::uint64_t offset, std::uint64_t length, std::string name)
        : m_whole(std::move(whole))
        , m_offset(offset)
        , m_length(length)
        , m_name(std::move(name))
    {
        BM_ASSERT(offset <= m_whole->sizeBytes() && length <= m_whole->sizeBytes() - offset);
    }

    const std::string& name() const override { return m_name; }
    std::uint64_t sizeBytes() const override { return m_length; }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        BM_TRY(checkRange(offset, to.size()));
        return inOwnTerms(m_whole->readAt(m_offset + offset, to), m_name, m_offset);
    }

    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        BM_TRY(checkRange(offset, to.size()));
        return inOwnTerms(m_whole->readOnceAt(m_offset + offset, to), m_name, m_offset);
    }

    Residence residence() const override { return m_whole->residence(); }

    std::int64_t modifiedNanos() const override { return m_whole->modifiedNanos(); }

    DataStretch nextData(std::uint64_t offset) const override
    {
        const auto inWhole = m_whole->nextData(m_offset + offset);
        return {std::min(inWhole.begin - m_offset, m_length),
            std::min(inWhole.end - m_offset, m_length)};
    }

protected:
    Result<void> checkRange(std::uint64_t offset, std::size_t length) const
    {
        if (offset > m_length || length > m_length - offset)
            return fail(ErrorCode::ShortRead, m_name, std::int64_t(std::min(offset, m_length)));
        return {};
    }

    std::shared_ptr<Whole> m_whole;
    std::uint64_t m_offset;
    std::uint64_t m_length;
    std::string m_name;
};

class DeviceSlice final : public Slice<BlockDevice>
{
public:
    using Slice::Slice;

    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        BM_TRY(checkRange(offset, from.size()));
        return inOwnTerms(m_whole->writeAt(m_offset + offset, from), m_name, m_offset);
    }

    Result<void> flush() override { return inOwnTerms(m_whole->flush(), m_name, m_offset); }
};

} // namespace

SourcePtr slice(SourcePtr whole, std::uint64_t offset, std::uint64_t length, std::string name)
{
    return std::make_shared<Slice<const BlockSource>>(
        std::move(whole), offset, length, std::move(name));
}

DevicePtr sliceDevice(DevicePtr whole, std::uint64_t offset, std::uint64_t length, std::string name)
{
    return std::make_shared<DeviceSlice>(std::move(whole), offset, length, std::move(name));
}

} // namespace bitmend
