// SPDX-License-Identifier: Apache-2.0
#include "engine/export/errno_of.h"

#include <cerrno>

namespace bitmend {

int errnoOf(const Error& error)
{
    switch (error.code) {
    case ErrorCode::NoSpace:
    case ErrorCode::NoSpaceInPlace:
        return ENOSPC;
    case ErrorCode::Unsupported: // read-only, or stopped
    case ErrorCode::OutsidePlan:
        return EROFS;
    default:
        // ENOSYS would say that this mount never knows the call.
        return error.sysErrno != 0 && error.sysErrno != ENOSYS ? error.sysErrno : EIO;
    }
}

} // namespace bitmend
