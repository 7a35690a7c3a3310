// SPDX-License-Identifier: Apache-2.0
#include "engine/io/past_cache.h"

#include "engine/base/aligned_buffer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>

namespace bitmend {

namespace {

constexpr std::uint64_t kGrain = AlignedBuffer::kAlignment;

// The share of looks at pages all over the file that find one in the cache. Only its owner and who
// may write to it are told; everybody else hears that all of it is there.
double cachedShare(int descriptor, std::uint64_t sizeBytes)
{
    constexpr std::uint64_t kLooks = 64;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto pages = sizeBytes / page;
    if (pages < kLooks)
        return 1;
    void* const mapped = ::mmap(nullptr, sizeBytes, PROT_READ, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED)
        return 1;
    auto* const begin = static_cast<unsigned char*>(mapped);
    std::uint64_t found = 0;
    for (std::uint64_t look = 0; look < kLooks; ++look) {
        unsigned char isThere = 1;
        const auto at = pages * look / kLooks * page;
        if (::mincore(begin + at, page, &isThere) != 0 || (isThere & 1U) != 0)
            ++found;
    }
    ::munmap(mapped, sizeBytes);
    return double(found) / double(kLooks);
}

} // namespace

PastCache::~PastCache()
{
    if (m_direct >= 0)
        ::close(m_direct);
}

void PastCache::open() const
{
    const auto path = "/proc/self/fd/" + std::to_string(m_descriptor);
    constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_DIRECT | O_NONBLOCK;
    m_direct = ::open(path.c_str(), kFlags | O_NOATIME);
    // Only the owner may leave the access time alone.
    if (m_direct < 0 && errno == EPERM)
        m_direct = ::open(path.c_str(), kFlags);
}

std::size_t PastCache::read(std::uint64_t offset, std::span<std::byte> to) const
{
    const auto address = std::bit_cast<std::uintptr_t>(to.data());
    if (((offset | address) & (kGrain - 1)) != 0)
        return 0;
    std::call_once(m_once, [this] { open(); });
    if (m_direct < 0)
        return 0;
    const auto whole = to.size() / kGrain * kGrain;
    std::size_t done = 0;
    while (done < whole) {
        const auto rest = to.subspan(done, whole - done);
        const ssize_t got = ::pread(m_direct, rest.data(), rest.size(), off_t(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += std::size_t(got);
        // The rest of a file does not lie on 4 KiB any more.
        if (std::size_t(got) % kGrain != 0)
            break;
    }
    return done;
}

Residence residenceOf(int descriptor, std::uint64_t sizeBytes)
{
    struct stat status{};
    if (::fstat(descriptor, &status) != 0)
        return {};
    if (S_ISBLK(status.st_mode))
        return {sizeBytes, true};
    constexpr std::uint64_t kStatBlock = 512;
    const auto taken = std::min(std::uint64_t(status.st_blocks) * kStatBlock, sizeBytes);
    const auto missing = double(taken) * (1 - cachedShare(descriptor, sizeBytes));
    return {std::uint64_t(missing), false};
}

bool belongsPastCache(Residence all)
{
    const auto memory =
        std::uint64_t(::sysconf(_SC_PHYS_PAGES)) * std::uint64_t(::sysconf(_SC_PAGESIZE));
    return all.isDevice || all.missing > memory / 2;
}

} // namespace bitmend
