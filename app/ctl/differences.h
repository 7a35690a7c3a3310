// SPDX-License-Identifier: Apache-2.0
// What a check found to differ, byte by byte: every version beside the others.
#pragma once

#include "app/ctl/json.h"
#include "engine/array/array.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bitmend::ctl {

// Of the first `most` of these ranges (SyncOutcome::differing). A line stands for 16 bytes; only
// lines in which something differs are shown, and of each range only the first few.
std::string differencesText(
    const Array& array, const std::vector<SectorRange>& ranges, std::uint64_t most);

// The same with all bytes of the first sectors of each range.
Json differencesJson(
    const Array& array, const std::vector<SectorRange>& ranges, std::uint64_t most);

} // namespace bitmend::ctl
