// SPDX-License-Identifier: Apache-2.0
#include "engine/array/replacement_sync.h"

#include "engine/array/bad_blocks.h"
#include "engine/array/commit.h"
#include "engine/array/foreground.h"
#include "engine/array/mirror_window.h"
#include "engine/array/sync_members.h"
#include "engine/base/aligned_buffer.h"
#include "engine/raid/member_content.h"
#include "engine/raid/parity.h"

#include <algorithm>

namespace bitmend {

namespace {

constexpr std::size_t kPage = 4096;
constexpr Sectors kPageSectors{kPage / kSectorBytes};

class ReplacementSync final : public SyncWindow
{
public:
    ReplacementSync(ArrayState& state, SyncScope scope, std::unique_ptr<SyncWindow> others)
        : m_state(state)
        , m_scope(scope)
        , m_others(std::move(others))
        , m_buffer(2 * kBytes)
    {
    }

    Result<WindowOutcome> work(SectorRange range) override;

private:
    // What is copied, as it was when its rows were taken: another write may fail members meanwhile.
    struct Copying
    {
        ArrayMember* replacement = nullptr;
        int role = -1;
        Sectors from; // the replacement holds what lies before it
        std::string path;
        SourcePtr original;
        Sectors originalData;
    };

    bool isAnyAlone() const;
    std::vector<ArrayMember*> replacements() const;
    std::optional<Copying> copyingOf(ArrayMember& member) const;
    Result<void> fill(const Copying& copying, SectorRange range);
    void readPages(const Copying& copying, SectorRange range);
    Result<void> compute(int role, Sectors at, std::span<std::byte> to);
    void noteLost(const Copying& copying, Sectors at, const Error& why);
    Result<void> writePages(ArrayMember& replacement, SectorRange range);
    void add(const WindowOutcome& more);
    std::span<std::byte> truth(std::size_t length) { return m_buffer.first(length); }
    std::span<std::byte> page(std::size_t index)
    {
        return m_buffer.span().subspan(index * kPage, kPage);
    }

