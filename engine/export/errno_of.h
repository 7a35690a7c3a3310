// SPDX-License-Identifier: Apache-2.0
// What a program is told that reads or writes exported bytes: it knows errno and nothing else.
#pragma once

#include "engine/base/result.h"

namespace bitmend {

// Positive. The system's own where there is one.
int errnoOf(const Error& error);

} // namespace bitmend
