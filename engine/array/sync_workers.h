// SPDX-License-Identifier: Apache-2.0
// Several threads on one pass: each takes the next window, works on it, and gives it back; they are
// settled in order, whoever finishes first. With a single worker no thread is started and all
// happens in the caller's, in the same order each time.
#pragma once

#include "engine/array/sync_pass.h"
#include "engine/base/job_control.h"

#include <functional>

namespace bitmend {

using MakeWindow = std::function<std::unique_ptr<SyncWindow>()>;

// True when everything due was settled, false when it was told to stop. In either case, and on an
// error, no thread is left and record() has been called for what was settled; end() has not. Of
// several errors the one nearest to the start is returned.
//
// `options.workers` is taken as it is.
Result<bool> runPass(
    SyncPass& pass, const MakeWindow& makeWindow, const SyncOptions& options, JobControl& control);

} // namespace bitmend
