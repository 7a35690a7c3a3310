// SPDX-License-Identifier: Apache-2.0
// Writes that wait for their bits. One of them serves all that have come until it begins, and those
// that come meanwhile wait for the next one: never for the array's lock, which is held meanwhile.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

namespace bitmend {

struct PendingWrite; // engine/array/foreground.cpp

struct WriteQueue
{
    std::mutex mutex; // taken after the array's lock
    std::condition_variable answered;
    std::vector<PendingWrite*> waiting;
    bool isServed = false; // by one of them, at this moment

    // Writes that are done and about to be settled, which takes the array's lock. A round waits for
    // them first: it would keep them from coming back with the next write, and the next round
    // small.
    std::condition_variable settled;
    unsigned settling = 0;
};

} // namespace bitmend
