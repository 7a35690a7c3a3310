// SPDX-License-Identifier: Apache-2.0
#include "engine/session/source_list.h"

#include <algorithm>
#include <utility>

namespace bitmend {

const ScannedSource* SourceList::find(const std::string& path) const
{
    const auto found = std::ranges::find(m_sources, path, &ScannedSource::path);
    return found == m_sources.end() ? nullptr : &*found;
}

std::vector<ScannedSource>::iterator SourceList::place(const std::string& path)
{
    return std::ranges::find(m_sources, path, &ScannedSource::path);
}

void SourceList::add(ScannedSource source)
{
    const auto known = place(source.path);
    if (known == m_sources.end()) {
        m_sources.push_back(std::move(source));
        return;
    }
    // What is already known of it stays on view until the new look replaces it, but not what was
    // seen through other overlays: that would be another content under the same name.
    if (known->overlay != source.overlay)
        known->report = nullptr;
    known->stage = ScanStage::Waiting;
    known->overlay = std::move(source.overlay);
    if (!source.label.empty())
        known->label = std::move(source.label);
    if (source.kind == SourceKind::Disk)
        known->kind = SourceKind::Disk;
}

void SourceList::remove(const std::string& path)
{
    std::erase_if(m_sources, [&path](const auto& source) { return source.path == path; });
}

bool SourceList::deliver(const std::string& path, ScanDepth depth,
    const std::filesystem::path& overlay, SourceReport report)
{
    const auto source = place(path);
    if (source == m_sources.end() || source->overlay != overlay)
        return false;
    const bool cancelled = report.error && report.error->code == ErrorCode::Cancelled;
    if (!cancelled || !source->report)
        source->report = std::make_shared<const SourceReport>(std::move(report));
    const auto reached = depth == ScanDepth::Quick ? ScanStage::QuickDone : ScanStage::DeepDone;
    source->stage = std::max(source->stage, reached);
    return true;
}

ScanReport SourceList::report() const
{
    ScanReport all;
    for (const auto& source : m_sources) {
        if (!source.report)
            continue;
        all.sources.push_back(*source.report);
        const auto& bitmap = source.report->externalBitmap;
        if (bitmap && !all.externalBitmap) {
            all.externalBitmap = std::make_shared<const BitmapCopy>(*bitmap);
            all.externalBitmapPath = source.path;
        }
    }
    return all;
}

} // namespace bitmend
