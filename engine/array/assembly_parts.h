// SPDX-License-Identifier: Apache-2.0
// The steps of assembly, in order, and what they hand on. Each step is one file; none reads a disk.
//
//   group   which superblocks belong to one array, and which of several on one source counts
//   judge   the freshest member, every member's state and the reason for it
//   force   what a person's choices of force make of it
//   bitmap  whose copy counts and what its bits mean
//   start   whether it starts, what is due then, what has to be said
//   writes  every byte range that assembling, a resync and a stop would write
#pragma once

#include "engine/array/assembly.h"
#include "engine/raid/personality.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

// One superblock on one source, as a claim to be a member.
struct Candidate
{
    std::string path;
    const FoundSuperblock* found = nullptr;
    std::string overruledBy; // the version of a likelier superblock on the same source; else empty
};

struct CandidateGroup
{
    Uuid uuid;
    bool is090 = false;
    std::vector<Candidate> candidates; // in the order of the scan
};

std::vector<CandidateGroup> groupCandidates(const ScanReport& report);

// What judging leaves for the steps behind it.
struct Draft
{
    ArrayReport array;
    const Personality* personality = nullptr; // null: the level is not known
    std::vector<bool> inSync;                 // by role
    std::vector<Remark> blockers;             // why we do not start it, most important first
    std::vector<Remark> limits;               // it starts, but not all of it is ours to handle yet
    bool kernelRefuses = false;               // and the kernel would not either
    bool needsChoice = false;                 // a person has to say which
    bool unsupported = false;
    std::optional<Force> force;
};

// Of what is not ours to handle, the worst counts.
void limitTo(ArrayReport& array, Opens opens, const Remark& why);

// A refusal of this superblock alone: the kernel takes the array without this member.
bool refusesMember(const Superblock& superblock, const Problem& problem);

Draft judge(const CandidateGroup& group, const AssemblyChoices& choices);

Geometry geometryOf(const Superblock& superblock);

// Fills in the personality, the sizes and who is in sync.
void sizeUp(Draft& draft);

// Members of the kernel's list that hold the bitmap: the one asked first comes first.
std::vector<const Member*> bitmapOrder(const ArrayReport& array);

struct CountingCopy
{
    std::shared_ptr<const BitmapCopy> copy; // null: there is none, or none could be read
    std::string from;
};

CountingCopy countingCopy(const ArrayReport& array, const ScanReport& report);

// How bits lie in the pages of the on-disk bitmap.
inline constexpr std::uint64_t kBitmapHeaderBits = 2048; // the header takes the place of so many
inline constexpr std::uint64_t kBitmapPageBits = 32768;

// Sets array.bitmap and array.resync, evidence flags, and the blockers that a bitmap can be.
void weighBitmap(Draft& draft, const ScanReport& report);

// Levels 4, 5 and 6: enough members, but the array is dirty and not all of them are there.
bool isDirtyAndDegraded(const Draft& draft);

// Before the bitmap is weighed: sets force and, with it, the state that the array is left in.
void settleForce(Draft& draft, const AssemblyChoices& choices);

// After it: what may be torn, by the bits.
void weighForce(Draft& draft);

// Whether the bits tell what a member that left at these events has missed.
bool reachesBack(const ArrayBitmap& bitmap, const Member& member);

std::vector<Remark> forceRemarks(const Draft& draft);

// Members that would have to be accepted before it starts, one remark each.
std::vector<Remark> wouldHelp(const Draft& draft);

ForcedByMdadm forcedByMdadm(const ArrayReport& unforced);

// What the first update changes in the superblocks; field by field. Empty when it does not start.
std::vector<FieldChange> forcedChanges(const AssemblyPlan& plan);

// Sets canStart, kernelWouldStart, missing, tolerance, needs and the remarks.
void decideStart(Draft& draft);

// Array- or member-relative ranges that a resync would go through, in the bitmap's address space.
std::vector<SectorRange> dueRanges(const ArrayReport& array);

// How many copies level 10 keeps of each chunk.
std::uint64_t copiesOfEach(const Geometry& geometry);

// What a resync of so many bytes in the bitmap's address space reads, and writes at most.
SyncEstimate resyncCost(const Geometry& geometry, std::uint64_t inSync, std::uint64_t bytes);

std::vector<PlannedWrite> plannedWrites(const AssemblyPlan& plan);

// A member that is written to when the array runs.
bool takesPart(const Member& member);

// Level 1 with one member left to read: md drops the dirty flag, for there is nothing to compare.
bool dirtyFlagFalls(const Draft& draft);

} // namespace bitmend
