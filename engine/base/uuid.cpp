// SPDX-License-Identifier: Apache-2.0
#include "engine/base/uuid.h"

#include <sys/random.h>

#include <cstdio>
#include <cstdlib>

namespace bitmend {

std::string toString(const Uuid& uuid)
{
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(35);
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (i != 0 && i % 4 == 0)
            text += ':';
        text += kDigits[uuid.bytes[i] >> 4];
        text += kDigits[uuid.bytes[i] & 15];
    }
    return text;
}

std::optional<Uuid> parseUuid(std::string_view text)
{
    Uuid uuid;
    std::size_t digits = 0;
    for (const char c : text) {
        if (c == ':' || c == '-')
            continue;
        int value = 0;
        if (c >= '0' && c <= '9') {
            value = c - '0';
        } else if (c >= 'a' && c <= 'f') {
            value = c - 'a' + 10;
        } else if (c >= 'A' && c <= 'F') {
            value = c - 'A' + 10;
        } else {
            return std::nullopt;
        }
        if (digits == 32)
            return std::nullopt;
        auto& byte = uuid.bytes[digits / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | value);
        ++digits;
    }
    return digits == 32 ? std::optional(uuid) : std::nullopt;
}

Uuid randomUuid()
{
    Uuid uuid;
    // At most 256 bytes are never cut short by a signal, so anything else is a kernel without the
    // call: no identity can be made up then.
    if (getrandom(uuid.bytes.data(), uuid.bytes.size(), 0) != ssize_t(uuid.bytes.size())) {
        std::perror("getrandom");
        std::abort();
    }
    return uuid;
}

} // namespace bitmend
