// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/differences.h"

#include "app/ctl/console.h"
#include "engine/array/versions.h"
#include "engine/raid/personality.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <span>

namespace bitmend::ctl {

namespace {

constexpr std::size_t kPerLine = 16;
constexpr std::size_t kMostLines = 8;   // of a range
constexpr Sectors kWindow{128};         // looked at together
constexpr Sectors kLookedThrough{2048}; // of a range, for lines to show
constexpr Sectors kInJson{8};           // of a range

constexpr std::string_view kDigits = "0123456789abcdef";

std::string hexOf(std::span<const std::byte> bytes, std::string_view between)
{
    std::string text;
    for (const auto byte : bytes) {
        const auto value = std::to_integer<unsigned>(byte);
        text += text.empty() ? std::string_view() : between;
        text += kDigits[value >> 4U];
        text += kDigits[value & 15U];
    }
    return text;
}

std::string lettersOf(std::span<const std::byte> bytes)
{
    std::string text;
    for (const auto byte : bytes) {
        const auto value = std::to_integer<unsigned char>(byte);
        text += value >= 0x20 && value < 0x7f ? char(value) : '.';
    }
    return text;
}

std::string addressText(std::uint64_t address)
{
    std::string text;
    for (int shift = 40; shift >= 0; shift -= 4)
        text += kDigits[address >> unsigned(shift) & 15U];
    return text;
}

std::string labelOf(const Version& version)
{
    return "slot " + std::to_string(version.place.role) + (version.isComputed ? " should be" : "");
}

class RangeText
{
public:
    RangeText(const Array& array, SectorRange range) : m_array(array), m_range(range) {}

    std::string run();

private:
    void addHeading(const Versions& versions);
    void addLines(const Versions& versions);
    void addLine(const Versions& versions, std::size_t at);

    const Array& m_array;
    SectorRange m_range;
    std::string m_text;
    std::size_t m_width = 0; // of the labels
    std::size_t m_lines = 0;
};

// Whose bytes they are.
void RangeText::addHeading(const Versions& versions)
{
    const auto geometry = m_array.snapshot().report.geometry;
    m_text += std::string("\n  ") + (hasParity(geometry) ? "member" : "array") + " sectors " +
              std::to_string(m_range.begin.count) + "-" + std::to_string(m_range.end.count - 1) +
              ":\n";
    for (const auto& version : versions.all) {
        m_width = std::max(m_width, labelOf(version).size());
        if (version.isComputed)
            continue;
        m_text += "    " + labelOf(version) + ": " + plain(holding(version.place, geometry)) +
                  ", " + version.place.path;
        if (version.place.sector)
            m_text += ", from its sector " + std::to_string(version.place.sector->count);
        m_text += version.error ? ", cannot be read\n" : "\n";
    }
}

void RangeText::addLine(const Versions& versions, std::size_t at)
{
    std::string marks;
    for (std::size_t i = at; i < at + kPerLine; ++i)
        marks += versions.differAt(i) ? "^^ " : "   ";
    auto address = addressText(versions.range.begin.bytes() + at);
    for (const auto& version : versions.all) {
        if (at >= version.bytes.size())
            continue;
        const auto bytes =
            std::span(version.bytes).subspan(at, std::min(kPerLine, version.bytes.size() - at));
        auto label = labelOf(version);
        label.resize(m_width, ' ');
        for (const auto& part : {"    " + address, "  " + label, "  " + hexOf(bytes, " "),
                 "  " + lettersOf(bytes) + "\n"})
            m_text += part;
        address.assign(address.size(), ' ');
    }
    marks.erase(marks.find_last_not_of(' ') + 1);
    m_text += std::string(4 + address.size() + 2 + m_width + 2, ' ') + marks + "\n";
}

void RangeText::addLines(const Versions& versions)
{
    const auto end = versions.range.length().bytes();
    for (std::size_t at = 0; at < end; at += kPerLine) {
        bool differs = false;
        for (std::size_t i = at; i < at + kPerLine && !differs; ++i)
            differs = versions.differAt(i);
        if (!differs)
            continue;
        if (m_lines++ < kMostLines)
            addLine(versions, at);
    }
}

std::string RangeText::run()
{
    const auto last = std::min(m_range.end, m_range.begin + kLookedThrough);
    for (auto at = m_range.begin; at < last;) {
        const auto found = versionsIn(m_array, {at, std::min(at + kWindow, last)});
        if (!found)
            return m_text + "    " + plain(sentence(found.error())) + "\n";
        if (at == m_range.begin)
            addHeading(*found);
        addLines(*found);
        at = found->range.end;
    }
    if (m_lines > kMostLines)
        m_text += "    and " + grouped(m_lines - kMostLines) + " more lines of 16 bytes\n";
    if (last < m_range.end)
        m_text += "    and what lies behind it in this range\n";
    return m_text;
}

Json versionsJson(const Versions& versions)
{
    Json list = Json::array();
    for (const auto& version : versions.all) {
        const auto& place = version.place;
        list.push_back({{"role", place.role}, {"path", place.path},
            {"sector", place.sector ? Json(place.sector->count) : Json()},
            {"should_be", version.isComputed},
            {"hex", version.error ? Json() : Json(hexOf(version.bytes, ""))}});
    }
    return list;
}

} // namespace

std::string differencesText(
    const Array& array, const std::vector<SectorRange>& ranges, std::uint64_t most)
{
    std::string text;
    for (std::size_t i = 0; i < std::min<std::uint64_t>(most, ranges.size()); ++i)
        text += RangeText(array, ranges[i]).run();
    return text;
}

Json differencesJson(const Array& array, const std::vector<SectorRange>& ranges, std::uint64_t most)
{
    Json list = Json::array();
    for (std::size_t i = 0; i < std::min<std::uint64_t>(most, ranges.size()); ++i) {
        const auto begin = ranges[i].begin;
        const auto found = versionsIn(array, {begin, std::min(ranges[i].end, begin + kInJson)});
        list.push_back({{"first", begin.count}, {"last", ranges[i].end.count - 1},
            {"versions", found ? versionsJson(*found) : Json::array()}});
    }
    return list;
}

} // namespace bitmend::ctl
