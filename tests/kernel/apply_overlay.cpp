// SPDX-License-Identifier: Apache-2.0
// Puts what an overlay holds into a copy of its base, so that the kernel can be shown the result:
//
//   apply_overlay BASE FOLDER COPY
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

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::fputs("apply_overlay BASE FOLDER COPY\n", stderr);
        return 2;
    }
    const auto base = bitmend::openSource(argv[1]);
    if (!base)
        return failed(base.error());
    const auto copy = bitmend::openFileForWriting(argv[3]);
    if (!copy)
        return failed(copy.error());
    const auto applied = bitmend::applyOverlay(**base, argv[2], **copy);
    return applied ? 0 : failed(applied.error());
}
