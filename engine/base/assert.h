// SPDX-License-Identifier: Apache-2.0
// BM_ASSERT guards our own logic, in release builds as well: a program that is wrong about its own
// state must stop before it writes wrong bytes. Never for what a disk or a user says.
#pragma once

#include <cstdio>
#include <cstdlib>

#define BM_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) [[unlikely]] {                                                           \
            std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                          \
        }                                                                                          \
    } while (false)
