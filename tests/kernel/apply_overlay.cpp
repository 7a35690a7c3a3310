// SPDX-License-Identifier: Apache-2.0
// Puts what an overlay holds into copies of its bases, so that the kernel can be shown the result:
//
//   apply_overlay BASE FOLDER COPY [BASE FOLDER COPY]...
#include "engine/io/container.h"
#include "engine/io/file_device.h"
#include "engine/io/overlay.h"

#include <cstdio>

namespace {

int failed(const bitmend::Error& error)
{
    std::fprintf(stderr, "apply_overlay: error %d, errno %d, at %s\n", static_cast<int>(error.code),
        error.sysErrno, error.where.c_str());
    return 1;
}

bitmend::Result<void> apply(const char* basePath, const char* folder, const char* copyPath)
{
    const auto base = BM_TRY(bitmend::openSource(basePath));
    const auto copy = BM_TRY(bitmend::openFileForWriting(copyPath));
    return bitmend::applyOverlay(*base, folder, *copy);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 4 || argc % 3 != 1) {
        std::fputs("apply_overlay BASE FOLDER COPY [BASE FOLDER COPY]...\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i += 3) {
        if (const auto applied = apply(argv[i], argv[i + 1], argv[i + 2]); !applied)
            return failed(applied.error());
    }
    return 0;
}
