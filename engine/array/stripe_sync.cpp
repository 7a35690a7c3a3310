// SPDX-License-Identifier: Apache-2.0
#include "engine/array/stripe_sync.h"

#include "engine/array/bad_blocks.h"
#include "engine/array/data_ranges.h"
#include "engine/array/stripe_columns.h"
#include "engine/array/sync_members.h"
#include "engine/base/log.h"
#include "engine/raid/parity.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr std::uint64_t kPageSectors = StripeColumns::kPage / kSectorBytes;

class StripeSync final : public SyncWindow
{
public:
    StripeSync(ArrayState& state, SyncScope scope)
        : m_state(state)
        , m_scope(scope)
        , m_columns(state, scope.pastCache)
        , m_codes(static_cast<std::size_t>(stripePeriod(state.geometry)))
    {
    }

    Result<WindowOutcome> work(SectorRange range) override;

private:
    bool recovers() const { return m_scope.action == SyncAction::Recover; }
    bool writes() const { return m_scope.action != SyncAction::Check; }
    std::vector<SectorRange> cutAtOffsets(SectorRange range) const;
    std::vector<SectorRange> dataOf(SectorRange range);
    Result<void> workOn(SectorRange range);
    void stripe(std::uint64_t number, std::size_t first, std::size_t end);
    void page(std::uint64_t stripe, std::size_t page);
    const StripeCode& codeOf(std::uint64_t stripe);
    void lookAt(const StripeCode& code, std::uint64_t stripe, std::size_t first, std::size_t end);
    void mismatch(const StripeCode& code, std::size_t page, ParityMatch match);
    void noteLost(const StripeRoles& roles, const std::vector<int>& lost, std::uint64_t stripe,
        std::size_t page);
    bool listBad(std::size_t page);
    void mark(int role, std::size_t page);

    ArrayState& m_state;
    SyncScope m_scope;
    StripeColumns m_columns;
    DataRanges m_data;
    std::vector<int> m_absent;
    std::vector<std::optional<StripeCode>> m_codes; // by the stripe's turn, for those absent
    std::vector<std::span<std::byte>> m_blocks;
    std::vector<bool> m_lost; // pages that could not be computed
    WindowOutcome m_outcome;
};

// Below its recoveryOffset a member counts, above it does not.
std::vector<SectorRange> StripeSync::cutAtOffsets(SectorRange range) const
{
    const auto guard = m_state.lock();
    std::vector<Sectors> cuts{range.begin, range.end};
    for (const auto& member : m_state.members) {
        const auto at = member.recoveryOffset.count / kPageSectors * kPageSectors;
        if (member.isRebuilding() && range.contains({at}))
            cuts.push_back({at});
    }
    std::ranges::sort(cuts);
    std::vector<SectorRange> parts;
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
        if (cuts[i] < cuts[i + 1])
            parts.push_back({cuts[i], cuts[i + 1]});
    }
    return parts;
}

std::vector<SectorRange> StripeSync::dataOf(SectorRange range)
{
    std::vector<DataRanges::Part> parts;
    for (const auto& column : m_columns.all()) {
        if (column.isThere || column.isTarget) {
            parts.push_back(
                {column.member->source.get(), (column.member->dataOffset + range.begin).bytes()});
        }
    }
    return m_data.find(parts, range.length());
}

Result<WindowOutcome> StripeSync::work(SectorRange range)
{
    m_outcome = {};
    if (recovers())
        BM_TRY(checkRebuilding(m_state));
    range.begin.count = range.begin.count / kPageSectors * kPageSectors;
    range.end.count = (range.end.count + kPageSectors - 1) / kPageSectors * kPageSectors;
    const auto rows = m_state.rows.take(range, RowUse::Sync);
    for (const auto& part : cutAtOffsets(range)) {
        m_columns.choose(part, recovers());
        const auto absent = m_columns.absent();
        if (absent != m_absent)
            std::ranges::fill(m_codes, std::nullopt);
        m_absent = absent;
        if (recovers() && std::ranges::none_of(m_columns.all(), &StripeColumns::Column::isTarget))
            continue;
        for (const auto& data : dataOf(part))
            BM_TRY(workOn({part.begin + data.begin, part.begin + data.end}));
    }
    if (m_outcome.writtenBytes != 0 && m_scope.action == SyncAction::Resync) {
        log(LogEvent::ChunkDiffered, m_state.name, {}, range.begin.count,
            m_outcome.writtenBytes / kSectorBytes);
    }
    return std::move(m_outcome);
}

Result<void> StripeSync::workOn(SectorRange range)
{
    m_columns.read(range, m_outcome);
    m_lost.assign(m_columns.pages(), false);
    const auto chunk = m_state.geometry.chunk.count;
    for (auto at = range.begin.count; at < range.end.count;) {
        const auto number = at / chunk;
        const auto end = std::min((number + 1) * chunk, range.end.count);
        stripe(number, (at - range.begin.count) / kPageSectors,
            (end - range.begin.count) / kPageSectors);
        at = end;
    }
    for (auto& column : m_columns.all()) {
        if (column.isTarget)
            m_columns.compareTarget(column, m_lost, m_outcome);
    }
    if (!writes())
        return {};
    const bool isLost = std::ranges::find(m_lost, true) != m_lost.end();
    return m_columns.write(isLost, m_outcome);
}

