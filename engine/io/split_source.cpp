// SPDX-License-Identifier: Apache-2.0
#include "engine/io/split_source.h"

#include "engine/io/file_device.h"

#include <algorithm>
#include <filesystem>
#include <ranges>
#include <vector>

namespace bitmend {

namespace {

namespace fs = std::filesystem;

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLower(char c) { return c >= 'a' && c <= 'z'; }

// A part's name, taken apart: "disk." "002" is number 2.
struct PartName
{
    std::string stem; // with the folder and the dot
    std::string suffix;

    bool isNumbered() const { return isDigit(suffix.front()); }

    unsigned number() const
    {
        unsigned value = 0;
        for (const char c : suffix)
            value = isNumbered() ? value * 10 + unsigned(c - '0') : value * 26 + unsigned(c - 'a');
        return value;
    }

    std::string path(unsigned number) const
    {
        std::string text(suffix.size(), isNumbered() ? '0' : 'a');
        const unsigned radix = isNumbered() ? 10 : 26;
        for (char& place : text | std::views::reverse) {
            place = char(place + char(number % radix));
            number /= radix;
        }
        return stem + text;
    }
};

std::optional<PartName> takeApart(const std::string& path)
{
    const auto dot = path.rfind('.');
    if (dot == std::string::npos || path.find('/', dot) != std::string::npos)
        return std::nullopt;
    PartName name{path.substr(0, dot + 1), path.substr(dot + 1)};
    const auto length = name.suffix.size();
    const bool numbered = length >= 3 && length <= 5 && std::ranges::all_of(name.suffix, isDigit);
    const bool lettered = length == 2 && std::ranges::all_of(name.suffix, isLower);
    if (!numbered && !lettered)
        return std::nullopt;
    return name;
}

bool exists(const std::string& path)
{
    std::error_code ignored;
    return fs::exists(path, ignored);
}

// The highest number among the files of this set: what lies before it and is not there is a gap.
unsigned lastNumber(const PartName& name)
{
    unsigned last = name.number();
    auto folder = fs::path(name.stem).parent_path();
    std::error_code error;
    fs::directory_iterator entry(folder.empty() ? fs::path(".") : folder, error);
    const std::string start = fs::path(name.stem).filename().string();
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        const std::string file = entry->path().filename().string();
        if (!file.starts_with(start) || file.size() != start.size() + name.suffix.size())
            continue;
        const auto other = takeApart(file);
        if (other && other->isNumbered() == name.isNumbered())
            last = std::max(last, other->number());
    }
    return last;
}

class SplitSource final : public BlockSource
{
public:
    SplitSource(std::string name, std::vector<SourcePtr> parts)
        : m_name(std::move(name))
        , m_parts(std::move(parts))
        , m_partBytes(m_parts.front()->sizeBytes())
        , m_sizeBytes(m_partBytes * (m_parts.size() - 1) + m_parts.back()->sizeBytes())
    {
    }

    const std::string& name() const override { return m_name; }
    std::uint64_t sizeBytes() const override { return m_sizeBytes; }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        if (offset > m_sizeBytes || to.size() > m_sizeBytes - offset)
            return fail(ErrorCode::ShortRead, m_name, std::int64_t(std::min(offset, m_sizeBytes)));
        while (!to.empty()) {
            const auto& part = m_parts[offset / m_partBytes];
            const std::uint64_t inPart = offset % m_partBytes;
            const auto here = std::min<std::uint64_t>(to.size(), part->sizeBytes() - inPart);
            // An error names the part and the offset in it: that is the file to look at.
            BM_TRY(part->readAt(inPart, to.first(here)));
            to = to.subspan(here);
            offset += here;
        }
        return {};
    }

    std::int64_t modifiedNanos() const override
    {
        std::int64_t latest = 0;
        for (const auto& part : m_parts)
            latest = std::max(latest, part->modifiedNanos());
        return latest;
    }

    DataStretch nextData(std::uint64_t offset) const override
    {
        while (offset < m_sizeBytes) {
            const auto index = std::min<std::uint64_t>(offset / m_partBytes, m_parts.size() - 1);
            const std::uint64_t begin = index * m_partBytes;
            const auto inPart = m_parts[index]->nextData(offset - begin);
            if (!inPart.empty())
                return {begin + inPart.begin, begin + inPart.end};
            offset = begin + m_parts[index]->sizeBytes();
        }
        return {m_sizeBytes, m_sizeBytes};
    }

private:
    std::string m_name;
    std::vector<SourcePtr> m_parts;
    std::uint64_t m_partBytes;
    std::uint64_t m_sizeBytes;
};

} // namespace

std::optional<std::string> firstPartOf(const std::string& path)
{
    const auto name = takeApart(path);
    if (!name)
        return std::nullopt;
    if (!name->isNumbered()) {
        if (!exists(name->path(0)) || !exists(name->path(1)) || !exists(path))
            return std::nullopt;
        return name->path(0);
    }
    if (name->number() == 0)
        return path;
    if (exists(name->path(0)))
        return name->path(0);
    // "backup.100" alone is somebody's own name; with "backup.099" beside it, it is a part.
    const bool isPart = name->number() == 1 || exists(name->path(1)) ||
                        exists(name->path(name->number() - 1)) || name->number() == 2;
    return isPart ? std::optional(name->path(1)) : std::nullopt;
}

Result<SourcePtr> openSplit(const std::string& firstPart)
{
    const auto name = takeApart(firstPart);
    if (!name)
        return openFile(firstPart);
    const unsigned last = lastNumber(*name);
    std::vector<SourcePtr> parts;
    for (unsigned number = name->number(); number <= last; ++number) {
        const std::string path = name->path(number);
        if (!exists(path))
            return fail(ErrorCode::PartMissing, path);
        auto part = BM_TRY(openFile(path));
        const std::uint64_t size = part->sizeBytes();
        const std::uint64_t expected = parts.empty() ? size : parts.front()->sizeBytes();
        if (number == last ? size > expected : size != expected) {
            Error error{ErrorCode::PartSizeDiffers, path};
            error.found = size;
            error.expected = expected;
            return std::unexpected(std::move(error));
        }
        if (size == 0)
            return fail(ErrorCode::Empty, path);
        parts.push_back(std::move(part));
    }
    return std::make_shared<SplitSource>(firstPart, std::move(parts));
}

} // namespace bitmend
