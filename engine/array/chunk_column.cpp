// SPDX-License-Identifier: Apache-2.0
#include "engine/array/chunk_column.h"

#include "engine/array/bad_blocks.h"
#include "engine/base/assert.h"

namespace bitmend {

Result<void> readRole(const ArrayState& state, const ArrayReaders& readers, int role,
    std::uint64_t offset, std::span<std::byte> to)
{
    const auto* reader = readers.byRole[static_cast<std::size_t>(role)];
    BM_ASSERT(reader != nullptr);
    const auto place = reader->dataStart + offset;
    auto read = reader->source->readAt(place, to);
    if (!read)
        logReadFailure(state.name, reader->source->name(), place, read.error());
    return read;
}

} // namespace bitmend
