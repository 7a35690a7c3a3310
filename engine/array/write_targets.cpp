// SPDX-License-Identifier: Apache-2.0
#include "engine/array/write_targets.h"

#include <algorithm>

namespace bitmend {

void WriteTarget::write(std::uint64_t offset, std::span<const std::byte> from)
{
    if (!written)
        return;
    written = device->writeAt(dataStart + offset, from);
    length += from.size();
}

WriteTargets writeTargets(const ArrayState& state)
{
    WriteTargets all;
    for (const auto& member : state.members) {
        if (member.stands()) {
            all.push_back({member.path, member.role, member.device, member.dataOffset.bytes(),
                member.inSync, 0, {}});
        }
    }
    std::ranges::stable_partition(all, &WriteTarget::inSync);
    return all;
}

WriteTarget* targetOf(WriteTargets& targets, int role)
{
    const auto found = std::ranges::find(targets, role, &WriteTarget::role);
    return found == targets.end() ? nullptr : &*found;
}

} // namespace bitmend
