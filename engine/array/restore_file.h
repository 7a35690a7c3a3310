// SPDX-License-Identifier: Apache-2.0
// The way back from writing in place: the metadata that was there before, in a file of its own.
#pragma once

#include "engine/array/assembly.h"
#include "engine/io/block_source.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bitmend {

// $XDG_STATE_HOME/bitmend (or ~/.local/state/bitmend), named by array and time, and not there yet.
std::filesystem::path defaultRestoreFile(const ArrayReport& array);

// A place on a member whose bytes are to be saved.
struct SavedArea
{
    std::string path;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    WritePurpose purpose = WritePurpose::Superblock;
};

// The superblock, bitmap and bad block log of each member that takes part, where its own
// superblock says they are, and every other place where the writes put metadata.
std::vector<SavedArea> areasToSave(
    const ArrayReport& array, const std::vector<PlannedWrite>& writes);

class RestoreFile
{
public:
    // Makes the folder and the file. InUse when the file is there already; NoSpaceToSave, Io.
    static Result<std::unique_ptr<RestoreFile>> create(
        const std::filesystem::path& path, const ArrayReport& array);

    const std::filesystem::path& path() const { return m_path; }

    // Saves what is not saved yet, durable on return. `look` gives a member to be read.
    using Look = std::function<Result<SourcePtr>(const std::string&)>;
    Result<void> save(const std::vector<SavedArea>& areas, const Look& look);

private:
    RestoreFile(std::filesystem::path path, const ArrayReport& array);

    // What the header counts.
    struct Counted
    {
        std::uint64_t records = 0;
        std::uint64_t length = 0;
        std::uint32_t sum = 0;
    };
    struct Batch
    {
        Counted counted; // with this batch
        std::vector<std::byte> bytes;
    };

    static Result<void> addRecord(Batch& batch, const SavedArea& area, const BlockSource& source);
    Result<void> append(const Batch& batch);
    std::vector<SavedArea> missing(const SavedArea& area) const;

    std::filesystem::path m_path;
    Uuid m_uuid;
    std::string m_name;
    MetadataVersion m_version;
    std::int64_t m_savedAt = 0;
    Counted m_counted;
    // By path, begin -> end: apart from each other, so that nothing is saved twice. What is saved
    // later may have been written to in the meantime.
    std::map<std::string, std::map<std::uint64_t, std::uint64_t>> m_saved;
};

} // namespace bitmend
