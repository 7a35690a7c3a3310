// SPDX-License-Identifier: Apache-2.0
// The image as a read-only file system, served by a process of its own.
#define _GNU_SOURCE
#define FUSE_USE_VERSION 32
#include "runtime.h"

#include <squashfuse/ll.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

// Runs fusermount3, or fusermount of old hosts, quietly; true when one of them did it.
static bool fusermount(char* const arguments[])
{
    static const char* const names[] = {"fusermount3", "fusermount"};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool done = false;
    for (size_t i = 0; !done && i < 2; ++i) {
        pid_t pid = 0;
        int status = 0;
        if (posix_spawnp(&pid, names[i], &quiet, NULL, arguments, environ) != 0)
            continue;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        done = status == 0;
    }
    posix_spawn_file_actions_destroy(&quiet);
    return done;
}

static int receiveDescriptor(int channel)
{
    char byte;
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    if (recvmsg(channel, &message, MSG_DONTWAIT) <= 0)
        return -1;
    const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS)
        return -1;
    int fd = -1;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

// An open /dev/fuse, mounted at `folder`: by the set-uid helper, or by ourselves when we are root.
static int mountFuse(const char* folder)
{
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, channel) != 0)
        return -1;
    char number[16];
    snprintf(number, sizeof number, "%d", channel[1]);
    setenv("_FUSE_COMMFD", number, 1);
    char* const arguments[] = {"fusermount", "-o", "ro,nosuid,nodev,fsname=Bitmend,subtype=Bitmend",
        "--", (char*)folder, NULL};
    int fd = fusermount(arguments) ? receiveDescriptor(channel[0]) : -1;
    unsetenv("_FUSE_COMMFD");
    close(channel[0]);
    close(channel[1]);
    if (fd >= 0 || geteuid() != 0)
        return fd;

    fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    char options[96];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
    if (fd >= 0 && mount("Bitmend", folder, "fuse.Bitmend", MS_RDONLY | MS_NOSUID | MS_NODEV, options) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

void unmountFuse(const char* folder)
{
    char* const arguments[] = {"fusermount", "-u", "-z", "-q", "--", (char*)folder, NULL};
    if (!fusermount(arguments))
        umount2(folder, MNT_DETACH);
}

struct Watch
{
    const struct Lifeline* line;
    const char* folder;
};

// Unmounting is also what wakes the serving loop: its next read of /dev/fuse fails.
static void* unmountWhenAlone(void* context)
{
    const struct Watch* watch = context;
    waitForEnd(watch->line);
    unmountFuse(watch->folder);
    return NULL;
}

static void serve(sqfs_ll* image, int fd, const struct Watch* watch)
{
    const struct fuse_lowlevel_ops operations = {
        .getattr = sqfs_ll_op_getattr,
        .opendir = sqfs_ll_op_opendir,
        .releasedir = sqfs_ll_op_releasedir,
        .readdir = sqfs_ll_op_readdir,
        .lookup = sqfs_ll_op_lookup,
        .open = sqfs_ll_op_open,
        .create = sqfs_ll_op_create,
        .release = sqfs_ll_op_release,
        .read = sqfs_ll_op_read,
        .readlink = sqfs_ll_op_readlink,
        .forget = sqfs_ll_op_forget,
        .statfs = stfs_ll_op_statfs,
    };
    char* names[] = {"Bitmend", NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(1, names);
    struct fuse_session* session
        = fuse_session_new(&arguments, &operations, sizeof operations, image);
    char place[32];
    snprintf(place, sizeof place, "/dev/fd/%d", fd);
    pthread_t watcher;
    if (session == NULL || fuse_session_mount(session, place) != 0
        || pthread_create(&watcher, NULL, unmountWhenAlone, (void*)watch) != 0) {
        unmountFuse(watch->folder);
        return;
    }
    reportFolder(watch->line, watch->folder);
    fuse_session_loop(session);
    pthread_join(watcher, NULL);
}

// The whole life of the detached process. It makes the folder itself: the program may be killed at any moment.
static void mountAndServe(const char* image, size_t offset, const struct Lifeline* line)
{
    char path[PATH_MAX];
    if (!makeFolder(path, sizeof path, false, 0))
        return;
    const struct Watch watch = {line, path};
    sqfs_ll files;
    memset(&files, 0, sizeof files);
    if (sqfs_open_image(&files.fs, image, offset) == SQFS_OK && sqfs_ll_init(&files) == SQFS_OK) {
        const int fd = mountFuse(path);
        if (fd >= 0)
            serve(&files, fd, &watch);
    }
    rmdir(path);
}

bool mountImage(const char* image, size_t offset, char* path, size_t size)
{
    if (access("/dev/fuse", R_OK | W_OK) != 0)
        return false;
    struct Lifeline line;
    const int side = detach(&line);
    if (side == 0) {
        mountAndServe(image, offset, &line);
        _exit(0);
    }
    return side > 0 && receiveFolder(&line, path, size);
}
