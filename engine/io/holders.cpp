// SPDX-License-Identifier: Apache-2.0
#include "engine/io/holders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

namespace bitmend {

namespace {

namespace fs = std::filesystem;

std::string deviceNumber(dev_t device)
{
    return std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

std::string firstLine(const fs::path& file)
{
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

template <typename Visit> void forEachIn(const fs::path& folder, Visit&& visit)
{
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
        entry.increment(error))
        visit(*entry);
}

std::unexpected<Error> held(ErrorCode code, const std::string& path, std::string who)
{
    Error error{code, path};
    error.who = std::move(who);
    return std::unexpected(std::move(error));
}

// The device's own folder in sysfs, those of its partitions, and that of the disk it is part of:
// whoever has any of them has bytes in common with us.
std::vector<fs::path> relatives(const fs::path& device)
{
    std::vector<fs::path> all{device};
    std::error_code ignored;
    if (fs::exists(device / "partition", ignored))
        all.push_back(device.parent_path());
    forEachIn(device, [&](const fs::directory_entry& entry) {
        if (fs::exists(entry.path() / "partition", ignored))
            all.push_back(entry.path());
    });
    return all;
}

Result<void> checkHolders(const std::string& path, const std::vector<fs::path>& devices)
{
    for (const auto& device : devices) {
        std::vector<std::string> names;
        forEachIn(device / "holders", [&](const fs::directory_entry& entry) {
            names.push_back("/dev/" + entry.path().filename().string());
        });
        if (!names.empty())
            return held(ErrorCode::HeldByDevice, path, *std::ranges::min_element(names));
    }
    return {};
}

// Blanks and the like are written as \040.
std::string unescaped(std::string_view text)
{
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '\\' && i + 3 < text.size();
        if (!escape) {
            result += text[i];
            continue;
        }
        result += char((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
        i += 3;
    }
    return result;
}

struct Mount
{
    std::string device; // "8:1"; btrfs has numbers of its own there
    std::string folder;
    std::string source; // "/dev/sda1"
};

std::vector<Mount> mounts(const fs::path& proc)
{
    std::vector<Mount> all;
    std::ifstream table(proc / "self/mountinfo");
    for (std::string line; std::getline(table, line);) {
        std::istringstream words(line);
        std::string skipped;
        Mount mount;
        words >> skipped >> skipped >> mount.device >> skipped >> mount.folder;
        while (words >> skipped && skipped != "-")
            ;
        words >> skipped >> mount.source;
        mount.folder = unescaped(mount.folder);
        mount.source = unescaped(mount.source);
        all.push_back(std::move(mount));
    }
    return all;
}

std::set<std::string> numbersOf(const std::vector<fs::path>& devices)
{
    std::set<std::string> numbers;
    for (const auto& device : devices)
        numbers.insert(firstLine(device / "dev"));
    return numbers;
}

Result<void> checkMounts(
    const std::string& path, const std::set<std::string>& numbers, const fs::path& proc)
{
    for (const auto& mount : mounts(proc)) {
        struct stat source{};
        const bool isDevice = ::stat(mount.source.c_str(), &source) == 0 && S_ISBLK(source.st_mode);
        const auto number = isDevice ? deviceNumber(source.st_rdev) : mount.device;
        if (numbers.contains(number))
            return held(ErrorCode::Mounted, path, mount.folder);
    }
    return {};
}

Result<void> checkLoops(const std::string& path, const fs::path& sys,
    const std::function<bool(const struct stat& backing)>& isOurs)
{
    constexpr std::string_view kDeleted = " (deleted)";
    std::string loop;
    forEachIn(sys / "block", [&](const fs::directory_entry& entry) {
        auto backing = firstLine(entry.path() / "loop/backing_file");
        if (backing.ends_with(kDeleted))
            backing.resize(backing.size() - kDeleted.size());
        struct stat other{};
        if (!backing.empty() && ::stat(backing.c_str(), &other) == 0 && isOurs(other))
            loop = "/dev/" + entry.path().filename().string();
    });
    return loop.empty() ? Result<void>() : held(ErrorCode::BacksLoop, path, loop);
}

// Of the processes that may be looked into, the first with a descriptor that `matches`.
std::string findProcess(const fs::path& proc,
    const std::function<bool(const fs::path& fd, const fs::path& info)>& matches)
{
    std::string found;
    forEachIn(proc, [&](const fs::directory_entry& process) {
        const auto number = process.path().filename().string();
        const bool isNumber =
            std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
        if (!found.empty() || !isNumber)
            return;
        forEachIn(process.path() / "fd", [&](const fs::directory_entry& descriptor) {
            const auto info = process.path() / "fdinfo" / descriptor.path().filename();
            if (found.empty() && matches(descriptor.path(), info))
                found = firstLine(process.path() / "comm") + " (process " + number + ")";
        });
    });
    return found;
}

bool hasLock(const fs::path& fdinfo)
{
    std::ifstream lines(fdinfo);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("lock:"))
            return true;
    }
    return false;
}

} // namespace

Result<void> checkUnused(const std::string& path, const KernelFolders& kernel)
{
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0)
        return fail(ErrorCode::CannotOpen, path, -1, errno);
    if (S_ISREG(status.st_mode)) {
        return checkLoops(path, kernel.sys, [&status](const struct stat& backing) {
            return backing.st_dev == status.st_dev && backing.st_ino == status.st_ino;
        });
    }
    std::error_code error;
    const auto device =
        fs::canonical(kernel.sys / "dev/block" / deviceNumber(status.st_rdev), error);
    if (error)
        return {};
    const auto devices = relatives(device);
    BM_TRY(checkHolders(path, devices));
    const auto numbers = numbersOf(devices);
    BM_TRY(checkMounts(path, numbers, kernel.proc));
    // The kernel does not list a loop device as a holder.
    return checkLoops(path, kernel.sys, [&numbers](const struct stat& backing) {
        return S_ISBLK(backing.st_mode) && numbers.contains(deviceNumber(backing.st_rdev));
    });
}

Result<void> lockFile(
    int descriptor, const std::string& name, LockKind kind, const LockRange& range)
{
    struct flock lock{};
    lock.l_type = kind == LockKind::Writing ? F_WRLCK : F_RDLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = off_t(range.offset);
    lock.l_len = off_t(range.length);
    if (::fcntl(descriptor, F_OFD_SETLK, &lock) == 0)
        return {};
    const int why = errno;
    if (why != EAGAIN && why != EACCES)
        return fail(ErrorCode::Io, name, -1, why);
    return held(ErrorCode::InUse, name, lockHolder(descriptor));
}

std::string lockHolder(int descriptor, const fs::path& proc)
{
    struct stat ours{};
    if (::fstat(descriptor, &ours) != 0)
        return {};
    return findProcess(proc, [&](const fs::path& fd, const fs::path& info) {
        struct stat theirs{};
        return ::stat(fd.c_str(), &theirs) == 0 && theirs.st_dev == ours.st_dev &&
               theirs.st_ino == ours.st_ino && hasLock(info);
    });
}

std::string openedBy(const std::string& path, const fs::path& proc)
{
    struct stat ours{};
    if (::stat(path.c_str(), &ours) != 0)
        return {};
    return findProcess(proc, [&](const fs::path& fd, const fs::path&) {
        struct stat theirs{};
        return ::stat(fd.c_str(), &theirs) == 0 && S_ISBLK(theirs.st_mode) &&
               theirs.st_rdev == ours.st_rdev;
    });
}

} // namespace bitmend
