// SPDX-License-Identifier: Apache-2.0
#include "engine/array/parity_write.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <array>

namespace bitmend {

namespace {

// The arithmetic takes all blocks of a stripe alike, and only reads those of the data.
std::span<std::byte> asBlock(std::span<const std::byte> given)
{
    return {const_cast<std::byte*>(given.data()), given.size()};
}

std::size_t at(int role) { return static_cast<std::size_t>(role); }

} // namespace

ParityWrite::ParityWrite(const ArrayState& state, const ArrayReaders& readers,
    WriteTargets& targets, Sectors doubtfulFrom)
    : m_state(state)
    , m_readers(readers)
    , m_targets(targets)
    , m_doubtfulFrom(doubtfulFrom)
    , m_chunk(state.geometry.chunk.bytes())
{
    BM_ASSERT(!readers.zones.empty());
}

Result<void> ParityWrite::run(std::uint64_t offset, std::span<const std::byte> from)
{
    const auto stripeBytes = m_chunk * m_readers.codeOf(0).roles().data.size();
    m_block = std::min({kLongestColumn, std::size_t(m_chunk),
        (from.size() + kUnreadableBlock - 1) / kUnreadableBlock * kUnreadableBlock});
    const auto end = offset + from.size();
    for (auto at = offset; at < end;) {
        const auto stop = std::min(end, (at / stripeBytes + 1) * stripeBytes);
        BM_TRY(
            writeStripe(at / stripeBytes, at % stripeBytes, from.subspan(at - offset, stop - at)));
        at = stop;
    }
    return {};
}

// In columns in which each data chunk is given or stays.
Result<void> ParityWrite::writeStripe(
    std::uint64_t stripe, std::uint64_t begin, std::span<const std::byte> from)
{
    const auto end = begin + from.size();
    const bool isInOneChunk = begin / m_chunk == (end - 1) / m_chunk;
    const std::array cuts{begin % m_chunk, (end - 1) % m_chunk + 1};
    Column column{stripe, isInOneChunk ? cuts[0] : 0, 0, {}};
    column.parts.resize(m_readers.codeOf(stripe).roles().data.size());
    const auto last = isInOneChunk ? cuts[1] : m_chunk;
    while (column.begin < last) {
        auto stop = std::min<std::uint64_t>(last, column.begin + m_block);
        for (const auto cut : cuts)
            stop = cut > column.begin ? std::min(stop, cut) : stop;
        column.length = stop - column.begin;
        bool isTouched = false;
        for (std::size_t k = 0; k < column.parts.size(); ++k) {
            const auto place = k * m_chunk + column.begin;
            const bool isGiven = place >= begin && place + column.length <= end;
            column.parts[k] = {};
            if (isGiven)
                column.parts[k] = from.subspan(place - begin, column.length);
            isTouched |= isGiven;
        }
        if (isTouched)
            BM_TRY(writeColumn(column));
        column.begin = stop;
    }
    return {};
}

Result<void> ParityWrite::writeColumn(const Column& column)
{
    const auto& code = m_readers.codeOf(column.stripe);
    if (!compute(code, column, wayOf(code, column)))
        return blockwise(column, [this](const Column& block) { return writeBlock(block); });
    put(code, column);
    return {};
}

// A member does not give all of its part of the column around this. Whoever does not give this
// block, at whichever reading, counts as lost in it; then it goes another way.
Result<void> ParityWrite::writeBlock(const Column& column)
{
    const auto& all = m_readers.codeOf(column.stripe);
    auto lost = all.lost();
    while (true) {
        const StripeCode code(all.roles(), lost);
        const auto computed = compute(code, column, wayOf(code, column));
        if (computed) {
            put(code, column);
            return {};
        }
        lost.push_back(m_unread);
        if (!StripeCode::canRecover(all.roles(), lost))
            return computed;
    }
}

// Parity that somebody holds and does not give is made anew: a recovery may have come by already,
// whatever was recorded of it.
ParityWrite::Way ParityWrite::wayOf(const StripeCode& code, const Column& column) const
{
    const auto& roles = code.roles();
    std::size_t parities = 0;
    bool isParityDue = false;
    for (const int parity : {roles.p, roles.q}) {
        if (parity < 0)
            continue;
        parities += code.isLost(parity) ? 0 : 1;
        isParityDue |= code.isLost(parity) && targetOf(m_targets, parity) != nullptr;
    }
    std::size_t given = 0;
    bool givesOld = true;
    bool givesOthers = true;
    for (std::size_t k = 0; k < column.parts.size(); ++k) {
        const bool isGiven = !column.parts[k].empty();
        given += isGiven ? 1 : 0;
        (isGiven ? givesOld : givesOthers) &= !code.isLost(roles.data[k]);
    }
    const auto others = column.parts.size() - given;
    if (isParityDue)
        return givesOthers ? Way::Reconstruct : Way::Recover;
    if (parities == 0)
        return Way::NoParity;
    const bool isDoubtful =
        (column.offset(m_chunk) + column.length - 1) / kSectorBytes >= m_doubtfulFrom.count;
    if (givesOthers && (isDoubtful || !givesOld || others <= given + parities))
        return Way::Reconstruct;
    return givesOld ? Way::Modify : Way::Recover;
}

// Leaves in m_blocks what is to be written of the parity.
Result<void> ParityWrite::compute(const StripeCode& code, const Column& column, Way way)
{
    m_blocks.assign(m_readers.byRole.size(), {});
    switch (way) {
    case Way::NoParity:
        return {};
    case Way::Modify:
        return modifyParity(code, column);
    case Way::Reconstruct:
        BM_TRY(readOthers(code, column));
        break;
    case Way::Recover:
        BM_TRY(recoverOthers(code, column));
        break;
    }
    generate(code, column);
    return {};
}

Result<void> ParityWrite::modifyParity(const StripeCode& code, const Column& column)
{
    const auto& roles = code.roles();
    for (const int parity : {roles.p, roles.q}) {
        if (parity >= 0 && !code.isLost(parity)) {
            BM_TRY(read(parity, column));
            m_blocks[at(parity)] = scratch(parity, column.length);
        }
    }
    for (std::size_t k = 0; k < column.parts.size(); ++k) {
        if (column.parts[k].empty())
            continue;
        const auto role = roles.data[k];
        BM_TRY(read(role, column));
        code.add(role, scratch(role, column.length), m_blocks);
        code.add(role, column.parts[k], m_blocks);
    }
    return {};
}

Result<void> ParityWrite::readOthers(const StripeCode& code, const Column& column)
{
    for (std::size_t k = 0; k < column.parts.size(); ++k) {
        const auto role = code.roles().data[k];
        if (!column.parts[k].empty())
            continue;
        BM_TRY(read(role, column));
        m_blocks[at(role)] = scratch(role, column.length);
    }
    return {};
}

// By the old content of everything else: what is given comes in only afterwards.
Result<void> ParityWrite::recoverOthers(const StripeCode& code, const Column& column)
{
    for (const int source : code.sources()) {
        BM_TRY(read(source, column));
        m_blocks[at(source)] = scratch(source, column.length);
    }
    for (std::size_t k = 0; k < column.parts.size(); ++k) {
        const auto role = code.roles().data[k];
        if (column.parts[k].empty())
            m_blocks[at(role)] = scratch(role, column.length);
    }
    code.recover(m_blocks);
    return {};
}

void ParityWrite::generate(const StripeCode& code, const Column& column)
{
    const auto& roles = code.roles();
    for (std::size_t k = 0; k < column.parts.size(); ++k) {
        if (!column.parts[k].empty())
            m_blocks[at(roles.data[k])] = asBlock(column.parts[k]);
    }
    for (const int parity : {roles.p, roles.q}) {
        if (parity >= 0)
            m_blocks[at(parity)] = scratch(parity, column.length);
    }
    code.generate(m_blocks);
}

// A member that is being rebuilt gets what is known of it, wherever it has come to: what it lacks
// there is still to come.
void ParityWrite::put(const StripeCode& code, const Column& column)
{
    const auto& roles = code.roles();
    const auto offset = column.offset(m_chunk);
    const auto write = [&](int role, std::span<const std::byte> bytes) {
        auto* target = targetOf(m_targets, role);
        if (target && !bytes.empty())
            target->write(offset, bytes);
    };
    for (std::size_t k = 0; k < column.parts.size(); ++k)
        write(roles.data[k], column.parts[k]);
    for (const int parity : {roles.p, roles.q}) {
        if (parity >= 0)
            write(parity, m_blocks[at(parity)]);
    }
}

Result<void> ParityWrite::read(int role, const Column& column)
{
    auto given =
        readRole(m_state, m_readers, role, column.offset(m_chunk), scratch(role, column.length));
    if (!given)
        m_unread = role;
    return given;
}

std::span<std::byte> ParityWrite::scratch(int role, std::size_t length)
{
    BM_ASSERT(length <= m_block);
    if (!m_scratch)
        m_scratch.emplace(m_readers.byRole.size() * m_block);
    return m_scratch->span().subspan(at(role) * m_block, length);
}

} // namespace bitmend
