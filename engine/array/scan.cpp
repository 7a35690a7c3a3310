// SPDX-License-Identifier: Apache-2.0
#include "engine/array/scan.h"

#include "engine/array/scan_parts.h"
#include "engine/io/container.h"
#include "engine/io/overlay.h"

#include <algorithm>
#include <thread>

namespace bitmend {

namespace {

Result<SourcePtr> open(const std::string& path, const ScanOptions& options)
{
    auto source = BM_TRY(openSource(path));
    if (options.overlay.empty())
        return source;
    return viewThroughOverlay(std::move(source), options.overlay);
}

SourceReport scanOne(const std::string& path, const ScanOptions& options, ScanTally& tally)
{
    SourceReport report;
    report.path = path;
    if (!tally.keepGoing()) {
        report.error = Error{ErrorCode::Cancelled, path};
        return report;
    }
    const auto source = open(path, options);
    if (!source) {
        report.error = source.error();
        return report;
    }
    report.sizeBytes = (*source)->sizeBytes();
    lookQuickly(*source, report);
    const bool deep = options.depth != ScanDepth::Quick && !report.externalBitmap;
    if (deep && !lookDeeply(**source, options.depth, report, tally))
        report.error = Error{ErrorCode::Cancelled, path};
    return report;
}

const Superblock* superblockOf(const std::vector<SourceReport>& sources, const Uuid& bitmap)
{
    const Superblock* newest = nullptr;
    for (const auto& source : sources) {
        for (const auto& found : source.found) {
            const bool fits = !found.leftBehind && bitmapUuid(*found.superblock) == bitmap;
            if (fits && (newest == nullptr || found.superblock->events > newest->events))
                newest = found.superblock.get();
        }
        const Superblock* inner = superblockOf(source.partitions, bitmap);
        if (inner != nullptr && (newest == nullptr || inner->events > newest->events))
            newest = inner;
    }
    return newest;
}

// A bitmap file's own sync_size counts for nothing: md goes by the array's. So it is read again
// once the array is known.
Result<BitmapCopy> readForArray(
    const std::string& path, const ScanOptions& options, const std::vector<SourceReport>& sources)
{
    const auto source = BM_TRY(open(path, options));
    auto alone = BM_TRY(readBitmapFile(*source, nullptr));
    const Superblock* superblock = superblockOf(sources, alone.header.uuid);
    if (superblock == nullptr)
        return alone;
    return readBitmapFile(*source, superblock);
}

void fitBitmapFiles(ScanReport& report, const ScanOptions& options)
{
    for (auto& source : report.sources) {
        if (!source.externalBitmap)
            continue;
        if (auto read = readForArray(source.path, options, report.sources))
            source.externalBitmap = std::move(*read);
    }
    if (options.bitmapFile.empty())
        return;
    report.externalBitmapPath = options.bitmapFile;
    auto read = readForArray(options.bitmapFile, options, report.sources);
    if (!read) {
        report.externalBitmapError = read.error();
        return;
    }
    constexpr std::int64_t kUuidOffset = 8;
    if (superblockOf(report.sources, read->header.uuid) == nullptr)
        report.externalBitmapError = Error{ErrorCode::BadBitmap, options.bitmapFile, kUuidOffset};
    report.externalBitmap = std::make_shared<const BitmapCopy>(std::move(*read));
}

} // namespace

SourceReport scanSource(const std::string& path, const ScanOptions& options, JobControl& control)
{
    ScanTally tally(control);
    return scanOne(path, options, tally);
}

ScanReport scan(const std::vector<std::string>& paths, const ScanOptions& options,
    JobControl& control, unsigned threads)
{
    ScanReport report;
    report.sources.resize(paths.size());
    ScanTally tally(control);
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
        for (std::size_t index = next++; index < paths.size(); index = next++)
            report.sources[index] = scanOne(paths[index], options, tally);
    };
    {
        std::vector<std::jthread> helpers;
        const std::size_t wanted = std::min<std::size_t>(threads, paths.size());
        for (std::size_t i = 1; i < wanted; ++i)
            helpers.emplace_back(work);
        work();
    }
    fitBitmapFiles(report, options);
    return report;
}

} // namespace bitmend
