// SPDX-License-Identifier: Apache-2.0
#include "engine/array/planned_writes.h"

#include "engine/metadata/field_checks.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace bitmend {

void addBadBlockLog(std::vector<PlannedWrite>& writes, const std::string& path,
    const Superblock& superblock, Sectors location)
{
    auto there = superblock;
    there.location = location;
    if (const auto area = badBlockLogArea(there)) {
        writes.push_back(
            {path, area->begin.bytes(), area->length().bytes(), WritePurpose::BadBlockLog});
    }
}

void addWrites(std::vector<PlannedWrite>& all, std::vector<PlannedWrite> more)
{
    std::ranges::move(more, std::back_inserter(all));
    std::ranges::sort(all, {}, [](const PlannedWrite& write) {
        return std::tuple(write.path, write.purpose, write.offset);
    });
    std::vector<PlannedWrite> merged;
    for (auto& write : all) {
        const bool continues = !merged.empty() && merged.back().path == write.path &&
                               merged.back().purpose == write.purpose &&
                               write.offset <= merged.back().offset + merged.back().length;
        if (continues) {
            const std::uint64_t end =
                std::max(merged.back().offset + merged.back().length, write.offset + write.length);
            merged.back().length = end - merged.back().offset;
        } else {
            merged.push_back(std::move(write));
        }
    }
    std::ranges::sort(merged, {}, [](const PlannedWrite& write) {
        return std::tuple(write.path, write.offset, write.purpose);
    });
    all = std::move(merged);
}

std::uint64_t writeBytes(const std::vector<PlannedWrite>& writes)
{
    std::uint64_t bytes = 0;
    for (const auto& write : writes)
        bytes += write.purpose == WritePurpose::DataIfUnreadable ? 0 : write.length;
    return bytes;
}

} // namespace bitmend
