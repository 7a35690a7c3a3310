// SPDX-License-Identifier: Apache-2.0
#include "engine/array/bad_blocks.h"
#include "engine/array/foreground.h"
#include "engine/array/parity_read.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr std::size_t kBlock = 4096; // what is asked of another member when a longer read fails

struct Copy
{
    const ArrayReaders::Reader* reader = nullptr;
    std::uint64_t offset = 0; // bytes behind its data_offset
};

class ForegroundRead
{
public:
    explicit ForegroundRead(const ArrayState& state) : m_state(state), m_readers(state.readers()) {}

    Result<void> run(std::uint64_t offset, std::span<std::byte> to) const;

private:
    Result<void> readStripes(std::uint64_t offset, std::span<std::byte> to) const;
    std::vector<Copy> copiesOf(std::uint64_t offset) const;
    Result<void> readExtent(std::uint64_t offset, std::span<std::byte> to) const;
    Result<void> readFrom(const Copy& copy, std::uint64_t skipped, std::span<std::byte> to) const;
    Result<void> readFromAny(
        std::span<const Copy> copies, std::uint64_t skipped, std::span<std::byte> to) const;

    const ArrayState& m_state;
    ArrayState::Readers m_readers;
};

// Those in sync in the order in which md asks them, then what is being rebuilt.
std::vector<Copy> ForegroundRead::copiesOf(std::uint64_t offset) const
{
    std::vector<Copy> copies;
    copies.reserve(m_readers->all.size());
    if (m_state.geometry.level == 1) {
        for (const auto& reader : m_readers->all)
            copies.push_back({&reader, offset});
        return copies;
    }
    for (const auto& place : placesOf(m_state, offset)) {
        const auto* reader = m_readers->byRole[static_cast<std::size_t>(place.role)];
        if (reader)
            copies.push_back({reader, place.offset});
    }
    std::ranges::stable_partition(copies, [](const Copy& copy) { return copy.reader->isWhole(); });
    return copies;
}

Result<void> ForegroundRead::readFrom(
    const Copy& copy, std::uint64_t skipped, std::span<std::byte> to) const
{
    const auto offset = copy.reader->dataStart + copy.offset + skipped;
    auto read = copy.reader->source->readAt(offset, to);
    if (!read)
        logReadFailure(m_state.name, copy.reader->source->name(), offset, read.error());
    return read;
}

Result<void> ForegroundRead::readFromAny(
    std::span<const Copy> copies, std::uint64_t skipped, std::span<std::byte> to) const
{
    Result<void> last = fail(ErrorCode::NotEnoughMembers, m_state.name);
    for (const auto& copy : copies) {
        if (!copy.reader->gives(copy.offset + skipped, to.size()))
            continue;
        last = readFrom(copy, skipped, to);
        if (!last)
            continue;
        if (&copy != copies.data())
            m_state.recomputedBytes += to.size();
        break;
    }
    return last;
}

Result<void> ForegroundRead::readExtent(std::uint64_t offset, std::span<std::byte> to) const
{
    const auto copies = copiesOf(offset);
    const auto whole = readFromAny(copies, 0, to);
    if (whole || copies.empty() || to.size() <= kSectorBytes)
        return whole;
    // No member gives all of it. Bad places seldom lie in the same blocks on several, and what is
    // listed as bad is known by the sector.
    for (std::size_t at = 0; at < to.size();) {
        const auto length = std::min(kBlock - (offset + at) % kBlock, to.size() - at);
        const auto block = readFromAny(copies, at, to.subspan(at, length));
        const auto end = at + length;
        while (!block && at < end) {
            if (block.error().code != ErrorCode::KnownBadBlock)
                return block;
            const auto sector = std::min(kSectorBytes - (offset + at) % kSectorBytes, end - at);
            BM_TRY(readFromAny(copies, at, to.subspan(at, sector)));
            at += sector;
        }
        at = end;
    }
    return {};
}

Result<void> ForegroundRead::readStripes(std::uint64_t offset, std::span<std::byte> to) const
{
    const auto dataChunks = m_readers->codeOf(0).roles().data.size();
    const auto stripe = m_state.geometry.chunk.bytes() * dataChunks;
    ParityRead stripes(m_state, *m_readers);
    const auto end = offset + to.size();
    for (auto at = offset; at < end;) {
        const auto stop = std::min(end, (at / stripe + 1) * stripe);
        BM_TRY(stripes.run(at, to.subspan(at - offset, stop - at)));
        at = stop;
    }
    return {};
}

Result<void> ForegroundRead::run(std::uint64_t offset, std::span<std::byte> to) const
{
    if (!m_readers->zones.empty())
        return readStripes(offset, to);
    const auto end = offset + to.size();
    for (auto at = offset; at < end;) {
        const auto stop = extentEnd(m_state, at, end);
        BM_TRY(readExtent(at, to.subspan(at - offset, stop - at)));
        at = stop;
    }
    return {};
}

} // namespace

std::uint64_t extentEnd(const ArrayState& state, std::uint64_t offset, std::uint64_t end)
{
    if (state.geometry.level == 1)
        return end;
    if (const auto chunk = state.geometry.chunk.bytes(); chunk != 0)
        return std::min(end, (offset / chunk + 1) * chunk);
    // Linear without a chunk: a member's end, looked for.
    const auto roleAt = [&state](std::uint64_t sector) {
        return state.level->locate(state.geometry, {sector}).front().role;
    };
    auto same = offset / kSectorBytes;
    auto beyond = (end - 1) / kSectorBytes;
    const auto role = roleAt(same);
    if (roleAt(beyond) == role)
        return end;
    while (same + 1 < beyond) {
        const auto middle = same + (beyond - same) / 2;
        (roleAt(middle) == role ? same : beyond) = middle;
    }
    return beyond * kSectorBytes;
}

std::vector<CopyPlace> placesOf(const ArrayState& state, std::uint64_t offset)
{
    std::vector<CopyPlace> copies;
    const auto inSector = offset % kSectorBytes;
    for (const auto& place : state.level->locate(state.geometry, {offset / kSectorBytes}))
        copies.push_back({place.role, place.sector.bytes() + inSector});
    return copies;
}

Result<void> checkRange(const ArrayState& state, std::uint64_t offset, std::size_t length)
{
    const auto size = state.arraySize.bytes();
    if (offset > size || length > size - offset)
        return fail(ErrorCode::ShortRead, state.name, static_cast<std::int64_t>(offset));
    return {};
}

SectorRange sectorsOf(std::uint64_t offset, std::size_t length)
{
    return {{offset / kSectorBytes}, {(offset + length + kSectorBytes - 1) / kSectorBytes}};
}

Result<void> readInOwnRows(const ArrayState& state, std::uint64_t offset, std::span<std::byte> to)
{
    return ForegroundRead(state).run(offset, to);
}

Result<void> readForeground(const ArrayState& state, std::uint64_t offset, std::span<std::byte> to)
{
    BM_TRY(checkRange(state, offset, to.size()));
    if (to.empty())
        return {};
    std::optional<RowLocks::Hold> hold;
    if (state.mode != WriteMode::ReadOnly) {
        const auto rows = state.syncRows(sectorsOf(offset, to.size()));
        hold.emplace(state.rows.take(rows, RowUse::Read));
    }
    return ForegroundRead(state).run(offset, to);
}

} // namespace bitmend