    ArrayState& m_state;
    SyncScope m_scope;
    std::unique_ptr<SyncWindow> m_others;
    AlignedBuffer m_buffer; // what it should hold, and behind it what a blank one holds
    std::vector<std::optional<Error>> m_lost; // by page: why nobody gives it
    WindowOutcome m_outcome;
};

bool ReplacementSync::isAnyAlone() const
{
    const auto guard = m_state.lock();
    return std::ranges::any_of(m_state.members,
        [](const ArrayMember& member) { return member.stands() && !member.inSync; });
}

std::vector<ArrayMember*> ReplacementSync::replacements() const
{
    const auto guard = m_state.lock();
    std::vector<ArrayMember*> all;
    for (auto& member : m_state.members) {
        if (member.replaces)
            all.push_back(&member);
    }
    return all;
}

// Nothing when its original was lost by now.
std::optional<ReplacementSync::Copying> ReplacementSync::copyingOf(ArrayMember& member) const
{
    const auto guard = m_state.lock();
    const auto* original = member.replaces ? m_state.holderOf(member.role) : nullptr;
    if (!original)
        return {};
    return Copying{&member, member.role, member.recoveryOffset, original->path, original->source,
        original->dataOffset};
}

void ReplacementSync::add(const WindowOutcome& more)
{
    m_outcome.readBytes += more.readBytes;
    m_outcome.writtenBytes += more.writtenBytes;
    m_outcome.differingBytes += more.differingBytes;
    m_outcome.recomputedBytes += more.recomputedBytes;
    m_outcome.listedBadBytes += more.listedBadBytes;
    uniteRanges(m_outcome.unreadable, more.unreadable);
    if (!m_outcome.lost)
        m_outcome.lost = more.lost;
}

Result<WindowOutcome> ReplacementSync::work(SectorRange range)
{
    m_outcome = {};
    BM_TRY(checkRebuilding(m_state));
    const auto all = replacements();
    bool isAlone = isAnyAlone();
    {
        SectorRange pages = range;
        pages.begin.count = pages.begin.count / kPageSectors.count * kPageSectors.count;
        const auto rows = m_state.rows.take(pages, RowUse::Sync);
        for (auto* member : all) {
            const auto copying = copyingOf(*member);
            if (!copying) {
                isAlone = true;
                continue;
            }
            const SectorRange due{std::max(pages.begin, copying->from), pages.end};
            if (!due.empty())
                BM_TRY(fill(*copying, due));
        }
    }
    if (isAlone && isAnyAlone())
        add(BM_TRY(m_others->work(range)));
    return std::move(m_outcome);
}

Result<void> ReplacementSync::fill(const Copying& copying, SectorRange range)
{
    range.begin.count = range.begin.count / kPageSectors.count * kPageSectors.count;
    const auto length = range.length().bytes();
    m_lost.assign((length + kPage - 1) / kPage, std::nullopt);
    const auto& source = *copying.original;
    const auto offset = (copying.originalData + range.begin).bytes();
    const auto read = m_scope.pastCache ? source.readOnceAt(offset, truth(length))
                                        : source.readAt(offset, truth(length));
    m_outcome.readBytes += read ? length : 0;
    if (!read) {
        logReadFailure(m_state.name, copying.path, offset, read.error());
        readPages(copying, range);
    }
    return writePages(*copying.replacement, range);
}

void ReplacementSync::readPages(const Copying& copying, SectorRange range)
{
    for (std::size_t i = 0; i < m_lost.size(); ++i) {
        const Sectors at{range.begin.count + i * kPageSectors.count};
        const auto offset = (copying.originalData + at).bytes();
        if (copying.original->readAt(offset, page(i))) {
            m_outcome.readBytes += kPage;
            continue;
        }
        const auto computed = compute(copying.role, at, page(i));
        if (computed) {
            m_outcome.recomputedBytes += kPage;
            continue;
        }
        m_lost[i] = computed.error();
        noteLost(copying, at, computed.error());
    }
}

// What the role holds of one page, from all that is left. Its row is ours.
Result<void> ReplacementSync::compute(int role, Sectors at, std::span<std::byte> to)
{
    const auto content = contentAt(m_state.geometry, {role, at});
    if (content.kind == Holds::Data)
        return readInOwnRows(m_state, content.arraySector.bytes(), to);
    const auto chunk = m_state.geometry.chunk;
    const auto stripe = at.count / chunk.count;
    const auto roles = stripeRoles(m_state.geometry, stripe);
    AlignedBuffer all(std::size_t(roles.members()) * kPage);
    std::vector<std::span<std::byte>> blocks;
    for (int member = 0; member < roles.members(); ++member)
        blocks.push_back(all.span().subspan(std::size_t(member) * kPage, kPage));
    const auto first = stripe * roles.data.size();
    for (std::size_t k = 0; k < roles.data.size(); ++k) {
        const Sectors sector{(first + k) * chunk.count + at.count % chunk.count};
        BM_TRY(readInOwnRows(m_state, sector.bytes(), blocks[std::size_t(roles.data[k])]));
    }
    StripeCode(roles).generate(blocks);
    std::ranges::copy(blocks[std::size_t(role)], to.begin());
    return {};
}

void ReplacementSync::noteLost(const Copying& copying, Sectors at, const Error& why)
{
    const auto content = contentAt(m_state.geometry, {copying.role, at});
    if (content.kind == Holds::Data) {
        uniteRanges(
            m_outcome.unreadable, {{content.arraySector, content.arraySector + kPageSectors}});
    }
    if (noteBadBlocks(m_state, *copying.replacement, {at, at + kPageSectors}))
        m_outcome.listedBadBytes += kPage;
    else if (!m_outcome.lost)
        m_outcome.lost = why;
}

// All of it, but for zeros where there are zeros, so that a blank newcomer stays sparse.
Result<void> ReplacementSync::writePages(ArrayMember& replacement, SectorRange range)
{
    const auto length = range.length().bytes();
    const bool isWhole = std::ranges::none_of(m_lost, &std::optional<Error>::has_value);
    if (isWhole && isZero(truth(length))) {
        const auto theirs = m_buffer.span().subspan(kBytes, length);
        const auto there = (replacement.dataOffset + range.begin).bytes();
        if (replacement.source->readAt(there, theirs) && isZero(theirs))
            return {};
    }
    for (std::size_t first = 0; first < m_lost.size();) {
        auto end = first;
        while (end < m_lost.size() && !m_lost[end])
            ++end;
        const auto bytes = std::min(end * kPage, std::size_t(length)) - first * kPage;
        if (end > first) {
            const Sectors at{range.begin.count + first * kPageSectors.count};
            BM_TRY(
                writeData(m_state, replacement, at, truth(length).subspan(first * kPage, bytes)));
            m_outcome.writtenBytes += bytes;
            m_outcome.differingBytes += bytes;
        }
        first = end + 1;
    }
    return {};
}

} // namespace

std::unique_ptr<SyncWindow> makeReplacementSync(
    ArrayState& state, SyncScope scope, std::unique_ptr<SyncWindow> others)
{
    return std::make_unique<ReplacementSync>(state, scope, std::move(others));
}

} // namespace bitmend
