// SPDX-License-Identifier: Apache-2.0
// Reading levels 4, 5 and 6 where a member is missing, or does not give what it holds: computed
// from the rest of its stripe.
#pragma once

#include "engine/array/array_state.h"
#include "engine/array/chunk_column.h"
#include "engine/base/aligned_buffer.h"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace bitmend {

// For one read; not for several threads.
class ParityRead
{
public:
    ParityRead(const ArrayState& state, const ArrayReaders& readers);

    // Array bytes, all of one stripe.
    Result<void> run(std::uint64_t offset, std::span<std::byte> to);

private:
    using Column = ChunkColumn<std::span<std::byte>>;

    const StripeCode& codeOf(std::uint64_t stripe) const;
    bool gives(int role, const Column& column) const;
    std::span<std::byte> wantedOf(std::size_t dataChunk, const Column& column) const;
    Result<void> readChunks(std::uint64_t stripe);
    Result<void> readByColumns(std::uint64_t stripe);
    Result<void> readColumn(const StripeCode& code, const Column& column);
    Result<void> mend(const Column& column);
    Result<void> mendBlock(const Column& column);
    Result<void> readRole(int role, const Column& column, std::span<std::byte> to) const;
    std::span<std::byte> spare(int role, std::size_t length);

    const ArrayState& m_state;
    const ArrayReaders& m_readers;
    std::uint64_t m_chunk;     // bytes
    std::uint64_t m_begin = 0; // in the stripe's data, where `m_to` begins
    std::span<std::byte> m_to;
    std::vector<std::span<std::byte>> m_blocks; // by role
    std::optional<AlignedBuffer> m_spare;       // a column's block for each role
};

} // namespace bitmend
