// SPDX-License-Identifier: Apache-2.0
// An array, its bitmap and what is due on it, laid out for a terminal.
#pragma once

#include "engine/array/assembly.h"
#include "engine/array/scan.h"

#include <string>

namespace bitmend::ctl {

// Title, verdict, members.
std::string arrayText(const ArrayReport& array);

// "RAID 1, 2 of 2 members, 1.8 TiB, metadata 1.2"
std::string shapeText(const ArrayReport& array);

// What was looked at: path, size, what it is.
std::string sourcesText(const ScanReport& report, const std::vector<ArrayReport>& arrays);

// Failed checks, one sentence each.
std::string problemsText(
    const std::vector<Problem>& problems, std::string_view source, std::size_t indent);

// Fields, counts, a strip over the whole array, dirty ranges.
std::string bitmapText(const BitmapCopy& bitmap, std::size_t indent);

std::string planText(const AssemblyPlan& plan);
std::string writesText(const std::vector<PlannedWrite>& writes);

} // namespace bitmend::ctl
