// SPDX-License-Identifier: Apache-2.0
// Temporary folders: where there is room, and what killed runs have left there.
#define _GNU_SOURCE
#include "runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static const char kName[] = ".bitmend-";

// A folder this young may belong to a run that is just beginning.
enum { kYoungSeconds = 30 };

static int removeOne(const char* path, const struct stat* info, int type, struct FTW* walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void removeTree(const char* path)
{
    nftw(path, removeOne, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

// A mount whose server was killed answers nothing any more; an unpacked tree whose keeper was killed is not locked.
static void sweepOne(const char* path, const struct stat* parent)
{
    struct stat folder;
    if (lstat(path, &folder) != 0) {
        if (errno == ENOTCONN) {
            unmountFuse(path);
            rmdir(path);
        }
        return;
    }
    if (folder.st_dev != parent->st_dev || folder.st_uid != geteuid() || !S_ISDIR(folder.st_mode)
        || folder.st_mtime + kYoungSeconds > time(NULL))
        return;
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        removeTree(path);
    close(fd);
}

static void sweep(const char* parent)
{
    struct stat info;
    DIR* folder = opendir(parent);
    if (folder == NULL || fstat(dirfd(folder), &info) != 0) {
        if (folder != NULL)
            closedir(folder);
        return;
    }
    for (const struct dirent* entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[PATH_MAX];
        if (strncmp(entry->d_name, kName, sizeof kName - 1) == 0
            && snprintf(path, sizeof path, "%s/%s", parent, entry->d_name) < (int)sizeof path)
            sweepOne(path, &info);
    }
    closedir(folder);
}

static bool tryFolder(const char* parent, char* path, size_t size, bool needsExec, uint64_t bytes)
{
    if (parent == NULL || parent[0] != '/')
        return false;
    sweep(parent);
    struct statvfs room;
    if (statvfs(parent, &room) != 0 || (needsExec && (room.f_flag & ST_NOEXEC) != 0)
        || (uint64_t)room.f_bavail * room.f_frsize < bytes)
        return false;
    if (snprintf(path, size, "%s/%sXXXXXX", parent, kName) >= (int)size || mkdtemp(path) == NULL)
        return false;
    // Held open and locked for as long as this process lives.
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        flock(fd, LOCK_EX);
    return true;
}

bool makeFolder(char* path, size_t size, bool needsExec, uint64_t bytes)
{
    const char* home = getenv("HOME");
    char cache[PATH_MAX] = "";
    if (home != NULL && snprintf(cache, sizeof cache, "%s/.cache", home) >= (int)sizeof cache)
        cache[0] = '\0';
    const char* const parents[]
        = {getenv("TMPDIR"), "/tmp", "/var/tmp", getenv("XDG_RUNTIME_DIR"), cache, home};
    for (size_t i = 0; i < sizeof parents / sizeof *parents; ++i) {
        if (tryFolder(parents[i], path, size, needsExec, bytes))
            return true;
    }
    return false;
}
