// SPDX-License-Identifier: Apache-2.0
// A source of its own: the core's headers and Qt's keywords do not go together in one.
#include "tests/support/member_files.h"

#include "tests/support/array_images.h"
#include "tests/support/files.h"

namespace bitmend::test {

std::vector<std::string> writeMembers(const std::filesystem::path& folder, const ArrayFiles& wanted)
{
    ArrayImages images(wanted.level, wanted.disks);
    images.onAll([&wanted](Superblock& superblock) {
        superblock.arrayUuid.bytes.fill(wanted.number);
        superblock.name = wanted.name;
        superblock.componentSize = wanted.component;
        superblock.dataSize = wanted.component;
        if (!wanted.dirty.empty())
            superblock.resyncOffset = {0};
    });
    images.addBitmaps(wanted.dirty);

    std::vector<std::string> paths;
    const std::string stem = wanted.name.substr(wanted.name.find(':') + 1);
    for (int role = 0; role < wanted.disks - wanted.missing; ++role) {
        const auto path = folder / (stem + "-" + std::to_string(role) + ".img");
        writeFile(path, images.image(std::size_t(role)));
        const Sectors size = images[std::size_t(role)].dataOffset + wanted.component;
        std::filesystem::resize_file(path, std::max(size.bytes(), kImageSectors.bytes()));
        paths.push_back(path.string());
    }
    return paths;
}

void writeBlank(const std::filesystem::path& path, std::uint64_t bytes)
{
    writeFile(path, {});
    std::filesystem::resize_file(path, bytes);
}

std::vector<std::uint64_t> chunksUpTo(std::uint64_t count)
{
    std::vector<std::uint64_t> all(count);
    for (std::uint64_t chunk = 0; chunk < count; ++chunk)
        all[chunk] = chunk;
    return all;
}

} // namespace bitmend::test
