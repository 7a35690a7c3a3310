// SPDX-License-Identifier: Apache-2.0
#include "engine/export/fuse_mount.h"

#include "engine/export/fuse_calls.h"
#include "engine/export/mount_points.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <mutex>
#include <tuple>
#include <utility>

namespace bitmend {

namespace fs = std::filesystem;

namespace {

constexpr const char* kDevice = "/dev/fuse";
constexpr unsigned kThreads = 4; // more of them gained nothing

} // namespace

struct FuseMount::Session
{
    Served served;
    fs::path folder;
    std::string source; // in the kernel's list
    bool madeFolder = false;
    bool isUnmounted = false; // by us: what is there now is somebody else's
    fuse_session* fuse = nullptr;
    int ended = -1;
    int leaving = -1; // wakes the threads
    std::atomic<bool> isServing = false;

    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    Result<void> start(const std::string& program);
    void serve();
    void answer();
    void leave();
    bool isThere() const;
    bool waitForEnd() const;
    void removeFolder();
};

FuseMount::Session::~Session()
{
    if (fuse != nullptr)
        fuse_session_destroy(fuse);
    for (const int descriptor : {ended, leaving}) {
        if (descriptor >= 0)
            ::close(descriptor);
    }
    removeFolder();
}

void FuseMount::Session::removeFolder()
{
    std::error_code ignored;
    if (std::exchange(madeFolder, false))
        fs::remove(folder, ignored);
}

Result<void> FuseMount::Session::start(const std::string& program)
{
    source = program + ":" + std::to_string(::getpid());
    const auto type = std::string("subtype=") + kMountType;
    const bool isWritten = std::ranges::any_of(
        served.files, [](const ExportedFile& file) { return file.device != nullptr; });
    std::vector<std::string> words{"bitmend", "-o", "fsname=" + source, "-o", type};
    if (!isWritten)
        words.insert(words.end(), {"-o", "ro"});
    fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
    for (const auto& word : words)
        fuse_opt_add_arg(&arguments, word.c_str());
    ::clock_gettime(CLOCK_REALTIME, &served.begun);
    // It would write sentences of its own to standard error.
    fuse_set_log_func([](fuse_log_level, const char*, va_list) {});
    const auto table = fuseCalls();
    errno = 0;
    fuse = fuse_session_new(&arguments, &table, sizeof table, &served);
    fuse_opt_free_args(&arguments);
    const bool isMounted = fuse != nullptr && fuse_session_mount(fuse, folder.c_str()) == 0;
    ended = isMounted ? ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    leaving = isMounted ? ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    const bool isReady =
        ended >= 0 && leaving >= 0 && ::fcntl(fuse_session_fd(fuse), F_SETFL, O_NONBLOCK) == 0;
    if (isMounted && !isReady)
        fuse_session_unmount(fuse);
    if (!isReady)
        return fail(ErrorCode::CannotMount, folder, -1, errno != 0 ? errno : EIO);
    return {};
}

// Not libfuse's own loop: that one ends only when the kernel says so.
void FuseMount::Session::serve()
{
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < kThreads; ++i)
        others.emplace_back([this] { answer(); });
    answer();
    others.clear();
    fuse_session_unmount(fuse);
    isServing = false;
    ::eventfd_write(ended, 1);
}

void FuseMount::Session::answer()
{
    const int device = fuse_session_fd(fuse);
    const int events = ::epoll_create1(EPOLL_CLOEXEC);
    // For each request one of the threads is woken.
    epoll_event request{.events = EPOLLIN | EPOLLEXCLUSIVE, .data = {.fd = device}};
    epoll_event end{.events = EPOLLIN, .data = {.fd = leaving}};
    ::epoll_ctl(events, EPOLL_CTL_ADD, device, &request);
    ::epoll_ctl(events, EPOLL_CTL_ADD, leaving, &end);
    fuse_buf buffer{};
    while (fuse_session_exited(fuse) == 0) {
        const int got = fuse_session_receive_buf(fuse, &buffer);
        if (got > 0) {
            fuse_session_process_buf(fuse, &buffer);
        } else if (got == -EAGAIN) {
            epoll_event any{};
            ::epoll_wait(events, &any, 1, -1);
        } else if (got != -EINTR) {
            leave();
        }
    }
    std::free(buffer.mem);
    ::close(events);
}

void FuseMount::Session::leave()
{
    fuse_session_exit(fuse);
    ::eventfd_write(leaving, 1);
}

bool FuseMount::Session::isThere() const
{
    const auto there = isUnmounted ? std::nullopt : mountAt(folder);
    return there && there->isOurs() && there->source == source;
}

// Unmounted from everywhere, it ends at once. In another mount namespace it may live on.
bool FuseMount::Session::waitForEnd() const
{
    constexpr int kPatienceMillis = 2000;
    pollfd end{ended, POLLIN, 0};
    while (isServing) {
        if (::poll(&end, 1, kPatienceMillis) == 0)
            return false;
    }
    return true;
}

FuseMount::FuseMount(std::shared_ptr<Session> session)
    : m_session(std::move(session))
    , m_server([session = m_session] { session->serve(); })
{
}

Result<std::unique_ptr<FuseMount>> FuseMount::mount(
    std::vector<ExportedFile> files, const fs::path& folder, const std::string& program)
{
    std::error_code ignored;
    if (::access(kDevice, R_OK | W_OK) != 0 || !fs::is_character_file(kDevice, ignored))
        return fail(ErrorCode::NoFuse, folder);
    if (::geteuid() != 0 && !hasMountHelper())
        return fail(ErrorCode::CannotMount, folder, -1, EPERM); // libfuse would say so itself
    auto session = std::make_shared<Session>();
    session->served.files = std::move(files);
    session->folder = folder;
    session->madeFolder = BM_TRY(prepareMountPoint(folder));
    if (auto resolved = fs::canonical(folder, ignored); !ignored)
        session->folder = std::move(resolved);
    BM_TRY(session->start(program));
    session->isServing = true;
    return std::unique_ptr<FuseMount>(new FuseMount(std::move(session)));
}

FuseMount::~FuseMount()
{
    // What does not work here cannot be told to anybody any more.
    if (isServing())
        std::ignore = unmount();
    if (m_session->isThere())
        std::ignore = unmountFolder(m_session->folder, Leaving::Lazily);
    m_session->served.isLeaving = true;
    std::vector<ExportedFile> files;
    {
        const std::lock_guard alone(m_session->served.mutex);
        files.swap(m_session->served.files);
    }
    for (const auto& file : files) {
        if (file.device)
            std::ignore = file.device->flush();
    }
    // It may outlive this, answering programs that there is nothing any more.
    if (m_session->waitForEnd()) {
        m_server.join();
    } else {
        m_server.detach();
    }
    m_session->removeFolder();
}

const fs::path& FuseMount::folder() const { return m_session->folder; }

const std::vector<ExportedFile>& FuseMount::files() const { return m_session->served.files; }

bool FuseMount::isServing() const { return m_session->isServing; }

int FuseMount::endedDescriptor() const { return m_session->ended; }

unsigned FuseMount::openFiles() const { return m_session->served.open; }

Result<void> FuseMount::unmount()
{
    if (m_session->isThere())
        BM_TRY(unmountFolder(m_session->folder, Leaving::WhenFree));
    m_session->isUnmounted = true;
    if (!m_session->waitForEnd()) {
        m_session->leave(); // a copy in another mount namespace would keep it for ever
        m_session->waitForEnd();
    }
    for (const auto& file : m_session->served.files) {
        if (file.device)
            BM_TRY(file.device->flush());
    }
    return {};
}

} // namespace bitmend
