// SPDX-License-Identifier: Apache-2.0
// Where the ELF file ends and whether the squashfs image behind it is all there.
#include "runtime.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

size_t elfEnd(int fd)
{
    Elf64_Ehdr header;
    if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header
        || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0
        || header.e_shentsize != sizeof(Elf64_Shdr))
        return 0;

    size_t end = header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
    for (unsigned i = 0; i < header.e_shnum; ++i) {
        Elf64_Shdr section;
        const off_t at = (off_t)(header.e_shoff + (size_t)i * sizeof section);
        if (pread(fd, &section, sizeof section, at) != (ssize_t)sizeof section)
            return 0;
        if (section.sh_type != SHT_NOBITS && section.sh_offset + section.sh_size > end)
            end = section.sh_offset + section.sh_size;
    }
    return end;
}

bool imageIsWhole(int fd, size_t offset)
{
    // squashfs: magic at 0, bytes_used at 40, both little-endian like every machine this runs on.
    unsigned char head[48];
    struct stat file;
    if (pread(fd, head, sizeof head, (off_t)offset) != (ssize_t)sizeof head || fstat(fd, &file) != 0
        || memcmp(head, "hsqs", 4) != 0)
        return false;
    uint64_t used = 0;
    memcpy(&used, head + 40, sizeof used);
    return used <= (uint64_t)file.st_size && offset <= (uint64_t)file.st_size - used;
}
