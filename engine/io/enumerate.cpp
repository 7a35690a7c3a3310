// SPDX-License-Identifier: Apache-2.0
#include "engine/io/enumerate.h"

#include "engine/io/split_source.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <set>
#include <string_view>

namespace bitmend {

namespace {

namespace fs = std::filesystem;

bool isLeftOut(const fs::directory_entry& entry)
{
    const std::string name = entry.path().filename().string();
    static constexpr std::array<std::string_view, 4> kNotes = {".map", ".log", ".txt", ".json"};
    if (name.starts_with('.') ||
        std::ranges::any_of(kNotes, [&](std::string_view end) { return name.ends_with(end); }))
        return true;
    std::error_code error;
    const auto kind = entry.status(error).type();
    // What cannot even be looked at is passed on, so that its scan says why.
    return !error && kind != fs::file_type::regular && kind != fs::file_type::block;
}

std::vector<std::string> filesIn(const std::string& folder, std::error_code& error)
{
    std::vector<std::string> files;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
        entry.increment(error)) {
        if (!isLeftOut(*entry))
            files.push_back(entry->path().string());
    }
    std::ranges::sort(files);
    return files;
}

std::string trimmed(std::string text)
{
    const auto isSpace = [](char c) {
        return c == ' ' || c == '\n' || c == '\t' || c == '\0';
    };
    while (!text.empty() && isSpace(text.back()))
        text.pop_back();
    text.erase(text.begin(), std::ranges::find_if_not(text, isSpace));
    return text;
}

std::string contentsOf(const fs::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::string firstFilled(const fs::path& disk, std::initializer_list<const char*> files)
{
    for (const char* file : files) {
        auto text = trimmed(contentsOf(disk / file));
        if (!text.empty())
            return text;
    }
    return {};
}

std::string serialOf(const fs::path& disk)
{
    auto serial = firstFilled(disk, {"serial", "device/serial"});
    if (!serial.empty())
        return serial;
    // The SCSI page "unit serial number" comes with its four bytes of header.
    constexpr std::size_t kPageHeader = 4;
    const auto page = contentsOf(disk / "device/vpd_pg80");
    return page.size() > kPageHeader ? trimmed(page.substr(kPageHeader)) : std::string();
}

bool isDisk(const fs::path& disk)
{
    const std::string name = disk.filename().string();
    if (name.starts_with("ram") || name.starts_with("zram") || name.starts_with("md"))
        return false;
    return trimmed(contentsOf(disk / "size")) != "0" && trimmed(contentsOf(disk / "hidden")) != "1";
}

} // namespace

std::vector<std::string> expandPaths(const std::vector<std::string>& paths)
{
    std::vector<std::string> result;
    std::set<std::string> seen;
    const auto add = [&](const std::string& path) {
        const std::string source = firstPartOf(path).value_or(path);
        if (seen.insert(source).second)
            result.push_back(source);
    };
    for (const auto& path : paths) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            add(path);
            continue;
        }
        const auto files = filesIn(path, error);
        if (error)
            add(path);
        std::ranges::for_each(files, add);
    }
    if (paths.empty()) {
        for (const auto& disk : listDisks())
            add(disk.path);
    }
    return result;
}

std::vector<DiskName> listDisks(const fs::path& sysBlock)
{
    std::vector<DiskName> disks;
    std::error_code error;
    for (fs::directory_iterator entry(sysBlock, error), end; !error && entry != end;
        entry.increment(error)) {
        const fs::path& disk = entry->path();
        if (!isDisk(disk))
            continue;
        // sysfs writes "cciss!c0d0" where /dev has a folder.
        std::string name = disk.filename().string();
        std::ranges::replace(name, '!', '/');
        disks.push_back({"/dev/" + name,
            firstFilled(disk, {"device/model", "dm/name", "loop/backing_file"}), serialOf(disk)});
    }
    std::ranges::sort(disks, {}, &DiskName::path);
    return disks;
}

} // namespace bitmend
