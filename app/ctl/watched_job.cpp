// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/watched_job.h"

#include "app/ctl/exit_code.h"
#include "ui/words.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace bitmend::ctl {

namespace {

void write(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::string timeLeft(double seconds)
{
    if (seconds < 60)
        return "about " + std::to_string(std::max(1L, std::lround(seconds))) + " s";
    if (seconds < 3'600)
        return "about " + std::to_string(std::lround(seconds / 60)) + " min";
    return "about " + std::to_string(std::lround(seconds / 3'600)) + " h";
}

} // namespace

sigset_t interrupts()
{
    sigset_t set{};
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

void blockInterrupts()
{
    const auto set = interrupts();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::string progressLine(const std::string& title, Progress progress, const Rate& rate)
{
    constexpr std::size_t kCells = 24;
    if (progress.total.count == 0)
        return title;
    const double part =
        std::clamp(double(progress.done.count) / double(progress.total.count), 0.0, 1.0);
    const auto full = std::size_t(part * kCells);
    std::string line = title + "  [" + std::string(full, '#') + std::string(kCells - full, '.') +
                       "]  " + std::to_string(int(part * 100)) + " %";
    if (const auto speed = rate.bytesPerSecond())
        line += "  " + iecSize(std::uint64_t(*speed)) + "/s";
    if (const auto left = rate.secondsLeft(); left && part < 1)
        line += "  " + timeLeft(*left);
    return line;
}

WatchedJob::WatchedJob(std::string title, std::uint64_t bytesPerSecond)
    : m_title(std::move(title))
    , m_wake(::eventfd(0, EFD_CLOEXEC))
    , m_watcher([this](const std::stop_token& stop) { watch(stop); })
{
    m_control.limitTo(bytesPerSecond);
    // Asked to stop before there was anything to stop: then nothing is begun.
    sigset_t waiting{};
    if (::sigpending(&waiting) == 0 &&
        (sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1)) {
        m_interrupted = true;
        m_control.cancel();
    }
}

WatchedJob::~WatchedJob()
{
    m_watcher.request_stop();
    ::eventfd_write(m_wake, 1);
    m_watcher.join();
    ::close(m_wake);
}

void WatchedJob::watch(const std::stop_token& stop)
{
    constexpr int kRedrawMillis = 200;
    const auto set = interrupts();
    const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
    const auto begin = std::chrono::steady_clock::now();
    Rate rate;
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    bool shown = false;
    bool asked = false;
    while (!stop.stop_requested()) {
        std::array<pollfd, 2> sources = {{{signals, POLLIN, 0}, {m_wake, POLLIN, 0}}};
        ::poll(sources.data(), sources.size(), kRedrawMillis);
        if (signalfd_siginfo info{}; (sources[0].revents & POLLIN) != 0 &&
                                     ::read(signals, &info, sizeof info) == sizeof info) {
            if (asked)
                ::_exit(int(ExitCode::Interrupted));
            asked = true;
            m_interrupted = true;
            m_control.cancel();
        }
        const auto past = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - begin);
        const Progress progress = m_control.progress();
        rate.add(past.count(), progress.done.bytes(), progress.total.bytes());
        // What is done within half a second needs no line.
        if (terminal && past.count() > 500 && !stop.stop_requested()) {
            write("\r\033[K" + progressLine(m_title, progress, rate));
            shown = true;
        }
    }
    if (shown)
        write("\r\033[K");
    ::close(signals);
}

} // namespace bitmend::ctl
