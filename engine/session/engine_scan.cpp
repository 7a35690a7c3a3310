// SPDX-License-Identifier: Apache-2.0
// The half of the engine that looks: what comes out of the scanner's and the strands' mailboxes.
#include "engine/session/engine.h"

#include <algorithm>
#include <utility>

namespace bitmend {

void Engine::open(std::vector<std::string> paths)
{
    m_scanner.listPaths(std::move(paths));
    wake();
}

void Engine::scanDisks()
{
    m_scanner.listDisks();
    wake();
}

void Engine::rescan()
{
    for (const auto& source : std::vector(m_sources.all()))
        look(source);
}

void Engine::lookThrough(
    const std::vector<std::string>& paths, const std::filesystem::path& overlay)
{
    for (const auto& path : paths) {
        ScannedSource source;
        source.path = path;
        if (const auto* known = m_sources.find(path))
            source = *known;
        source.overlay = overlay;
        look(std::move(source));
    }
}

void Engine::close(const std::string& path)
{
    m_sources.remove(path);
    emit sourceClosed(path);
    refreshFound();
}

void Engine::cancelScan()
{
    m_deepWanted = false;
    m_scanner.cancel();
}

void Engine::look(ScannedSource source)
{
    if (!m_scanning) {
        m_scanning = true;
        emit scanStarted();
    }
    m_deepWanted = true;
    const std::string path = source.path;
    m_sources.add(std::move(source));
    const ScannedSource* added = m_sources.find(path);
    m_scanner.look(*added, ScanDepth::Quick);
    wake();
    emit sourceChanged(*added);
}

void Engine::poll()
{
    // Asked before the mailboxes are emptied: what was posted before the count fell is then seen.
    const bool busy = m_scanner.isBusy() || m_jobs->load(std::memory_order_acquire) > 0;
    for (auto& source : m_scanner.takeListed())
        look(std::move(source));
    deliverScans();
    deliverSnapshots();
    for (const auto& closed : m_closed.takeAll())
        lookThrough(closed.members, closed.overlay);
    for (const auto& record : m_log.takeAll())
        emit logged(record);
    if (busy || m_scanner.isBusy())
        return;
    if (m_scanning) {
        finishScanning();
        return;
    }
    m_quiet = true;
    // An open array's bits come and go by themselves, with the clock.
    const auto isOpen = [](const auto& entry) {
        return entry.second->array() != nullptr;
    };
    if (std::ranges::none_of(m_open, isOpen))
        m_poll.stop();
}

void Engine::deliverScans()
{
    auto delivered = m_scanner.takeDelivered();
    for (auto& [path, depth, overlay, report] : delivered) {
        if (m_sources.deliver(path, depth, overlay, std::move(report)))
            emit sourceChanged(*m_sources.find(path));
    }
    if (!delivered.empty())
        refreshFound();
}

// Every look asked for is done: go deeper where that was not done yet, else rest.
void Engine::finishScanning()
{
    if (std::exchange(m_deepWanted, false)) {
        log(LogEvent::ScanStarted, {}, {}, m_sources.all().size());
        for (const auto& source : m_sources.all()) {
            if (source.stage == ScanStage::QuickDone)
                m_scanner.look(source, ScanDepth::Deep);
        }
        return;
    }
    m_scanning = false;
    std::uint64_t superblocks = 0;
    const auto count = [&superblocks](const auto& self, const SourceReport& report) -> void {
        superblocks += report.found.size();
        for (const auto& partition : report.partitions)
            self(self, partition);
    };
    for (const auto& source : m_sources.all()) {
        if (source.report)
            count(count, *source.report);
    }
    log(LogEvent::ScanFinished, {}, {}, superblocks);
    emit scanFinished();
}

void Engine::refreshFound()
{
    m_found = findArrays(m_sources.report());
    m_stillFrames.clear();
    emit arraysChanged();
}

void Engine::deliverSnapshots()
{
    bool changed = false;
    for (const auto& [uuid, open] : m_open) {
        auto view = open->view();
        auto& shown = m_shown[uuid];
        changed = changed || view != shown;
        shown = std::move(view);
    }
    if (changed)
        emit arraysChanged();
}

} // namespace bitmend
