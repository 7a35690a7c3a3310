// SPDX-License-Identifier: Apache-2.0
// Where things lie: from a place in the array to its members and back, and what else is at that
// place of all members. From a report alone; reads nothing.
#pragma once

#include "engine/array/assembly.h"
#include "engine/raid/member_content.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

// What a sector of a member belongs to.
enum class Region : std::uint8_t {
    Superblock,
    Bitmap,
    BadBlockLog,
    Reserved, // nothing's: kept free by mdadm, or left over behind the data
    Data,
    Outside, // behind the member's end, or before its start
};

struct MemberPlace
{
    int role = -1;
    std::string path; // empty when missing
    MemberState state = MemberState::Missing;
    Region region = Region::Data;
    std::optional<Sectors> sector; // from the member's start; none where the member is missing
    std::optional<Sectors> inData; // from its data_offset; none before that
    MemberContent content;         // where region is Data
    bool isListedBad = false;      // by its bad block log
    bool isValid = false;          // the member is in sync here: what it holds counts
    std::vector<int> from; // where it does not: the roles that give it all the same; else empty
};

struct ArrayMap
{
    std::optional<Sectors> arraySector;  // of data; none for parity and what is not the array's
    std::optional<Sectors> inData;       // the place on each member
    std::optional<std::uint64_t> stripe; // rows of chunks; none for linear and level 1
    std::vector<MemberPlace> copies;     // of the array's sector, as the kernel asks them
    std::vector<MemberPlace> members;    // by role: all that lies at the same place
};

// BadGeometry, NeedsChoice or Unsupported (an unknown level, an array being reshaped) where places
// cannot be told; ShortRead when the array ends before the sector does.
Result<ArrayMap> mapArraySector(const ArrayReport& array, Sectors sector);

struct MemberMap
{
    MemberPlace asked;
    ArrayMap around; // empty where the place is not in the data
};

// Counted from the member's start, as disks and the kernel count their errors. NotAMember when the
// path is none, or has no place in the array.
Result<MemberMap> mapMemberSector(
    const ArrayReport& array, const std::string& path, Sectors sector);

// All that lies at this place of the members; from their data_offset.
Result<ArrayMap> mapRow(const ArrayReport& array, Sectors inData);

// By the superblock, and for the bitmap by what was read of it.
Region regionAt(const Member& member, Sectors sector);

// The one that counts among those that name the role; null when there is none.
const Member* memberInRole(const ArrayReport& array, int role);

// Whether it is in sync there, or rebuilt already, and the place is not listed as bad; counted from
// its data_offset. Null is not.
bool countsAt(const Member* member, Sectors inData);

// Whether its bad block log lists any of this.
bool isListedBad(const Member& member, SectorRange inData);

// In the data of members that count. Parity stands in for whole pages only, as in md.
struct ListedBad
{
    Sectors all;
    Sectors lost; // of those: what no other member gives
};
ListedBad countListedBad(const ArrayReport& array);

} // namespace bitmend
