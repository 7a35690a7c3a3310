// SPDX-License-Identifier: Apache-2.0
// One stretch of a mirror made equal: read the copy that counts, compare the others with it, write
// what differs. Buffers are allocated once and serve a whole job.
#pragma once

#include "engine/array/array_state.h"
#include "engine/base/aligned_buffer.h"
#include "engine/base/result.h"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace bitmend {

class MirrorWindow
{
public:
    static constexpr std::uint64_t kBytes = std::uint64_t{1} << 20U;
    static constexpr std::uint64_t kBlockBytes = 4096; // the grain of comparing

    struct Tally
    {
        std::uint64_t readBytes = 0;
        std::uint64_t writtenBytes = 0;
        std::uint64_t differingBytes = 0;
    };

    explicit MirrorWindow(ArrayState& state);

    // Reads `range` (at most kBytes of the component) from the first of `copies` that gives it,
    // block by block where none gives all of it. A block that no copy gives is lost: it is
    // remembered and no member is touched there. Returns the first such block's error.
    std::optional<Error> read(SectorRange range, std::span<ArrayMember* const> copies);

    const ArrayMember* source() const { return m_source; } // null when read from several

    // The component sectors in which `target` is not what was read, in order. What it does not give
    // counts as different; what is lost does not.
    std::vector<SectorRange> differences(const ArrayMember& target);
    std::vector<SectorRange> lostRanges() const;

    // Makes `target` equal to what was read. Only what differs is written, unless that is more than
    // a quarter of the window. What cannot be read from the target is written.
    Result<void> copyTo(ArrayMember& target);

    // The same for a target whose contents are worth nothing: zeros are compared, so that a blank
    // newcomer stays sparse, all else is written unseen.
    Result<void> copyToBlank(ArrayMember& target);

    // Appends a range to a list of them, or lets the last one grow.
    static void append(std::vector<SectorRange>& ranges, SectorRange range);

    const Tally& tally() const { return m_tally; }

private:
    std::size_t blocks() const { return m_blockLost.size(); }
    std::span<std::byte> block(AlignedBuffer& buffer, std::size_t index) const;
    Result<void> readFrom(
        const ArrayMember& member, std::size_t firstBlock, std::span<std::byte> to);
    void readBlock(std::size_t index, std::span<ArrayMember* const> copies);
    SectorRange blockSectors(std::size_t index) const;
    std::vector<bool> differing(const ArrayMember& target);
    Result<void> writeBlocks(ArrayMember& target, const std::vector<bool>& wanted);
    Result<void> writeRun(ArrayMember& target, std::size_t first, std::size_t end);
    bool isZero() const;

    ArrayState& m_state;
    AlignedBuffer m_truth;
    AlignedBuffer m_other;
    SectorRange m_range;
    std::size_t m_length = 0; // bytes
    std::vector<bool> m_blockLost;
    std::vector<bool> m_otherLost; // blocks that the member last compared did not give
    const ArrayMember* m_source = nullptr;
    std::optional<Error> m_lost; // the first block nobody gave, in this window
    Tally m_tally;
};

} // namespace bitmend
