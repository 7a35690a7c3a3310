// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/options.h"

#include "engine/base/uuid.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <memory>

namespace bitmend::ctl {

namespace {

struct Option
{
    std::string_view name;
    std::string_view argument; // empty: a switch
    std::string_view help;
    bool (*apply)(Options& options, std::string_view value); // false: not a valid value
};

bool set(std::string& target, std::string_view value)
{
    target = value;
    return !value.empty();
}

// The last '=' divides, for a path may have one.
bool giveRole(Options& options, std::string_view value)
{
    const auto equals = value.rfind('=');
    if (equals == value.npos || equals == 0)
        return false;
    constexpr int kMostSlots = 1920;
    int role = -1;
    const auto number = value.substr(equals + 1);
    const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), role);
    options.roles.emplace_back(value.substr(0, equals), role);
    return problem == std::errc() && end == number.data() + number.size() && role >= 0 &&
           role < kMostSlots;
}

const std::array<Option, 32> kOptions = {{
    {"--array", "UUID", "the array that is meant, where the sources hold several",
        [](Options& options, std::string_view value) {
            return set(options.array, value) && parseUuid(value).has_value();
        }},
    {"--bitmap-file", "FILE", "an external bitmap; it counts instead of an internal one",
        [](Options& options, std::string_view value) {
            return set(options.bitmapFile, value);
        }},
    {"--deep", "", "also find superblocks left behind, in the first and last 64 MiB",
        [](Options& options, std::string_view) {
            return options.deep = true;
        }},
    {"--whole", "", "with --deep: search all of each source",
        [](Options& options, std::string_view) {
            return options.whole = true;
        }},
    {"--overlay", "DIR", "writes go to sparse files in DIR and are seen through it later",
        [](Options& options, std::string_view value) {
            return set(options.overlay, value);
        }},
    {"--in-place", "", "write to the members themselves; what is written over is saved before",
        [](Options& options, std::string_view) {
            return options.inPlace = true;
        }},
    {"--restore-file", "FILE",
        "with --in-place: where that is saved (default: a new file in ~/.local/state/bitmend)",
        [](Options& options, std::string_view value) {
            return set(options.restoreFile, value);
        }},
    {"--without", "PATH", "leave this member out; may be given several times",
        [](Options& options, std::string_view value) {
            options.without.emplace_back(value);
            return !value.empty();
        }},
    {"--reference", "PATH", "this member speaks for the array, whatever the event counts say",
        [](Options& options, std::string_view value) {
            return set(options.reference, value);
        }},
    {"--accept-stale", "PATH",
        "take this member although it fell behind; may be given several times",
        [](Options& options, std::string_view value) {
            options.acceptStale.emplace_back(value);
            return !value.empty();
        }},
    {"--accept-dirty-degraded", "",
        "start although parity may not fit the data and a member is missing",
        [](Options& options, std::string_view) {
            return options.acceptDirtyDegraded = true;
        }},
    {"--role", "PATH=N", "this member takes slot N, whatever superblocks say; may be repeated",
        giveRole},
    {"--nbd", "", "no files: a socket in FOLDER for clients of network block devices",
        [](Options& options, std::string_view) {
            return options.nbd = true;
        }},
    {"--foreground", "", "stay in the terminal; Ctrl-C unmounts",
        [](Options& options, std::string_view) {
            return options.foreground = true;
        }},
    {"--read-only", "", "an assembly that writes nothing at all",
        [](Options& options, std::string_view) {
            return options.readOnly = true;
        }},
    {"--spare", "FILE", "the image or disk that becomes the new member",
        [](Options& options, std::string_view value) {
            return set(options.spare, value);
        }},
    {"--member", "FILE", "the member that is meant",
        [](Options& options, std::string_view value) {
            return set(options.member, value);
        }},
    {"--dry-run", "", "print what would be written, and write nothing",
        [](Options& options, std::string_view) {
            return options.dryRun = true;
        }},
    {"--offset", "BYTES", "where to begin in the array; K, M, G and T are understood (default 0)",
        [](Options& options, std::string_view value) {
            const auto size = parseSize(value);
            options.offset = size.value_or(0);
            return size.has_value();
        }},
    {"--sector", "NUMBER", "of --member: the sector, counted from its start",
        [](Options& options, std::string_view value) {
            options.sector = parseSize(value);
            return options.sector.has_value();
        }},
    {"--length", "BYTES", "how much (default: up to the end of the array)",
        [](Options& options, std::string_view value) {
            options.length = parseSize(value);
            return options.length.has_value();
        }},
    {"--flush-every", "BYTES",
        "make what was written durable each time that much was (default: once)",
        [](Options& options, std::string_view value) {
            options.flushEvery = parseSize(value).value_or(0);
            return options.flushEvery != 0;
        }},
    {"--chunk", "BYTES", "what a bit of the new bitmap covers: a power of two from 4K on",
        [](Options& options, std::string_view value) {
            constexpr std::uint64_t kLeast = 4096;
            constexpr std::uint64_t kMost = 1U << 31U;
            const auto size = parseSize(value).value_or(0);
            options.chunk = std::uint32_t(std::min(size, kMost));
            return size >= kLeast && size <= kMost && std::has_single_bit(size);
        }},
    {"--location", "SECTORS",
        "where the new bitmap begins, from the superblock; negative: before it",
        [](Options& options, std::string_view value) {
            std::int32_t sectors = 0;
            const auto* last = std::to_address(value.end());
            const auto [end, problem] =
                std::from_chars(std::to_address(value.begin()), last, sectors);
            options.location = sectors;
            return problem == std::errc() && end == last && sectors != 0;
        }},
    {"--rate-limit", "BYTES", "go through so much of each member in a second and no more",
        [](Options& options, std::string_view value) {
            options.rateLimit = parseSize(value).value_or(0);
            return options.rateLimit != 0;
        }},
    {"--threads", "N", "work with so many threads (default: one for each processor)",
        [](Options& options, std::string_view value) {
            options.threads = parseSize(value).value_or(0);
            return options.threads != 0 && options.threads <= 1024;
        }},
    {"--show-differences", "N", "of the first N ranges that differ, show all versions byte by byte",
        [](Options& options, std::string_view value) {
            options.showDifferences = parseSize(value).value_or(0);
            return options.showDifferences != 0;
        }},
    {"--verify-slot", "", "on RAID 6: mend the block that explains what differs, not the parity",
        [](Options& options, std::string_view) {
            return options.verifySlot = true;
        }},
    {"--output", "FILE", "a file that does not exist yet, or - for standard output",
        [](Options& options, std::string_view value) {
            return set(options.output, value);
        }},
    {"--json", "", "print the result as JSON",
        [](Options& options, std::string_view) {
            return options.json = true;
        }},
    {"--verbose", "", "tell on standard error what is being done",
        [](Options& options, std::string_view) {
            return options.verbose = true;
        }},
    {"--help", "", "print this and exit",
        [](Options& options, std::string_view) {
            return options.help = true;
        }},
}};

