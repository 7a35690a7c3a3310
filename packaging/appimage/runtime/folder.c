// SPDX-License-Identifier: Apache-2.0
// Temporary folders, and the process that outlives the program in order to remove them.
#define _GNU_SOURCE
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static bool tryFolder(const char* parent, char* path, size_t size, bool needsExec, uint64_t bytes)
{
    if (parent == NULL || parent[0] != '/')
        return false;
    struct statvfs room;
    if (statvfs(parent, &room) != 0 || (needsExec && (room.f_flag & ST_NOEXEC) != 0)
        || (uint64_t)room.f_bavail * room.f_frsize < bytes)
        return false;
    if (snprintf(path, size, "%s/.bitmend-XXXXXX", parent) >= (int)size)
        return false;
    return mkdtemp(path) != NULL;
}

bool makeFolder(char* path, size_t size, bool needsExec, uint64_t bytes)
{
    const char* home = getenv("HOME");
    char cache[4096] = "";
    if (home != NULL)
        snprintf(cache, sizeof cache, "%s/.cache", home);
    const char* const parents[]
        = {getenv("TMPDIR"), "/tmp", "/var/tmp", getenv("XDG_RUNTIME_DIR"), cache, home};
    for (size_t i = 0; i < sizeof parents / sizeof *parents; ++i) {
        if (tryFolder(parents[i], path, size, needsExec, bytes))
            return true;
    }
    fprintf(stderr,
        "Bitmend needs a temporary folder with %llu MiB free%s, and found none; set TMPDIR to one.\n",
        (unsigned long long)(bytes >> 20) + 1, needsExec ? " that allows running programs" : "");
    return false;
}

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

int detach(struct Lifeline* line)
{
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    line->watch = ends[0];
    line->hold = ends[1];

    // Forked twice and in a session of its own: it is nobody's child, and a signal to the program's group or
    // terminal does not reach it.
    const pid_t first = fork();
    if (first < 0)
        return -1;
    if (first == 0) {
        const pid_t second = fork();
        if (second != 0)
            _exit(second < 0);
        setsid();
        close(line->hold);
        if (chdir("/") != 0)
            _exit(1);
        return 0;
    }
    close(line->watch);
    int status = 0;
    while (waitpid(first, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 1 : -1;
}
