// SPDX-License-Identifier: Apache-2.0
// Putting an array together, as a pure plan: which members take part, in which state and why,
// whether it starts, what is due then, and every byte range that would be written. Reads nothing,
// writes nothing.
//
// Follows the kernel (freshest member, tolerance of one event, roles from the freshest table)
// except in three places where the kernel can lose data, and there it refuses: an inconsistent
// freshest member, two members with one role and equal events, and checks that the kernel does not
// make (component larger than data, overlapping areas).
#pragma once

#include "engine/array/force.h"
#include "engine/array/member.h"
#include "engine/array/remark.h"
#include "engine/array/scan.h"
#include "engine/raid/geometry.h"
#include "engine/raid/lacking.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

enum class Needs : std::uint8_t {
    Nothing,
    Resync,
    Recovery,
    Choice,
    Force,
    MembersMissing,
    Unsupported,
};

// What we do with an array that starts.
enum class Opens : std::uint8_t { ToWrite, ReadOnly, Never };

struct SyncEstimate
{
    std::uint64_t chunks = 0; // bitmap chunks due
    std::uint64_t readBytes = 0;
    std::uint64_t writeBytes = 0; // at most
};

struct ArrayBitmap
{
    BitmapLocation location;
    BitmapHeader header;
    std::uint64_t chunks = 0;
    std::uint64_t dirty = 0; // set bits in the copy that counts
    std::uint64_t due = 0;   // of them, those that a start would resync
    std::string from;        // the member whose copy counts, or the external file
    bool stale = false;
    bool everything = false; // every chunk counts: it is stale, or tells too little of a member
    std::uint64_t differing = 0;
    std::shared_ptr<const BitmapCopy> copy;
};

struct ArrayReport
{
    Uuid uuid;
    std::string name; // "host:name", or a name made from the UUID for 0.90
    MetadataVersion version{};
    Geometry geometry;
    Sectors arraySize;
    std::uint64_t events = 0;
    std::int64_t createTime = 0;
    Sectors resyncOffset;
    std::string reference; // the freshest member, whose superblock speaks for the array
    std::shared_ptr<const Superblock> superblock; // its superblock; null when all are damaged
    std::vector<Member> members; // by role, missing ones included; then those without a role
    bool canStart = false;
    bool kernelWouldStart = false;
    Opens opens = Opens::ToWrite; // when it can start
    std::optional<Remark> limit;  // why not to be written, or not at all
    int missing = 0;              // roles without a member in sync or rebuilding
    int tolerance = 0;            // more losses it stands
    std::vector<Lack> lacking;    // before it starts without force; empty when enough are there
    Needs needs = Needs::Nothing;
    std::vector<Remark> remarks; // the first is the verdict's headline
    std::optional<ArrayBitmap> bitmap;
    SyncEstimate resync; // what starting it would resync
};

// Grouped by UUID and format; those that cannot start first, then by name.
std::vector<ArrayReport> findArrays(const ScanReport& report);

// Overlay: to files beside the members. InPlace: to the members themselves, after what lies where
// metadata will be written was saved.
enum class WriteMode : std::uint8_t { ReadOnly, Overlay, InPlace };

struct AssemblyChoices
{
    std::vector<std::string> leaveOut; // members' paths
    std::string reference;             // take this member as the freshest; empty: by the rules
    WriteMode mode = WriteMode::Overlay;
    std::string restoreFile = {}; // of InPlace; empty: defaultRestoreFile()

    // Force, never of all: what is not named here stays as md has it.
    std::vector<std::string> acceptStale = {}; // members' paths
    std::vector<GivenRole> roles = {};
    bool acceptDirtyDegraded = false;
};

enum class WritePurpose : std::uint8_t {
    Superblock,
    BitmapHeader,
    Bitmap,
    Data,             // where members differ
    DataIfUnreadable, // on the copy that counts: only where it cannot be read
    BadBlockLog,
};

struct PlannedWrite
{
    std::string path; // the member
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    WritePurpose purpose{};
};

struct AssemblyPlan
{
    ArrayReport array; // after the choices
    AssemblyChoices choices;
    std::vector<std::string> taking; // members that are opened, in role order, idle spares last
    std::vector<PlannedWrite>
        writes;                 // assembling, resync and stop; sorted, merged; empty when ReadOnly
    std::optional<Force> force; // when a choice of force made a difference
};

// NoSuchArray when no source has it. An array that cannot start still gives a plan: canStart is
// false, no writes.
Result<AssemblyPlan> planAssembly(
    const ScanReport& report, const Uuid& uuid, const AssemblyChoices& choices);

} // namespace bitmend
