// SPDX-License-Identifier: Apache-2.0
// The heatmap's picture of an assembled array, kept up to date by whatever job runs and by what is
// written meanwhile. Safe from any thread.
#pragma once

#include "engine/array/bitmap_frame.h"
#include "engine/array/live_bitmap.h"
#include "engine/base/frame_box.h"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace bitmend {

class LiveFrames
{
public:
    enum class Pace : std::uint8_t {
        WhenDue, // at most one frame every 33 ms, and none when nothing changed
        Now,     // the first and the last of a job
    };

    explicit LiveFrames(const ArrayReport& report);

    // The array has another bitmap, or none, than the picture so far.
    void beginAnew(const ArrayReport& report);

    void mark(ChunkRun chunks, ChunkState state);
    void setMemberBits(const std::string& path, ChunkRun chunks, bool value);
    void addMember(const std::string& path, int role, Sectors dataOffset);
    void setMemberBits(const std::string& path, const BitmapBits& bits);
    void setMemberBad(const std::string& path, const BadBlocks& blocks);
    void setPagesDue(std::uint64_t begin, std::uint64_t end, bool due); // half-open
    void setSyncPosition(std::int64_t chunk);

    void publish(Pace pace);
    FrameBox<BitmapFrame>& box() const { return m_box; }

private:
    void nameMembers();
    std::optional<std::size_t> withCopy(const std::string& path) const;

    mutable std::mutex m_mutex; // guards all but the box
    BitmapFrameBuilder m_builder;
    std::map<std::string, std::size_t> m_members; // by path: the builder's index
    bool m_changed = false;                       // since the last frame
    std::chrono::steady_clock::time_point m_published;
    mutable FrameBox<BitmapFrame> m_box;
};

} // namespace bitmend
