// SPDX-License-Identifier: Apache-2.0
#include "engine/array/parity_read.h"

#include "engine/base/assert.h"
#include "engine/base/log.h"

#include <algorithm>
#include <array>

namespace bitmend {

namespace {

// Of one chunk at a time: what all members of a stripe hold there stays in the processor's cache
// between reading and computing.
constexpr std::size_t kColumn = std::size_t{64} << 10U;

constexpr std::size_t kBlock = 4096; // what is given up or computed around an unreadable place

} // namespace

ParityRead::ParityRead(const ArrayState& state, const ArrayReaders& readers)
    : m_state(state)
    , m_readers(readers)
    , m_chunk(state.geometry.chunk.bytes())
{
    BM_ASSERT(!readers.zones.empty());
}

const StripeCode& ParityRead::codeOf(std::uint64_t stripe) const
{
    return m_readers.codeOf(stripe);
}

bool ParityRead::isLost(const StripeCode& code, int role)
{
    return std::ranges::find(code.lost(), role) != code.lost().end();
}

// A part of a stripe may be rebuilt on a member that does not give all of it.
bool ParityRead::gives(int role, const Column& column) const
{
    const auto* reader = m_readers.byRole[static_cast<std::size_t>(role)];
    return reader && reader->gives(column.stripe * m_chunk + column.begin, column.length);
}

Result<void> ParityRead::run(std::uint64_t offset, std::span<std::byte> to)
{
    const auto stripeBytes = m_chunk * codeOf(0).roles().data.size();
    const auto stripe = offset / stripeBytes;
    m_begin = offset - stripe * stripeBytes;
    m_to = to;
    const auto& code = codeOf(stripe);
    const auto end = m_begin + to.size();
    BM_ASSERT(end <= stripeBytes);
    bool wantsLost = false;
    for (auto k = m_begin / m_chunk; k * m_chunk < end; ++k)
        wantsLost |= isLost(code, code.roles().data[k]);
    return wantsLost ? readByColumns(stripe) : readChunks(stripe);
}

Result<void> ParityRead::readChunks(std::uint64_t stripe)
{
    const auto end = m_begin + m_to.size();
    for (auto at = m_begin; at < end;) {
        const auto stop = std::min(end, (at / m_chunk + 1) * m_chunk);
        const auto part = m_to.subspan(at - m_begin, stop - at);
        Column column{stripe, at % m_chunk, part.size(), {}};
        const auto role = codeOf(stripe).roles().data[at / m_chunk];
        if (!readRole(role, column, part)) {
            column.wanted.resize(codeOf(stripe).roles().data.size());
            column.wanted[at / m_chunk] = part;
            BM_TRY(mend(column));
        }
        at = stop;
    }
    return {};
}

// The part of a data chunk that was asked for and lies in the column; all of it or nothing.
std::span<std::byte> ParityRead::wantedOf(std::size_t dataChunk, const Column& column) const
{
    const auto at = dataChunk * m_chunk + column.begin;
    if (at < m_begin || at + column.length > m_begin + m_to.size())
        return {};
    return m_to.subspan(at - m_begin, column.length);
}

Result<void> ParityRead::readByColumns(std::uint64_t stripe)
{
    const auto& code = codeOf(stripe);
    const auto dataChunks = code.roles().data.size();
    // Where the asked range begins in its first chunk and ends in its last, columns end.
    const auto end = m_begin + m_to.size();
    const std::array cuts{m_begin % m_chunk, (end - 1) % m_chunk + 1};
    Column column{stripe, 0, 0, std::vector<std::span<std::byte>>(dataChunks)};
    while (column.begin < m_chunk) {
        auto stop = std::min(m_chunk, (column.begin / kColumn + 1) * kColumn);
        for (const auto cut : cuts)
            stop = cut > column.begin ? std::min(stop, cut) : stop;
        column.length = stop - column.begin;
        for (std::size_t k = 0; k < dataChunks; ++k)
            column.wanted[k] = wantedOf(k, column);
        BM_TRY(readColumn(code, column));
        column.begin = stop;
    }
    return {};
}

Result<void> ParityRead::readColumn(const StripeCode& code, const Column& column)
{
    const auto& roles = code.roles();
    m_blocks.assign(m_readers.byRole.size(), {});
    bool wantsLost = false;
    for (std::size_t k = 0; k < column.wanted.size(); ++k) {
        m_blocks[static_cast<std::size_t>(roles.data[k])] = column.wanted[k];
        wantsLost |= !column.wanted[k].empty() && isLost(code, roles.data[k]);
    }
    if (wantsLost) {
        for (const auto source : code.sources()) {
            auto& block = m_blocks[static_cast<std::size_t>(source)];
            block = block.empty() ? spare(source, column.length) : block;
        }
    }
    for (std::size_t role = 0; role < m_blocks.size(); ++role) {
        if (m_blocks[role].empty() || isLost(code, static_cast<int>(role)))
            continue;
        if (!readRole(static_cast<int>(role), column, m_blocks[role]))
            return mend(column);
    }
    if (wantsLost)
        code.recover(m_blocks);
    return {};
}

// A member does not give all of its part: block by block then.
Result<void> ParityRead::mend(const Column& column)
{
    for (std::size_t at = 0; at < column.length;) {
        const auto length = std::min(kBlock - (column.begin + at) % kBlock, column.length - at);
        Column block{column.stripe, column.begin + at, length, column.wanted};
        for (auto& wanted : block.wanted)
            wanted = wanted.empty() ? wanted : wanted.subspan(at, length);
        BM_TRY(mendBlock(block));
        at += length;
    }
    return {};
}

Result<void> ParityRead::mendBlock(const Column& column)
{
    const auto& roles = codeOf(column.stripe).roles();
    std::vector<std::span<std::byte>> blocks(m_readers.byRole.size());
    for (std::size_t k = 0; k < column.wanted.size(); ++k)
        blocks[static_cast<std::size_t>(roles.data[k])] = column.wanted[k];

    std::vector<int> lost;
    std::uint64_t unreadable = 0;
    Error why{ErrorCode::NotEnoughMembers, m_state.name};
    for (int role = 0; role < roles.members(); ++role) {
        auto& block = blocks[static_cast<std::size_t>(role)];
        const bool isWanted = !block.empty();
        const bool isMissing = !gives(role, column);
        if (!isWanted)
            block = spare(role, column.length);
        const auto read = isMissing ? Result<void>() : readRole(role, column, block);
        if (!isMissing && read)
            continue;
        lost.push_back(role);
        if (!read) {
            why = read.error();
            unreadable += isWanted ? column.length : 0;
        }
        if (!isWanted)
            block = {};
    }
    if (!StripeCode::canRecover(roles, lost))
        return std::unexpected(why);
    if (!lost.empty())
        StripeCode(roles, lost).recover(blocks);
    m_state.recomputedBytes += unreadable;
    return {};
}

Result<void> ParityRead::readRole(int role, const Column& column, std::span<std::byte> to) const
{
    const auto& reader = *m_readers.byRole[static_cast<std::size_t>(role)];
    const auto offset = reader.dataStart + column.stripe * m_chunk + column.begin;
    auto read = reader.source->readAt(offset, to);
    if (!read) {
        log(LogEvent::ReadFailed, m_state.name, reader.source->name(), offset,
            static_cast<std::uint64_t>(read.error().sysErrno));
    }
    return read;
}

std::span<std::byte> ParityRead::spare(int role, std::size_t length)
{
    BM_ASSERT(length <= kColumn);
    if (!m_spare)
        m_spare.emplace(m_readers.byRole.size() * kColumn);
    return m_spare->span().subspan(static_cast<std::size_t>(role) * kColumn, length);
}

} // namespace bitmend
