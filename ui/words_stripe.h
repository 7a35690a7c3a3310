// SPDX-License-Identifier: Apache-2.0
// What is said about a stripe and about what one member holds in it.
#pragma once

#include "engine/array/stripe_view.h"
#include "ui/words.h"

namespace bitmend {

// Whether its members agree, and what that means.
Phrase verdictOf(const StripeView& view);

// "sectors 8 to 15: superblock", counted from the member's start, where the window is not all one
// thing.
std::vector<Phrase> regionsOf(const StripeCell& cell);

// Where the bytes of a cell come from: "in sync", "missing, from slots 0 and 1".
Phrase originOf(const StripeCell& cell);

std::uint64_t differingBytes(const StripeView& view); // over the window, however many members

} // namespace bitmend
