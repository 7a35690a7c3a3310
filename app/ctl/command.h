// SPDX-License-Identifier: Apache-2.0
// One row per command. A new command is one file <name>_command.cpp and a row in commands.cpp.
#pragma once

#include "app/ctl/exit_code.h"
#include "app/ctl/options.h"

#include <span>
#include <string_view>

namespace bitmend::ctl {

struct Command
{
    std::string_view name;
    std::string_view arguments; // of the synopsis
    std::string_view summary;   // one line
    std::string_view text;      // the rest of --help
    std::span<const std::string_view> options;
    bool writes = false; // then it must be told where
    ExitCode (*run)(const Options& options) = nullptr;
};

std::span<const Command> commands();

ExitCode scanCommand(const Options& options);
ExitCode examineCommand(const Options& options);
ExitCode bitmapCommand(const Options& options);
ExitCode planCommand(const Options& options);
ExitCode mapCommand(const Options& options);
ExitCode readCommand(const Options& options);
ExitCode resyncCommand(const Options& options);
ExitCode recoverCommand(const Options& options);
ExitCode checkCommand(const Options& options);
ExitCode repairCommand(const Options& options);
ExitCode addCommand(const Options& options);
ExitCode replaceCommand(const Options& options);
ExitCode failCommand(const Options& options);
ExitCode removeCommand(const Options& options);
ExitCode reAddCommand(const Options& options);
ExitCode bitmapAddCommand(const Options& options);
ExitCode bitmapRemoveCommand(const Options& options);
ExitCode stopCommand(const Options& options);
ExitCode restoreCommand(const Options& options);
ExitCode writeCommand(const Options& options);
ExitCode mountCommand(const Options& options);
ExitCode umountCommand(const Options& options);

} // namespace bitmend::ctl
