// SPDX-License-Identifier: Apache-2.0
// How the words' sources build a Phrase. The pattern is a literal, by which a translation is looked
// up, and its placeholders are checked against the arguments when it is compiled, as std::format
// does.
#pragma once

#include "ui/words.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bitmend {

template <std::size_t ArgumentCount> class Pattern
{
public:
    template <std::size_t Length>
    consteval Pattern(const char (&text)[Length]) // NOLINT(*-avoid-c-arrays)
        : m_text(text, Length - 1)
    {
        for (std::size_t i = 0; i + 1 < m_text.size(); ++i) {
            if (m_text[i] != '%' || m_text[i + 1] < '0' || m_text[i + 1] > '9')
                continue;
            if (m_text[i + 1] == '0' || std::size_t(m_text[i + 1] - '0') > ArgumentCount)
                throw "a placeholder without its argument";
        }
    }

    std::string_view text() const { return m_text; }

private:
    std::string_view m_text;
};

// A pattern may leave an argument out; it cannot name one that is not there.
template <typename... Arguments>
Phrase phrase(std::type_identity_t<Pattern<sizeof...(Arguments)>> pattern, Arguments&&... arguments)
{
    return {pattern.text(), {std::string(std::forward<Arguments>(arguments))...}};
}

// "disk-a.img" of "/cases/7/disk-a.img": what a member is called in a sentence about its array.
std::string shortName(std::string_view path);

// The same, or the whole path where two members of the array share a file name.
std::string nameIn(const ArrayReport& array, const std::string& path);

// Of the remarks that have to do with force.
Phrase forceSentence(const Remark& remark, const ArrayReport& array);

// What would be enough to start it.
Phrase tooFew(const ArrayReport& array);
Phrase dirtyAndDegraded(const ArrayReport& array);

// Of the remarks that say why an array is only read, or only shown.
Phrase limitSentence(const Remark& remark, const ArrayReport& array);

// "3 hours", "12 seconds", rounded down to the largest whole unit.
std::string duration(std::uint64_t seconds);

} // namespace bitmend
