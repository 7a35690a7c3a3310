// SPDX-License-Identifier: Apache-2.0
#include "engine/io/file_device.h"

#include "engine/io/past_cache.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace bitmend {

namespace {

// The kernel moves at most this much in one call; asking for more is allowed but pointless.
constexpr std::size_t kLargestCall = 0x7ffff000;

class Descriptor
{
public:
    explicit Descriptor(int fd) : m_fd(fd) {}
    Descriptor(Descriptor&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor()
    {
        if (m_fd >= 0)
            ::close(m_fd);
    }

    int get() const { return m_fd; }
    bool isOpen() const { return m_fd >= 0; }

private:
    int m_fd;
};

// Whether the file system looks at every page to find where data ends, as tmpfs does: that takes as
// long as reading it all.
bool walksPages(int fd)
{
    struct statfs system{};
    return ::fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

bool isGone(int error)
{
    return error == ENODEV || error == ENXIO || error == ESTALE || error == ENOMEDIUM;
}

class FileDevice final : public BlockDevice
{
public:
    FileDevice(std::string name, Descriptor fd, std::uint64_t sizeBytes, ErrorCode whenFull)
        : m_name(std::move(name))
        , m_fd(std::move(fd))
        , m_sizeBytes(sizeBytes)
        , m_whenFull(whenFull)
        , m_walksPages(walksPages(m_fd.get()))
        , m_pastCache(m_fd.get())
    {
    }

    const std::string& name() const override { return m_name; }
    std::uint64_t sizeBytes() const override { return m_sizeBytes; }
    int descriptor() const override { return m_fd.get(); }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        BM_TRY(checkRange(offset, to.size()));
        while (!to.empty()) {
            const ssize_t got =
                ::pread(m_fd.get(), to.data(), std::min(to.size(), kLargestCall), off_t(offset));
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return failed(errno, std::int64_t(offset));
            if (got == 0)
                return fail(ErrorCode::ShortRead, m_name, std::int64_t(offset));
            to = to.subspan(std::size_t(got));
            offset += std::uint64_t(got);
        }
        return {};
    }

    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        BM_TRY(checkRange(offset, to.size()));
        const auto got = m_pastCache.read(offset, to);
        return got == to.size() ? Result<void>() : readAt(offset + got, to.subspan(got));
    }

    Residence residence() const override { return residenceOf(m_fd.get(), m_sizeBytes); }

    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        BM_TRY(checkRange(offset, from.size()));
        while (!from.empty()) {
            const ssize_t put = ::pwrite(
                m_fd.get(), from.data(), std::min(from.size(), kLargestCall), off_t(offset));
            if (put < 0 && errno == EINTR)
                continue;
            if (put < 0)
                return failedToWrite(errno, std::int64_t(offset));
            from = from.subspan(std::size_t(put));
            offset += std::uint64_t(put);
        }
        return {};
    }

    Result<void> flush() override
    {
        while (::fdatasync(m_fd.get()) != 0) {
            if (errno != EINTR)
                return failedToWrite(errno, -1);
        }
        return {};
    }

