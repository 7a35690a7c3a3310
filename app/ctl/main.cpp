// SPDX-License-Identifier: Apache-2.0
// bitmendctl: what the window does, for scripts and for people without a display. Standard output
// carries only the result.
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/watched_job.h"

#include <algorithm>
#include <cstdio>

namespace bitmend::ctl {

namespace {

std::string overview()
{
    std::string text =
        "Usage: bitmendctl COMMAND [OPTION...] [PATH...]\n\n"
        "Shows and mends Linux md RAID arrays on disks and disk images. PATH is an "
        "image, a folder\nof images or a device; none means all block devices. "
        "Members are only ever read, unless --in-place\nsays otherwise.\n\nCommands:\n";
    for (const auto& command : commands()) {
        std::string line = "  " + std::string(command.name);
        line.resize(std::max<std::size_t>(16, line.size() + 1), ' ');
        text += line + std::string(command.summary) + "\n";
    }
    text += "\n'bitmendctl COMMAND --help' describes a command, 'man bitmendctl' everything.\n";
    return text;
}

std::string helpOf(const Command& command)
{
    return "Usage: bitmendctl " + std::string(command.name) + " [OPTION...] " +
           std::string(command.arguments) + "\n\n" + std::string(command.text) + "\nOptions:\n" +
           optionsHelp(command.options);
}

ExitCode run(std::span<char* const> arguments)
{
    const std::string_view first = arguments.empty() ? "" : arguments[0];
    if (first.empty())
        return misused("", "Name a command.");
    if (first == "--help" || first == "-h" || first == "help") {
        print(overview());
        return ExitCode::Done;
    }
    if (first == "--version") {
        print("bitmendctl " BITMEND_VERSION "\n");
        return ExitCode::Done;
    }
    const auto command = std::ranges::find(commands(), first, &Command::name);
    if (command == commands().end())
        return misused("", "There is no command '" + std::string(first) + "'.");
    const auto options = parseOptions(command->options, arguments.subspan(1));
    if (!options)
        return misused(command->name, options.error());
    if (options->help) {
        print(helpOf(*command));
        return ExitCode::Done;
    }
    if (options->inPlace && !options->overlay.empty())
        return misused(command->name, "Give either --overlay or --in-place, not both.");
    if (command->writes && !options->inPlace && options->overlay.empty() && !options->dryRun) {
        return misused(command->name,
            "Say where to write: --overlay DIR keeps the members as they are, --in-place does "
            "not.");
    }
    if (!options->restoreFile.empty() && !options->inPlace)
        return misused(command->name, "--restore-file goes with --in-place.");
    if (options->verbose)
        logToStandardError();
    return command->run(*options);
}

} // namespace

} // namespace bitmend::ctl

int main(int argc, char* argv[])
{
    using namespace bitmend::ctl;
    // Before the first thread, so that all of them leave the signals to the watcher.
    blockInterrupts();
    const auto code = run(std::span(argv, std::size_t(argc)).subspan(argc > 0 ? 1 : 0));
    if (!flushOutput() && code == ExitCode::Done)
        return int(ExitCode::Failed);
    return int(code);
}
