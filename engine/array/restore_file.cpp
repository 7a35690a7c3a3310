// SPDX-License-Identifier: Apache-2.0
#include "engine/array/restore_file.h"

#include "engine/array/assembly_parts.h"
#include "engine/array/restore_format.h"
#include "engine/base/crc32c.h"
#include "engine/io/file_device.h"
#include "engine/metadata/field_checks.h"
#include "engine/metadata/metadata_format.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace bitmend {

namespace {

namespace fs = std::filesystem;

fs::path stateFolder()
{
    const char* state = std::getenv("XDG_STATE_HOME"); // NOLINT(concurrency-mt-unsafe)
    if (state != nullptr && *state == '/')
        return fs::path(state) / "bitmend";
    const char* home = std::getenv("HOME"); // NOLINT(concurrency-mt-unsafe)
    if (home == nullptr || *home == '\0') {
        const auto* user = ::getpwuid(::geteuid()); // NOLINT(concurrency-mt-unsafe)
        home = user != nullptr ? user->pw_dir : "/";
    }
    return fs::path(home) / ".local/state/bitmend";
}

// What any file system takes in a name.
std::string plainName(const std::string& name)
{
    std::string plain;
    for (const char c : name) {
        const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        plain += fits ? c : '-';
    }
    return plain.empty() || plain.front() == '.' ? "array" + plain : plain;
}

bool isMetadata(WritePurpose purpose)
{
    return purpose != WritePurpose::Data && purpose != WritePurpose::DataIfUnreadable;
}

void addSectors(
    std::vector<SavedArea>& areas, const std::string& path, SectorRange range, WritePurpose purpose)
{
    areas.push_back({path, range.begin.bytes(), range.length().bytes(), purpose});
}

void addOwnAreas(std::vector<SavedArea>& areas, const ArrayReport& array, const Member& member)
{
    const auto& superblock = *member.superblock;
    const Sectors whole{kSuperblockBytes / kSectorBytes};
    addSectors(areas, member.path, {superblock.location, superblock.location + whole},
        WritePurpose::Superblock);
    const auto chunks = array.bitmap ? array.bitmap->chunks : 0;
    const Sectors length{(bitmapBytes(chunks) + kSectorBytes - 1) / kSectorBytes};
    const auto bitmap = placeAt(superblock.location, superblock.bitmapOffset, length);
    if (superblock.hasBitmap() && bitmap)
        addSectors(areas, member.path, *bitmap, WritePurpose::Bitmap);
    if (const auto log = badBlockLogArea(superblock))
        addSectors(areas, member.path, *log, WritePurpose::BadBlockLog);
}

Error asSaving(Error error, const fs::path& file, std::uint64_t savedBefore)
{
    if (error.where == file.string() && error.code == ErrorCode::NoSpace) {
        error.code = ErrorCode::NoSpaceToSave;
        error.found = savedBefore;
    }
    return error;
}

} // namespace

fs::path defaultRestoreFile(const ArrayReport& array)
{
    const std::time_t now = std::time(nullptr);
    struct tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> time{};
    std::strftime(time.data(), time.size(), "%Y%m%dT%H%M%SZ", &utc);
    const auto stem =
        plainName(array.name) + "-" + toString(array.uuid).substr(0, 8) + "-" + time.data();
    auto path = stateFolder() / (stem + ".restore");
    std::error_code ignored;
    for (int number = 2; fs::exists(path, ignored); ++number)
        path.replace_filename(stem + "-" + std::to_string(number) + ".restore");
    return path;
}

std::vector<SavedArea> areasToSave(
    const ArrayReport& array, const std::vector<PlannedWrite>& writes)
{
    std::vector<SavedArea> areas;
    for (const auto& member : array.members) {
        if (takesPart(member))
            addOwnAreas(areas, array, member);
    }
    for (const auto& write : writes) {
        if (isMetadata(write.purpose))
            areas.push_back({write.path, write.offset, write.length, write.purpose});
    }
    return areas;
}

RestoreFile::RestoreFile(fs::path path, const ArrayReport& array)
    : m_path(std::move(path))
    , m_uuid(array.uuid)
    , m_name(array.name)
    , m_version(array.version)
    , m_savedAt(std::time(nullptr))
    , m_counted{0, ondisk::kFirstRecord, 0}
{
}

