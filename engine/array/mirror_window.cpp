// SPDX-License-Identifier: Apache-2.0
#include "engine/array/mirror_window.h"

#include "engine/array/bad_blocks.h"
#include "engine/array/commit.h"
#include "engine/base/assert.h"
#include "engine/io/extent_set.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace bitmend {

namespace {

bool equal(std::span<const std::byte> left, std::span<const std::byte> right)
{
    return std::memcmp(left.data(), right.data(), left.size()) == 0;
}

} // namespace

MirrorWindow::MirrorWindow(ArrayState& state, bool pastCache)
    : m_state(state)
    , m_pastCache(pastCache)
    , m_buffer(2 * kBytes)
{
}

std::span<std::byte> MirrorWindow::block(std::span<std::byte> window, std::size_t index) const
{
    const auto begin = index * kBlockBytes;
    return window.subspan(begin, std::min(kBlockBytes, m_length - begin));
}

Result<void> MirrorWindow::readFrom(const Copy& copy, Sectors from, std::span<std::byte> to)
{
    const auto& member = *copy.member;
    const auto offset = (member.dataOffset + copy.at + from).bytes();
    const auto& source = *member.source;
    auto read = m_pastCache ? source.readOnceAt(offset, to) : source.readAt(offset, to);
    if (read) {
        m_tally->readBytes += to.size();
        return read;
    }
    logReadFailure(m_state.name, member.path, offset, read.error());
    return read;
}

void MirrorWindow::read(SectorRange range, std::span<const Copy> copies)
{
    BM_ASSERT(range.length().bytes() <= kBytes && !range.empty());
    m_range = range;
    m_length = range.length().bytes();
    m_blockLost.assign((m_length + kBlockBytes - 1) / kBlockBytes, false);
    m_source = nullptr;
    m_lost.clear();
    m_whyLost.reset();
    for (const auto& copy : copies) {
        if (readFrom(copy, {}, truth())) {
            m_source = copy.member;
            return;
        }
    }
    for (std::size_t index = 0; index < blocks(); ++index)
        readBlock(index, copies);
}

Result<void> MirrorWindow::readFromAny(std::span<const Copy> copies, SectorRange range)
{
    Result<void> why = fail(ErrorCode::NotEnoughMembers, m_state.name);
    for (const auto& copy : copies) {
        auto read = readFrom(
            copy, range.begin, truth().subspan(range.begin.bytes(), range.length().bytes()));
        if (read)
            return read;
        // That of the first copy, but for a sign that a shorter read may go.
        if (why.error().code == ErrorCode::NotEnoughMembers ||
            read.error().code == ErrorCode::KnownBadBlock)
            why = read;
    }
    return why;
}

void MirrorWindow::readBlock(std::size_t index, std::span<const Copy> copies)
{
    const auto all = blockSectors(index);
    const SectorRange block{all.begin - m_range.begin, all.end - m_range.begin};
    const auto note = [&](SectorRange lost, const Error& why) {
        m_blockLost[index] = true;
        appendRange(m_lost, lost);
        appendRange(m_tally->unreadable, {m_range.begin + lost.begin, m_range.begin + lost.end});
        if (!m_whyLost)
            m_whyLost = why;
    };
    const auto read = readFromAny(copies, block);
    if (read)
        return;
    if (read.error().code != ErrorCode::KnownBadBlock) {
        note(block, read.error());
        return;
    }
    for (auto at = block.begin; at < block.end; at = at + Sectors{1}) {
        const SectorRange sector{at, at + Sectors{1}};
        if (const auto one = readFromAny(copies, sector); !one)
            note(sector, one.error());
    }
}

