// SPDX-License-Identifier: Apache-2.0
// One array as the window shows it, by value.
#pragma once

#include "engine/array/membership.h"
#include "engine/array/snapshot.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

// A member that is out of an assembled array, and what taking it back would take; worked out before
// anybody asks, so that a menu can say it.
struct Returning
{
    std::string path;
    Result<ReAddPlan> plan;
};

struct PlugOutcome
{
    std::uint64_t chunks = 0; // whose bits were set at that moment; 0 as well without a bitmap
};

struct ArrayView
{
    ArrayReport report; // as found; as it is now while assembled
    std::optional<ArraySnapshot> assembled;
    std::filesystem::path overlay; // what is shown lies on these overlays; empty: on the members
    // NOLINTNEXTLINE(readability-redundant-member-init): gcc asks for it where others are named
    std::vector<Returning> returning = {};
    std::filesystem::path mounted = {}; // where its contents are files; empty: nowhere
    std::string address = {};           // where NBD clients find them, when they are no files there
};

} // namespace bitmend
