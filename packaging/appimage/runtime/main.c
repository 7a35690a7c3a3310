// SPDX-License-Identifier: Apache-2.0
// A type-2 AppImage runtime: options that begin with --appimage-, environment, and AppRun in the mounted or
// unpacked image.
#define _GNU_SOURCE
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Empty sections that other tools fill in: update information, signatures.
#define RESERVED(name, symbol, bytes)                                                              \
    __attribute__((section(name), used, retain)) static char symbol[bytes] = ""
RESERVED(".upd_info", kUpdateInformation, 1024);
RESERVED(".sha256_sig", kSignature, 1024);
RESERVED(".sig_key", kSignatureKey, 8192);
RESERVED(".digest_md5", kDigest, 16);

// libsquashfuse wants this for LZO images; ours are zstd, and the library that has it is under the GPL.
int lzo1x_decompress_safe(const unsigned char* from, size_t length, unsigned char* to, size_t* room, void* memory);
int lzo1x_decompress_safe(const unsigned char* from, size_t length, unsigned char* to, size_t* room, void* memory)
{
    (void)from;
    (void)length;
    (void)to;
    (void)room;
    (void)memory;
    return -1;
}

struct Image
{
    char path[PATH_MAX];
    size_t offset;
};

static const char kHelp[] = "Options of the AppImage itself; everything else goes to Bitmend:\n"
                            "  --appimage-extract [PATTERN]   unpack into ./squashfs-root\n"
                            "  --appimage-extract-and-run     unpack, run, remove (also APPIMAGE_EXTRACT_AND_RUN=1)\n"
                            "  --appimage-mount               mount, say where, and wait for Ctrl-C\n"
                            "  --appimage-offset              where the squashfs image begins, in bytes\n"
                            "  --appimage-updateinformation   what is recorded about updates\n"
                            "  --appimage-version             this runtime's version\n"
                            "  --appimage-help                this\n"
                            "With \"ctl\" as the first argument, or by a link named bitmendctl, bitmendctl runs.\n";

static int runFrom(const struct Image* image, const char* folder, char** argv)
{
    char here[PATH_MAX];
    char program[PATH_MAX];
    setenv("APPIMAGE", image->path, 1);
    setenv("APPDIR", folder, 1);
    setenv("ARGV0", argv[0], 1);
    if (getcwd(here, sizeof here) != NULL)
        setenv("OWD", here, 1);
    if (snprintf(program, sizeof program, "%s/AppRun", folder) < (int)sizeof program)
        execv(program, argv);
    fprintf(stderr, "Bitmend could not start %s: %s.\n", program, strerror(errno));
    return 127;
}

static int unpackAndRun(const struct Image* image, char** argv)
{
    char folder[PATH_MAX];
    if (!unpackForRun(image->path, image->offset, folder, sizeof folder))
        return 127;
    return runFrom(image, folder, argv);
}

static int mountAndWait(const struct Image* image)
{
    char folder[PATH_MAX];
    if (!mountImage(image->path, image->offset, folder, sizeof folder)) {
        fputs("This host cannot mount, having no FUSE or no fusermount; --appimage-extract unpacks instead.\n", stderr);
        return 1;
    }
    puts(folder);
    fflush(stdout);
    // The default actions of SIGINT and SIGTERM end this process, and with it the mount.
    for (;;)
        pause();
}

static int option(const struct Image* image, int argc, char** argv)
{
    const char* name = argv[1] + strlen("--appimage-");
    if (strcmp(name, "extract") == 0)
        return extractImage(image->path, image->offset, "squashfs-root", argc > 2 ? argv[2] : NULL) ? 0 : 1;
    if (strcmp(name, "extract-and-run") == 0) {
        argv[1] = argv[0];
        return unpackAndRun(image, argv + 1);
    }
    if (strcmp(name, "mount") == 0)
        return mountAndWait(image);
    if (strcmp(name, "offset") == 0)
        return printf("%zu\n", image->offset) < 0;
    if (strcmp(name, "updateinformation") == 0 || strcmp(name, "updateinfo") == 0)
        return printf("%.*s\n", (int)sizeof kUpdateInformation, kUpdateInformation) < 0;
    if (strcmp(name, "version") == 0)
        return puts("Bitmend AppImage runtime " BITMEND_VERSION) < 0;
    if (strcmp(name, "help") == 0)
        return fputs(kHelp, stdout) < 0;
    fprintf(stderr, "%s is no option of this AppImage; --appimage-help lists them.\n", argv[1]);
    return 2;
}

int main(int argc, char** argv)
{
    struct Image image = {.offset = 0};
    const int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    const ssize_t length = readlink("/proc/self/exe", image.path, sizeof image.path - 1);
    if (self < 0 || length <= 0) {
        fputs("Bitmend needs /proc to find its own file.\n", stderr);
        return 127;
    }
    image.offset = elfEnd(self);
    if (image.offset == 0 || !imageIsWhole(self, image.offset)) {
        fprintf(stderr, "%s is not whole: its end is missing. Download it again.\n", image.path);
        return 127;
    }
    close(self);

    if (argc > 1 && strncmp(argv[1], "--appimage-", strlen("--appimage-")) == 0)
        return option(&image, argc, argv);
    const char* wish = getenv("APPIMAGE_EXTRACT_AND_RUN");
    char folder[PATH_MAX];
    if ((wish != NULL && wish[0] != '\0' && strcmp(wish, "0") != 0)
        || !mountImage(image.path, image.offset, folder, sizeof folder))
        return unpackAndRun(&image, argv);
    return runFrom(&image, folder, argv);
}
