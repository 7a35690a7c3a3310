// SPDX-License-Identifier: Apache-2.0
// mount: serves an array's contents as files, or through a socket, until somebody ends that. What
// serves is the process itself, in the background when it is not told otherwise: the terminal is
// given back when the files are there.
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/farewell.h"
#include "app/ctl/json.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/planned_writes.h"
#include "engine/export/mount.h"
#include "engine/io/merged_writes.h"
#include "engine/raid/personality.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>

namespace bitmend::ctl {

namespace {

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

void reportAsJson(const ArraySnapshot& array, const Mount& mount, bool isWritten)
{
    const auto socket = mount.socket();
    Json object;
    object["action"] = "mount";
    object["array"] = toString(array.report.uuid);
    object["folder"] = mount.folder().string();
    object["writable"] = isWritten;
    object["files"] = Json::array();
    for (const auto& file : mount.files()) {
        if (!socket.empty())
            break;
        object["files"].push_back({{"path", (mount.folder() / file.name).string()},
            {"size_bytes", file.source->sizeBytes()}});
    }
    if (!socket.empty()) {
        object["socket"] = socket.string();
        object["exports"] = Json::array();
        for (const auto& file : mount.files()) {
            const auto name = exportName(file);
            object["exports"].push_back({{"name", name}, {"uri", nbdAddress(name, socket)},
                {"size_bytes", file.source->sizeBytes()}});
        }
    }
    printJson(object);
}

void report(const Array& array, const Mount& mount, const Options& options)
{
    const auto snapshot = array.snapshot();
    const bool isWritten = modeOf(options) != WriteMode::ReadOnly;
    if (options.json) {
        reportAsJson(snapshot, mount, isWritten);
        return;
    }
    const auto socket = mount.socket();
    std::string text = snapshot.report.name +
                       (socket.empty() ? " is mounted at " + mount.folder().string()
                                       : " is served at " + socket.string()) +
                       (isWritten ? ", to be read and written:\n" : ", to be read:\n");
    for (const auto& file : mount.files()) {
        text += "  " + (socket.empty() ? file.name : exportName(file)) + "  ";
        text += iecSize(file.source->sizeBytes());
        text += (socket.empty() ? "" : "  " + nbdAddress(exportName(file), socket)) + "\n";
    }
    if (!socket.empty()) {
        text += "Give such an address to nbdinfo, nbdcopy or qemu-img; or make it a disk of this "
                "computer, as root:\n  nbd-client -unix " +
                socket.string() + " /dev/nbd0 -name " + exportName(mount.files().front()) + "\n";
    }
    text += "'bitmendctl umount " + mount.folder().string() + "' ends it.\n";
    print(text);
}

// Until it is ended from outside, or a signal asks for that and nobody uses it any more; the second
// signal does not wait for that.
void serve(Array& array, Mount& mount, bool isWritten, Farewell& farewell)
{
    const auto set = interrupts();
    const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
    Result<void> upkeep;
    for (bool asked = false; mount.isServing();) {
        std::array<pollfd, 3> events{{{signals, POLLIN, 0}, {mount.endedDescriptor(), POLLIN, 0},
            {farewell.descriptor(), POLLIN, 0}}};
        ::poll(events.data(), events.size(), kUpkeepMillis);
        if (isWritten && upkeep) {
            upkeep = array.maintain();
            if (!upkeep)
                complain(upkeep.error());
        }
        signalfd_siginfo info{};
        const bool isSignalled =
            (events[0].revents & POLLIN) != 0 && ::read(signals, &info, sizeof info) > 0;
        if (asked && isSignalled)
            break;
        asked |= isSignalled;
        const bool isGuest = farewell.isAsked();
        if (!asked && !isGuest)
            continue;
        const auto left = mount.unmount();
        if (left || !mount.isServing())
            break;
        const bool isHeard = isSignalled || isGuest;
        const auto code = isHeard ? complain(left.error()) : exitCodeOf(left.error().code);
        if (isGuest)
            farewell.refuse(code);
    }
    ::close(signals);
}

// What programs wrote becomes durable, and the array clean.
ExitCode stopServing(Array& array, std::unique_ptr<Mount> mount, bool isWritten)
{
    const auto left = mount->unmount();
    const bool isBusy = !left && mount->isServing(); // and nobody waits for that
    mount.reset();
    if (!isWritten)
        return ExitCode::Done;
    const auto stopped = stop(array);
    const bool isLost = !left && !isBusy;
    // What keeps one from being done mostly keeps the other one as well.
    if (isLost && (stopped || stopped.error() != left.error()))
        complain(left.error());
    if (!stopped)
        return complain(stopped.error(), array);
    return withLosses(array, isLost ? exitCodeOf(left.error().code) : ExitCode::Done);
}

// Nothing else keeps what is between the array and its files: it ends with the mount.
Result<std::unique_ptr<Mount>> mountArray(const std::shared_ptr<Array>& array,
    const std::filesystem::path& folder, const Options& options)
{
    const auto found = array->snapshot().report;
    DevicePtr device;
    if (modeOf(options) != WriteMode::ReadOnly)
        device = std::make_shared<MergedWrites>(array, wholeStripe(found.geometry).bytes());
    return mountFiles(filesOf(device ? SourcePtr(device) : SourcePtr(array), device, found.name),
        folder, std::string(kServerProgram),
        options.nbd ? MountAs::Socket : MountAs::FilesIfPossible);
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
    Farewell farewell; // before anybody can see what is mounted
    auto mount = mountArray(array, folder, options);
    if (!mount)
        return complain(mount.error(), *array);
    if (!options.nbd && !(*mount)->socket().empty()) {
        complain("Nothing can be mounted here without FUSE and fusermount3, so the contents are "
                 "served to NBD clients instead, as with --nbd.");
    }
    report(*array, **mount, options);
    if (!options.json)
        printWayBack(array->snapshot());
    ready();
    serve(*array, **mount, isWritten, farewell);
    farewell.isAsked(); // who has just come is to hear what follows
    const auto code = stopServing(*array, std::move(*mount), isWritten);
    farewell.tell(code);
    return code;
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

} // namespace

ExitCode mountCommand(const Options& options)
{
    if (options.paths.empty())
        return misused("mount", "Name an empty folder to mount on.");
    return options.foreground ? mountAndServe(options, [] {}) : inBackground(options);
}

} // namespace bitmend::ctl
