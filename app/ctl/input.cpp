// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace bitmend::ctl {

Input::Input(int descriptor, std::string name) : m_descriptor(descriptor), m_name(std::move(name))
{
    struct stat there{};
    if (::fstat(descriptor, &there) == 0 && S_ISREG(there.st_mode))
        m_size = std::uint64_t(there.st_size);
}

Input::~Input()
{
    if (m_descriptor > STDERR_FILENO)
        ::close(m_descriptor);
}

Input::Input(Input&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1))
    , m_name(std::move(other.m_name))
    , m_size(other.m_size)
{
}

Result<Input> Input::open(const std::string& name)
{
    if (name == "-")
        return Input(STDIN_FILENO, name);
    const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail(ErrorCode::CannotOpen, name, -1, errno);
    return Input(descriptor, name);
}

Result<std::size_t> Input::read(
    std::span<std::byte> to, JobControl& control, const std::function<void()>& idle) const
{
    constexpr int kPatienceMillis = 100;
    std::size_t filled = 0;
    while (filled < to.size() && control.keepGoing()) {
        pollfd source{m_descriptor, POLLIN, 0};
        const int ready = ::poll(&source, 1, kPatienceMillis);
        if (ready == 0) {
            // What is there is worth writing before more comes.
            if (filled > 0)
                return filled;
            idle();
            continue;
        }
        const auto count = ::read(m_descriptor, to.data() + filled, to.size() - filled);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail(ErrorCode::Io, m_name, -1, errno);
        if (count == 0)
            return filled;
        filled += std::size_t(count);
    }
    return filled;
}

} // namespace bitmend::ctl
