// SPDX-License-Identifier: Apache-2.0
// Folders on which this program has mounted something, as the kernel lists them.
#pragma once

#include "engine/base/result.h"

#include <filesystem>
#include <optional>
#include <string>

namespace bitmend {

// What our mounts are called in the kernel's list.
inline constexpr const char* kMountType = "bitmend";

struct MountPoint
{
    std::string type;   // "fuse.bitmend"
    std::string source; // "bitmendctl:4711", the program and its process
    bool isOurs() const { return type == std::string("fuse.") + kMountType; }
};

// The topmost mount on exactly this folder; none when nothing is mounted there.
std::optional<MountPoint> mountAt(
    const std::filesystem::path& folder, const std::filesystem::path& proc = "/proc");

// Whether who served it has ended without unmounting.
bool isLeftBehind(const std::filesystem::path& folder);

// A mount of ours there whose program has ended goes away.
Result<void> removeLeftMount(const std::filesystem::path& folder);

// OK when an empty folder of ours to use is there; true when it had to be made. A mount or a socket
// that was left behind there is removed first. FolderInUse when something else is mounted there or
// lies in it.
Result<bool> prepareMountPoint(const std::filesystem::path& folder);

// Whether there is the set-uid program without which only root mounts.
bool hasMountHelper();

// As the person who mounted it, by the set-uid helper where that is needed. MountBusy while a
// program has a file in it open, but for `Lazily`: then it goes out of sight at once.
// CannotUnmount.
enum class Leaving : std::uint8_t { WhenFree, Lazily };
Result<void> unmountFolder(const std::filesystem::path& folder, Leaving leaving);

} // namespace bitmend
