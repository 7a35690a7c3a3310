// SPDX-License-Identifier: Apache-2.0
#include "engine/export/fuse_calls.h"

#include "engine/base/aligned_buffer.h"
#include "engine/export/errno_of.h"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>

namespace bitmend {

namespace {

constexpr fuse_ino_t kFirstFile = FUSE_ROOT_ID + 1;
constexpr double kForever = 3600;                       // names and sizes never change
constexpr std::size_t kLargest = std::size_t{1} << 20U; // of one request

// For the length of one call.
class Access
{
public:
    explicit Access(fuse_req_t request)
        : m_served(*static_cast<Served*>(fuse_req_userdata(request)))
        , m_lock(m_served.mutex)
    {
    }

    Served* operator->() const { return &m_served; }

private:
    Served& m_served;
    std::shared_lock<std::shared_mutex> m_lock;
};

void initialise(void* /*served*/, fuse_conn_info* connection)
{
    connection->max_write = kLargest;
    // Opening a file to make it empty is to be asked like any other change of its size.
    connection->want &= ~unsigned{FUSE_CAP_ATOMIC_O_TRUNC};
}

void lookUp(fuse_req_t request, fuse_ino_t parent, const char* name)
{
    const Access served(request);
    const auto found =
        std::ranges::find(served->files, std::string_view(name), &ExportedFile::name);
    if (parent != FUSE_ROOT_ID || found == served->files.end()) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    fuse_entry_param entry{};
    entry.ino = kFirstFile + static_cast<fuse_ino_t>(found - served->files.begin());
    entry.attr = served->statusOf(entry.ino);
    entry.attr_timeout = entry.entry_timeout = kForever;
    fuse_reply_entry(request, &entry);
}

void tellStatus(fuse_req_t request, fuse_ino_t node, fuse_file_info* /*info*/)
{
    const auto status = Access(request)->statusOf(node);
    // Of the folder it is asked each time: so whoever looks is told when nobody serves it any more.
    fuse_reply_attr(request, &status, node == FUSE_ROOT_ID ? 0 : kForever);
}

// Times are nobody's business here, and a size that stays may be set: some programs do so.
void changeStatus(
    fuse_req_t request, fuse_ino_t node, struct stat* wanted, int which, fuse_file_info* /*info*/)
{
    const auto status = Access(request)->statusOf(node);
    const bool resizes = (which & FUSE_SET_ATTR_SIZE) != 0 && wanted->st_size != status.st_size;
    const bool changesOwner =
        (which & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0;
    if (resizes || changesOwner) {
        fuse_reply_err(request, EPERM);
        return;
    }
    fuse_reply_attr(request, &status, kForever);
}

void listFolder(
    fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* /*info*/)
{
    const Access served(request);
    if (node != FUSE_ROOT_ID) {
        fuse_reply_err(request, ENOTDIR);
        return;
    }
    std::vector<char> list(size);
    std::size_t used = 0;
    for (auto index = static_cast<std::size_t>(offset); index < served->files.size() + 2; ++index) {
        const bool isFile = index >= 2;
        const auto entry = isFile ? kFirstFile + index - 2 : fuse_ino_t{FUSE_ROOT_ID};
        const auto name = isFile ? served->files[index - 2].name : std::string(index + 1, '.');
        const auto status = served->statusOf(entry);
        const auto length = fuse_add_direntry(request, list.data() + used, size - used,
            name.c_str(), &status, static_cast<off_t>(index + 1));
        if (length > size - used)
            break;
        used += length;
    }
    fuse_reply_buf(request, list.data(), used);
}

void openFile(fuse_req_t request, fuse_ino_t node, fuse_file_info* info)
{
    const Access served(request);
    const auto* file = served->file(node);
    if (file == nullptr) {
        fuse_reply_err(request, node == FUSE_ROOT_ID ? EISDIR : EIO);
        return;
    }
    const bool writes = (info->flags & O_ACCMODE) != O_RDONLY;
    if (writes && !file->device) {
        fuse_reply_err(request, EROFS);
        return;
    }
    // What nobody writes to may stay in the kernel's cache from one open to the next.
    info->keep_cache = file->device ? 0 : 1;
    ++served->open;
    if (fuse_reply_open(request, info) != 0)
        --served->open; // whoever asked is gone; nobody will release it
}

void releaseFile(fuse_req_t request, fuse_ino_t /*node*/, fuse_file_info* /*info*/)
{
    --Access(request)->open;
    fuse_reply_err(request, 0);
}

// Each of the serving threads has one, and keeps it.
std::span<std::byte> buffer(std::size_t size)
{
    thread_local AlignedBuffer kept(kLargest);
    if (kept.size() < size)
        kept = AlignedBuffer(size);
    return kept.span().first(size);
}

void readFromFile(
    fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* /*info*/)
{
    const Access served(request);
    const auto* file = served->file(node);
    const auto to = buffer(size);
    const auto read = file != nullptr ? readFile(*file, static_cast<std::uint64_t>(offset), to)
                                      : IoResult(std::unexpected(EIO));
    if (read) {
        fuse_reply_buf(request, std::bit_cast<const char*>(to.data()), *read);
    } else {
        fuse_reply_err(request, read.error());
    }
}

void writeToFile(fuse_req_t request, fuse_ino_t node, const char* bytes, std::size_t size,
    off_t offset, fuse_file_info* /*info*/)
{
    const Access served(request);
    const auto* file = served->file(node);
    const auto from = std::as_bytes(std::span(bytes, size));
    const auto written = file != nullptr
                             ? writeFile(*file, static_cast<std::uint64_t>(offset), from)
                             : IoResult(std::unexpected(EIO));
    if (written) {
        fuse_reply_write(request, *written);
    } else {
        fuse_reply_err(request, written.error());
    }
}

void synchronise(fuse_req_t request, fuse_ino_t node, int /*dataOnly*/, fuse_file_info* /*info*/)
{
    const Access served(request);
    const auto* file = served->file(node);
    if (file == nullptr) {
        fuse_reply_err(request, EIO);
        return;
    }
    const auto flushed = file->device ? file->device->flush() : Result<void>();
    fuse_reply_err(request, flushed ? 0 : errnoOf(flushed.error()));
}

void tellSpace(fuse_req_t request, fuse_ino_t /*node*/)
{
    struct statvfs space{};
    space.f_bsize = space.f_frsize = kLargest;
    space.f_namemax = NAME_MAX;
    for (const auto& file : Access(request)->files)
        space.f_blocks = std::max<fsblkcnt_t>(space.f_blocks, file.source->sizeBytes() / kLargest);
    fuse_reply_statfs(request, &space);
}

} // namespace

const ExportedFile* Served::file(std::uint64_t node) const
{
    if (isLeaving)
        return nullptr;
    const auto index = node - kFirstFile;
    return node >= kFirstFile && index < files.size() ? &files[index] : nullptr;
}

struct stat Served::statusOf(std::uint64_t node) const
{
    struct stat status{};
    status.st_ino = node;
    status.st_uid = ::getuid();
    status.st_gid = ::getgid();
    status.st_atim = status.st_mtim = status.st_ctim = begun;
    const auto* found = file(node);
    if (found == nullptr) {
        status.st_mode = S_IFDIR | S_IRUSR | S_IXUSR;
        status.st_nlink = 2;
        return status;
    }
    status.st_mode = S_IFREG | S_IRUSR | (found->device ? mode_t{S_IWUSR} : 0);
    status.st_nlink = 1;
    status.st_size = static_cast<off_t>(found->source->sizeBytes());
    status.st_blocks = status.st_size / 512;
    status.st_blksize = blksize_t{kLargest};
    return status;
}

fuse_lowlevel_ops fuseCalls()
{
    fuse_lowlevel_ops table{};
    table.init = initialise;
    table.lookup = lookUp;
    table.getattr = tellStatus;
    table.setattr = changeStatus;
    table.readdir = listFolder;
    table.open = openFile;
    table.release = releaseFile;
    table.read = readFromFile;
    table.write = writeToFile;
    table.fsync = synchronise;
    table.statfs = tellSpace;
    return table;
}

} // namespace bitmend
