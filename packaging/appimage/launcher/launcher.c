// SPDX-License-Identifier: Apache-2.0
// usr/bin/bitmend inside the AppImage: loads the host's graphics and font libraries where the host has all of a
// group, the bundled ones where it has not, then the program itself, which is a shared library. No
// LD_LIBRARY_PATH: programs started from Bitmend see nothing of this.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kMostInGroup = 8, kWhole = kMostInGroup + 1 };

// Set while starting over: the groups that the bundle gives, as bits.
static const char kBundled[] = "BITMEND_BUNDLED";

// A group comes whole from one side: mixed sets (a bundled fontconfig on the host's freetype) fail on undefined
// symbols. Order matters: each group may need those before it.
struct Group
{
    const char* libraries[kMostInGroup];
    const char* symbol; // with `version`: the last library must have it, or it is too old
    const char* version;
};

static const struct Group kGroups[] = {
    {{"libgcc_s.so.1", "libstdc++.so.6"}, "_ZSt21__glibcxx_assert_failPKciS0_S0_", "GLIBCXX_3.4.30"},
    {{"libz.so.1"}, NULL, NULL},
    {{"libexpat.so.1", "libuuid.so.1", "libfreetype.so.6", "libharfbuzz.so.0", "libfontconfig.so.1"}, NULL, NULL},
    {{"libgpg-error.so.0"}, NULL, NULL},
    {{"libxcb.so.1", "libX11.so.6", "libX11-xcb.so.1", "libICE.so.6", "libSM.so.6"}, NULL, NULL},
    {{"libwayland-client.so.0", "libGLdispatch.so.0", "libEGL.so.1", "libGLX.so.0", "libOpenGL.so.0"}, NULL, NULL},
};
enum { kGroupCount = sizeof kGroups / sizeof *kGroups };

// How many of the group's libraries are loaded now, or kWhole.
static unsigned loadGroup(const struct Group* group, const char* folder)
{
    for (unsigned i = 0; i < kMostInGroup && group->libraries[i] != NULL; ++i) {
        char path[PATH_MAX];
        const char* name = group->libraries[i];
        if (folder != NULL) {
            snprintf(path, sizeof path, "%s/%s", folder, name);
            name = path;
        }
        // Of the host's libraries all is looked up at once: what does not fit together shall show now.
        void* library = dlopen(name, (folder == NULL ? RTLD_NOW : RTLD_LAZY) | RTLD_GLOBAL);
        if (library == NULL)
            return i;
        const bool last = i + 1 == kMostInGroup || group->libraries[i + 1] == NULL;
        if (last && group->symbol != NULL && dlvsym(library, group->symbol, group->version) == NULL)
            return i + 1;
    }
    return kWhole;
}

// A library that was loaded once cannot be taken back, and half a group must not stay: when the host turns out to have
// only a part, the launcher starts over and leaves that group to the bundle. So it is at most once per group.
static void startOver(char** argv, const char* program, unsigned bundled)
{
    char number[16];
    snprintf(number, sizeof number, "%u", bundled);
    setenv(kBundled, number, 1);
    execv(program, argv);
}

static bool loadGroups(char** argv, const char* program, const char* fallback)
{
    const char* known = getenv(kBundled);
    const unsigned bundled = known != NULL ? (unsigned)atoi(known) : 0;
    for (unsigned i = 0; i < kGroupCount; ++i) {
        if ((bundled >> i & 1U) == 0) {
            const unsigned loaded = loadGroup(&kGroups[i], NULL);
            if (loaded == kWhole)
                continue;
            if (loaded > 0)
                startOver(argv, program, bundled | 1U << i);
        }
        if (loadGroup(&kGroups[i], fallback) != kWhole)
            return false;
    }
    unsetenv(kBundled);
    return true;
}

// The program keeps the mount or the unpacked files alive; what it starts, a browser say, shall not.
static void keepLifeline(void)
{
    const char* number = getenv("BITMEND_LIFELINE");
    if (number != NULL)
        fcntl(atoi(number), F_SETFD, FD_CLOEXEC);
    unsetenv("BITMEND_LIFELINE");
}

// POSIX makes functions of such pointers, by a conversion that ISO C does not know.
static void* function(const char* name) { return dlsym(RTLD_DEFAULT, name); }

// Without a font all text would be boxes. Where the host has no configuration of fonts, or no font, ours names the
// bundled one; what fontconfig has read here it keeps for Qt.
static void ensureFont(const char* ours)
{
    if (access("/etc/fonts/fonts.conf", R_OK) != 0) {
        setenv("FONTCONFIG_FILE", ours, 0);
        return;
    }
    struct FontSet
    {
        int count;
    };
    int (*initialise)(void) = NULL;
    int (*again)(void) = NULL;
    const struct FontSet* (*fonts)(void*, int) = NULL;
    *(void**)&initialise = function("FcInit");
    *(void**)&again = function("FcInitReinitialize");
    *(void**)&fonts = function("FcConfigGetFonts");
    if (initialise == NULL || again == NULL || fonts == NULL || !initialise())
        return;
    const struct FontSet* system = fonts(NULL, 0);
    if (system == NULL || system->count == 0) {
        setenv("FONTCONFIG_FILE", ours, 1);
        again();
    }
}

int main(int argc, char** argv)
{
    char program[PATH_MAX - 64];
    char root[PATH_MAX - 64];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char* slash = NULL;
    if (length > 0) {
        program[length] = '\0';
        strcpy(root, program);
        slash = strstr(root, "/usr/bin/bitmend");
    }
    if (slash == NULL) {
        fputs("Bitmend could not find its own files.\n", stderr);
        return 127;
    }
    *slash = '\0';

    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/usr/lib/fallback", root);
    if (!loadGroups(argv, program, path)) {
        fprintf(stderr, "Bitmend could not load a library that this system lacks: %s.\n", dlerror());
        return 127;
    }
    keepLifeline();
    snprintf(path, sizeof path, "%s/usr/etc/fonts/fonts.conf", root);
    ensureFont(path);

    snprintf(path, sizeof path, "%s/usr/lib/libbitmend_app.so", root);
    // Lazily, as executables are loaded: looking up all of Qt's symbols reads far more of the image than is needed.
    void* application = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
    if (application == NULL) {
        fprintf(stderr, "Bitmend could not load its program: %s.\n", dlerror());
        return 127;
    }
    int (*entry)(int, char**) = NULL;
    *(void**)&entry = dlsym(application, "bitmend_main");
    if (entry == NULL) {
        fprintf(stderr, "Bitmend's program has no entry point: %s.\n", dlerror());
        return 127;
    }
    return entry(argc, argv);
}
