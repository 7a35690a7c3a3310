// SPDX-License-Identifier: Apache-2.0
// Writing to levels 4, 5 and 6: the data that is given, and the parity of the stripes it lies in.
//
// Parity follows from what is read less: the old content of what is replaced and the old parity
// (read-modify-write), or the data beside it (reconstruct-write). Nothing is read for a stripe that
// is written as a whole. Where a member is missing or does not give what it holds, what is needed
// of it is computed from the rest first. What lies in one column of a stripe (the same bytes of
// each of its chunks) is read before anything of it is written.
#pragma once

#include "engine/array/array_state.h"
#include "engine/array/chunk_column.h"
#include "engine/array/write_targets.h"
#include "engine/base/aligned_buffer.h"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace bitmend {

// For one write, whose rows nobody else reads or writes meanwhile; not for several threads.
class ParityWrite
{
public:
    // Old parity is not built upon from member sector `doubtfulFrom` on: a resync is still due
    // there.
    ParityWrite(const ArrayState& state, const ArrayReaders& readers, WriteTargets& targets,
        Sectors doubtfulFrom);

    // An error when what has to be read cannot be had; the columns before it are written then. What
    // members do not take stands in the targets.
    Result<void> run(std::uint64_t offset, std::span<const std::byte> from);

private:
    using Column = ChunkColumn<std::span<const std::byte>>; // what has no part stays as it is
    enum class Way : std::uint8_t { NoParity, Modify, Reconstruct, Recover };

    Result<void> writeStripe(
        std::uint64_t stripe, std::uint64_t begin, std::span<const std::byte> from);
    Result<void> writeColumn(const Column& column);
    Result<void> writeBlock(const Column& column);
    Way wayOf(const StripeCode& code, const Column& column) const;
    Result<void> compute(const StripeCode& code, const Column& column, Way way);
    Result<void> modifyParity(const StripeCode& code, const Column& column);
    Result<void> readOthers(const StripeCode& code, const Column& column);
    Result<void> recoverOthers(const StripeCode& code, const Column& column);
    void generate(const StripeCode& code, const Column& column);
    void put(const StripeCode& code, const Column& column);
    Result<void> read(int role, const Column& column);
    std::span<std::byte> scratch(int role, std::size_t length);

    const ArrayState& m_state;
    const ArrayReaders& m_readers;
    WriteTargets& m_targets;
    Sectors m_doubtfulFrom;
    std::uint64_t m_chunk; // bytes
    std::size_t m_block = 0;
    int m_unread = -1;                          // the role that did not give what was read last
    std::optional<AlignedBuffer> m_scratch;     // a column's block for each role
    std::vector<std::span<std::byte>> m_blocks; // by role: what was read or computed of a column
};

} // namespace bitmend