bool goesWith(std::span<const std::string_view> allowed, std::string_view name)
{
    const auto isAllowed = [&](std::string_view one) {
        return std::ranges::find(allowed, one) != allowed.end();
    };
    // Whoever may say which member counts may also say what is accepted of the others.
    const bool force =
        name == "--accept-stale" || name == "--accept-dirty-degraded" || name == "--role";
    return name == "--json" || name == "--verbose" || name == "--help" || isAllowed(name) ||
           (force && isAllowed("--reference"));
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

} // namespace

std::optional<std::uint64_t> parseSize(std::string_view text)
{
    int shift = 0;
    if (const auto unit = std::string_view("KMGT").find(text.empty() ? ' ' : text.back());
        unit != std::string_view::npos) {
        shift = int(unit + 1) * 10;
        text.remove_suffix(1);
    }
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    if (value > (std::numeric_limits<std::uint64_t>::max() >> shift))
        return std::nullopt;
    return value << shift;
}

std::expected<Options, std::string> parseOptions(
    std::span<const std::string_view> allowed, std::span<char* const> arguments)
{
    Options options;
    bool onlyPaths = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (argument == "--" && !onlyPaths) {
            onlyPaths = true;
            continue;
        }
        if (onlyPaths || !argument.starts_with("-") || argument == "-") {
            options.paths.emplace_back(argument);
            continue;
        }
        const auto equals = argument.find('=');
        const auto name = argument == "-h" ? "--help" : argument.substr(0, equals);
        const auto option = std::ranges::find(kOptions, name, &Option::name);
        if (option == kOptions.end() || !goesWith(allowed, name))
            return std::unexpected("There is no option " + quoted(name) + " here.");
        std::string_view value;
        if (option->argument.empty()) {
            if (equals != argument.npos)
                return std::unexpected("The option " + quoted(name) + " takes no value.");
        } else if (equals != argument.npos) {
            value = argument.substr(equals + 1);
        } else if (i + 1 < arguments.size()) {
            value = arguments[++i];
        } else {
            return std::unexpected("The option " + quoted(name) +
                                   " needs a value: " + std::string(option->argument) + ".");
        }
        if (!option->apply(options, value)) {
            return std::unexpected(quoted(value) + " is not a valid value of " + quoted(name) +
                                   ": " + std::string(option->argument) + " is expected.");
        }
    }
    return options;
}

std::string optionsHelp(std::span<const std::string_view> allowed)
{
    constexpr std::size_t kColumn = 22;
    std::string text;
    for (const auto& option : kOptions) {
        if (!goesWith(allowed, option.name))
            continue;
        std::string line = "  " + std::string(option.name);
        if (!option.argument.empty())
            line += " " + std::string(option.argument);
        line.resize(std::max(kColumn, line.size() + 2), ' ');
        text += line + std::string(option.help) + "\n";
    }
    return text;
}

} // namespace bitmend::ctl
