// SPDX-License-Identifier: Apache-2.0
// Talks to the md driver by its own ioctls, so that a test can offer the kernel members that mdadm
// would have filtered out. Every command prints one line per step: "<step> <device> ok" or
// "<step> <device> <errno name>", and exits with 1 when a step failed.
//
//   mdctl assemble MD MAJOR.MINOR MEMBER...   SET_ARRAY_INFO, ADD_NEW_DISK for each, RUN_ARRAY
//   mdctl begin MD MAJOR.MINOR                only SET_ARRAY_INFO
//   mdctl add MD MEMBER                       ADD_NEW_DISK of a member with a superblock
//   mdctl run MD | stop MD | stop-ro MD | readwrite MD
//   mdctl hot-add MD MEMBER | hot-remove MD MEMBER | fail MD MEMBER
//   mdctl bitmap-file MD FILE|none            SET_BITMAP_FILE

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/major.h>
#include <linux/raid/md_u.h>

// The kernel's internal "not supported"; RAID 0 without a layout answers with it.
#define KERNEL_ENOTSUPP 524

static const char* errorName(int number)
{
    if (number == KERNEL_ENOTSUPP)
        return "ENOTSUPP";
    const char* name = strerrorname_np(number);
    return name ? name : "unknown";
}

static int report(const char* step, const char* device, int result)
{
    const int number = errno;
    printf("%s %s %s\n", step, device, result < 0 ? errorName(number) : "ok");
    fflush(stdout);
    return result < 0 ? 1 : 0;
}

// Opening the node creates the array, so the node may have to be made first: there is no udev here.
static int openArray(const char* path)
{
    struct stat status;
    const char* digits = path + strcspn(path, "0123456789");
    if (stat(path, &status) < 0)
        mknod(path, S_IFBLK | 0600, makedev(MD_MAJOR, (unsigned)atoi(digits)));
    return open(path, O_RDWR);
}

static int begin(int array, const char* name, int major, int minor)
{
    mdu_array_info_t info;
    memset(&info, 0, sizeof info);
    info.major_version = major;
    info.minor_version = minor;
    return report("SET_ARRAY_INFO", name, ioctl(array, SET_ARRAY_INFO, &info));
}

static int add(int array, const char* member)
{
    struct stat status;
    if (stat(member, &status) < 0)
        return report("ADD_NEW_DISK", member, -1);
    mdu_disk_info_t disk;
    memset(&disk, 0, sizeof disk);
    disk.major = (int)major(status.st_rdev);
    disk.minor = (int)minor(status.st_rdev);
    return report("ADD_NEW_DISK", member, ioctl(array, ADD_NEW_DISK, &disk));
}

static int byNumber(int array, const char* step, unsigned long request, const char* member)
{
    struct stat status;
    if (stat(member, &status) < 0)
        return report(step, member, -1);
    // The kernel's own 32-bit form of a device number, which is not the C library's.
    const unsigned long high = major(status.st_rdev);
    const unsigned long low = minor(status.st_rdev);
    const unsigned long number = (low & 0xff) | (high << 8) | ((low & ~0xfful) << 12);
    return report(step, member, ioctl(array, request, number));
}

static int setBitmapFile(int array, const char* name)
{
    if (strcmp(name, "none") == 0)
        return report("SET_BITMAP_FILE", name, ioctl(array, SET_BITMAP_FILE, -1));
    const int file = open(name, O_RDWR);
    if (file < 0)
        return report("SET_BITMAP_FILE", name, -1);
    return report("SET_BITMAP_FILE", name, ioctl(array, SET_BITMAP_FILE, file));
}

int main(int count, char** words)
{
    if (count < 3) {
        fprintf(stderr, "mdctl: a command and an array are needed\n");
        return 2;
    }
    const char* command = words[1];
    const char* name = words[2];
    const char* third = count > 3 ? words[3] : "";
    const int array = openArray(name);
    if (array < 0)
        return report("open", name, -1);

    int versionMajor = 0;
    int versionMinor = 0;
    if (sscanf(third, "%d.%d", &versionMajor, &versionMinor) < 2)
        versionMinor = 0;

    if (strcmp(command, "assemble") == 0) {
        int failed = begin(array, name, versionMajor, versionMinor);
        for (int i = 4; i < count; ++i)
            failed |= add(array, words[i]);
        return failed | report("RUN_ARRAY", name, ioctl(array, RUN_ARRAY, NULL));
    }
    if (strcmp(command, "begin") == 0)
        return begin(array, name, versionMajor, versionMinor);
    if (strcmp(command, "add") == 0)
        return add(array, third);
    if (strcmp(command, "run") == 0)
        return report("RUN_ARRAY", name, ioctl(array, RUN_ARRAY, NULL));
    if (strcmp(command, "stop") == 0)
        return report("STOP_ARRAY", name, ioctl(array, STOP_ARRAY, NULL));
    if (strcmp(command, "stop-ro") == 0)
        return report("STOP_ARRAY_RO", name, ioctl(array, STOP_ARRAY_RO, NULL));
    if (strcmp(command, "readwrite") == 0)
        return report("RESTART_ARRAY_RW", name, ioctl(array, RESTART_ARRAY_RW, NULL));
    if (strcmp(command, "hot-add") == 0)
        return byNumber(array, "HOT_ADD_DISK", HOT_ADD_DISK, third);
    if (strcmp(command, "hot-remove") == 0)
        return byNumber(array, "HOT_REMOVE_DISK", HOT_REMOVE_DISK, third);
    if (strcmp(command, "fail") == 0)
        return byNumber(array, "SET_DISK_FAULTY", SET_DISK_FAULTY, third);
    if (strcmp(command, "bitmap-file") == 0)
        return setBitmapFile(array, third);
    fprintf(stderr, "mdctl: unknown command %s\n", command);
    return 2;
}
