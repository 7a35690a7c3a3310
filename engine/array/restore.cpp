// SPDX-License-Identifier: Apache-2.0
#include "engine/array/restore.h"

#include "engine/array/planned_writes.h"
#include "engine/array/restore_format.h"
#include "engine/base/crc32c.h"
#include "engine/io/container.h"
#include "engine/io/file_device.h"
#include "engine/io/write_guard.h"
#include "engine/metadata/metadata_format.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <algorithm>
#include <map>

namespace bitmend {

namespace {

using namespace ondisk;

constexpr std::uint64_t kLongestPath = 4096;
constexpr std::size_t kHeaderBytes = 256; // of a bitmap

struct Saved
{
    std::string path;
    std::uint64_t offset = 0;
    std::uint64_t memberBytes = 0;
    WritePurpose purpose{};
    std::vector<std::byte> bytes;
};

struct Contents
{
    RestoreHeader header{};
    std::vector<Saved> records;
};

std::unexpected<Error> damaged(const BlockSource& file, std::uint64_t offset)
{
    return fail(ErrorCode::RestoreDamaged, file.name(), std::int64_t(offset));
}

Result<Saved> readRecord(
    const BlockSource& file, const RestoreRecord& record, std::uint64_t at, std::uint64_t end)
{
    const auto room = end - at - sizeof record;
    const bool fits =
        record.pathBytes <= std::min(kLongestPath, room) && record.bytes <= room - record.pathBytes;
    if (record.magic != kRecordMagic || record.checksum != checksumOf(record) || !fits ||
        record.purpose > std::uint32_t(WritePurpose::BadBlockLog) ||
        record.offset > record.memberBytes || record.bytes > record.memberBytes - record.offset)
        return damaged(file, at);
    Saved saved;
    saved.path.resize(record.pathBytes);
    saved.bytes.resize(record.bytes);
    saved.offset = record.offset;
    saved.memberBytes = record.memberBytes;
    saved.purpose = WritePurpose(std::uint32_t(record.purpose));
    const auto name = std::as_writable_bytes(std::span(saved.path));
    BM_TRY(file.readAt(at + sizeof record, name));
    BM_TRY(file.readAt(at + sizeof record + name.size(), saved.bytes));
    if (record.contentSum != crc32c(saved.bytes, crc32c(name)))
        return damaged(file, at);
    return saved;
}

Result<Contents> readFile(const std::filesystem::path& path)
{
    const auto file = BM_TRY(openFile(path.string()));
    Contents contents;
    if (file->sizeBytes() < kFirstRecord)
        return damaged(*file, file->sizeBytes());
    const auto header = BM_TRY(readStruct<RestoreHeader>(*file, 0));
    contents.header = header;
    if (header.magic != kRestoreMagic || header.checksum != checksumOf(header))
        return damaged(*file, 0);
    if (header.version != kRestoreVersion || header.metadata > std::uint32_t(MetadataVersion::V1_2))
        return fail(ErrorCode::Unsupported, path.string(), 0);
    if (header.length > file->sizeBytes())
        return damaged(*file, file->sizeBytes());
    std::uint64_t at = kFirstRecord;
    std::uint32_t sum = 0;
    while (at < header.length) {
        if (header.length - at < sizeof(RestoreRecord))
            return damaged(*file, at);
        const auto record = BM_TRY(readStruct<RestoreRecord>(*file, at));
        auto saved = BM_TRY(readRecord(*file, record, at, header.length));
        sum = crc32c(std::as_bytes(std::span(&record, 1)), sum);
        at += sizeof record + saved.path.size() + saved.bytes.size();
        contents.records.push_back(std::move(saved));
    }
    if (contents.records.size() != header.records || sum != header.recordsSum)
        return damaged(*file, at);
    return contents;
}

Result<bool> isAsSaved(const BlockSource& member, const Saved& saved)
{
    std::vector<std::byte> now(saved.bytes.size());
    BM_TRY(member.readAt(saved.offset, now));
    return now == saved.bytes;
}

// `now` and what was saved, in full superblock length.
bool isSameSuperblock(const RestoreHeader& header, const Saved& saved,
    std::span<const std::byte> before, std::span<const std::byte> now)
{
    const Uuid array{header.arrayUuid};
    const auto version = MetadataVersion(std::uint32_t(header.metadata));
    const auto& format = formatOf(version);
    const SuperblockSlot slot{version, {saved.offset / kSectorBytes}};
    const Sectors size{saved.memberBytes / kSectorBytes};
    const auto there = format.decode(now, slot, size);
    if (!there || there->superblock.arrayUuid != array)
        return false;
    // A newcomer had none before; a member keeps its own UUID.
    const auto had = format.decode(before, slot, size);
    return !had || had->superblock.arrayUuid != array ||
           had->superblock.deviceUuid == there->superblock.deviceUuid;
}

// By its superblock, or the header of an external bitmap.
Result<void> checkSameMember(
    const RestoreHeader& header, const BlockSource& member, const Saved& saved)
{
    if (member.sizeBytes() != saved.memberBytes)
        return fail(ErrorCode::RestoreForeign, saved.path);
    if (BM_TRY(isAsSaved(member, saved)))
        return {};
    std::vector<std::byte> now(kSuperblockBytes);
    const auto length = std::min<std::uint64_t>(now.size(), member.sizeBytes() - saved.offset);
    BM_TRY(member.readAt(saved.offset, std::span(now).first(length)));
    auto before = saved.bytes;
    before.resize(kSuperblockBytes);
    const bool same = saved.purpose == WritePurpose::Superblock
                          ? isSameSuperblock(header, saved, before, now)
                          : decodeBitmapHeader(std::span(now).first(kHeaderBytes)).uuid ==
                                decodeBitmapHeader(std::span(before).first(kHeaderBytes)).uuid;
    return same ? Result<void>() : fail(ErrorCode::RestoreForeign, saved.path);
}

using ByMember = std::map<std::string, std::vector<const Saved*>>;

ByMember byMember(const Contents& contents)
{
    ByMember members;
    for (const auto& saved : contents.records)
        members[saved.path].push_back(&saved);
    return members;
}

const Saved& identity(const std::vector<const Saved*>& records)
{
    const auto superblock = std::ranges::find(records, WritePurpose::Superblock, &Saved::purpose);
    return superblock == records.end() ? *records.front() : **superblock;
}

Result<RestorePlan> planFrom(const Contents& contents, const std::filesystem::path& file)
{
    RestorePlan plan;
    plan.file = file;
    plan.arrayUuid = Uuid{contents.header.arrayUuid};
    const auto& name = contents.header.name;
    plan.name.assign(name.begin(), std::ranges::find(name, '\0'));
    plan.savedAt = std::int64_t(std::uint64_t(contents.header.savedAt));
    std::vector<PlannedWrite> writes;
    for (const auto& [path, records] : byMember(contents)) {
        const auto source = BM_TRY(openSource(path));
        BM_TRY(checkSameMember(contents.header, *source, identity(records)));
        for (const auto* saved : records) {
            writes.push_back({path, saved->offset, saved->bytes.size(), saved->purpose});
            if (!BM_TRY(isAsSaved(*source, *saved)))
                plan.differingBytes += saved->bytes.size();
        }
    }
    addWrites(plan.writes, std::move(writes));
    return plan;
}

struct Opened
{
    DevicePtr device;
    std::vector<const Saved*> records;
};

Result<std::vector<Opened>> openMembers(const Contents& contents, const RestorePlan& plan)
{
    const auto allowed = std::make_shared<AllowedWrites>();
    for (const auto& write : plan.writes)
        allowed->allow(write.path, write.offset, write.length);
    std::vector<Opened> members;
    for (const auto& [path, records] : byMember(contents)) {
        auto device = guardWrites(BM_TRY(openDevice(path)), path, allowed);
        BM_TRY(checkSameMember(contents.header, *device, identity(records)));
        members.push_back({std::move(device), records});
    }
    return members;
}

Result<void> putBack(std::vector<Opened>& members, bool superblocks, RestoreOutcome& outcome)
{
    for (auto& member : members) {
        for (const auto* saved : member.records) {
            const bool isSuperblock = saved->purpose == WritePurpose::Superblock;
            if (isSuperblock != superblocks || BM_TRY(isAsSaved(*member.device, *saved)))
                continue;
            BM_TRY(member.device->writeAt(saved->offset, saved->bytes));
            outcome.writtenBytes += saved->bytes.size();
        }
        BM_TRY(member.device->flush());
    }
    return {};
}

} // namespace

Result<RestorePlan> planRestore(const std::filesystem::path& file)
{
    return planFrom(BM_TRY(readFile(file)), file);
}

Result<RestoreOutcome> restore(const RestorePlan& plan)
{
    const auto contents = BM_TRY(readFile(plan.file));
    auto members = BM_TRY(openMembers(contents, plan));
    RestoreOutcome outcome;
    for (const bool superblocks : {false, true})
        BM_TRY(putBack(members, superblocks, outcome));
    return outcome;
}

} // namespace bitmend
