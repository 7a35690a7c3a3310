// SPDX-License-Identifier: Apache-2.0
// What a check found to differ, in all its versions: each copy as it is, or a stripe's data and
// parity as they are, beside what they would have to be.
#pragma once

#include "engine/array/stripe_view.h"
#include "engine/base/result.h"

#include <cstddef>
#include <functional>
#include <vector>

namespace bitmend {

class Array;

struct Version
{
    MemberPlace place;
    bool isComputed = false; // what the other members say this one should hold
    std::vector<std::byte> bytes;
    std::optional<Error> error; // it cannot be read; there are no bytes then
};

struct Versions
{
    SectorRange range; // as it was asked for; its end may come earlier, but never at its begin
    std::vector<Version> all;

    bool differAt(std::size_t offset) const;
};

using ReadStripe = std::function<Result<StripeView>(std::int64_t begin, Sectors length)>;

// Of a range as SyncOutcome::differing has them: array sectors on levels 1 and 10, member sectors
// from data_offset on levels 4, 5 and 6. Errors of readStripe().
Result<Versions> versionsIn(const ArrayReport& array, SectorRange range, const ReadStripe& read);
Result<Versions> versionsIn(const Array& array, SectorRange range);

} // namespace bitmend
