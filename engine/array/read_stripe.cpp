// SPDX-License-Identifier: Apache-2.0
#include "engine/array/read_stripe.h"

#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/raid/parity.h"
#include "engine/raid/personality.h"

#include <algorithm>
#include <map>

namespace bitmend {

namespace {

using Bytes = std::vector<std::byte>;

class StripeReader
{
public:
    StripeReader(const ArrayReport& array, const LookAtMember& look) : m_array(array), m_look(look)
    {
    }

    Result<StripeView> read(std::int64_t begin, Sectors length);

private:
    Result<void> lay(std::int64_t begin, Sectors length);
    void layBeforeData(std::int64_t begin);
    void layRegions(std::int64_t begin);
    void fill(StripeCell& cell);
    Result<Bytes> bytesOf(const std::string& path, Sectors sector);
    void judgeParity();
    void judgeFilled(const StripeCode& code, std::vector<std::span<std::byte>>& blocks);
    void expectParity(const StripeCode& code, std::vector<std::span<std::byte>> blocks);
    void judgeCopies();
    void compareCopies(StripeCell& cell);
    std::optional<Bytes> copyAt(Place place);

    StripeCell& cell(int role) { return m_view.cells[std::size_t(role)]; }
    bool counts(const StripeCell& cell) const
    {
        return cell.place.isValid && cell.origin == CellOrigin::Read;
    }

