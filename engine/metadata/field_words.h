// SPDX-License-Identifier: Apache-2.0
// How to_text spells single values: as mdadm does, but with times in UTC.
#pragma once

#include "engine/base/endian.h"
#include "engine/base/uuid.h"
#include "engine/metadata/field_checks.h"
#include "engine/metadata/to_text.h"

#include <string>

namespace bitmend {

std::string hexText(std::uint64_t value); // "a92b4efc"
std::string sizeText(Sectors size);       // "14336 sectors (7.00 MiB 7.34 MB)"
std::string byteSizeText(std::uint64_t bytes);
std::string chunkText(std::uint64_t bytes);                                 // "64K", "512K", "64M"
std::string timeText(std::int64_t seconds, std::uint32_t microseconds = 0); // RFC 3339
std::string levelText(std::int32_t level);
std::string layoutText(std::int32_t level, std::uint32_t layout);
std::string roleText(Role role);                // "Active device 0", "spare", "faulty", "Journal"
std::string distanceText(std::int64_t sectors); // "-16 sectors from superblock"

// The names whose bits are set, after the number: "0x9 BITMAP_OFFSET BAD_BLOCKS".
struct BitName
{
    std::uint64_t mask = 0;
    std::string_view name;
};
std::string bitsText(std::uint64_t value, std::span<const BitName> names);

// The list as it grows. Each item begins where the one before ended.
class FieldTexts
{
public:
    explicit FieldTexts(std::endian order) : m_order(order) {}

    // `name` empty: mdadm has no term.
    template <std::integral T>
    void add(std::string_view name, Field field, const Le<T>& stored, std::string value)
    {
        const auto raw = static_cast<std::uint64_t>(
            static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(
                stored.read(m_order)));
        add(name, std::string(field.name), {field.offset, sizeof(T)}, std::move(value), raw);
    }

    // A number that is nothing but a number.
    template <std::integral T> void add(std::string_view name, Field field, const Le<T>& stored)
    {
        add(name, field, stored, std::to_string(stored.read(m_order)));
    }

    struct Bytes
    {
        std::size_t offset = 0;
        std::size_t length = 0;
    };
    void add(std::string_view name, std::string field, Bytes bytes, std::string value,
        std::optional<std::uint64_t> raw = std::nullopt);

    // Bytes that md keeps zero or does not look at; says so, or how many are not zero.
    void addReserved(std::string field, Bytes bytes, std::span<const std::byte> raw);

    std::endian order() const { return m_order; }
    std::vector<FieldText> take() { return std::move(m_items); }

private:
    std::endian m_order;
    std::vector<FieldText> m_items;
};

// The two kinds of superblock.
std::vector<FieldText> describe1(const Superblock& superblock);
std::vector<FieldText> describe090(const Superblock& superblock);

} // namespace bitmend