const StripeCode& StripeSync::codeOf(std::uint64_t stripe)
{
    auto& code = m_codes[stripe % m_codes.size()];
    if (!code)
        code.emplace(stripeRoles(m_state.geometry, stripe), m_absent);
    return *code;
}

// The common case first: everybody gave everything.
void StripeSync::stripe(std::uint64_t number, std::size_t first, std::size_t end)
{
    const auto isBad = [first, end](const StripeColumns::Column& column) {
        return column.fault && std::find(column.bad.begin() + std::ptrdiff_t(first),
                                   column.bad.begin() + std::ptrdiff_t(end),
                                   true) != column.bad.begin() + std::ptrdiff_t(end);
    };
    const bool isWhole = std::ranges::none_of(m_columns.all(), isBad) &&
                         StripeCode::canRecover(stripeRoles(m_state.geometry, number), m_absent);
    if (isWhole) {
        lookAt(codeOf(number), number, first, end);
        return;
    }
    for (auto at = first; at < end; ++at)
        page(number, at);
}

void StripeSync::page(std::uint64_t stripe, std::size_t page)
{
    const auto roles = stripeRoles(m_state.geometry, stripe);
    std::vector<int> lost;
    for (int role = 0; role < roles.members(); ++role) {
        const auto& column = m_columns.of(role);
        if (!column.isThere || column.bad[page])
            lost.push_back(role);
    }
    if (!StripeCode::canRecover(roles, lost)) {
        noteLost(roles, lost, stripe, page);
        return;
    }
    lookAt(StripeCode(roles, lost), stripe, page, page + 1);
    for (const auto role : lost) {
        auto& column = m_columns.of(role);
        if (!column.isThere)
            continue;
        column.due[page] = true; // a sector that cannot be read may take a new content
        m_outcome.recomputedBytes += StripeColumns::kPage;
    }
}

// Gets back what is lost, and compares where there is redundancy left to compare with.
void StripeSync::lookAt(
    const StripeCode& code, std::uint64_t stripe, std::size_t first, std::size_t end)
{
    m_columns.blocks(first, end, m_blocks);
    if (!code.lost().empty())
        code.recover(m_blocks);
    const std::size_t parities = code.roles().q < 0 ? 1 : 2;
    if (recovers() || code.lost().size() >= parities)
        return;
    const auto match = code.check(m_blocks);
    if (match.all())
        return;
    if (end - first == 1) {
        mismatch(code, first, match);
        return;
    }
    for (auto at = first; at < end; ++at)
        lookAt(code, stripe, at, at + 1);
}

// A wrong data block is md's parity's fault: it makes parity match. So do we, unless asked for
// better and one block alone explains both P and Q.
void StripeSync::mismatch(const StripeCode& code, std::size_t page, ParityMatch match)
{
    const auto& roles = code.roles();
    m_outcome.mismatch.count += kPageSectors;
    m_outcome.differingBytes += StripeColumns::kPage;
    appendRange(m_outcome.differing, m_columns.sectorsOf(page));
    const bool names = m_scope.action != SyncAction::Resync && code.lost().empty();
    const auto wrong = names ? code.locateWrong(m_blocks) : std::nullopt;
    if (wrong)
        m_outcome.wrong.push_back({m_columns.sectorsOf(page), *wrong});
    if (!writes())
        return;
    if (wrong && m_scope.verifySlot) {
        StripeCode(roles, {*wrong}).recover(m_blocks);
        mark(*wrong, page);
        return;
    }
    code.generate(m_blocks);
    if (!match.p)
        mark(roles.p, page);
    if (!match.q)
        mark(roles.q, page);
}

void StripeSync::mark(int role, std::size_t page)
{
    auto& column = m_columns.of(role);
    if (column.isThere)
        column.due[page] = true;
}

// As in md a recovery goes on past what nobody gives where those that are rebuilt can list it.
bool StripeSync::listBad(std::size_t page)
{
    return std::ranges::all_of(m_columns.all(), [&](const StripeColumns::Column& column) {
        return !column.isTarget ||
               noteBadBlocks(m_state, *column.member, m_columns.sectorsOf(page));
    });
}

void StripeSync::noteLost(
    const StripeRoles& roles, const std::vector<int>& lost, std::uint64_t stripe, std::size_t page)
{
    m_lost[page] = true;
    const auto chunk = m_state.geometry.chunk.count;
    const auto inChunk = m_columns.sectorsOf(page).begin.count % chunk;
    std::vector<SectorRange> found;
    for (std::size_t k = 0; k < roles.data.size(); ++k) {
        if (std::ranges::find(lost, roles.data[k]) == lost.end())
            continue;
        const auto begin = (stripe * roles.data.size() + k) * chunk + inChunk;
        found.push_back({{begin}, {begin + kPageSectors}});
    }
    uniteRanges(m_outcome.unreadable, found);
    if (recovers() && listBad(page)) {
        m_outcome.listedBadBytes += StripeColumns::kPage;
        return;
    }
    if (m_outcome.lost)
        return;
    m_outcome.lost = Error{ErrorCode::NotEnoughMembers, m_state.name};
    for (const auto role : lost) {
        if (m_columns.of(role).fault)
            m_outcome.lost = m_columns.of(role).fault;
    }
}

} // namespace

std::unique_ptr<SyncWindow> makeStripeSync(ArrayState& state, SyncScope scope)
{
    return std::make_unique<StripeSync>(state, scope);
}

} // namespace bitmend
