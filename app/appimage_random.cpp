// SPDX-License-Identifier: Apache-2.0
// The C++ library that is linked into the AppImage's bitmendctl draws its randomness from a
// function that the C library has only since 2.36; with this one, 2.35 is enough.
#include <sys/random.h>

#include <cstdint>
#include <cstdlib>

extern "C" __attribute__((visibility("default"))) std::uint32_t arc4random() noexcept
{
    std::uint32_t value = 0;
    // So few bytes come whole or not at all.
    if (getrandom(&value, sizeof value, 0) != sizeof value)
        std::abort();
    return value;
}