    std::int64_t modifiedNanos() const override
    {
        struct stat status{};
        if (::fstat(m_fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
            return 0;
        return std::int64_t(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
    }

    DataStretch nextData(std::uint64_t offset) const override
    {
        const off_t begin = ::lseek(m_fd.get(), off_t(offset), SEEK_DATA);
        if (begin < 0 && errno == ENXIO)
            return {m_sizeBytes, m_sizeBytes};
        if (begin >= 0 && m_walksPages) {
            constexpr std::uint64_t kStep = std::uint64_t{1} << 20U;
            const auto next = (std::uint64_t(begin) / kStep + 1) * kStep;
            return {std::uint64_t(begin), std::min(next, m_sizeBytes)};
        }
        const off_t end = begin < 0 ? -1 : ::lseek(m_fd.get(), begin, SEEK_HOLE);
        // Neither a block device nor every file system tells.
        if (end < 0)
            return {offset, m_sizeBytes};
        return {std::uint64_t(begin), std::min(std::uint64_t(end), m_sizeBytes)};
    }

private:
    Result<void> checkRange(std::uint64_t offset, std::size_t length) const
    {
        if (offset > m_sizeBytes || length > m_sizeBytes - offset)
            return fail(ErrorCode::ShortRead, m_name, std::int64_t(std::min(offset, m_sizeBytes)));
        return {};
    }

    std::unexpected<Error> failed(int error, std::int64_t offset) const
    {
        if (isGone(error))
            return fail(ErrorCode::Vanished, m_name, offset, error);
        if (error == ENOSPC || error == EDQUOT)
            return fail(m_whenFull, m_name, offset, error);
        return fail(ErrorCode::Io, m_name, offset, error);
    }

    std::unexpected<Error> failedToWrite(int error, std::int64_t offset) const
    {
        auto failure = failed(error, offset);
        if (failure.error().code == ErrorCode::Io)
            failure.error().found = 1;
        return failure;
    }

    std::string m_name;
    Descriptor m_fd;
    std::uint64_t m_sizeBytes;
    ErrorCode m_whenFull;
    bool m_walksPages;
    PastCache m_pastCache; // goes before the descriptor does
};

int openNoAtime(const char* path)
{
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NOATIME | O_NONBLOCK);
    if (fd >= 0 || errno != EPERM)
        return fd;
    // Only the owner may leave the access time alone.
    return ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

Result<std::uint64_t> sizeOf(const Descriptor& fd, const std::string& path)
{
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0)
        return fail(ErrorCode::Io, path, -1, errno);
    if (S_ISREG(status.st_mode))
        return std::uint64_t(status.st_size);
    if (!S_ISBLK(status.st_mode))
        return fail(ErrorCode::NotAStorage, path);
    std::uint64_t bytes = 0;
    if (::ioctl(fd.get(), BLKGETSIZE64, &bytes) != 0)
        return fail(ErrorCode::Io, path, -1, errno);
    return bytes;
}

// Asked before opening: merely opening a tape or a terminal can have effects.
enum class Kind : std::uint8_t { File, BlockDevice };

Result<Kind> kindOf(const std::string& path)
{
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0)
        return fail(ErrorCode::CannotOpen, path, -1, errno);
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return fail(ErrorCode::NotAStorage, path);
    return S_ISBLK(status.st_mode) ? Kind::BlockDevice : Kind::File;
}

Result<DevicePtr> wrap(const std::string& path, int rawFd)
{
    Descriptor fd(rawFd);
    if (!fd.isOpen())
        return fail(ErrorCode::CannotOpen, path, -1, errno);
    const std::uint64_t size = BM_TRY(sizeOf(fd, path));
    return std::make_shared<FileDevice>(path, std::move(fd), size, ErrorCode::NoSpaceInPlace);
}

std::unexpected<Error> cannotBeWritten(const std::string& path, int why)
{
    Error error{ErrorCode::CannotOpen, path, -1, why};
    error.found = 1;
    return std::unexpected(std::move(error));
}

// A device that was set read-only opens all the same and refuses each write.
bool isReadOnly(int descriptor)
{
    int readOnly = 0;
    return ::ioctl(descriptor, BLKROGET, &readOnly) == 0 && readOnly != 0;
}

Result<void> makeEntryDurable(const std::string& path)
{
    auto folder = std::filesystem::path(path).parent_path();
    if (folder.empty())
        folder = ".";
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.isOpen() || ::fsync(fd.get()) != 0)
        return fail(ErrorCode::Io, folder.string(), -1, errno);
    return {};
}

} // namespace

Result<SourcePtr> openFile(const std::string& path)
{
    BM_TRY(kindOf(path));
    return BM_TRY(wrap(path, openNoAtime(path.c_str())));
}

Result<DevicePtr> openFileForWriting(const std::string& path, const LockRange& range)
{
    const auto kind = BM_TRY(kindOf(path));
    BM_TRY(checkUnused(path));
    const int exclusive = kind == Kind::BlockDevice ? O_EXCL : 0;
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | exclusive);
    if (fd < 0 && errno == EBUSY) {
        Error inUse{ErrorCode::InUse, path, -1, EBUSY};
        inUse.who = openedBy(path);
        return std::unexpected(std::move(inUse));
    }
    if (fd < 0)
        return cannotBeWritten(path, errno);
    auto device = BM_TRY(wrap(path, fd));
    if (kind == Kind::BlockDevice && isReadOnly(device->descriptor()))
        return cannotBeWritten(path, EROFS);
    BM_TRY(lockFile(device->descriptor(), path, LockKind::Writing, range));
    return device;
}

Result<DevicePtr> createFile(const std::string& path, std::uint64_t sizeBytes)
{
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_CREAT, 0644));
    if (!fd.isOpen()) {
        const auto code = errno == ENOSPC ? ErrorCode::NoSpace : ErrorCode::CannotOpen;
        return fail(code, path, -1, errno);
    }
    std::uint64_t size = BM_TRY(sizeOf(fd, path));
    if (size < sizeBytes) {
        if (::ftruncate(fd.get(), off_t(sizeBytes)) != 0 || ::fsync(fd.get()) != 0) {
            const auto code = errno == ENOSPC ? ErrorCode::NoSpace : ErrorCode::Io;
            return fail(code, path, -1, errno);
        }
        size = sizeBytes;
    }
    BM_TRY(makeEntryDurable(path));
    return std::make_shared<FileDevice>(path, std::move(fd), size, ErrorCode::NoSpace);
}

Result<void> createNewFile(const std::string& path, std::span<const std::byte> content)
{
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0644));
    if (!fd.isOpen()) {
        const auto code = errno == ENOSPC ? ErrorCode::NoSpace : ErrorCode::CannotOpen;
        return fail(code, path, -1, errno);
    }
    FileDevice file(path, std::move(fd), content.size(), ErrorCode::NoSpace);
    auto written = file.writeAt(0, content);
    if (written)
        written = file.flush();
    if (written)
        written = makeEntryDurable(path);
    if (!written)
        ::unlink(path.c_str());
    return written;
}

} // namespace bitmend
