// SPDX-License-Identifier: Apache-2.0
#include "engine/export/nbd_socket.h"

#include "engine/export/mount_points.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bitmend {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSocketName = "nbd.sock";
constexpr int kWaiting = 16; // clients that were not accepted yet

struct Address
{
    sockaddr_un value{};
    bool fits = false;

    explicit Address(const fs::path& path)
    {
        const auto& text = path.native();
        value.sun_family = AF_UNIX;
        fits = text.size() < sizeof value.sun_path;
        if (fits)
            std::memcpy(value.sun_path, text.data(), text.size());
    }
    const sockaddr* get() const { return std::bit_cast<const sockaddr*>(&value); }
};

int lockedFolder(const fs::path& folder)
{
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0 || ::flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        return descriptor;
    const int why = errno;
    ::close(descriptor);
    errno = why;
    return -1;
}

} // namespace

bool hasNbdSocket(const fs::path& folder)
{
    std::error_code ignored;
    return fs::is_socket(fs::symlink_status(folder / kSocketName, ignored));
}

std::optional<pid_t> nbdServerIn(const fs::path& folder)
{
    const Address address(folder / kSocketName);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::optional<pid_t> server;
    ucred who{};
    socklen_t size = sizeof who;
    const bool isAnswered =
        address.fits && socket >= 0 && ::connect(socket, address.get(), sizeof address.value) == 0;
    if (isAnswered && ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
        server = who.pid;
    if (socket >= 0)
        ::close(socket);
    return server;
}

bool removeLeftSocket(const fs::path& folder)
{
    if (!hasNbdSocket(folder))
        return false;
    const int lock = lockedFolder(folder);
    if (lock < 0)
        return false;
    const bool isRemoved = ::unlinkat(lock, kSocketName, 0) == 0;
    ::close(lock);
    return isRemoved;
}

NbdSocket::NbdSocket(NbdSocket&& other) noexcept
    : m_folder(std::move(other.m_folder))
    , m_madeFolder(std::exchange(other.m_madeFolder, false))
    , m_isBound(std::exchange(other.m_isBound, false))
    , m_lock(std::exchange(other.m_lock, -1))
    , m_listener(std::exchange(other.m_listener, -1))
{
}

NbdSocket::~NbdSocket()
{
    if (m_listener >= 0)
        ::close(m_listener);
    if (m_isBound)
        ::unlinkat(m_lock, kSocketName, 0);
    if (m_madeFolder)
        ::rmdir(m_folder.c_str());
    if (m_lock >= 0)
        ::close(m_lock);
}

fs::path NbdSocket::path() const { return m_folder / kSocketName; }

Result<void> NbdSocket::lock()
{
    m_lock = lockedFolder(m_folder);
    if (m_lock < 0 && errno == EWOULDBLOCK)
        return fail(ErrorCode::FolderInUse, m_folder);
    if (m_lock < 0)
        return fail(ErrorCode::CannotMount, m_folder, -1, errno);
    // Whoever listened to it would hold the lock.
    if (hasNbdSocket(m_folder))
        ::unlinkat(m_lock, kSocketName, 0);
    std::error_code error;
    if (!fs::is_empty(m_folder, error))
        return fail(ErrorCode::FolderInUse, m_folder);
    return {};
}

Result<void> NbdSocket::bind()
{
    const Address address(path());
    if (!address.fits)
        return fail(ErrorCode::CannotMount, m_folder, -1, ENAMETOOLONG);
    m_listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // The file gets the socket's mode: so there is no moment at which others could connect.
    m_isBound = m_listener >= 0 && ::fchmod(m_listener, S_IRUSR | S_IWUSR) == 0 &&
                ::bind(m_listener, address.get(), sizeof address.value) == 0;
    if (!m_isBound || ::listen(m_listener, kWaiting) != 0)
        return fail(ErrorCode::CannotMount, m_folder, -1, errno);
    return {};
}

Result<NbdSocket> NbdSocket::listenIn(const fs::path& folder)
{
    NbdSocket socket;
    socket.m_folder = folder;
    BM_TRY(removeLeftMount(folder));
    socket.m_madeFolder = ::mkdir(folder.c_str(), S_IRWXU) == 0;
    if (!socket.m_madeFolder && errno != EEXIST)
        return fail(ErrorCode::CannotMount, folder, -1, errno);
    std::error_code ignored;
    if (auto resolved = fs::canonical(folder, ignored); !ignored)
        socket.m_folder = std::move(resolved);
    BM_TRY(socket.lock());
    BM_TRY(socket.bind());
    return socket;
}

} // namespace bitmend
