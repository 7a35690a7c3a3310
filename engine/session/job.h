// SPDX-License-Identifier: Apache-2.0
// A running job as the window holds it.
#pragma once

#include "engine/base/job_control.h"
#include "engine/base/result.h"

#include <QFuture>

#include <memory>

namespace bitmend {

template <typename T> struct Job
{
    std::shared_ptr<JobControl> control; // pause, cancel, progress: any thread, any time
    QFuture<Result<T>> result;           // always delivered, also after a cancel
};

} // namespace bitmend
