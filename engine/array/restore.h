// SPDX-License-Identifier: Apache-2.0
// Putting back what a restore file has: the metadata of an array's members as it was before they
// were written to in place. Data is not in it: what was resynchronised or written since stays.
#pragma once

#include "engine/array/assembly.h"

#include <filesystem>
#include <string>
#include <vector>

namespace bitmend {

// The plan reads the file and the members and writes nothing.
struct RestorePlan
{
    std::filesystem::path file;
    Uuid arrayUuid;
    std::string name;
    std::int64_t savedAt = 0;
    std::vector<PlannedWrite> writes; // all that was saved, by member and place
    std::uint64_t differingBytes = 0; // of them, what is not as it was
};

// CannotOpen, RestoreDamaged; RestoreForeign when a member's size is another or what lies in the
// superblock's place is neither what was saved nor a superblock of that array.
Result<RestorePlan> planRestore(const std::filesystem::path& file);

struct RestoreOutcome
{
    std::uint64_t writtenBytes = 0;
};

// Opens the members for writing, with nobody else using them, and looks again: ChangedSincePlan
// when file or members are not those of the plan. Bitmaps first, superblocks last; when it breaks
// off, the same call finishes it.
Result<RestoreOutcome> restore(const RestorePlan& plan);

} // namespace bitmend
