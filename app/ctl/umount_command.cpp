// SPDX-License-Identifier: Apache-2.0
// umount: ends what mount began, and says how that went.
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/farewell.h"
#include "app/ctl/json.h"
#include "app/ctl/watched_job.h"
#include "engine/export/mount_points.h"
#include "engine/export/nbd_socket.h"

#include <nlohmann/json.hpp>
#include <signal.h>

#include <charconv>

namespace bitmend::ctl {

namespace {

// The bitmendctl that serves, which ends when its array is stopped; none for others: the window
// goes on.
std::optional<pid_t> serverOf(const MountPoint& point)
{
    const auto colon = point.source.find(':');
    if (colon == std::string::npos || point.source.substr(0, colon) != kServerProgram)
        return std::nullopt;
    pid_t process = 0;
    const char* end = point.source.data() + point.source.size();
    if (std::from_chars(point.source.data() + colon + 1, end, process).ptr != end)
        return std::nullopt;
    return process;
}

ExitCode report(const std::string& folder, bool wasLeft, const Options& options)
{
    if (options.json) {
        printJson({{"action", "umount"}, {"folder", folder}, {"was_left_behind", wasLeft}});
    } else if (wasLeft) {
        print(wrapped(
            folder + " was left behind by a program that has ended, and is free again.", 0));
    } else {
        print(wrapped(folder + " is unmounted.", 0));
    }
    return ExitCode::Done;
}

// What was written becomes durable, and the array clean.
ExitCode hear(FarewellGuest& server, const std::string& folder, const Options& options)
{
    const auto set = interrupts();
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr); // who does not want to wait for that may go
    const auto said = server.end();
    if (!said)
        return complain(Error{ErrorCode::ServerLost, folder});
    if (*said == ExitCode::Done || *said == ExitCode::Findings)
        report(folder, false, options);
    return *said;
}

ExitCode endSocket(const std::string& folder, const Options& options)
{
    const auto process = nbdServerIn(folder);
    if (!process && removeLeftSocket(folder))
        return report(folder, true, options);
    if (!process)
        return complain(Error{ErrorCode::MountBusy, folder}); // it begins or ends right now
    FarewellGuest server(*process);
    if (!server.isConnected()) {
        return complain(Error{.code = ErrorCode::CannotUnmount,
            .where = folder,
            .who = "process " + std::to_string(*process)});
    }
    return hear(server, folder, options);
}

} // namespace

ExitCode umountCommand(const Options& options)
{
    if (options.paths.size() != 1)
        return misused("umount", "Name the folder that was mounted on.");
    const auto& folder = options.paths.front();
    const auto point = mountAt(folder);
    if (!point && hasNbdSocket(folder))
        return endSocket(folder, options);
    if (!point || !point->isOurs())
        return complain(Error{ErrorCode::NotMounted, folder});
    const bool wasLeft = isLeftBehind(folder);
    const auto process = wasLeft ? std::nullopt : serverOf(*point);
    std::optional<FarewellGuest> server;
    if (process)
        server.emplace(*process);
    const auto unmounted = unmountFolder(folder, wasLeft ? Leaving::Lazily : Leaving::WhenFree);
    if (!unmounted)
        return complain(unmounted.error());
    if (!server)
        return report(folder, wasLeft, options);
    if (server->isConnected())
        return hear(*server, folder, options);
    complain("The program that serves " + folder +
             " cannot be asked from here how it ends. Scan the array to see whether it is clean.");
    return report(folder, false, options);
}

} // namespace bitmend::ctl
