// SPDX-License-Identifier: Apache-2.0
// Every image and disk that was opened, in the order it came, with what the newest look at it
// found. One thread; the looking itself happens elsewhere.
#pragma once

#include "engine/array/scan.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace bitmend {

enum class SourceKind : std::uint8_t { Image, Disk };

enum class ScanStage : std::uint8_t {
    Waiting,   // nothing is known yet
    QuickDone, // the fixed slots were read
    DeepDone,  // and superblocks left behind were looked for
};

struct ScannedSource
{
    std::string path;
    std::string label; // a disk's model and serial; empty for images
    SourceKind kind = SourceKind::Image;
    ScanStage stage = ScanStage::Waiting;
    std::filesystem::path overlay; // the overlays it is looked at through; empty: the source itself
    std::shared_ptr<const SourceReport> report; // null while waiting
};

class SourceList
{
public:
    const std::vector<ScannedSource>& all() const { return m_sources; }
    const ScannedSource* find(const std::string& path) const;

    // A source that is there already keeps its place and its report and waits for the next look.
    void add(ScannedSource source);
    void remove(const std::string& path);

    // False when the source is gone, or was meanwhile asked to be seen through other overlays: the
    // report is then of no use. A look that was cancelled never replaces one that was not.
    bool deliver(const std::string& path, ScanDepth depth, const std::filesystem::path& overlay,
        SourceReport report);

    // Of everything that was read, for findArrays() and planAssembly().
    ScanReport report() const;

private:
    std::vector<ScannedSource>::iterator place(const std::string& path);

    std::vector<ScannedSource> m_sources;
};

} // namespace bitmend
