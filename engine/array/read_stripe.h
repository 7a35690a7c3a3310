// SPDX-License-Identifier: Apache-2.0
// Reads one stripe from all members, to be looked at. Writes nothing.
#pragma once

#include "engine/array/stripe_view.h"
#include "engine/io/block_source.h"

#include <functional>
#include <string>

namespace bitmend {

class Array;

using LookAtMember = std::function<Result<SourcePtr>(const std::string& path)>;

// Errors as mapRow(); a member that cannot be opened or read is a cell with an error. While
// something writes to the array, what differs may be what is just being written.
Result<StripeView> readStripe(
    const ArrayReport& array, const LookAtMember& look, std::int64_t begin, Sectors length);

// The same of an assembled array, as it reads its members. From any thread.
Result<StripeView> readStripe(const Array& array, std::int64_t begin, Sectors length);

} // namespace bitmend
