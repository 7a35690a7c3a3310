// SPDX-License-Identifier: Apache-2.0
// Levels 4, 5 and 6: where parity and data lie in a row. The levels differ in how parity wanders
// over the members; each layout is a rule for P, a rule for Q and a rule for the k-th data block of
// row s.
#pragma once

#include "engine/raid/geometry.h"

#include <cstdint>
#include <string_view>

namespace bitmend {

// How P moves from row to row over a circle of members.
enum class Turn : std::uint8_t { Left, Right, LeftFromSecond, First, Last };

// Where Q lies.
enum class QPlace : std::uint8_t { None, AfterP, BeforeP, LastSlot };

// Where data blocks begin.
enum class Order : std::uint8_t { FromSlotZero, AfterParity };

// By what power of the generator Q counts a data block: its turn when one walks the members from
// behind Q, or the number of its member.
enum class QOrder : std::uint8_t { AfterQ, BySlot };

struct ParityLayout
{
    std::uint32_t number;
    std::string_view name; // mdadm's
    Turn turn;
    QPlace q;
    Order order;
    QOrder qOrder = QOrder::AfterQ;
};

// Null when the level does not have the layout. md ignores the layout word of level 4.
const ParityLayout* parityLayout(const Geometry& geometry);

inline std::uint64_t parityCount(const Geometry& geometry) { return geometry.level == 6 ? 2 : 1; }

struct ParityRow
{
    std::uint64_t p = 0;
    std::uint64_t q = 0;      // equal to p where there is none
    std::uint64_t circle = 0; // the members that data and P share
};

ParityRow parityRow(const ParityLayout& layout, std::uint64_t members, std::uint64_t row);

std::uint64_t dataSlot(const ParityLayout& layout, const ParityRow& row, std::uint64_t k);

} // namespace bitmend
