// SPDX-License-Identifier: Apache-2.0
// The static program in front of the squashfs image: it makes the image's files visible, by mounting or by
// unpacking, runs AppRun in them, and lets nothing remain afterwards. Each function says its own failure in one
// sentence on stderr.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Where this program's own ELF file ends, which is where the image begins; 0 when `fd` is no whole ELF file.
size_t elfEnd(int fd);

// The image's own idea of its length, against what is left of the file behind `offset`.
bool imageIsWhole(int fd, size_t offset);

// Both ends of a child's life: the child returned from fork reads `watch`, which ends when every process that
// inherited `hold` has gone. Returns 0 in the detached child, 1 in the caller, -1 when it could not be made.
struct Lifeline
{
    int hold;
    int watch;
};
int detach(struct Lifeline* line);

// A private folder below a temporary folder, named after us. `needsExec`: files in it will be run, so a noexec
// file system will not do; `bytes` have to fit.
bool makeFolder(char* path, size_t size, bool needsExec, uint64_t bytes);
void removeTree(const char* path);

// Mounts at a new folder and serves it from a detached process until the last user has gone. `path` receives the
// folder. False, silently, when this host has no FUSE: the caller unpacks instead.
bool mountImage(const char* image, size_t offset, char* path, size_t size);

// Unpacks everything that matches the shell pattern (all when null) below `target`.
bool extractImage(const char* image, size_t offset, const char* target, const char* pattern);
uint64_t unpackedBytes(const char* image, size_t offset);

// Unpacks into a new folder that a detached process removes when the last user has gone.
bool unpackForRun(const char* image, size_t offset, char* path, size_t size);
