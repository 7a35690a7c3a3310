// SPDX-License-Identifier: Apache-2.0
// Values from any thread to the one that empties the box. Polled, not signalled: a scan of hundreds
// of sources wakes the window a few dozen times a second, not once for each.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace bitmend {

template <typename T> class Mailbox
{
public:
    void post(T value)
    {
        const std::lock_guard lock(m_mutex);
        m_values.push_back(std::move(value));
    }

    std::vector<T> takeAll()
    {
        const std::lock_guard lock(m_mutex);
        return std::exchange(m_values, {});
    }

private:
    std::mutex m_mutex;
    std::vector<T> m_values;
};

} // namespace bitmend