Result<std::unique_ptr<RestoreFile>> RestoreFile::create(
    const fs::path& path, const ArrayReport& array)
{
    std::error_code error;
    const auto folder = path.parent_path();
    if (!folder.empty())
        fs::create_directories(folder, error);
    if (error) {
        const auto code =
            error.value() == ENOSPC ? ErrorCode::NoSpaceToSave : ErrorCode::CannotOpen;
        return fail(code, folder.string(), -1, error.value());
    }
    if (fs::exists(path, error))
        return fail(ErrorCode::InUse, path.string(), -1, EEXIST);
    return std::unique_ptr<RestoreFile>(
        new RestoreFile(fs::absolute(path).lexically_normal(), array));
}

// The parts of an area that are not saved yet.
std::vector<SavedArea> RestoreFile::missing(const SavedArea& area) const
{
    std::vector<SavedArea> parts;
    auto at = area.offset;
    const auto end = area.offset + area.length;
    const auto saved = m_saved.find(area.path);
    if (saved != m_saved.end()) {
        for (const auto& [from, to] : saved->second) {
            if (to <= at || from >= end)
                continue;
            if (from > at)
                parts.push_back({area.path, at, from - at, area.purpose});
            at = std::max(at, to);
        }
    }
    if (at < end)
        parts.push_back({area.path, at, end - at, area.purpose});
    return parts;
}

Result<void> RestoreFile::save(const std::vector<SavedArea>& areas, const Look& look)
{
    const auto gather = [&]() -> Result<Batch> {
        Batch batch{m_counted, {}};
        std::map<std::string, SourcePtr> sources;
        for (const auto& area : areas) {
            for (const auto& part : missing(area)) {
                auto& source = sources[area.path];
                if (!source)
                    source = BM_TRY(look(area.path));
                BM_TRY(addRecord(batch, part, *source));
                m_saved[area.path][part.offset] = part.offset + part.length;
            }
        }
        return batch;
    };
    const auto before = m_saved;
    const auto batch = gather();
    if (batch && batch->bytes.empty())
        return {};
    const bool isFirst = m_counted.records == 0;
    const auto appended = batch ? append(*batch) : std::unexpected(batch.error());
    if (appended)
        return {};
    m_saved = before;
    std::error_code ignored;
    // Of no use to anybody: nothing was written on the strength of it.
    if (isFirst)
        fs::remove(m_path, ignored);
    return std::unexpected(asSaving(appended.error(), m_path, m_counted.records));
}

// The file of an external bitmap may end within its last sector.
Result<void> RestoreFile::addRecord(Batch& batch, const SavedArea& area, const BlockSource& source)
{
    using namespace ondisk;
    const auto offset = std::min(area.offset, source.sizeBytes());
    std::vector<std::byte> content(
        std::min<std::uint64_t>(area.length, source.sizeBytes() - offset));
    if (content.empty())
        return {};
    BM_TRY(source.readAt(offset, content));
    const auto path = fs::absolute(area.path).lexically_normal().string();
    const auto name = std::as_bytes(std::span(path));
    RestoreRecord record{};
    record.magic = kRecordMagic;
    record.offset = offset;
    record.bytes = content.size();
    record.memberBytes = source.sizeBytes();
    record.pathBytes = std::uint32_t(path.size());
    record.purpose = std::uint32_t(area.purpose);
    record.contentSum = crc32c(content, crc32c(name));
    record.checksum = checksumOf(record);
    const auto head = std::as_bytes(std::span(&record, 1));
    for (const auto part : {head, name, std::span<const std::byte>(content)})
        batch.bytes.insert(batch.bytes.end(), part.begin(), part.end());
    batch.counted.sum = crc32c(head, batch.counted.sum);
    ++batch.counted.records;
    return {};
}

Result<void> RestoreFile::append(const Batch& batch)
{
    using namespace ondisk;
    const auto length = m_counted.length + batch.bytes.size();
    auto file = BM_TRY(createFile(m_path.string(), length));
    BM_TRY(file->writeAt(m_counted.length, batch.bytes));
    BM_TRY(file->flush());
    RestoreHeader header{};
    header.magic = kRestoreMagic;
    header.version = kRestoreVersion;
    header.records = batch.counted.records;
    header.length = length;
    std::ranges::copy(m_uuid.bytes, header.arrayUuid.begin());
    header.savedAt = std::uint64_t(m_savedAt);
    header.metadata = std::uint32_t(m_version);
    header.recordsSum = batch.counted.sum;
    std::ranges::copy(m_name.substr(0, header.name.size()), header.name.begin());
    header.checksum = checksumOf(header);
    BM_TRY(file->writeAt(0, std::as_bytes(std::span(&header, 1))));
    BM_TRY(file->flush());
    m_counted = {batch.counted.records, length, batch.counted.sum};
    return {};
}

} // namespace bitmend
