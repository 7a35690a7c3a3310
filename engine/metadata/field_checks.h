// SPDX-License-Identifier: Apache-2.0
// How the decoders write down what is wrong: a list of problems, each with the field's own name and
// place. And the checks that all superblock versions share.
#pragma once

#include "engine/metadata/problem.h"
#include "engine/metadata/superblock.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace bitmend {

// A field of an on-disk struct: md's name for it and its byte offset there.
struct Field
{
    std::string_view name;
    std::size_t offset = 0;
};

#define BM_FIELD(type, member) (::bitmend::Field{#member, offsetof(type, member)})

class FieldChecks
{
public:
    // `structOffset`: where the struct lies, in bytes.
    explicit FieldChecks(std::uint64_t structOffset) : m_structOffset(structOffset) {}

    void add(ProblemCode code, Severity severity, Field field, std::uint64_t found,
        std::uint64_t expected);
    void kernelRefuses(
        ProblemCode code, Field field, std::uint64_t found, std::uint64_t expected = 0);
    void engineRefuses(
        ProblemCode code, Field field, std::uint64_t found, std::uint64_t expected = 0);
    void note(ProblemCode code, Field field, std::uint64_t found, std::uint64_t expected = 0);

    std::vector<Problem> take() { return std::move(m_problems); }

private:
    std::uint64_t m_structOffset;
    std::vector<Problem> m_problems;
};

// Signed fields keep their sign in Problem::found.
constexpr std::uint64_t signExtended(std::int64_t value)
{
    return static_cast<std::uint64_t>(value);
}

// Nothing when the sum does not fit.
std::optional<std::uint64_t> sum(std::uint64_t a, std::uint64_t b);

// The sectors [base + offset, + length); nothing when that is no place on any device.
std::optional<SectorRange> placeAt(Sectors base, std::int64_t offset, Sectors length);

bool overlap(SectorRange a, SectorRange b);

// Where the array's bytes are on this member: what the array uses of it, or all there is where the
// superblock does not say (raid0, linear). Cut off at the last sector that can be counted.
SectorRange dataArea(const Superblock& superblock);

SectorRange ownArea(const Superblock& superblock); // the superblock itself, role table included

// Nothing when there is none, or its place is none.
std::optional<SectorRange> badBlockLogArea(const Superblock& superblock);

// Where the version keeps the fields that the shared checks look at.
struct SharedFields
{
    Field level;
    Field layout;
    Field chunk;
    Field raidDisks;
    Field bitmap;
    Field role;
};

// Level, layout, chunk, raid_disks, own role, and which of them may go with which feature.
void checkGeometry(FieldChecks& checks, const Superblock& superblock, const SharedFields& fields);

// That the bitmap (`length` sectors of it) lies on the device, beside superblock and data.
void checkBitmapPlace(FieldChecks& checks, const Superblock& superblock, Field field,
    Sectors length, Sectors deviceSize);

} // namespace bitmend
