// SPDX-License-Identifier: Apache-2.0
#include "ui/words.h"

#include "ui/phrase.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace bitmend {

std::string plain(const Phrase& phrase)
{
    std::string text;
    for (std::size_t i = 0; i < phrase.pattern.size(); ++i) {
        const char next = i + 1 < phrase.pattern.size() ? phrase.pattern[i + 1] : '\0';
        const auto index = std::size_t(next - '1');
        if (phrase.pattern[i] == '%' && next >= '1' && next <= '9' &&
            index < phrase.arguments.size()) {
            text += phrase.arguments[index];
            ++i;
        } else {
            text += phrase.pattern[i];
        }
    }
    return text;
}

std::string_view word(MemberState state)
{
    switch (state) {
    case MemberState::InSync:
        return "in sync";
    case MemberState::Rebuilding:
        return "rebuilding";
    case MemberState::Spare:
        return "spare";
    case MemberState::Faulty:
        return "faulty";
    case MemberState::Stale:
        return "stale";
    case MemberState::Missing:
        return "missing";
    case MemberState::Journal:
        return "journal";
    case MemberState::Replacement:
        return "replacement";
    case MemberState::Foreign:
        return "foreign";
    case MemberState::Damaged:
        return "damaged";
    case MemberState::Duplicate:
        return "duplicate";
    }
    return {};
}

std::string_view word(Needs needs)
{
    switch (needs) {
    case Needs::Nothing:
        return "all well";
    case Needs::Resync:
        return "needs resync";
    case Needs::Recovery:
        return "needs recovery";
    case Needs::Choice:
        return "needs a choice";
    case Needs::Force:
        return "needs force";
    case Needs::MembersMissing:
        return "members missing";
    case Needs::Unsupported:
        return "not supported";
    }
    return {};
}

std::string levelName(int level)
{
    switch (level) {
    case -1:
        return "linear";
    case -4:
        return "multipath";
    case -5:
        return "faulty";
    case -10:
        return "container";
    default:
        return "RAID " + std::to_string(level);
    }
}

std::string iecSize(std::uint64_t bytes)
{
    constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    double amount = double(bytes);
    std::uint64_t remainder = 0;
    std::uint64_t whole = bytes;
    // 1023.95 would be printed as "1024.0".
    while (unit + 1 < units.size() && amount >= 1023.95) {
        remainder |= whole % 1024;
        whole /= 1024;
        amount /= 1024;
        ++unit;
    }
    if (remainder == 0)
        return std::to_string(whole) + ' ' + units[unit];
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f ", amount);
    return text.data() + std::string(units[unit]);
}

std::string grouped(std::uint64_t number)
{
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, 1, ' ');
    }
    return text;
}

namespace {

// Absurd superblocks hold absurd times; they are shown as what they are, not wrapped around.
std::string utc(std::int64_t seconds, const char* format)
{
    std::tm parts{};
    const auto when = std::time_t(seconds);
    std::array<char, 64> text{};
    if (::gmtime_r(&when, &parts) == nullptr)
        return std::to_string(seconds) + " s";
    const auto length = std::strftime(text.data(), text.size(), format, &parts);
    return {text.data(), length};
}

} // namespace

std::string utcText(std::int64_t seconds) { return utc(seconds, "%Y-%m-%d %H:%M:%S"); }

std::string utcRfc3339(std::int64_t seconds) { return utc(seconds, "%Y-%m-%dT%H:%M:%SZ"); }

std::string shortName(std::string_view path)
{
    // A device keeps its folder: "/dev/sda" is its name.
    if (path.starts_with("/dev/"))
        return std::string(path);
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    const auto slash = path.rfind('/');
    return std::string(slash == path.npos ? path : path.substr(slash + 1));
}

std::string duration(std::uint64_t seconds)
{
    struct Unit
    {
        std::uint64_t seconds;
        const char* one;
        const char* many;
    };
    constexpr std::array<Unit, 4> units = {{{86'400, "day", "days"}, {3'600, "hour", "hours"},
        {60, "minute", "minutes"}, {1, "second", "seconds"}}};
    for (const auto& unit : units) {
        if (const auto count = seconds / unit.seconds; count > 0)
            return grouped(count) + ' ' + (count == 1 ? unit.one : unit.many);
    }
    return "0 seconds";
}

} // namespace bitmend
