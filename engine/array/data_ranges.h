// SPDX-License-Identifier: Apache-2.0
// Where members hold anything at all. What is a hole on each of them is equal, and its parity is
// zero: nothing there has to be read, and a hole stays one.
#pragma once

#include "engine/base/units.h"
#include "engine/io/block_source.h"

#include <span>
#include <vector>

namespace bitmend {

// One per worker: remembers how far data goes, as the asking costs most where there is most of it.
class DataRanges
{
public:
    struct Part
    {
        const BlockSource* source = nullptr;
        std::uint64_t offset = 0; // bytes, of the part's begin
    };

    static constexpr Sectors kGrain{128}; // what md reads in one request; smaller holes are read

    // The ranges, from the begin of the parts, in which any of them may hold other than zeros:
    // whole grains but for the end, in order, apart.
    std::vector<SectorRange> find(std::span<const Part> parts, Sectors length);

private:
    DataStretch next(const Part& part, std::uint64_t from);

    struct Known
    {
        const BlockSource* source = nullptr;
        DataStretch data;
    };
    std::vector<Known> m_known;
};

} // namespace bitmend
