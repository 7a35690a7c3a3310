// SPDX-License-Identifier: Apache-2.0
#include "engine/io/slice.h"

#include "engine/base/assert.h"

#include <algorithm>

namespace bitmend {

namespace {

class Slice final : public BlockSource
{
public:
    Slice(SourcePtr whole, std::uint64_t offset, std::uint64_t length, std::string name)
        : m_whole(std::move(whole))
        , m_offset(offset)
        , m_length(length)
        , m_name(std::move(name))
    {
    }

    const std::string& name() const override { return m_name; }
    std::uint64_t sizeBytes() const override { return m_length; }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        if (offset > m_length || to.size() > m_length - offset)
            return fail(ErrorCode::ShortRead, m_name, std::int64_t(std::min(offset, m_length)));
        auto read = m_whole->readAt(m_offset + offset, to);
        if (read)
            return read;
        // The user knows the partition by its own offsets.
        Error error = std::move(read).error();
        error.where = m_name;
        if (error.offset >= 0)
            error.offset -= std::int64_t(m_offset);
        return std::unexpected(std::move(error));
    }

    std::int64_t modifiedNanos() const override { return m_whole->modifiedNanos(); }

    DataStretch nextData(std::uint64_t offset) const override
    {
        const auto inWhole = m_whole->nextData(m_offset + offset);
        return {std::min(inWhole.begin - m_offset, m_length),
            std::min(inWhole.end - m_offset, m_length)};
    }

private:
    SourcePtr m_whole;
    std::uint64_t m_offset;
    std::uint64_t m_length;
    std::string m_name;
};

} // namespace

SourcePtr slice(SourcePtr whole, std::uint64_t offset, std::uint64_t length, std::string name)
{
    BM_ASSERT(offset <= whole->sizeBytes() && length <= whole->sizeBytes() - offset);
    return std::make_shared<Slice>(std::move(whole), offset, length, std::move(name));
}

} // namespace bitmend
