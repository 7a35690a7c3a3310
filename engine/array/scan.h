// SPDX-License-Identifier: Apache-2.0
// Looking: what is on a source. Opens read-only, reads, closes; a source that cannot be read is a
// report with an error, not a failed scan.
#pragma once

#include "engine/base/job_control.h"
#include "engine/base/result.h"
#include "engine/io/partitions.h"
#include "engine/metadata/bad_block_log.h"
#include "engine/metadata/superblock.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

enum class ScanDepth : std::uint8_t {
    Quick, // the fixed slots of the source and of its partitions
    Deep,  // and superblocks left behind, in the first and last 64 MiB
    Whole, // the same over everything
};

struct ScanOptions
{
    ScanDepth depth = ScanDepth::Quick;
    std::string bitmapFile; // an external bitmap, for all arrays it fits by UUID
    std::filesystem::path
        overlay; // look through the overlays in this folder; empty: at the sources themselves
};

struct FoundSuperblock
{
    std::shared_ptr<const Superblock> superblock;
    std::vector<Problem> problems;
    bool leftBehind = false; // not in a fixed slot of the source: a deep find, no member
    bool ambiguous = false;  // 0.90 seen through disk and partition alike; this is the less likely
    std::string likelier;    // and this is the path of the likelier one
    std::shared_ptr<const BitmapCopy> bitmap; // null: none, or unreadable
    std::optional<Error> bitmapError;
    BadBlocks badBlocks; // that its log lists; an unreadable log is a problem
};

struct SourceReport
{
    std::string path;
    std::uint64_t sizeBytes = 0;
    std::optional<Error> error;           // the rest is then what was learned before
    std::vector<FoundSuperblock> found;   // fixed slots first
    std::vector<SourceReport> partitions; // path = "disk.img#1"
    // The source is a 1.0 or 0.90 member, so a partition table at its start belongs to the array's
    // content and its partitions are not looked into.
    bool partitionsAreContent = false;
    std::optional<Partition> partition; // in such a child: where it lies
    Content content;                    // what else it is ("ext4"), when there is no superblock
    std::optional<BitmapCopy> externalBitmap; // the source is itself a bitmap file
};

struct ScanReport
{
    std::vector<SourceReport> sources;
    std::shared_ptr<const BitmapCopy> externalBitmap; // of ScanOptions::bitmapFile
    std::optional<Error> externalBitmapError; // BadBitmap also where it fits none of the arrays
    std::string externalBitmapPath;
};

// Pure reading, safe to run for many sources at once. Progress in sectors. Cancelled sources report
// the error Cancelled.
SourceReport scanSource(const std::string& path, const ScanOptions& options, JobControl& control);

// All of them, on up to `threads` threads, in the order given.
ScanReport scan(const std::vector<std::string>& paths, const ScanOptions& options,
    JobControl& control, unsigned threads = 4);

} // namespace bitmend
