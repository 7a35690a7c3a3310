// SPDX-License-Identifier: Apache-2.0
// The image's files, written out.
#define _GNU_SOURCE
#include "runtime.h"

#include <squashfuse/squashfuse.h>

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool writeAll(int fd, const char* bytes, size_t length)
{
    while (length > 0) {
        const ssize_t done = write(fd, bytes, length);
        if (done < 0 && errno != EINTR)
            return false;
        bytes += done > 0 ? done : 0;
        length -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

// Leaves the reason in errno.
static bool writeFile(sqfs* fs, sqfs_inode* inode, const char* path)
{
    static char block[1 << 17];
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool good = true;
    for (uint64_t at = 0; good && at < inode->xtra.reg.file_size;) {
        sqfs_off_t length = sizeof block;
        errno = EIO;
        good = sqfs_read_range(fs, inode, (sqfs_off_t)at, &length, block) == SQFS_OK && length > 0
            && writeAll(fd, block, (size_t)length);
        at += (uint64_t)length;
    }
    good = good && fchmod(fd, inode->base.mode & 0755) == 0;
    const int reason = errno;
    const bool closed = close(fd) == 0;
    if (!good)
        errno = reason;
    return good && closed;
}

static bool writeEntry(sqfs* fs, sqfs_inode* inode, const char* path)
{
    switch (inode->base.inode_type) {
    case SQUASHFS_DIR_TYPE:
    case SQUASHFS_LDIR_TYPE:
        return mkdir(path, 0755) == 0 || errno == EEXIST;
    case SQUASHFS_REG_TYPE:
    case SQUASHFS_LREG_TYPE:
        return writeFile(fs, inode, path);
    case SQUASHFS_SYMLINK_TYPE:
    case SQUASHFS_LSYMLINK_TYPE: {
        char target[PATH_MAX];
        size_t size = sizeof target;
        return sqfs_readlink(fs, inode, target, &size) == SQFS_OK && symlink(target, path) == 0;
    }
    default:
        return true; // an AppDir has no devices or sockets
    }
}

// The folders above a single extracted file.
static void makeParents(char* path)
{
    for (char* slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
}

typedef bool (*Visit)(sqfs* fs, sqfs_inode* inode, const char* path, void* context);

static bool walk(const char* image, size_t offset, Visit visit, void* context)
{
    sqfs fs;
    memset(&fs, 0, sizeof fs);
    if (sqfs_open_image(&fs, image, offset) != SQFS_OK)
        return false;
    sqfs_traverse walk;
    bool good = sqfs_traverse_open(&walk, &fs, sqfs_inode_root(&fs)) == SQFS_OK;
    sqfs_err error = SQFS_OK;
    while (good && sqfs_traverse_next(&walk, &error)) {
        sqfs_inode inode;
        if (walk.dir_end)
            continue;
        good = sqfs_inode_get(&fs, &inode, walk.entry.inode) == SQFS_OK
            && visit(&fs, &inode, walk.path, context);
    }
    good = good && error == SQFS_OK;
    sqfs_traverse_close(&walk);
    sqfs_fd_close(fs.fd);
    sqfs_destroy(&fs);
    return good;
}

struct Extraction
{
    const char* target;
    const char* pattern;
    bool said; // a sentence about a failure
    unsigned count;
};

static bool extractOne(sqfs* fs, sqfs_inode* inode, const char* path, void* context)
{
    struct Extraction* job = context;
    char full[PATH_MAX];
    if (job->pattern != NULL && fnmatch(job->pattern, path, FNM_LEADING_DIR) != 0)
        return true;
    if (snprintf(full, sizeof full, "%s/%s", job->target, path) >= (int)sizeof full)
        return false;
    if (job->pattern != NULL)
        makeParents(full);
    ++job->count;
    if (writeEntry(fs, inode, full))
        return true;
    fprintf(stderr, "Bitmend could not unpack %s: %s.\n", full, strerror(errno));
    job->said = true;
    return false;
}

bool extractImage(const char* image, size_t offset, const char* target, const char* pattern)
{
    struct Extraction job = {target, pattern, false, 0};
    if (mkdir(target, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "Bitmend could not make the folder %s: %s.\n", target, strerror(errno));
        return false;
    }
    const bool good = walk(image, offset, extractOne, &job);
    if (!good && !job.said)
        fprintf(stderr, "%s is damaged: not all of it can be unpacked. Download it again.\n", image);
    if (good && job.count == 0)
        fprintf(stderr, "Nothing in %s matches %s.\n", image, pattern);
    return good && job.count > 0;
}

static bool addSize(sqfs* fs, sqfs_inode* inode, const char* path, void* context)
{
    (void)fs;
    (void)path;
    if (S_ISREG(inode->base.mode))
        *(uint64_t*)context += inode->xtra.reg.file_size + 4096;
    return true;
}

// What all files take on a disk, in whole blocks.
static uint64_t unpackedBytes(const char* image, size_t offset)
{
    uint64_t bytes = 0;
    return walk(image, offset, addSize, &bytes) ? bytes : 0;
}

bool unpackForRun(const char* image, size_t offset, char* path, size_t size)
{
    const uint64_t bytes = unpackedBytes(image, offset);
    struct Lifeline line;
    const int side = detach(&line);
    if (side == 0) {
        char folder[PATH_MAX];
        if (!makeFolder(folder, sizeof folder, true, bytes))
            _exit(1);
        reportFolder(&line, folder);
        waitForEnd(&line);
        removeTree(folder);
        _exit(0);
    }
    if (side < 0) {
        fprintf(stderr, "Bitmend could not start a second process: %s.\n", strerror(errno));
        return false;
    }
    if (!receiveFolder(&line, path, size)) {
        fprintf(stderr,
            "Bitmend cannot be mounted here, and to unpack it takes a temporary folder with %llu MiB free that allows "
            "running programs: set TMPDIR to one.\n",
            (unsigned long long)(bytes >> 20) + 1);
        return false;
    }
    return extractImage(image, offset, path, NULL);
}
