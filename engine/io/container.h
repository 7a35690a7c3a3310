// SPDX-License-Identifier: Apache-2.0
// The kinds of thing a path can be, in one table: a raw image, a split raw set, a block device. A
// new container is one new source and one new row; the file dialog's filter is made from the table.
#pragma once

#include "engine/io/block_source.h"

#include <span>
#include <string>
#include <string_view>

namespace bitmend {

struct Container
{
    std::string_view name;     // "split raw image"
    std::string_view patterns; // for file dialogs, "*.001 *.000"; empty: every other file
    bool (*probe)(const std::string& path);
    Result<SourcePtr> (*open)(const std::string& path);
};

std::span<const Container> containers();

// Opens read-only, always. "disk.img#2" opens the second partition of disk.img unless a file of
// that very name exists. Errors: CannotOpen, NotAStorage, Empty, Vanished, or what the container
// says.
Result<SourcePtr> openSource(const std::string& path);

} // namespace bitmend