std::vector<bool> MirrorWindow::differing(const Copy& target)
{
    std::vector<bool> differs(blocks());
    m_otherLost.assign(blocks(), false);
    m_recomputed = 0;
    const bool whole = readFrom(target, {}, other()).has_value();
    if (whole && equal(truth(), other()))
        return differs;
    for (std::size_t index = 0; index < blocks(); ++index) {
        if (m_blockLost[index])
            continue;
        const auto theirs = block(other(), index);
        const bool readable =
            whole || readFrom(target, {index * kBlockBytes / kSectorBytes}, theirs).has_value();
        m_otherLost[index] = !readable;
        m_recomputed += readable ? 0 : theirs.size();
        differs[index] = !readable || !equal(block(truth(), index), theirs);
        if (differs[index])
            m_tally->differingBytes += theirs.size();
    }
    return differs;
}

SectorRange MirrorWindow::blockSectors(std::size_t index) const
{
    const auto begin = m_range.begin.count + index * kBlockBytes / kSectorBytes;
    return {{begin}, std::min(Sectors{begin + kBlockBytes / kSectorBytes}, m_range.end)};
}

std::vector<SectorRange> MirrorWindow::differences(const Copy& target)
{
    std::vector<SectorRange> ranges;
    const auto differs = differing(target);
    for (std::size_t index = 0; index < blocks(); ++index) {
        if (!differs[index])
            continue;
        const auto sectors = blockSectors(index);
        if (m_otherLost[index]) {
            appendRange(ranges, sectors);
            continue;
        }
        const auto ours = block(truth(), index);
        const auto theirs = block(other(), index);
        for (std::size_t at = 0; at < ours.size(); at += kSectorBytes) {
            const auto length = std::min<std::size_t>(kSectorBytes, ours.size() - at);
            const Sectors sector{sectors.begin.count + at / kSectorBytes};
            if (!equal(ours.subspan(at, length), theirs.subspan(at, length)))
                appendRange(ranges, {sector, sector + Sectors{1}});
        }
    }
    return ranges;
}

Result<void> MirrorWindow::writeRun(const Copy& target, std::size_t first, std::size_t end)
{
    const auto begin = first * kBlockBytes;
    const auto length = std::min(end * kBlockBytes, m_length) - begin;
    BM_TRY(writeData(m_state, *target.member, {target.at.count + begin / kSectorBytes},
        truth().subspan(begin, length)));
    m_tally->writtenBytes += length;
    return {};
}

Result<void> MirrorWindow::writeBlocks(const Copy& target, const std::vector<bool>& wanted)
{
    for (std::size_t index = 0; index < blocks(); ++index) {
        if (!wanted[index])
            continue;
        auto end = index;
        while (end < blocks() && wanted[end])
            ++end;
        BM_TRY(writeRun(target, index, end));
        index = end;
    }
    return writeRest(target);
}

// Of blocks that are lost in part, what is not.
Result<void> MirrorWindow::writeRest(const Copy& target)
{
    ExtentSet lost;
    for (const auto& range : m_lost)
        lost.insert(range);
    for (std::size_t index = 0; index < blocks(); ++index) {
        if (!m_blockLost[index])
            continue;
        const auto all = blockSectors(index);
        for (const auto& piece : lost.split({all.begin - m_range.begin, all.end - m_range.begin})) {
            if (piece.isInside)
                continue;
            const auto bytes =
                truth().subspan(piece.range.begin.bytes(), piece.range.length().bytes());
            BM_TRY(writeData(m_state, *target.member, target.at + piece.range.begin, bytes));
            m_tally->writtenBytes += bytes.size();
        }
    }
    return {};
}

Result<void> MirrorWindow::copyTo(const Copy& target)
{
    auto differs = differing(target);
    // Past a quarter one long write costs less than many short ones.
    const auto count = static_cast<std::size_t>(std::ranges::count(differs, true));
    if (count * 4 > blocks() && !m_whyLost)
        differs.assign(blocks(), true);
    return writeBlocks(target, differs);
}

Result<void> MirrorWindow::copyToBlank(const Copy& target)
{
    if (m_whyLost || isZero(truth()))
        return copyTo(target);
    m_tally->differingBytes += m_length;
    return writeRun(target, 0, blocks());
}

bool isZero(std::span<const std::byte> bytes)
{
    return bytes.front() == std::byte{} && equal(bytes.first(bytes.size() - 1), bytes.subspan(1));
}

} // namespace bitmend
