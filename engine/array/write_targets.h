// SPDX-License-Identifier: Apache-2.0
// The members that a write through the array goes to, as they were when its bits came to disk, and
// what became of it on each of them.
//
// Threads: of the one that writes; writeTargets() under the array's lock.
#pragma once

#include "engine/array/array_state.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace bitmend {

struct WriteTarget
{
    std::string path;
    int role = -1;
    DevicePtr device;
    std::uint64_t dataStart = 0; // bytes
    bool inSync = false;
    std::uint64_t length = 0; // bytes that it was given
    Result<void> written;     // nothing more goes to it after an error

    // Bytes behind its data_offset.
    void write(std::uint64_t offset, std::span<const std::byte> from);
};

using WriteTargets = std::vector<WriteTarget>;

// Everyone that stands for a role; members in sync first. What replaces one follows by itself.
WriteTargets writeTargets(const ArrayState& state);

// Null: nobody has the role.
WriteTarget* targetOf(WriteTargets& targets, int role);

} // namespace bitmend
