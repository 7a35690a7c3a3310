// SPDX-License-Identifier: Apache-2.0
// One stretch of which several members hold a copy: read the copy that counts, compare the others
// with it, write what differs. Buffers are allocated once and serve a whole job.
#pragma once

#include "engine/array/array_state.h"
#include "engine/array/sync_window.h"
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
    static constexpr std::uint64_t kBytes = SyncWindow::kBytes;
    static constexpr std::uint64_t kBlockBytes = 4096; // the grain of comparing

    struct Copy
    {
        ArrayMember* member = nullptr;
        Sectors at; // of the component: where the stretch begins on this member

        bool operator==(const Copy&) const = default;
    };

    MirrorWindow(ArrayState& state, bool pastCache);

    // What happens from now on is added to this.
    void countIn(WindowOutcome& outcome) { m_tally = &outcome; }

    // Reads `range`, at most kBytes of the array, from the first of `copies` that gives it, block
    // by block where none gives all of it, and by sector where that is because some are listed as
    // bad. What no copy gives is lost: it is noted in the outcome as unreadable, and no member is
    // touched there.
    void read(SectorRange range, std::span<const Copy> copies);

    // Why the first of it is lost, and where all of it is, from the start of what was read.
    const std::optional<Error>& whyLost() const { return m_whyLost; }
    const std::vector<SectorRange>& lost() const { return m_lost; }

    // The copy that was read; none when it was read from several.
    bool isSource(const Copy& copy) const { return m_source == copy.member; }

    // The array sectors in which `target` is not what was read, in order. What it does not give
    // counts as different; what is lost does not.
    std::vector<SectorRange> differences(const Copy& target);

    // Bytes that the member last compared did not give and another one did.
    std::uint64_t recomputed() const { return m_recomputed; }

    // Makes `target` equal to what was read. Only what differs is written, unless that is more than
    // a quarter of the window. What cannot be read from the target is written.
    Result<void> copyTo(const Copy& target);

    // The same for a target whose contents are worth nothing: zeros are compared, so that a blank
    // newcomer stays sparse, all else is written unseen.
    Result<void> copyToBlank(const Copy& target);

private:
    std::size_t blocks() const { return m_blockLost.size(); }
    std::span<std::byte> truth() { return m_buffer.first(m_length); }
    std::span<std::byte> other() { return m_buffer.span().subspan(kBytes, m_length); }
    std::span<std::byte> block(std::span<std::byte> window, std::size_t index) const;
    Result<void> readFrom(const Copy& copy, Sectors from, std::span<std::byte> to);
    void readBlock(std::size_t index, std::span<const Copy> copies);
    Result<void> readFromAny(std::span<const Copy> copies, SectorRange range);
    Result<void> writeRest(const Copy& target);
    SectorRange blockSectors(std::size_t index) const;
    std::vector<bool> differing(const Copy& target);
    Result<void> writeBlocks(const Copy& target, const std::vector<bool>& wanted);
    Result<void> writeRun(const Copy& target, std::size_t first, std::size_t end);

    ArrayState& m_state;
    bool m_pastCache;
    AlignedBuffer m_buffer; // what was read, and behind it the copy that is compared
    SectorRange m_range;
    std::size_t m_length = 0;        // bytes
    std::vector<bool> m_blockLost;   // all or some of it
    std::vector<SectorRange> m_lost; // from the start of the window
    std::vector<bool> m_otherLost;   // blocks that the member last compared did not give
    const ArrayMember* m_source = nullptr;
    std::uint64_t m_recomputed = 0;
    std::optional<Error> m_whyLost;
    WindowOutcome* m_tally = nullptr;
};

// Whether all of it is zero; `bytes` are not empty.
bool isZero(std::span<const std::byte> bytes);

} // namespace bitmend
