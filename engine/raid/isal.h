// SPDX-License-Identifier: Apache-2.0
// The calls of ISA-L that parity needs, with what they refuse (too few vectors, odd addresses and
// lengths) made up for. Blocks are combined by factors: one row of factors per block that comes
// out, one factor per block that goes in, the rows one after the other.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace bitmend::isal {

using Factors = std::vector<unsigned char>;
using Vectors = std::span<unsigned char* const>;
using Tables = std::span<const unsigned char>; // of factors, in the form ISA-L multiplies with

std::vector<unsigned char> tablesOf(const Factors& factors, std::size_t perRow);
Tables tablesOfRow(Tables tables, std::size_t row, std::size_t perRow);

// Of a square matrix that has an inverse.
Factors inverted(Factors matrix, std::size_t size);

// `a` has as many factors per row as `b` has rows, which may be none.
Factors product(const Factors& a, const Factors& b, std::size_t columnsOfB);

void combine(Vectors sources, Vectors targets, std::size_t length, Tables tables);

// Adds one of a row's sources, times its factor, to what is in `target`.
void add(const unsigned char* source, unsigned char* target, std::size_t length, Tables row,
    std::size_t place, std::size_t perRow);

// The exclusive or of all sources; `tables` are those of a row of ones.
void sum(Vectors sources, unsigned char* target, std::size_t length, Tables tables);

// Nothing when the vectors are such that ISA-L cannot tell.
std::optional<bool> sumsToZero(Vectors vectors, std::size_t length);

// P, and Q with the exponents 0, 1, 2 ..; false, and nothing done, when ISA-L refuses the vectors.
bool sumAndSyndrome(Vectors sources, unsigned char* p, unsigned char* q, std::size_t length);

} // namespace bitmend::isal
