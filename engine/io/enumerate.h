// SPDX-License-Identifier: Apache-2.0
// From what a user names to what can be opened: folders become the images in them, the parts of a
// split set become its first part, nothing at all becomes this computer's disks.
#pragma once

#include "engine/base/result.h"

#include <string>
#include <vector>

namespace bitmend {

// One entry per source, in the order given, folders sorted by name and not descended into further.
// Hidden files, and files named *.map, *.log, *.txt, *.json inside a folder are left out. Errors
// are not reported here: a path that cannot be read is passed on as it is, and its scan says why.
std::vector<std::string> expandPaths(const std::vector<std::string>& paths);

// Whole disks and other block devices without a parent (/dev/sda, /dev/nvme0n1), without RAM disks,
// optical drives of size zero and running md arrays.
struct DiskName
{
    std::string path;   // "/dev/sda"
    std::string model;  // may be empty
    std::string serial; // may be empty
};
std::vector<DiskName> listDisks();

} // namespace bitmend
