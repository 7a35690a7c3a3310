// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/field_words.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <ctime>

namespace bitmend {

namespace {

constexpr std::array<std::string_view, 6> kParityLayouts{"left-asymmetric", "right-asymmetric",
    "left-symmetric", "right-symmetric", "parity-first", "parity-last"};

std::string parityLayoutText(std::int32_t level, std::uint32_t layout)
{
    if (layout < kParityLayouts.size())
        return std::string(kParityLayouts[layout]);
    if (level == 6) {
        switch (layout) {
        case 8:
            return "ddf-zero-restart";
        case 9:
            return "ddf-N-restart";
        case 10:
            return "ddf-N-continue";
        case 16:
            return "left-asymmetric-6";
        case 17:
            return "right-asymmetric-6";
        case 18:
            return "left-symmetric-6";
        case 19:
            return "right-symmetric-6";
        case 20:
            return "parity-first-6";
        default:
            break;
        }
    }
    return std::to_string(layout);
}

std::string raid10LayoutText(std::uint32_t layout)
{
    const std::uint32_t near = layout & 0xff;
    const std::uint32_t far = layout >> 8 & 0xff;
    if (layout >> 19 != 0 || near == 0 || far == 0)
        return "0x" + hexText(layout);
    std::string text;
    if (near != 1 || far == 1)
        text = "near=" + std::to_string(near);
    if (far != 1) {
        if (!text.empty())
            text += ", ";
        text += (layout & 0x10000) ? "offset=" : "far=";
        text += std::to_string(far);
    }
    if (const std::uint32_t improved = layout >> 17; improved != 0)
        text += ", far_set=" + std::to_string(improved);
    return text;
}

std::string scaled(double value, const char* unit)
{
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.2f %s", value, unit);
    return text.data();
}

} // namespace

std::string hexText(std::uint64_t value)
{
    std::array<char, 20> text{};
    std::snprintf(text.data(), text.size(), "%" PRIx64, value);
    return text.data();
}

std::string byteSizeText(std::uint64_t bytes)
{
    const auto value = static_cast<double>(bytes);
    // mdadm's thresholds: it changes to the larger unit late.
    if (bytes < std::uint64_t{200} << 20)
        return scaled(value / (1 << 20), "MiB ").append(scaled(value / 1e6, "MB"));
    if (bytes < std::uint64_t{200} << 30)
        return scaled(value / (1 << 30), "GiB ").append(scaled(value / 1e9, "GB"));
    return scaled(value / (std::uint64_t{1} << 40), "TiB ").append(scaled(value / 1e12, "TB"));
}

std::string sizeText(Sectors size)
{
    std::string text = std::to_string(size.count) + " sectors";
    // More bytes than can be counted is no size of anything.
    if (size.count != 0 && size.count <= ~std::uint64_t{0} / kSectorBytes)
        text += " (" + byteSizeText(size.bytes()) + ")";
    return text;
}

std::string chunkText(std::uint64_t bytes)
{
    if (bytes != 0 && bytes % (1 << 20) == 0)
        return std::to_string(bytes >> 20) + "M";
    if (bytes != 0 && bytes % (1 << 10) == 0)
        return std::to_string(bytes >> 10) + "K";
    return std::to_string(bytes) + "B";
}

std::string timeText(std::int64_t seconds, std::uint32_t microseconds)
{
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    if (gmtime_r(&time, &parts) == nullptr)
        return std::to_string(seconds);
    std::array<char, 64> text{};
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::string result(text.data(), length);
    if (microseconds != 0) {
        std::snprintf(text.data(), text.size(), ".%06" PRIu32, microseconds);
        result += text.data();
    }
    return result + "Z";
}

std::string levelText(std::int32_t level)
{
    switch (level) {
    case -4:
        return "multipath";
    case -1:
        return "linear";
    case 0:
    case 1:
    case 4:
    case 5:
    case 6:
    case 10:
        return "raid" + std::to_string(level);
    default:
        return std::to_string(level);
    }
}

std::string layoutText(std::int32_t level, std::uint32_t layout)
{
    if (level == 5 || level == 6)
        return parityLayoutText(level, layout);
    if (level == 10)
        return raid10LayoutText(layout);
    if (level == 0 && layout == 1)
        return "original";
    if (level == 0 && layout == 2)
        return "alternate";
    return std::to_string(layout);
}

std::string roleText(Role role)
{
    switch (role) {
    case kRoleSpare:
        return "spare";
    case kRoleFaulty:
        return "faulty";
    case kRoleJournal:
        return "Journal";
    default:
        return role < kRoleLimit ? "Active device " + std::to_string(role) : "0x" + hexText(role);
    }
}

std::string distanceText(std::int64_t sectors)
{
    return std::to_string(sectors) + " sectors from superblock";
}

std::string bitsText(std::uint64_t value, std::span<const BitName> names)
{
    std::string text = "0x" + hexText(value);
    for (const auto& bit : names) {
        if (value & bit.mask)
            text.append(" ").append(bit.name);
    }
    return text;
}

void FieldTexts::add(std::string_view name, std::string field, Bytes bytes, std::string value,
    std::optional<std::uint64_t> raw)
{
    std::string shown = name.empty() ? field : std::string(name);
    m_items.push_back(
        {std::move(shown), std::move(field), std::move(value), bytes.offset, bytes.length, raw});
}

void FieldTexts::addReserved(std::string field, Bytes bytes, std::span<const std::byte> raw)
{
    std::size_t used = 0;
    for (const auto byte : raw.subspan(bytes.offset, bytes.length))
        used += byte != std::byte{} ? 1 : 0;
    std::string value = "0";
    if (used != 0)
        value = std::to_string(used) + "/" + std::to_string(bytes.length) + " != 0";
    add({}, std::move(field), bytes, std::move(value));
}

} // namespace bitmend
