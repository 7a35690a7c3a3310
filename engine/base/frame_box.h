// SPDX-License-Identifier: Apache-2.0
// Where a job leaves its newest picture and the window takes it from: one pointer, swapped under a
// mutex that is held for the copy of that pointer and nothing else. (libstdc++ 12's
// atomic<shared_ptr> unlocks with relaxed order, a data race that ThreadSanitizer reports.)
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace bitmend {

template <typename Frame> class FrameBox
{
public:
    using Pointer = std::shared_ptr<const Frame>;

    // Both from any thread. Null until the first store.
    Pointer load() const
    {
        const std::lock_guard lock(m_mutex);
        return m_frame;
    }

    void store(Pointer frame)
    {
        {
            const std::lock_guard lock(m_mutex);
            std::swap(m_frame, frame);
        }
        // The old frame, perhaps its last reference, dies here, outside the lock.
    }

private:
    mutable std::mutex m_mutex;
    Pointer m_frame;
};

} // namespace bitmend
