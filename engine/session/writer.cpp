// SPDX-License-Identifier: Apache-2.0
#include "engine/session/writer.h"

#include "engine/array/array.h"

#include <chrono>
#include <random>
#include <thread>
#include <vector>

namespace bitmend {

namespace {

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kWrites = 160;
constexpr std::uint64_t kFileBlocks = 12;
constexpr std::uint64_t kFileStride = 32'768;   // a file is read on by the eye as one run of cells
constexpr std::chrono::milliseconds kPause{25}; // so that a person can follow

// Where the next write goes: one in four begins a file, which is then written to its end.
class Places
{
public:
    explicit Places(std::uint64_t bytes, std::uint64_t seed)
        : m_blocks(bytes / kBlock)
        , m_random(seed)
    {
    }

    std::uint64_t next()
    {
        if (m_left == 0) {
            m_at = m_random() % m_blocks;
            m_left = m_random() % 4 == 0 ? kFileBlocks : 1;
        }
        const auto at = m_at;
        m_at = (m_at + kFileStride / kBlock) % m_blocks;
        --m_left;
        return at * kBlock;
    }

private:
    std::uint64_t m_blocks;
    std::mt19937_64 m_random;
    std::uint64_t m_at = 0;
    std::uint64_t m_left = 0;
};

} // namespace

Result<WriterOutcome> writeSomething(Array& array, JobControl& control)
{
    WriterOutcome outcome;
    if (array.sizeBytes() < kBlock)
        return fail(ErrorCode::NothingToDo, array.name());
    Places places(array.sizeBytes(), array.snapshot().report.events);
    std::vector<std::byte> block(kBlock);
    control.setTotal({kWrites * kBlock / kSectorBytes});
    while (outcome.writes < kWrites && control.keepGoing()) {
        const auto at = places.next();
        BM_TRY(array.readAt(at, block));
        const auto written = array.writeAt(at, block);
        if (!written && !control.keepGoing())
            return outcome; // the power went
        BM_TRY(written);
        ++outcome.writes;
        outcome.writtenBytes += kBlock;
        control.setDone({outcome.writtenBytes / kSectorBytes});
        std::this_thread::sleep_for(kPause);
    }
    if (!control.keepGoing())
        return outcome;
    BM_TRY(array.flush());
    outcome.completed = outcome.writes == kWrites;
    return outcome;
}

} // namespace bitmend
