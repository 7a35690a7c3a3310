// SPDX-License-Identifier: Apache-2.0
#include "engine/session/scanner.h"

#include "engine/io/enumerate.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace bitmend {

namespace {

// Disks seek and networks queue: more threads than this make a scan slower, not faster.
constexpr int kLooksAtOnce = 4;

constexpr int kQuickPriority = 1;
constexpr int kDeepPriority = 0;

std::string absolutePath(const std::string& path)
{
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);
    return error ? path : absolute.lexically_normal().string();
}

std::string labelOf(const DiskName& disk)
{
    if (disk.model.empty() || disk.serial.empty())
        return disk.model + disk.serial;
    return disk.model + " \u00b7 " + disk.serial;
}

} // namespace

Scanner::Scanner() { m_pool.setMaxThreadCount(kLooksAtOnce); }

Scanner::~Scanner()
{
    cancel();
    m_pool.waitForDone();
}

void Scanner::run(int priority, std::function<void()> task)
{
    m_busy.fetch_add(1, std::memory_order_relaxed);
    m_pool.start(
        [this, task = std::move(task)] {
            task();
            m_busy.fetch_sub(1, std::memory_order_release);
        },
        priority);
}

void Scanner::listPaths(std::vector<std::string> paths)
{
    run(kQuickPriority, [this, paths = std::move(paths)] {
        for (auto& path : expandPaths(paths)) {
            ScannedSource source;
            source.path = absolutePath(path);
            source.kind = source.path.starts_with("/dev/") ? SourceKind::Disk : SourceKind::Image;
            m_listed.post(std::move(source));
        }
    });
}

void Scanner::listDisks()
{
    run(kQuickPriority, [this] {
        for (const auto& disk : bitmend::listDisks()) {
            ScannedSource source;
            source.path = disk.path;
            source.label = labelOf(disk);
            source.kind = SourceKind::Disk;
            m_listed.post(std::move(source));
        }
    });
}

void Scanner::look(const ScannedSource& source, ScanDepth depth)
{
    if (m_controls.empty()) {
        m_done = 0;
        m_total = 0;
    }
    auto control = std::make_shared<JobControl>();
    if (m_paused)
        control->pause();
    m_controls.push_back(control);
    ++m_total;
    m_depth = depth;
    const int priority = depth == ScanDepth::Quick ? kQuickPriority : kDeepPriority;
    run(priority, [this, path = source.path, overlay = source.overlay, depth, control] {
        ScanOptions options;
        options.depth = depth;
        options.overlay = overlay;
        m_delivered.post({path, depth, overlay, scanSource(path, options, *control)});
        // Progress of a finished look is full, whatever the look itself knew of its size.
        control->setTotal({1});
        control->setDone({1});
    });
}

std::vector<ScanDelivery> Scanner::takeDelivered()
{
    auto delivered = m_delivered.takeAll();
    m_done += delivered.size();
    if (m_done >= m_total && !m_controls.empty()) {
        m_controls.clear();
        m_paused = false;
    }
    return delivered;
}

ScanProgress Scanner::progress() const
{
    ScanProgress progress{m_done, m_total, 0, m_depth, m_paused};
    for (const auto& control : m_controls) {
        const auto [done, total] = control->progress();
        if (total.count > 0)
            progress.fraction += std::min(1.0, double(done.count) / double(total.count));
    }
    if (m_total > 0)
        progress.fraction /= double(m_total);
    return progress;
}

void Scanner::cancel()
{
    for (const auto& control : m_controls)
        control->cancel();
}

void Scanner::pause()
{
    m_paused = true;
    for (const auto& control : m_controls)
        control->pause();
}

void Scanner::resume()
{
    m_paused = false;
    for (const auto& control : m_controls)
        control->resume();
}

} // namespace bitmend
