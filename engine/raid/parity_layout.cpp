// SPDX-License-Identifier: Apache-2.0
#include "engine/raid/parity_layout.h"

#include <algorithm>
#include <array>
#include <span>

namespace bitmend {

namespace {

constexpr std::array kLevel5Layouts{
    ParityLayout{0, "left-asymmetric", Turn::Left, QPlace::None, Order::FromSlotZero},
    ParityLayout{1, "right-asymmetric", Turn::Right, QPlace::None, Order::FromSlotZero},
    ParityLayout{2, "left-symmetric", Turn::Left, QPlace::None, Order::AfterParity},
    ParityLayout{3, "right-symmetric", Turn::Right, QPlace::None, Order::AfterParity},
    ParityLayout{4, "parity-first", Turn::First, QPlace::None, Order::FromSlotZero},
    ParityLayout{5, "parity-last", Turn::Last, QPlace::None, Order::FromSlotZero},
};

// The "-6" ones are level 5 layouts over all members but the last, with Q on the last: what a
// level 5 array becomes when it grows into a level 6 without moving data.
constexpr std::array kLevel6Layouts{
    ParityLayout{0, "left-asymmetric", Turn::Left, QPlace::AfterP, Order::FromSlotZero},
    ParityLayout{1, "right-asymmetric", Turn::Right, QPlace::AfterP, Order::FromSlotZero},
    ParityLayout{2, "left-symmetric", Turn::Left, QPlace::AfterP, Order::AfterParity},
    ParityLayout{3, "right-symmetric", Turn::Right, QPlace::AfterP, Order::AfterParity},
    ParityLayout{4, "parity-first", Turn::First, QPlace::AfterP, Order::FromSlotZero},
    ParityLayout{5, "parity-last", Turn::Last, QPlace::AfterP, Order::FromSlotZero},
    ParityLayout{
        8, "ddf-zero-restart", Turn::Right, QPlace::AfterP, Order::FromSlotZero, QOrder::BySlot},
    ParityLayout{9, "ddf-N-restart", Turn::LeftFromSecond, QPlace::AfterP, Order::FromSlotZero,
        QOrder::BySlot},
    ParityLayout{
        10, "ddf-N-continue", Turn::Left, QPlace::BeforeP, Order::AfterParity, QOrder::BySlot},
    ParityLayout{16, "left-asymmetric-6", Turn::Left, QPlace::LastSlot, Order::FromSlotZero},
    ParityLayout{17, "right-asymmetric-6", Turn::Right, QPlace::LastSlot, Order::FromSlotZero},
    ParityLayout{18, "left-symmetric-6", Turn::Left, QPlace::LastSlot, Order::AfterParity},
    ParityLayout{19, "right-symmetric-6", Turn::Right, QPlace::LastSlot, Order::AfterParity},
    ParityLayout{20, "parity-first-6", Turn::First, QPlace::LastSlot, Order::FromSlotZero},
};

// md ignores the layout word of level 4.
constexpr ParityLayout kLevel4Layout{0, "", Turn::Last, QPlace::None, Order::FromSlotZero};

} // namespace

const ParityLayout* parityLayout(const Geometry& geometry)
{
    if (geometry.level == 4)
        return &kLevel4Layout;
    const std::span<const ParityLayout> table = geometry.level == 5
                                                    ? std::span<const ParityLayout>(kLevel5Layouts)
                                                    : std::span<const ParityLayout>(kLevel6Layouts);
    const auto found = std::ranges::find(table, geometry.layout, &ParityLayout::number);
    return found == table.end() ? nullptr : &*found;
}

ParityRow parityRow(const ParityLayout& layout, std::uint64_t members, std::uint64_t row)
{
    ParityRow at;
    at.circle = layout.q == QPlace::LastSlot ? members - 1 : members;
    switch (layout.turn) {
    case Turn::Left:
        at.p = at.circle - 1 - row % at.circle;
        break;
    case Turn::LeftFromSecond:
        at.p = at.circle - 1 - (row + 1) % at.circle;
        break;
    case Turn::Right:
        at.p = row % at.circle;
        break;
    case Turn::First:
        at.p = 0;
        break;
    case Turn::Last:
        at.p = at.circle - (layout.q == QPlace::None ? 1 : 2);
        break;
    }
    switch (layout.q) {
    case QPlace::None:
        at.q = at.p;
        break;
    case QPlace::AfterP:
        at.q = (at.p + 1) % members;
        break;
    case QPlace::BeforeP:
        at.q = (at.p + members - 1) % members;
        break;
    case QPlace::LastSlot:
        at.q = members - 1;
        break;
    }
    return at;
}

std::uint64_t dataSlot(const ParityLayout& layout, const ParityRow& row, std::uint64_t k)
{
    if (layout.order == Order::AfterParity) {
        // Behind the parity blocks, which are one (Q elsewhere or before P) or two.
        const std::uint64_t skip = layout.q == QPlace::AfterP ? 2 : 1;
        return (row.p + skip + k) % row.circle;
    }
    std::uint64_t slot = k;
    slot += slot >= std::min(row.p, row.q) ? 1 : 0;
    slot += row.p != row.q && slot >= std::max(row.p, row.q) ? 1 : 0;
    return slot;
}

} // namespace bitmend
