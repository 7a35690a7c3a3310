// SPDX-License-Identifier: Apache-2.0
// A restore file: what lay where metadata was about to be written, before the first such write.
//
//   byte    0  header; counts only what is durable behind it
//         512  records back to back, each a head, the member's path and the saved bytes
//
// Records are appended and made durable, then the header that counts them, and only then may the
// members be written there. What lies behind `length` never mattered to anybody. Sums are CRC-32C;
// integers are little-endian.
#pragma once

#include "engine/base/endian.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace bitmend::ondisk {

inline constexpr std::array<char, 8> kRestoreMagic = {'B', 'M', 'R', 'E', 'S', 'T', 'O', 'R'};
inline constexpr std::uint32_t kRestoreVersion = 1;
inline constexpr std::uint32_t kRecordMagic = 0x44534d42; // "BMSD"
inline constexpr std::uint64_t kFirstRecord = 512;

struct RestoreHeader
{
    std::array<char, 8> magic;
    le32 version;
    le32 checksum; // of this struct, taken as 0
    le64 records;
    le64 length; // of the file as far as it counts
    std::array<std::uint8_t, 16> arrayUuid;
    le64 savedAt;              // seconds since the epoch
    le32 metadata;             // MetadataVersion
    le32 recordsSum;           // over the records' heads, in order
    std::array<char, 64> name; // the array's, cut off, with zeros behind
};

struct RestoreRecord
{
    le32 magic;
    le32 checksum; // of this struct, taken as 0
    le64 offset;   // on the member
    le64 bytes;
    le64 memberBytes; // how large the member was
    le32 pathBytes;
    le32 purpose;    // WritePurpose
    le32 contentSum; // over path and bytes
    le32 zero;
};

static_assert(OnDisk<RestoreHeader> && sizeof(RestoreHeader) == 128);
static_assert(OnDisk<RestoreRecord> && sizeof(RestoreRecord) == 48);

} // namespace bitmend::ondisk