    const ArrayReport& m_array;
    const LookAtMember& m_look;
    StripeView m_view;
    std::map<std::string, Result<SourcePtr>> m_sources;
    std::vector<const Member*> m_byRole; // for copies
};

// A window over the structures: nothing there has a place in the array.
void StripeReader::layBeforeData(std::int64_t begin)
{
    m_view.stripe.reset();
    for (auto& cell : m_view.cells) {
        MemberPlace& place = cell.place;
        const auto* member = memberInRole(m_array, place.role);
        place.inData.reset();
        place.content = {};
        place.from.clear();
        place.isValid = false;
        if (!place.sector)
            continue;
        const auto sector = std::int64_t(member->superblock->dataOffset.count) + begin;
        place.sector = sector < 0 ? std::nullopt : std::optional(Sectors{std::uint64_t(sector)});
        place.region = sector < 0 ? Region::Outside : regionAt(*member, {std::uint64_t(sector)});
    }
}

// Structures are small and lie where they like: one window may hold several.
void StripeReader::layRegions(std::int64_t begin)
{
    for (auto& cell : m_view.cells) {
        const auto* member = memberInRole(m_array, cell.place.role);
        if (!cell.place.sector)
            continue;
        const auto first = std::int64_t(member->superblock->dataOffset.count) + begin;
        for (std::int64_t i = 0; i < std::int64_t(m_view.length.count); ++i)
            cell.regions.push_back(regionAt(*member, {std::uint64_t(first + i)}));
        if (std::ranges::count(cell.regions, Region::Data) == std::ssize(cell.regions))
            cell.regions.clear();
    }
}

Result<void> StripeReader::lay(std::int64_t begin, Sectors length)
{
    const Sectors inData{begin < 0 ? 0 : std::uint64_t(begin)};
    const ArrayMap map = BM_TRY(mapRow(m_array, inData));
    m_view.geometry = m_array.geometry;
    m_view.begin = begin;
    m_view.stripe = map.stripe;
    for (const auto& place : map.members)
        m_view.cells.push_back({place, {}, CellOrigin::Absent, {}, {}, {}});
    std::uint64_t end = begin < 0 ? std::uint64_t(-begin) : length.count;
    if (const auto chunk = m_view.geometry.chunk.count; begin >= 0 && chunk != 0)
        end = chunk - inData.count % chunk;
    m_view.length = std::min(length, Sectors{end});
    if (begin < 0)
        layBeforeData(begin);
    layRegions(begin);
    return {};
}

Result<Bytes> StripeReader::bytesOf(const std::string& path, Sectors sector)
{
    auto source = m_sources.find(path);
    if (source == m_sources.end())
        source = m_sources.emplace(path, m_look(path)).first;
    if (!source->second)
        return std::unexpected(source->second.error());
    const BlockSource& member = **source->second;
    const std::uint64_t size = member.sizeBytes();
    const std::uint64_t begin = std::min(sector.bytes(), size);
    Bytes bytes(std::size_t(std::min(m_view.length.bytes(), size - begin)));
    BM_TRY(member.readAt(begin, bytes));
    return bytes;
}

void StripeReader::fill(StripeCell& cell)
{
    if (cell.place.path.empty() || !cell.place.sector)
        return;
    if (cell.place.inData) {
        const auto begin = *cell.place.inData;
        cell.place.isListedBad =
            isListedBad(*memberInRole(m_array, cell.place.role), {begin, begin + m_view.length});
    }
    auto bytes = bytesOf(cell.place.path, *cell.place.sector);
    if (!bytes) {
        cell.error = bytes.error();
        return;
    }
    // What ends within the window can only be looked at, and what is bad somewhere in it.
    const bool isWhole = bytes->size() == m_view.length.bytes();
    cell.place.isValid = cell.place.isValid && isWhole && !cell.place.isListedBad;
    if (bytes->empty()) {
        cell.place.region = Region::Outside;
        cell.regions.clear();
    }
    cell.bytes = std::move(*bytes);
    cell.origin = CellOrigin::Read;
}

Result<StripeView> StripeReader::read(std::int64_t begin, Sectors length)
{
    BM_TRY(lay(begin, length));
    for (auto& cell : m_view.cells)
        fill(cell);
    if (begin < 0)
        return std::move(m_view);
    const bool isUsed = std::ranges::any_of(m_view.cells,
        [](const StripeCell& cell) { return cell.place.content.kind != Holds::Unused; });
    if (isUsed && hasParity(m_view.geometry)) {
        judgeParity();
    } else if (isUsed) {
        judgeCopies();
    }
    return std::move(m_view);
}

void StripeReader::judgeParity()
{
    const StripeRoles roles = stripeRoles(m_view.geometry, m_view.stripe.value_or(0));
    std::vector<int> lost;
    for (const auto& cell : m_view.cells) {
        if (!counts(cell))
            lost.push_back(cell.place.role);
    }
    if (!StripeCode::canRecover(roles, lost)) {
        m_view.verdict = StripeVerdict::Lost;
        return;
    }
    std::vector<Bytes> given(m_view.cells.size());
    std::vector<std::span<std::byte>> blocks;
    for (auto& cell : m_view.cells) {
        auto& own = given[std::size_t(cell.place.role)];
        if (!counts(cell))
            own.resize(std::size_t(m_view.length.bytes()));
        blocks.emplace_back(counts(cell) ? cell.bytes : own);
    }
    if (!lost.empty())
        StripeCode(roles, lost).recover(blocks);
    for (const int role : lost)
        cell(role).place.from = StripeCode(roles, lost).sources();
    if (int(lost.size()) < (roles.q < 0 ? 1 : 2))
        judgeFilled(StripeCode(roles), blocks);
    for (const int role : lost) {
        StripeCell& of = cell(role);
        auto& bytes = given[std::size_t(role)];
        // What a member that does not count holds stays in view, beside what it should hold.
        if (of.origin == CellOrigin::Read) {
            if (of.bytes != bytes && of.bytes.size() == bytes.size())
                of.expected = std::move(bytes);
        } else {
            of.bytes = std::move(bytes);
            of.origin = CellOrigin::Given;
        }
    }
}

// With all blocks there, or one given by the others and one parity left to compare with.
void StripeReader::judgeFilled(const StripeCode& code, std::vector<std::span<std::byte>>& blocks)
{
    if (code.check(blocks).all()) {
        m_view.verdict = StripeVerdict::Agrees;
        return;
    }
    m_view.verdict = StripeVerdict::Differs;
    const bool complete =
        std::ranges::all_of(m_view.cells, [this](const StripeCell& cell) { return counts(cell); });
    m_view.wrong = complete ? code.locateWrong(blocks) : std::nullopt;
    if (!m_view.wrong) {
        expectParity(code, blocks);
        return;
    }
    m_view.verdict = StripeVerdict::OneWrong;
    const auto wrong = std::size_t(*m_view.wrong);
    m_view.cells[wrong].expected.resize(std::size_t(m_view.length.bytes()));
    blocks[wrong] = m_view.cells[wrong].expected;
    StripeCode(code.roles(), {*m_view.wrong}).recover(blocks);
}

void StripeReader::expectParity(const StripeCode& code, std::vector<std::span<std::byte>> blocks)
{
    std::vector<Bytes> made(2, Bytes(std::size_t(m_view.length.bytes())));
    const StripeRoles& roles = code.roles();
    blocks[std::size_t(roles.p)] = made[0];
    if (roles.q >= 0)
        blocks[std::size_t(roles.q)] = made[1];
    code.generate(blocks);
    for (const int parity : {roles.p, roles.q}) {
        if (parity < 0 || !counts(cell(parity)))
            continue;
        auto& bytes = made[parity == roles.p ? 0 : 1];
        if (bytes != cell(parity).bytes)
            cell(parity).expected = std::move(bytes);
    }
}

void StripeReader::judgeCopies()
{
    for (int role = 0; role < m_view.geometry.raidDisks; ++role)
        m_byRole.push_back(memberInRole(m_array, role));
    bool lost = false;
    for (auto& cell : m_view.cells) {
        if (cell.place.content.kind != Holds::Data)
            continue;
        compareCopies(cell);
        lost =
            lost || (!counts(cell) && cell.origin != CellOrigin::Given && cell.place.from.empty());
    }
    if (lost)
        m_view.verdict = StripeVerdict::Lost;
}

// What a copy elsewhere holds; nothing when its member does not count there or cannot be read.
std::optional<Bytes> StripeReader::copyAt(Place place)
{
    const Member* member = m_byRole[std::size_t(place.role)];
    if (!countsAt(member, place.sector) ||
        isListedBad(*member, {place.sector, place.sector + m_view.length}))
        return std::nullopt;
    auto bytes = bytesOf(member->path, member->superblock->dataOffset + place.sector);
    if (!bytes || bytes->size() != m_view.length.bytes())
        return std::nullopt;
    return std::move(*bytes);
}

// A member that counts is compared with all other copies, one that does not with the first that
// does.
void StripeReader::compareCopies(StripeCell& cell)
{
    const auto& level = *personality(m_view.geometry.level);
    const Place self{cell.place.role, cell.place.inData.value_or(Sectors{})};
    const bool own = counts(cell);
    if (!own)
        cell.place.from.clear(); // what the report promises may not be readable
    for (const auto& place : level.locate(m_view.geometry, cell.place.content.arraySector)) {
        auto copy = place == self ? std::nullopt : copyAt(place);
        if (!copy)
            continue;
        if (own && m_view.verdict == StripeVerdict::NothingToCompare)
            m_view.verdict = StripeVerdict::Agrees;
        if (!own)
            cell.place.from = {place.role};
        if (cell.origin != CellOrigin::Read) {
            cell.bytes = std::move(*copy);
            cell.origin = CellOrigin::Given;
        } else if (*copy != cell.bytes) {
            cell.expected = std::move(*copy);
            if (own)
                m_view.verdict = StripeVerdict::Differs;
        }
        if (!own || !cell.expected.empty())
            return;
    }
}

SourcePtr sourceOf(const ArrayState& state, const std::string& path)
{
    const auto guard = state.lock();
    const ArrayMember* member = state.member(path);
    return member == nullptr ? nullptr : member->source;
}

} // namespace

Result<StripeView> readStripe(
    const ArrayReport& array, const LookAtMember& look, std::int64_t begin, Sectors length)
{
    return StripeReader(array, look).read(begin, length);
}

Result<StripeView> readStripe(const Array& array, std::int64_t begin, Sectors length)
{
    const ArrayState& state = array.state();
    const auto look = [&state](const std::string& path) -> Result<SourcePtr> {
        // A member that the array does not use is as it was found.
        if (auto source = sourceOf(state, path))
            return source;
        return state.access.look(path);
    };
    return readStripe(array.snapshot().report, look, begin, length);
}

} // namespace bitmend
