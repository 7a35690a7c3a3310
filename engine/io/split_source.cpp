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

// Of sources, or of devices.
template <typename Part> class Split : public std::remove_const_t<Part>
{
public:
    using Parts = std::vector<std::shared_ptr<Part>>;

    Split(std::string name, Parts parts)
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
        return inParts(
            offset, to, [](const BlockSource& part, std::uint64_t at, std::span<std::byte> here) {
                return part.readAt(at, here);
            });
    }

    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return inParts(
            offset, to, [](const BlockSource& part, std::uint64_t at, std::span<std::byte> here) {
                return part.readOnceAt(at, here);
            });
    }

    Residence residence() const override
    {
        Residence all;
        for (const auto& part : m_parts)
            all.add(part->residence());
        return all;
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

protected:
    const Parts& parts() const { return m_parts; }

    // An error names the part and the offset in it: that is the file to look at.
    template <typename Byte, typename Move>
    Result<void> inParts(std::uint64_t offset, std::span<Byte> bytes, Move&& move) const
    {
        if (offset > m_sizeBytes || bytes.size() > m_sizeBytes - offset)
            return fail(ErrorCode::ShortRead, m_name, std::int64_t(std::min(offset, m_sizeBytes)));
        while (!bytes.empty()) {
            auto& part = *m_parts[offset / m_partBytes];
            const std::uint64_t inPart = offset % m_partBytes;
            const auto here = std::min<std::uint64_t>(bytes.size(), part.sizeBytes() - inPart);
            BM_TRY(move(part, inPart, bytes.first(here)));
            bytes = bytes.subspan(here);
            offset += here;
        }
        return {};
    }

private:
    std::string m_name;
    Parts m_parts;
    std::uint64_t m_partBytes;
    std::uint64_t m_sizeBytes;
};

class SplitSource final : public Split<const BlockSource>
{
public:
    using Split::Split;
};

class SplitDevice final : public Split<BlockDevice>
{
public:
    using Split::Split;

    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        return inParts(
            offset, from, [](BlockDevice& part, std::uint64_t at, std::span<const std::byte> here) {
                return part.writeAt(at, here);
            });
    }

    Result<void> flush() override
    {
        for (const auto& part : parts())
            BM_TRY(part->flush());
        return {};
    }
};

// Opens every part and makes sure that they are one set.
template <typename Part, typename Open>
Result<std::vector<std::shared_ptr<Part>>> openParts(const PartName& name, Open&& open)
{
    const unsigned last = lastNumber(name);
    std::vector<std::shared_ptr<Part>> parts;
    for (unsigned number = name.number(); number <= last; ++number) {
        const std::string path = name.path(number);
        if (!exists(path))
            return fail(ErrorCode::PartMissing, path);
        auto part = BM_TRY(open(path));
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
    return parts;
}

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
    return std::make_shared<SplitSource>(
        firstPart, BM_TRY(openParts<const BlockSource>(*name, openFile)));
}

Result<DevicePtr> openSplitForWriting(const std::string& firstPart)
{
    const auto name = takeApart(firstPart);
    if (!name)
        return openFileForWriting(firstPart);
    const auto open = [](const std::string& path) {
        return openFileForWriting(path);
    };
    return std::make_shared<SplitDevice>(firstPart, BM_TRY(openParts<BlockDevice>(*name, open)));
}

} // namespace bitmend
