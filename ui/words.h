// SPDX-License-Identifier: Apache-2.0
// The one place where codes and facts become sentences, for the window and for bitmendctl alike. No
// Qt: a Phrase is an English pattern (a literal, marked for translation) and its arguments; ui/text
// translates it, bitmendctl prints it plain. What happened, what was (not) changed, what to do
// next. Calm, no exclamation marks, no codes first.
#pragma once

#include "engine/array/array_map.h"
#include "engine/array/assembly.h"
#include "engine/base/log.h"
#include "engine/base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bitmend {

struct Phrase
{
    std::string_view pattern; // "%1 events behind %2"; static storage
    std::vector<std::string> arguments;
};

std::string plain(const Phrase& phrase);

Phrase sentence(const Error& error);
Phrase sentence(const Error& error, const ArrayReport& array); // says what lies at the byte
Phrase sentence(
    const Problem& problem, std::string_view source); // names field, offset, found, expected
Phrase sentence(const Remark& remark, const ArrayReport& array);
Phrase reasonOf(const Member& member);
std::optional<Phrase> badBlocksOf(const Member& member); // none where none are listed
Phrase sentence(const LogRecord& record);

// One or two words: "in sync", "needs resync".
std::string_view word(MemberState state);
std::string_view word(Needs needs);
std::string_view word(Region region);
std::string_view word(Holds holds);

// What lies at a place, "data chunk 18" or "parity P"; and, where the member there does not count,
// where its contents come from all the same.
Phrase holding(const MemberPlace& place, const Geometry& geometry);
std::optional<Phrase> standIn(const MemberPlace& place);

// The verdict: what is wrong in one short sentence, then what it means for the data and what the
// safe next step costs.
Phrase headline(const ArrayReport& array);
std::vector<Phrase> explanation(const ArrayReport& array);

// What a forced start means besides: where it may be torn, and what mdadm --force would do instead.
std::vector<Phrase> consequences(const Force& force, const ArrayReport& array);

// Whether a remark of this array belongs into its explanation: not what starting would cost when it
// cannot start, and not what another remark says better.
bool isWorthSaying(const Remark& remark, const ArrayReport& array);

// "4.6 GiB", "512 B"; "29 809"; "2026-11-20 14:02:31" and "2026-11-20T14:02:31Z".
std::string iecSize(std::uint64_t bytes);
std::string grouped(std::uint64_t number);
std::string utcText(std::int64_t seconds);
std::string utcRfc3339(std::int64_t seconds);

// md's level as people write it: "RAID 1", "linear".
std::string levelName(int level);

} // namespace bitmend
