// SPDX-License-Identifier: Apache-2.0
// The command line: one table of options, from which parsing and --help are made.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitmend::ctl {

struct Options
{
    std::vector<std::string> paths; // images, folders or devices; none: all block devices
    std::string array;              // UUID
    std::string bitmapFile;
    std::string overlay;
    std::string restoreFile;
    std::string spare;
    std::string member; // to be failed, removed, added again
    std::string output;
    std::string reference;
    std::vector<std::string> without;
    std::vector<std::string> acceptStale;
    std::vector<std::pair<std::string, int>> roles; // member and the slot it is given
    bool acceptDirtyDegraded = false;
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length;
    std::optional<std::uint64_t> sector;  // of the member
    std::uint32_t chunk = 0;              // bytes per bit of a new bitmap; 0: the usual
    std::optional<std::int32_t> location; // of a new bitmap: sectors from the superblock
    std::uint64_t flushEvery = 0;         // bytes; 0: only at the end
    std::uint64_t rateLimit = 0;          // bytes of each member in a second; 0: none
    std::uint64_t threads = 0;            // 0: one for each processor
    std::uint64_t showDifferences = 0;    // ranges; 0: none
    bool verifySlot = false;
    bool json = false;
    bool deep = false;
    bool whole = false;
    bool readOnly = false;
    bool inPlace = false;
    bool foreground = false;
    bool nbd = false;
    bool dryRun = false;
    bool verbose = false;
    bool help = false;
};

// The error is one sentence. `allowed` names the options of the command; --help, --json and
// --verbose go with each, those of force with all that have --reference.
std::expected<Options, std::string> parseOptions(
    std::span<const std::string_view> allowed, std::span<char* const> arguments);

// One line per option of the command.
std::string optionsHelp(std::span<const std::string_view> allowed);

// "4096", "64K", "1M", "2G", "1T", in units of 1024.
std::optional<std::uint64_t> parseSize(std::string_view text);

} // namespace bitmend::ctl
