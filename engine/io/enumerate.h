// SPDX-License-Identifier: Apache-2.0
// From what a user names to what can be opened: folders become the images in them, the parts of a
// split set become its first part, nothing at all becomes this computer's disks.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace bitmend {

// One entry per source, in the order given, folders sorted by name and not descended into further.
// Hidden files, and files named *.map, *.log, *.txt, *.json inside a folder are left out, and so is
// what is neither a file nor a device. Nothing is named twice. Errors are not reported here: a path
// that cannot be read is passed on as it is, and its scan says why.
std::vector<std::string> expandPaths(const std::vector<std::string>& paths);

// Whole disks and other block devices without a parent (/dev/sda, /dev/nvme0n1), sorted by name.
// Mapped volumes (/dev/dm-0) are among them, because LVM and LUKS may lie below md, and loop
// devices that have a file. RAM disks, running md arrays and what has no size (an empty optical
// drive) are not.
struct DiskName
{
    std::string path;   // "/dev/sda"
    std::string model;  // may be empty; a mapped volume's name, a loop device's file
    std::string serial; // may be empty
};
std::vector<DiskName> listDisks(const std::filesystem::path& sysBlock = "/sys/block");

} // namespace bitmend
