// SPDX-License-Identifier: Apache-2.0
#include "engine/export/mount.h"

#include "engine/export/fuse_mount.h"
#include "engine/export/nbd_mount.h"

#include <cerrno>
#include <string_view>

namespace bitmend {

namespace {

// Not root and without the helper, or in a container: the kernel knows FUSE, and keeps it from us.
bool isWithoutFuse(const Error& error)
{
    return error.code == ErrorCode::NoFuse ||
           (error.code == ErrorCode::CannotMount && error.sysErrno == EPERM);
}

std::string percentEncoded(const std::string& text, std::string_view plain)
{
    constexpr std::string_view kAlways = "-._~/";
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool isPlain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                             (c >= 'a' && c <= 'z') || kAlways.contains(c) || plain.contains(c);
        if (isPlain) {
            encoded += c;
        } else {
            encoded += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
        }
    }
    return encoded;
}

} // namespace

Result<std::unique_ptr<Mount>> mountFiles(const std::vector<ExportedFile>& files,
    const std::filesystem::path& folder, const std::string& program, MountAs as)
{
    if (as == MountAs::FilesIfPossible) {
        auto mounted = FuseMount::mount(files, folder, program);
        if (mounted)
            return std::unique_ptr<Mount>(std::move(*mounted));
        if (!isWithoutFuse(mounted.error()))
            return std::unexpected(mounted.error());
        auto instead = NbdMount::mount(files, folder);
        // A folder that does not do for a socket either is what a person can change.
        if (!instead && mounted.error().code == ErrorCode::CannotMount)
            return std::unexpected(mounted.error());
        return std::unique_ptr<Mount>(BM_TRY(std::move(instead)));
    }
    return std::unique_ptr<Mount>(BM_TRY(NbdMount::mount(files, folder)));
}

std::string exportName(const ExportedFile& file)
{
    constexpr std::string_view kSuffix = ".img";
    auto name = file.name;
    if (name.ends_with(kSuffix))
        name.resize(name.size() - kSuffix.size());
    return name;
}

std::vector<std::string> addressesOf(const Mount& mount)
{
    const auto socket = mount.socket();
    std::vector<std::string> addresses;
    for (const auto& file : mount.files()) {
        if (!socket.empty())
            addresses.push_back(nbdAddress(exportName(file), socket));
    }
    return addresses;
}

std::string nbdAddress(const std::string& name, const std::filesystem::path& socket)
{
    return "nbd+unix:///" + percentEncoded(name, "") + "?socket=" + percentEncoded(socket, ":@");
}

} // namespace bitmend
