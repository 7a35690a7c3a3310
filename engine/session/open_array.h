// SPDX-License-Identifier: Apache-2.0
// One assembled array with its strand: everything that writes to it runs on one thread, in the
// order it was asked for. Arrays do not wait for each other.
#pragma once

#include "engine/array/array.h"
#include "engine/base/frame_box.h"

#include <QThreadPool>

#include <filesystem>
#include <memory>
#include <mutex>

namespace bitmend {

class OpenArray
{
public:
    OpenArray();

    QThreadPool& strand() { return m_strand; }

    // From any thread. Null before assembling and after a stop.
    std::shared_ptr<Array> array() const;
    FrameBox<ArraySnapshot>::Pointer snapshot() const { return m_snapshot.load(); }
    std::filesystem::path overlay() const;

    // From the strand.
    void opened(std::unique_ptr<Array> array, std::filesystem::path overlay);
    void publish();
    void closed(); // closes the members, releases the overlays

private:
    mutable std::mutex m_mutex;
    std::shared_ptr<Array> m_array;
    std::filesystem::path m_overlay;
    FrameBox<ArraySnapshot> m_snapshot;
    QThreadPool m_strand; // last: it waits for its thread before the rest goes
};

} // namespace bitmend
