// SPDX-License-Identifier: Apache-2.0
#include "engine/export/mount_points.h"

#include "engine/export/nbd_socket.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace bitmend {

namespace fs = std::filesystem;

namespace {

// Mount points in the kernel's list have blanks, tabs, line ends and backslashes as "\040".
std::string unescaped(const std::string& field)
{
    std::string text;
    for (std::size_t i = 0; i < field.size(); ++i) {
        const bool isEscape = field[i] == '\\' && i + 3 < field.size();
        if (isEscape) {
            text += static_cast<char>(std::stoi(field.substr(i + 1, 3), nullptr, 8));
            i += 3;
        } else {
            text += field[i];
        }
    }
    return text;
}

// Absolute and without links; a mount that was left behind cannot be resolved itself, only what is
// above it.
fs::path placeOf(const fs::path& folder)
{
    std::error_code ignored;
    if (auto resolved = fs::canonical(folder, ignored); !ignored)
        return resolved;
    ignored.clear();
    const auto whole = fs::absolute(folder, ignored).lexically_normal();
    const auto plain = whole.has_filename() ? whole : whole.parent_path();
    const auto parent = fs::weakly_canonical(plain.parent_path(), ignored);
    return ignored ? plain : parent / plain.filename();
}

enum class Helped : std::uint8_t { NotThere, Refused, Done };

Helped askHelper(const fs::path& folder, Leaving leaving)
{
    auto helped = Helped::NotThere;
    for (const char* helper : {"fusermount3", "fusermount"}) {
        std::vector<std::string> words{helper, "-u", "-q"};
        if (leaving == Leaving::Lazily)
            words.emplace_back("-z");
        words.emplace_back("--");
        words.push_back(folder);
        std::vector<char*> arguments;
        arguments.reserve(words.size() + 1);
        for (auto& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        pid_t child = 0;
        if (::posix_spawnp(&child, helper, nullptr, nullptr, arguments.data(), environ) != 0)
            continue;
        int status = 0;
        if (::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return Helped::Done;
        helped = Helped::Refused;
    }
    return helped;
}

} // namespace

std::optional<MountPoint> mountAt(const fs::path& folder, const fs::path& proc)
{
    // "36 35 98:0 / /mnt rw,noatime shared:1 - ext4 /dev/root rw": after " - " type and source.
    std::ifstream list(proc / "self/mountinfo");
    const auto wanted = placeOf(folder);
    std::optional<MountPoint> found;
    for (std::string line; std::getline(list, line);) {
        std::istringstream fields(line);
        std::string skipped;
        std::string point;
        fields >> skipped >> skipped >> skipped >> skipped >> point;
        const auto separator = line.find(" - ");
        if (separator == std::string::npos || fs::path(unescaped(point)) != wanted)
            continue;
        std::istringstream rest(line.substr(separator + 3));
        MountPoint mount;
        rest >> mount.type >> mount.source;
        mount.source = unescaped(mount.source);
        found = std::move(mount); // later ones lie on top
    }
    return found;
}

bool isLeftBehind(const fs::path& folder)
{
    // What stat() tells may be remembered from before.
    struct statfs status{};
    return ::statfs(folder.c_str(), &status) != 0 && errno == ENOTCONN;
}

Result<void> removeLeftMount(const fs::path& folder)
{
    const auto there = mountAt(folder);
    return there && there->isOurs() && isLeftBehind(folder) ? unmountFolder(folder, Leaving::Lazily)
                                                            : Result<void>();
}

Result<bool> prepareMountPoint(const fs::path& folder)
{
    BM_TRY(removeLeftMount(folder));
    removeLeftSocket(folder);
    std::error_code error;
    const bool isMade = fs::create_directory(folder, error);
    if (error && error != std::errc::file_exists)
        return fail(ErrorCode::CannotMount, folder, -1, error.value());
    if (mountAt(folder) || !fs::is_directory(folder, error) || !fs::is_empty(folder, error))
        return fail(ErrorCode::FolderInUse, folder);
    return isMade;
}

bool hasMountHelper()
{
    const char* const found = std::getenv("PATH"); // NOLINT(concurrency-mt-unsafe): nobody sets it
    std::istringstream folders(found == nullptr ? "" : found);
    bool isThere = ::access("/usr/bin/fusermount3", X_OK) == 0; // where libfuse looks first
    for (std::string one; !isThere && std::getline(folders, one, ':');)
        isThere = ::access((fs::path(one) / "fusermount3").c_str(), X_OK) == 0;
    return isThere;
}

Result<void> unmountFolder(const fs::path& folder, Leaving leaving)
{
    const auto place = placeOf(folder);
    const int flags = UMOUNT_NOFOLLOW | (leaving == Leaving::Lazily ? MNT_DETACH : 0);
    if (::umount2(place.c_str(), flags) == 0)
        return {};
    const int why = errno;
    const auto helped = why == EPERM ? askHelper(place, leaving) : Helped::NotThere;
    if (helped == Helped::Done)
        return {};
    // The helper does not say why; there is one usual reason.
    if (why == EBUSY || helped == Helped::Refused)
        return fail(ErrorCode::MountBusy, folder, -1, why);
    return fail(ErrorCode::CannotUnmount, folder, -1, why);
}

} // namespace bitmend
