// SPDX-License-Identifier: Apache-2.0
// The one check of plain executables: tests of concurrency run without Qt, so that ThreadSanitizer
// can judge all the code there is.
#pragma once

#include <cstdio>
#include <cstdlib>

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);           \
            std::_Exit(1);                                                                         \
        }                                                                                          \
    } while (false)
