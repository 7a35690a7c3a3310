// SPDX-License-Identifier: Apache-2.0
// mount, which serves an array's contents as files until somebody unmounts them, and umount. What
// serves is the process itself, in the background when it is not told otherwise: the terminal is
// given back when the files are there.
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/planned_writes.h"
#include "engine/export/fuse_mount.h"
#include "engine/export/mount_points.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <functional>

namespace bitmend::ctl {

namespace {

constexpr std::string_view kProgram = "bitmendctl";
constexpr int kUpkeepMillis = 100;

WriteMode modeOf(const Options& options)
{
    const bool writes = !options.readOnly && (options.inPlace || !options.overlay.empty());
    return writes ? writeMode(options) : WriteMode::ReadOnly;
}

Result<std::shared_ptr<Array>> openAsAsked(const Options& options, JobControl& control)
{
    const auto found = scanPaths(options, control);
    if (!control.keepGoing())
        return fail(ErrorCode::Cancelled);
    complainAboutSources(found);
    if (modeOf(options) == WriteMode::ReadOnly)
        return std::shared_ptr<Array>(BM_TRY(openArray(found, options, WriteMode::ReadOnly)));
    return std::shared_ptr<Array>(BM_TRY(openForWriting(found, options,
        [](const ArrayReport& array) { return foregroundWrites(array, {{}, array.arraySize}); })));
}

void report(const Array& array, const FuseMount& mount, const Options& options)
{
    const auto snapshot = array.snapshot();
    const bool isWritten = modeOf(options) != WriteMode::ReadOnly;
    if (options.json) {
        Json object;
        object["action"] = "mount";
        object["array"] = toString(snapshot.report.uuid);
        object["folder"] = mount.folder().string();
        object["writable"] = isWritten;
        object["files"] = Json::array();
        for (const auto& file : mount.files()) {
            object["files"].push_back({{"path", (mount.folder() / file.name).string()},
                {"size_bytes", file.source->sizeBytes()}});
        }
        printJson(object);
        return;
    }
    std::string text = snapshot.report.name + " is mounted at " + mount.folder().string() +
                       (isWritten ? ", to be read and written:\n" : ", to be read:\n");
    for (const auto& file : mount.files()) {
        text += "  " + file.name + "  ";
        text += iecSize(file.source->sizeBytes()) + "\n";
    }
    text += "'bitmendctl umount " + mount.folder().string() + "' ends it.\n";
    print(text);
}

// Until it is unmounted from outside, or a signal asks for that and nobody uses it any more; the
// second signal does not wait for that.
void serve(Array& array, FuseMount& mount, bool isWritten)
{
    const auto set = interrupts();
    const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
    Result<void> upkeep;
    for (bool asked = false; mount.isServing();) {
        std::array<pollfd, 2> events{{{signals, POLLIN, 0}, {mount.endedDescriptor(), POLLIN, 0}}};
        ::poll(events.data(), events.size(), kUpkeepMillis);
        if (isWritten && upkeep) {
            upkeep = array.maintain();
            if (!upkeep)
                complain(upkeep.error());
        }
        signalfd_siginfo info{};
        const bool isAsked =
            (events[0].revents & POLLIN) != 0 && ::read(signals, &info, sizeof info) > 0;
        if (asked && isAsked)
            break;
        asked |= isAsked;
        if (!asked)
            continue;
        const auto left = mount.unmount();
        if (isAsked && !left)
            complain(left.error());
    }
    ::close(signals);
}

ExitCode mountAndServe(const Options& given, const std::function<void()>& ready)
{
    auto options = given;
    const std::filesystem::path folder = options.paths.front();
    options.paths.erase(options.paths.begin());
    std::optional<WatchedJob> job(std::in_place, "Mount");
    const auto opened = openAsAsked(options, job->control());
    const bool wasInterrupted = job->wasInterrupted();
    job.reset(); // signals are ours from here on
    if (wasInterrupted)
        return ExitCode::Interrupted;
    if (!opened)
        return complain(opened.error());
    const auto& array = *opened;
    const bool isWritten = modeOf(options) != WriteMode::ReadOnly;
    const auto device = isWritten ? DevicePtr(array) : DevicePtr();
    auto mount = FuseMount::mount(
        filesOf(array, device, array->snapshot().report.name), folder, std::string(kProgram));
    if (!mount)
        return complain(mount.error(), *array);
    report(*array, **mount, options);
    if (!options.json)
        printWayBack(array->snapshot());
    ready();
    serve(*array, **mount, isWritten);
    mount->reset();
    if (!isWritten)
        return ExitCode::Done;
    const auto stopped = stop(*array);
    if (!stopped)
        return complain(stopped.error(), *array);
    return withLosses(*array, ExitCode::Done);
}

// Before there are threads: they would stay behind.
ExitCode inBackground(const Options& options)
{
    std::array<int, 2> channel{-1, -1};
    if (::pipe2(channel.data(), O_CLOEXEC) != 0)
        return mountAndServe(options, [] {});
    const auto child = ::fork();
    if (child < 0)
        return mountAndServe(options, [] {});
    if (child == 0) {
        ::close(channel[0]);
        return mountAndServe(options, [&channel] {
            flushOutput();
            ::setsid(); // until now the terminal's Ctrl-C is for it as well
            const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
            for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
                if (nothing >= 0)
                    ::dup2(nothing, standard);
            }
            const char word = 'r';
            [[maybe_unused]] const auto told = ::write(channel[1], &word, 1);
        });
    }
    ::close(channel[1]);
    char word = 0;
    const bool isReady = ::read(channel[0], &word, 1) == 1;
    ::close(channel[0]);
    if (isReady)
        return ExitCode::Done;
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? ExitCode(WEXITSTATUS(status)) : ExitCode::Failed;
}

// A descriptor of the bitmendctl that serves, which ends when its array is stopped; -1 for others:
// the window goes on.
int serverOf(const MountPoint& point)
{
    const auto colon = point.source.find(':');
    if (colon == std::string::npos || point.source.substr(0, colon) != kProgram)
        return -1;
    pid_t process = 0;
    const char* end = point.source.data() + point.source.size();
    if (std::from_chars(point.source.data() + colon + 1, end, process).ptr != end)
        return -1;
    return static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
}

} // namespace

ExitCode mountCommand(const Options& options)
{
    if (options.paths.empty())
        return misused("mount", "Name an empty folder to mount on.");
    return options.foreground ? mountAndServe(options, [] {}) : inBackground(options);
}

ExitCode umountCommand(const Options& options)
{
    if (options.paths.size() != 1)
        return misused("umount", "Name the folder that was mounted on.");
    const auto& folder = options.paths.front();
    const auto point = mountAt(folder);
    if (!point || !point->isOurs())
        return complain(Error{ErrorCode::NotMounted, folder});
    const bool wasLeft = isLeftBehind(folder);
    const int server = wasLeft ? -1 : serverOf(*point);
    const auto unmounted = unmountFolder(folder, wasLeft ? Leaving::Lazily : Leaving::WhenFree);
    if (!unmounted)
        return complain(unmounted.error());
    if (server >= 0) {
        // What was written becomes durable, and the array clean. Who does not want to wait for
        // that may go.
        const auto set = interrupts();
        ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        pollfd ended{server, POLLIN, 0};
        ::poll(&ended, 1, -1);
        ::close(server);
    }
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

} // namespace bitmend::ctl
