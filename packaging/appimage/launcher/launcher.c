// SPDX-License-Identifier: Apache-2.0
// usr/bin/bitmend inside the AppImage: loads the host's graphics and font libraries where the host has all of a
// group, the bundled ones where it has not, then the program itself, which is a shared library. No
// LD_LIBRARY_PATH: programs started from Bitmend see nothing of this.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMostInGroup = 8 };

// A group comes whole from one side: mixed sets (a bundled fontconfig on the host's freetype) fail on undefined
// symbols. Order matters: each group may need those before it.
struct Group
{
    const char* libraries[kMostInGroup];
    const char* symbol;  // with `version`: the first library must have it, or it is too old
    const char* version;
};

static const struct Group kGroups[] = {
    {{"libgcc_s.so.1", "libstdc++.so.6"}, "_ZSt21__glibcxx_assert_failPKciS0_S0_", "GLIBCXX_3.4.30"},
    {{"libz.so.1"}, NULL, NULL},
    {{"libexpat.so.1", "libuuid.so.1", "libfreetype.so.6", "libharfbuzz.so.0", "libfontconfig.so.1"}, NULL, NULL},
    {{"libgpg-error.so.0"}, NULL, NULL},
    {{"libxcb.so.1", "libX11.so.6", "libX11-xcb.so.1", "libICE.so.6", "libSM.so.6"}, NULL, NULL},
    {{"libdrm.so.2", "libwayland-client.so.0", "libgbm.so.1", "libGLdispatch.so.0", "libEGL.so.1", "libGLX.so.0",
         "libOpenGL.so.0"},
        NULL, NULL},
};
enum { kGroupCount = sizeof kGroups / sizeof *kGroups };

static bool loadGroup(const struct Group* group, const char* folder)
{
    for (size_t i = 0; i < kMostInGroup && group->libraries[i] != NULL; ++i) {
        char path[PATH_MAX];
        const char* name = group->libraries[i];
        if (folder != NULL) {
            snprintf(path, sizeof path, "%s/%s", folder, name);
            name = path;
        }
        void* library = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
        if (library == NULL)
            return false;
        const bool last = i + 1 == kMostInGroup || group->libraries[i + 1] == NULL;
        if (last && group->symbol != NULL && dlvsym(library, group->symbol, group->version) == NULL)
            return false;
    }
    return true;
}

// Which groups the host has whole, tried in a process of its own: a library that was loaded once cannot be taken
// back, and half a group must not stay.
static unsigned groupsOfHost(const char* fallback)
{
    const pid_t child = fork();
    if (child == 0) {
        unsigned whole = 0;
        for (unsigned i = 0; i < kGroupCount; ++i) {
            if (loadGroup(&kGroups[i], NULL))
                whole |= 1U << i;
            else
                loadGroup(&kGroups[i], fallback); // later groups may need it
        }
        _exit((int)whole);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
        return 0;
    return (unsigned)WEXITSTATUS(status);
}

int main(int argc, char** argv)
{
    char root[PATH_MAX - 64];
    const ssize_t length = readlink("/proc/self/exe", root, sizeof root - 1);
    char* slash = NULL;
    if (length > 0) {
        root[length] = '\0';
        slash = strstr(root, "/usr/bin/");
    }
    if (slash == NULL) {
        fputs("Bitmend could not find its own files.\n", stderr);
        return 127;
    }
    *slash = '\0';

    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/usr/lib/fallback", root);
    const unsigned host = groupsOfHost(path);
    for (unsigned i = 0; i < kGroupCount; ++i) {
        if (!loadGroup(&kGroups[i], (host >> i & 1U) != 0 ? NULL : path)) {
            fprintf(stderr, "Bitmend could not load a system library: %s.\n", dlerror());
            return 127;
        }
    }
    if (access("/etc/fonts/fonts.conf", R_OK) != 0) {
        snprintf(path, sizeof path, "%s/usr/etc/fonts/fonts.conf", root);
        setenv("FONTCONFIG_FILE", path, 0);
    }

    snprintf(path, sizeof path, "%s/usr/lib/libbitmend_app.so", root);
    void* program = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (program == NULL) {
        fprintf(stderr, "Bitmend could not load its program: %s.\n", dlerror());
        return 127;
    }
    // POSIX makes this conversion, which ISO C does not know.
    int (*entry)(int, char**) = NULL;
    *(void**)&entry = dlsym(program, "bitmend_main");
    if (entry == NULL) {
        fprintf(stderr, "Bitmend's program has no entry point: %s.\n", dlerror());
        return 127;
    }
    return entry(argc, argv);
}
