// SPDX-License-Identifier: Apache-2.0
#include "engine/array/parity_read.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <array>

namespace bitmend {

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

// A part of a stripe may be rebuilt on a member that does not give all of it.
bool ParityRead::gives(int role, const Column& column) const
{
    const auto* reader = m_readers.byRole[static_cast<std::size_t>(role)];
    return reader && reader->gives(column.offset(m_chunk), column.length);
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
        wantsLost |= code.isLost(code.roles().data[k]);
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
            column.parts.resize(codeOf(stripe).roles().data.size());
            column.parts[at / m_chunk] = part;
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
        auto stop = std::min(m_chunk, (column.begin / kLongestColumn + 1) * kLongestColumn);
        for (const auto cut : cuts)
            stop = cut > column.begin ? std::min(stop, cut) : stop;
        column.length = stop - column.begin;
        for (std::size_t k = 0; k < dataChunks; ++k)
            column.parts[k] = wantedOf(k, column);
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
    for (std::size_t k = 0; k < column.parts.size(); ++k) {
        m_blocks[static_cast<std::size_t>(roles.data[k])] = column.parts[k];
        wantsLost |= !column.parts[k].empty() && code.isLost(roles.data[k]);
    }
    if (wantsLost) {
        for (const auto source : code.sources()) {
            auto& block = m_blocks[static_cast<std::size_t>(source)];
            block = block.empty() ? spare(source, column.length) : block;
        }
    }
    for (std::size_t role = 0; role < m_blocks.size(); ++role) {
        if (m_blocks[role].empty() || code.isLost(static_cast<int>(role)))
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
    return blockwise(column, [this](const Column& block) { return mendBlock(block); });
}

Result<void> ParityRead::mendBlock(const Column& column)
{
    const auto& roles = codeOf(column.stripe).roles();
    std::vector<std::span<std::byte>> blocks(m_readers.byRole.size());
    for (std::size_t k = 0; k < column.parts.size(); ++k)
        blocks[static_cast<std::size_t>(roles.data[k])] = column.parts[k];

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
    return bitmend::readRole(m_state, m_readers, role, column.offset(m_chunk), to);
}

std::span<std::byte> ParityRead::spare(int role, std::size_t length)
{
    BM_ASSERT(length <= kLongestColumn);
    if (!m_spare)
        m_spare.emplace(m_readers.byRole.size() * kLongestColumn);
    return m_spare->span().subspan(static_cast<std::size_t>(role) * kLongestColumn, length);
}

} // namespace bitmend
