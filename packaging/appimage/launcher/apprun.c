// SPDX-License-Identifier: Apache-2.0
// AppRun: a static program, so that it can speak even where nothing of ours would load. Says in one sentence when
// the host's C library is too old, and picks the window or bitmendctl.
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// The newest symbol of the C library that Qt asks for; tests/appimage counts them.
enum { kNeededMinor = 35 };

// The C library's own banner, "GNU C Library ... release version 2.36."; 0 when the file has none.
static int minorVersionIn(const char* path)
{
    static const char kBanner[] = " release version 2.";
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat file;
    if (fd < 0 || fstat(fd, &file) != 0 || file.st_size == 0)
        return 0;
    const size_t size = (size_t)file.st_size;
    char* bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return 0;
    const char* banner = memmem(bytes, size, kBanner, sizeof kBanner - 1);
    const int minor = banner != NULL ? atoi(banner + sizeof kBanner - 1) : 0;
    munmap(bytes, size);
    return minor;
}

static int hostMinorVersion(void)
{
    static const char* const paths[] = {"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6",
        "/usr/lib64/libc.so.6", "/usr/lib/libc.so.6", "/lib/libc.so.6"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) {
        const int minor = minorVersionIn(paths[i]);
        if (minor != 0)
            return minor;
    }
    return 0;
}

static const char* baseName(const char* path)
{
    const char* slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

int main(int argc, char** argv)
{
    const int minor = hostMinorVersion();
    if (minor == 0) {
        fputs("Bitmend needs a Linux system with the GNU C library, and this one has none.\n", stderr);
        return 127;
    }
    if (minor < kNeededMinor) {
        fprintf(stderr,
            "Bitmend needs the GNU C library 2.%d or newer (Debian 12, Ubuntu 22.04, Fedora 36); this system has "
            "2.%d.\n",
            kNeededMinor, minor);
        return 127;
    }

    char folder[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    char* slash = NULL;
    if (length > 0) {
        folder[length] = '\0';
        slash = strrchr(folder, '/');
    }
    if (slash == NULL) {
        fputs("Bitmend needs /proc to find its own files.\n", stderr);
        return 127;
    }
    *slash = '\0';

    const char* calledAs = getenv("ARGV0");
    if (calledAs == NULL)
        calledAs = argv[0];
    const bool byName = strcmp(baseName(calledAs), "bitmendctl") == 0;
    const bool byWord = argc > 1 && strcmp(argv[1], "ctl") == 0;
    const char* name = byName || byWord ? "bitmendctl" : "bitmend";
    if (byWord && !byName)
        ++argv;
    // Programs that Bitmend starts have names and folders of their own.
    unsetenv("ARGV0");
    unsetenv("OWD");

    char program[PATH_MAX];
    if (snprintf(program, sizeof program, "%s/usr/bin/%s", folder, name) < (int)sizeof program) {
        argv[0] = program;
        execv(program, argv);
    }
    perror(program);
    return 127;
}
