// SPDX-License-Identifier: Apache-2.0
// The members of small arrays as files in a folder, for tests that open them as a person would.
#pragma once

#include "engine/base/units.h"

#include <filesystem>
#include <string>
#include <vector>

namespace bitmend::test {

struct ArrayFiles
{
    std::string name = "lab:array"; // also, without the host, what the files are called
    std::uint8_t number = 1;        // told apart by it
    int level = 1;
    int disks = 2;
    int missing = 0; // of the last ones
    // NOLINTNEXTLINE(readability-redundant-member-init): gcc asks for it where others are named
    std::vector<std::uint64_t> dirty = {}; // bitmap chunks; the array is then not clean
    Sectors component{3840};               // larger ones become sparse files
};

// Paths by role. Where the data would be there are zeros.
std::vector<std::string> writeMembers(
    const std::filesystem::path& folder, const ArrayFiles& wanted);

void writeBlank(const std::filesystem::path& path, std::uint64_t bytes);

std::vector<std::uint64_t> chunksUpTo(std::uint64_t count);

} // namespace bitmend::test
