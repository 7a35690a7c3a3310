// SPDX-License-Identifier: Apache-2.0
#include "engine/array/chunk_column.h"

#include "engine/base/assert.h"
#include "engine/base/log.h"

namespace bitmend {

Result<void> readRole(const ArrayState& state, const ArrayReaders& readers, int role,
    std::uint64_t offset, std::span<std::byte> to)
{
    const auto* reader = readers.byRole[static_cast<std::size_t>(role)];
    BM_ASSERT(reader != nullptr);
    const auto place = reader->dataStart + offset;
    auto read = reader->source->readAt(place, to);
    if (!read) {
        log(LogEvent::ReadFailed, state.name, reader->source->name(), place,
            static_cast<std::uint64_t>(read.error().sysErrno));
    }
    return read;
}

} // namespace bitmend
