// SPDX-License-Identifier: Apache-2.0
#include "engine/array/stripe_columns.h"

#include "engine/array/bad_blocks.h"
#include "engine/array/commit.h"
#include "engine/array/mirror_window.h"
#include "engine/base/assert.h"

#include <algorithm>
#include <cstring>

namespace bitmend {

StripeColumns::StripeColumns(ArrayState& state, bool pastCache)
    : m_state(state)
    , m_pastCache(pastCache)
    , m_buffer((state.reference->raidDisks + 1) * SyncWindow::kBytes)
    , m_columns(state.reference->raidDisks)
{
}

void StripeColumns::choose(SectorRange range, bool recovers)
{
    const auto guard = m_state.lock();
    std::ranges::fill(m_columns, Column{});
    for (auto& member : m_state.members) {
        if (!member.stands())
            continue;
        auto& column = of(member.role);
        column.member = &member;
        column.isThere = member.inSync || range.end <= member.recoveryOffset;
        column.isTarget = recovers && !column.isThere;
    }
}

std::vector<int> StripeColumns::absent() const
{
    std::vector<int> roles;
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        if (!m_columns[i].isThere)
            roles.push_back(static_cast<int>(i));
    }
    return roles;
}

SectorRange StripeColumns::sectorsOf(std::size_t page) const
{
    const auto begin = m_range.begin.count + page * kPage / kSectorBytes;
    return {{begin}, {begin + kPage / kSectorBytes}};
}

std::span<std::byte> StripeColumns::bytes(std::size_t index, std::size_t first, std::size_t end)
{
    return m_buffer.span().subspan(
        index * SyncWindow::kBytes + first * kPage, (end - first) * kPage);
}

void StripeColumns::blocks(
    std::size_t first, std::size_t end, std::vector<std::span<std::byte>>& blocks)
{
    blocks.resize(m_columns.size());
    for (std::size_t i = 0; i < m_columns.size(); ++i)
        blocks[i] = bytes(i, first, end);
}

void StripeColumns::read(SectorRange range, WindowOutcome& outcome)
{
    BM_ASSERT(range.length().bytes() % kPage == 0 && range.length().bytes() <= SyncWindow::kBytes);
    m_range = range;
    m_pages = range.length().bytes() / kPage;
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        auto& column = m_columns[i];
        column.bad.assign(m_pages, false);
        column.due.assign(m_pages, false);
        column.fault.reset();
        if (column.isThere)
            readColumn(i, outcome);
    }
}

Result<void> StripeColumns::readFrom(
    const ArrayMember& member, std::uint64_t offset, std::span<std::byte> to) const
{
    const auto& source = *member.source;
    return m_pastCache ? source.readOnceAt(offset, to) : source.readAt(offset, to);
}

void StripeColumns::readColumn(std::size_t index, WindowOutcome& outcome)
{
    auto& column = m_columns[index];
    const auto& member = *column.member;
    const auto offset = (member.dataOffset + m_range.begin).bytes();
    if (readFrom(member, offset, bytes(index, 0, m_pages))) {
        outcome.readBytes += m_pages * kPage;
        return;
    }
    for (std::size_t page = 0; page < m_pages; ++page) {
        const auto at = offset + page * kPage;
        const auto read = member.source->readAt(at, bytes(index, page, page + 1));
        if (read) {
            outcome.readBytes += kPage;
            continue;
        }
        logReadFailure(m_state.name, member.path, at, read.error());
        column.bad[page] = true;
        if (!column.fault)
            column.fault = read.error();
    }
}

void StripeColumns::compareTarget(
    Column& column, const std::vector<bool>& lost, WindowOutcome& outcome)
{
    const auto index = static_cast<std::size_t>(&column - m_columns.data());
    const auto truth = bytes(index, 0, m_pages);
    const auto theirs = bytes(m_columns.size(), 0, m_pages);
    const auto& member = *column.member;
    bool isKnown = false;
    if (member.byBitmap || isZero(truth)) {
        isKnown = readFrom(member, (member.dataOffset + m_range.begin).bytes(), theirs).has_value();
        outcome.readBytes += isKnown ? theirs.size() : 0;
    }
    for (std::size_t page = 0; page < m_pages; ++page) {
        const auto at = page * kPage;
        const bool differs = !isKnown || std::memcmp(&truth[at], &theirs[at], kPage) != 0;
        column.due[page] = differs && !lost[page];
        outcome.differingBytes += column.due[page] ? kPage : 0;
    }
}

Result<void> StripeColumns::writeRun(
    std::size_t index, std::size_t first, std::size_t end, WindowOutcome& outcome)
{
    const auto data = bytes(index, first, end);
    BM_TRY(writeData(m_state, *m_columns[index].member, sectorsOf(first).begin, data));
    outcome.writtenBytes += data.size();
    return {};
}

Result<void> StripeColumns::write(bool isLost, WindowOutcome& outcome)
{
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        auto& due = m_columns[i].due;
        const auto count = static_cast<std::size_t>(std::ranges::count(due, true));
        // Past a quarter one long write costs less than many short ones.
        if (count * 4 > m_pages && !isLost)
            due.assign(m_pages, true);
        for (std::size_t page = 0; page < m_pages && count != 0; ++page) {
            auto end = page;
            while (end < m_pages && due[end])
                ++end;
            if (end == page)
                continue;
            BM_TRY(writeRun(i, page, end, outcome));
            page = end;
        }
    }
    return {};
}

} // namespace bitmend
