// SPDX-License-Identifier: Apache-2.0
// What a script learns from the exit status; the man page lists it.
#pragma once

#include "engine/base/result.h"

namespace bitmend::ctl {

enum class ExitCode : std::uint8_t {
    Done = 0,
    Failed = 1,
    Usage = 2,    // or a writing command that was not told where to write
    Refused = 3,  // possible, but not safe
    Findings = 4, // finished, but differences, lost or unreadable ranges were found
    Interrupted = 130,
};

ExitCode exitCodeOf(ErrorCode code);

} // namespace bitmend::ctl
