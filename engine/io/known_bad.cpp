// SPDX-License-Identifier: Apache-2.0
#include "engine/io/known_bad.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace bitmend {

namespace {

// The sectors that a range of bytes touches.
SectorRange touched(std::uint64_t offset, std::uint64_t length)
{
    return {{offset / kSectorBytes}, {(offset + length + kSectorBytes - 1) / kSectorBytes}};
}

SectorRange common(SectorRange a, SectorRange b)
{
    return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

// What source and device do alike. `Inner` is a SourcePtr or a DevicePtr, `Face` its interface.
template <typename Face, typename Inner> class Heeding : public Face
{
public:
    Heeding(Inner inner, KnownBadPtr bad, SectorRange among)
        : m_inner(std::move(inner))
        , m_bad(std::move(bad))
        , m_among(among)
    {
    }

    const std::string& name() const override { return m_inner->name(); }
    std::uint64_t sizeBytes() const override { return m_inner->sizeBytes(); }
    int descriptor() const override { return m_bad->any() ? -1 : m_inner->descriptor(); }
    std::int64_t modifiedNanos() const override { return m_inner->modifiedNanos(); }
    Residence residence() const override { return m_inner->residence(); }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        BM_TRY(refuse(offset, to.size()));
        return m_inner->readAt(offset, to);
    }

    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        BM_TRY(refuse(offset, to.size()));
        return m_inner->readOnceAt(offset, to);
    }

    // A bad sector is no hole, whatever lies there: somebody has to look for its content.
    DataStretch nextData(std::uint64_t offset) const override
    {
        const auto data = m_inner->nextData(offset);
        if (!m_bad->any())
            return data;
        const auto bad = firstBad({{offset / kSectorBytes}, m_among.end});
        if (bad.empty() || (!data.empty() && data.begin <= bad.begin.bytes()))
            return data;
        return {std::max(offset, bad.begin.bytes()), bad.end.bytes()};
    }

protected:
    Inner m_inner;
    KnownBadPtr m_bad;

private:
    SectorRange firstBad(SectorRange range) const
    {
        range = common(range, m_among);
        return range.empty() ? SectorRange{} : common(m_bad->next(range.begin), range);
    }

    Result<void> refuse(std::uint64_t offset, std::size_t length) const
    {
        if (!m_bad->any())
            return {};
        const auto bad = firstBad(touched(offset, length));
        if (bad.empty())
            return {};
        return fail(ErrorCode::KnownBadBlock, name(), std::int64_t(bad.begin.bytes()), EIO);
    }

    SectorRange m_among;
};

using HeedingSource = Heeding<BlockSource, SourcePtr>;

class HeedingDevice final : public Heeding<BlockDevice, DevicePtr>
{
public:
    using Heeding::Heeding;

    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        BM_TRY(m_inner->writeAt(offset, from));
        if (m_bad->any()) {
            const auto end = offset + from.size();
            m_bad->erase({{(offset + kSectorBytes - 1) / kSectorBytes}, {end / kSectorBytes}});
        }
        return {};
    }

    Result<void> flush() override { return m_inner->flush(); }
};

} // namespace

KnownBad::KnownBad(Sectors unit, const std::vector<SectorRange>& ranges)
    : m_unit(std::max<std::uint64_t>(unit.count, 1))
{
    for (const auto& range : ranges)
        insert(range);
}

std::vector<SectorRange> KnownBad::ranges() const
{
    const std::lock_guard lock(m_mutex);
    return m_ranges.ranges();
}

SectorRange KnownBad::next(Sectors from) const
{
    const std::lock_guard lock(m_mutex);
    return m_ranges.next(from);
}

void KnownBad::insert(SectorRange range)
{
    if (range.empty())
        return;
    const std::lock_guard lock(m_mutex);
    m_ranges.insert({{range.begin.count / m_unit * m_unit},
        {(range.end.count + m_unit - 1) / m_unit * m_unit}});
    m_any.store(true, std::memory_order_release);
}

void KnownBad::erase(SectorRange range)
{
    const std::lock_guard lock(m_mutex);
    m_ranges.erase({{(range.begin.count + m_unit - 1) / m_unit * m_unit},
        {range.end.count / m_unit * m_unit}});
    m_any.store(!m_ranges.empty(), std::memory_order_release);
}

SourcePtr heedKnownBad(SourcePtr source, KnownBadPtr bad, SectorRange among)
{
    return std::make_shared<HeedingSource>(std::move(source), std::move(bad), among);
}

DevicePtr heedKnownBad(DevicePtr device, KnownBadPtr bad, SectorRange among)
{
    return std::make_shared<HeedingDevice>(std::move(device), std::move(bad), among);
}

} // namespace bitmend
