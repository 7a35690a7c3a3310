// SPDX-License-Identifier: Apache-2.0
#include "engine/array/mirror_window.h"

#include "engine/array/commit.h"
#include "engine/base/assert.h"
#include "engine/base/log.h"

#include <algorithm>
#include <cstring>

namespace bitmend {

namespace {

bool equal(std::span<const std::byte> left, std::span<const std::byte> right)
{
    return std::memcmp(left.data(), right.data(), left.size()) == 0;
}

} // namespace

MirrorWindow::MirrorWindow(ArrayState& state) : m_state(state), m_truth(kBytes), m_other(kBytes) {}

std::span<std::byte> MirrorWindow::block(AlignedBuffer& buffer, std::size_t index) const
{
    const auto begin = index * kBlockBytes;
    return buffer.first(m_length).subspan(begin, std::min(kBlockBytes, m_length - begin));
}

Result<void> MirrorWindow::readFrom(
    const ArrayMember& member, std::size_t firstBlock, std::span<std::byte> to)
{
    const auto offset = (member.dataOffset + m_range.begin).bytes() + firstBlock * kBlockBytes;
    auto read = member.source->readAt(offset, to);
    if (read) {
        m_tally.readBytes += to.size();
        return read;
    }
    log(LogEvent::ReadFailed, m_state.name, member.path, offset,
        static_cast<std::uint64_t>(read.error().sysErrno));
    return read;
}

std::optional<Error> MirrorWindow::read(SectorRange range, std::span<ArrayMember* const> copies)
{
    BM_ASSERT(range.length().bytes() <= kBytes && !range.empty());
    m_range = range;
    m_length = range.length().bytes();
    m_blockLost.assign((m_length + kBlockBytes - 1) / kBlockBytes, false);
    m_source = nullptr;
    m_lost.reset();
    for (const auto* copy : copies) {
        if (readFrom(*copy, 0, m_truth.first(m_length))) {
            m_source = copy;
            return {};
        }
    }
    for (std::size_t index = 0; index < blocks(); ++index)
        readBlock(index, copies);
    return m_lost;
}

void MirrorWindow::readBlock(std::size_t index, std::span<ArrayMember* const> copies)
{
    std::optional<Error> why;
    for (const auto* copy : copies) {
        const auto read = readFrom(*copy, index, block(m_truth, index));
        if (read)
            return;
        if (!why)
            why = read.error();
    }
    m_blockLost[index] = true;
    if (!m_lost)
        m_lost = why;
}

std::vector<bool> MirrorWindow::differing(const ArrayMember& target)
{
    std::vector<bool> differs(blocks());
    m_otherLost.assign(blocks(), false);
    const bool whole = readFrom(target, 0, m_other.first(m_length)).has_value();
    if (whole && equal(m_truth.first(m_length), m_other.first(m_length)))
        return differs;
    for (std::size_t index = 0; index < blocks(); ++index) {
        if (m_blockLost[index])
            continue;
        const auto other = block(m_other, index);
        const bool readable = whole || readFrom(target, index, other).has_value();
        m_otherLost[index] = !readable;
        differs[index] = !readable || !equal(block(m_truth, index), other);
        if (differs[index])
            m_tally.differingBytes += other.size();
    }
    return differs;
}

SectorRange MirrorWindow::blockSectors(std::size_t index) const
{
    const auto begin = m_range.begin.count + index * kBlockBytes / kSectorBytes;
    return {{begin}, std::min(Sectors{begin + kBlockBytes / kSectorBytes}, m_range.end)};
}

void MirrorWindow::append(std::vector<SectorRange>& ranges, SectorRange range)
{
    if (!ranges.empty() && ranges.back().end == range.begin)
        ranges.back().end = range.end;
    else
        ranges.push_back(range);
}

std::vector<SectorRange> MirrorWindow::differences(const ArrayMember& target)
{
    std::vector<SectorRange> ranges;
    const auto differs = differing(target);
    for (std::size_t index = 0; index < blocks(); ++index) {
        if (!differs[index])
            continue;
        const auto sectors = blockSectors(index);
        if (m_otherLost[index]) {
            append(ranges, sectors);
            continue;
        }
        const auto truth = block(m_truth, index);
        const auto other = block(m_other, index);
        for (std::size_t at = 0; at < truth.size(); at += kSectorBytes) {
            const auto length = std::min<std::size_t>(kSectorBytes, truth.size() - at);
            const Sectors sector{sectors.begin.count + at / kSectorBytes};
            if (!equal(truth.subspan(at, length), other.subspan(at, length)))
                append(ranges, {sector, sector + Sectors{1}});
        }
    }
    return ranges;
}

std::vector<SectorRange> MirrorWindow::lostRanges() const
{
    std::vector<SectorRange> ranges;
    for (std::size_t index = 0; index < blocks(); ++index) {
        if (m_blockLost[index])
            append(ranges, blockSectors(index));
    }
    return ranges;
}

Result<void> MirrorWindow::writeRun(ArrayMember& target, std::size_t first, std::size_t end)
{
    const auto begin = first * kBlockBytes;
    const auto length = std::min(end * kBlockBytes, m_length) - begin;
    BM_TRY(writeData(m_state, target, {m_range.begin.count + begin / kSectorBytes},
        m_truth.first(m_length).subspan(begin, length)));
    m_tally.writtenBytes += length;
    return {};
}

Result<void> MirrorWindow::writeBlocks(ArrayMember& target, const std::vector<bool>& wanted)
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
    return {};
}

Result<void> MirrorWindow::copyTo(ArrayMember& target)
{
    auto differs = differing(target);
    // Past a quarter one long write costs less than many short ones.
    const auto count = static_cast<std::size_t>(std::ranges::count(differs, true));
    if (count * 4 > blocks() && !m_lost)
        differs.assign(blocks(), true);
    return writeBlocks(target, differs);
}

bool MirrorWindow::isZero() const
{
    const auto bytes = m_truth.span().first(m_length);
    return bytes.front() == std::byte{} && equal(bytes.first(m_length - 1), bytes.subspan(1));
}

Result<void> MirrorWindow::copyToBlank(ArrayMember& target)
{
    if (isZero())
        return copyTo(target);
    BM_ASSERT(!m_lost);
    m_tally.differingBytes += m_length;
    return writeRun(target, 0, blocks());
}

} // namespace bitmend
