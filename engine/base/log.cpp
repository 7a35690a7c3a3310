// SPDX-License-Identifier: Apache-2.0
#include "engine/base/log.h"

#include <chrono>
#include <mutex>
#include <utility>

namespace bitmend {

namespace {

struct Sink
{
    std::mutex mutex;
    LogSink function;
};

Sink& sink()
{
    static Sink instance;
    return instance;
}

} // namespace

void setLogSink(LogSink function)
{
    auto& target = sink();
    const std::lock_guard lock(target.mutex);
    target.function = std::move(function);
}

void log(
    LogEvent event, std::string array, std::string where, std::uint64_t number, std::uint64_t other)
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const LogRecord record{std::chrono::duration_cast<std::chrono::microseconds>(now).count(),
        event, std::move(array), std::move(where), number, other};

    auto& target = sink();
    const std::lock_guard lock(target.mutex);
    if (target.function)
        target.function(record);
}

} // namespace bitmend
