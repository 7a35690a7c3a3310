// SPDX-License-Identifier: Apache-2.0
// The static program in front of the squashfs image: it makes the image's files visible, by mounting or by
// unpacking, runs AppRun in them, and lets nothing remain afterwards.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Where this program's own ELF file ends, which is where the image begins; 0 when `fd` is no whole ELF file.
size_t elfEnd(int fd);

// The image's own idea of its length, against what is left of the file behind `offset`.
bool imageIsWhole(int fd, size_t offset);

// What ties a detached process to the program. It sees its life through `watch`, which ends when every process that
// inherited `hold` has gone; it says that all is ready by writing a path to `report`, which arrives at `answer`.
struct Lifeline
{
    int hold;   // of the program
    int answer; // of the program
    int watch;  // of the detached process
    int report; // of the detached process
};

// Returns 0 in the detached process, 1 in the program, -1 when there is none.
int detach(struct Lifeline* line);
void waitForEnd(const struct Lifeline* line);
void reportFolder(const struct Lifeline* line, const char* folder);

// False when the detached process gave up instead. Tells what runs next which descriptor is the hold.
bool receiveFolder(const struct Lifeline* line, char* folder, size_t size);

// A private folder below a temporary folder, silently. `needsExec`: files in it will be run, so a noexec file system
// will not do; `bytes` have to fit. On the way, what killed runs have left in that temporary folder is removed.
bool makeFolder(char* path, size_t size, bool needsExec, uint64_t bytes);
void removeTree(const char* path);

// Mounts at a new folder and serves it from a detached process until the last user has gone. `path` receives the
// folder. False, silently, when this host cannot mount: the caller unpacks instead.
bool mountImage(const char* image, size_t offset, char* path, size_t size);
void unmountFuse(const char* folder);

// Unpacks everything that matches the shell pattern (all when null) below `target`. Says what went wrong.
bool extractImage(const char* image, size_t offset, const char* target, const char* pattern);

// Unpacks into a new folder that a detached process removes when the last user has gone. Says what went wrong.
bool unpackForRun(const char* image, size_t offset, char* path, size_t size);
