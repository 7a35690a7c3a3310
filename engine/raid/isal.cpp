// SPDX-License-Identifier: Apache-2.0
#include "engine/raid/isal.h"

#include "engine/base/assert.h"

#include <isa-l.h>

#include <algorithm>
#include <bit>
#include <climits>
#include <cstdint>
#include <cstring>

namespace bitmend::isal {

namespace {

constexpr std::size_t kTableBytes = 32; // for one factor
constexpr std::size_t kAlignment = 32;  // of addresses and, for Q, of lengths
constexpr std::size_t kFewestForSum = 2;
constexpr std::size_t kFewestForSyndrome = 2;

bool isAligned(const unsigned char* address)
{
    return std::bit_cast<std::uintptr_t>(address) % kAlignment == 0;
}

bool areAligned(Vectors vectors) { return std::ranges::all_of(vectors, isAligned); }

int intOf(std::size_t length)
{
    BM_ASSERT(length <= INT_MAX);
    return int(length);
}

// ISA-L takes what it only reads by pointers to non-const.
unsigned char** arrayOf(Vectors vectors) { return const_cast<unsigned char**>(vectors.data()); }

std::vector<void*> joined(Vectors sources, std::initializer_list<unsigned char*> targets)
{
    std::vector<void*> all;
    all.reserve(sources.size() + targets.size());
    all.assign(sources.begin(), sources.end());
    all.insert(all.end(), targets.begin(), targets.end());
    return all;
}

} // namespace

std::vector<unsigned char> tablesOf(const Factors& factors, std::size_t perRow)
{
    std::vector<unsigned char> tables(factors.size() * kTableBytes);
    ec_init_tables(int(perRow), int(factors.size() / perRow),
        const_cast<unsigned char*>(factors.data()), tables.data());
    return tables;
}

Tables tablesOfRow(Tables tables, std::size_t row, std::size_t perRow)
{
    return tables.subspan(row * perRow * kTableBytes, perRow * kTableBytes);
}

Factors inverted(Factors matrix, std::size_t size)
{
    Factors inverse(matrix.size());
    BM_ASSERT(matrix.size() == size * size);
    BM_ASSERT(gf_invert_matrix(matrix.data(), inverse.data(), int(size)) == 0);
    return inverse;
}

Factors product(const Factors& a, const Factors& b, std::size_t columnsOfB)
{
    const std::size_t inner = b.size() / columnsOfB;
    if (inner == 0)
        return {};
    Factors sums(a.size() / inner * columnsOfB);
    for (std::size_t i = 0; i < a.size(); ++i) {
        unsigned char* row = &sums[i / inner * columnsOfB];
        for (std::size_t column = 0; column < columnsOfB; ++column)
            row[column] ^= gf_mul(a[i], b[i % inner * columnsOfB + column]);
    }
    return sums;
}

void combine(Vectors sources, Vectors targets, std::size_t length, Tables tables)
{
    // Unlike the calls below it takes any address, any length and a single source.
    ec_encode_data(intOf(length), int(sources.size()), int(targets.size()),
        const_cast<unsigned char*>(tables.data()), arrayOf(sources), arrayOf(targets));
}

void add(const unsigned char* source, unsigned char* target, std::size_t length, Tables row,
    std::size_t place, std::size_t perRow)
{
    ec_encode_data_update(intOf(length), int(perRow), 1, int(place),
        const_cast<unsigned char*>(row.data()), const_cast<unsigned char*>(source), &target);
}

void sum(Vectors sources, unsigned char* target, std::size_t length, Tables tables)
{
    if (sources.size() < kFewestForSum) {
        std::memcpy(target, sources.front(), length);
        return;
    }
    const bool taken =
        areAligned(sources) && isAligned(target) &&
        xor_gen(int(sources.size()) + 1, intOf(length), joined(sources, {target}).data()) == 0;
    if (!taken)
        combine(sources, {&target, 1}, length, tables);
}

std::optional<bool> sumsToZero(Vectors vectors, std::size_t length)
{
    if (!areAligned(vectors))
        return std::nullopt;
    return xor_check(int(vectors.size()), intOf(length), joined(vectors, {}).data()) == 0;
}

bool sumAndSyndrome(Vectors sources, unsigned char* p, unsigned char* q, std::size_t length)
{
    if (sources.size() < kFewestForSyndrome || length % kAlignment != 0)
        return false;
    if (!areAligned(sources) || !isAligned(p) || !isAligned(q))
        return false;
    return pq_gen(int(sources.size()) + 2, intOf(length), joined(sources, {p, q}).data()) == 0;
}

} // namespace bitmend::isal
