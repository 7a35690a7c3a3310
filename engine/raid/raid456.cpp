// SPDX-License-Identifier: Apache-2.0
// One or two parity blocks per row. The levels differ in how parity wanders over the members; each
// layout is a rule for P, a rule for Q and a rule for the k-th data block of row s.
#include "engine/raid/personalities.h"

#include <algorithm>
#include <array>

namespace bitmend {

namespace {

// How P moves from row to row over a circle of members.
enum class Turn : std::uint8_t { Left, Right, LeftFromSecond, First, Last };

// Where Q lies.
enum class QPlace : std::uint8_t { None, AfterP, BeforeP, LastSlot };

// Where data blocks begin.
enum class Order : std::uint8_t { FromSlotZero, AfterParity };

struct Layout
{
    std::uint32_t number;
    std::string_view name; // mdadm's
    Turn turn;
    QPlace q;
    Order order;
};

constexpr std::array kLevel5Layouts{
    Layout{0, "left-asymmetric", Turn::Left, QPlace::None, Order::FromSlotZero},
    Layout{1, "right-asymmetric", Turn::Right, QPlace::None, Order::FromSlotZero},
    Layout{2, "left-symmetric", Turn::Left, QPlace::None, Order::AfterParity},
    Layout{3, "right-symmetric", Turn::Right, QPlace::None, Order::AfterParity},
    Layout{4, "parity-first", Turn::First, QPlace::None, Order::FromSlotZero},
    Layout{5, "parity-last", Turn::Last, QPlace::None, Order::FromSlotZero},
};

// The "-6" ones are level 5 layouts over all members but the last, with Q on the last: what a
// level 5 array becomes when it grows into a level 6 without moving data.
constexpr std::array kLevel6Layouts{
    Layout{0, "left-asymmetric", Turn::Left, QPlace::AfterP, Order::FromSlotZero},
    Layout{1, "right-asymmetric", Turn::Right, QPlace::AfterP, Order::FromSlotZero},
    Layout{2, "left-symmetric", Turn::Left, QPlace::AfterP, Order::AfterParity},
    Layout{3, "right-symmetric", Turn::Right, QPlace::AfterP, Order::AfterParity},
    Layout{4, "parity-first", Turn::First, QPlace::AfterP, Order::FromSlotZero},
    Layout{5, "parity-last", Turn::Last, QPlace::AfterP, Order::FromSlotZero},
    Layout{8, "ddf-zero-restart", Turn::Right, QPlace::AfterP, Order::FromSlotZero},
    Layout{9, "ddf-N-restart", Turn::LeftFromSecond, QPlace::AfterP, Order::FromSlotZero},
    Layout{10, "ddf-N-continue", Turn::Left, QPlace::BeforeP, Order::AfterParity},
    Layout{16, "left-asymmetric-6", Turn::Left, QPlace::LastSlot, Order::FromSlotZero},
    Layout{17, "right-asymmetric-6", Turn::Right, QPlace::LastSlot, Order::FromSlotZero},
    Layout{18, "left-symmetric-6", Turn::Left, QPlace::LastSlot, Order::AfterParity},
    Layout{19, "right-symmetric-6", Turn::Right, QPlace::LastSlot, Order::AfterParity},
    Layout{20, "parity-first-6", Turn::First, QPlace::LastSlot, Order::FromSlotZero},
};

// md ignores the layout word of level 4.
constexpr Layout kLevel4Layout{0, "", Turn::Last, QPlace::None, Order::FromSlotZero};

const Layout* layoutOf(const Geometry& geometry)
{
    if (geometry.level == 4)
        return &kLevel4Layout;
    const std::span<const Layout> table = geometry.level == 5
                                              ? std::span<const Layout>(kLevel5Layouts)
                                              : std::span<const Layout>(kLevel6Layouts);
    const auto found = std::ranges::find(table, geometry.layout, &Layout::number);
    return found == table.end() ? nullptr : &*found;
}

std::uint64_t parityCount(const Geometry& geometry) { return geometry.level == 6 ? 2 : 1; }

struct Row
{
    std::uint64_t p = 0;
    std::uint64_t q = 0;      // equal to p where there is none
    std::uint64_t circle = 0; // the members that data and P share
};

Row rowOf(const Layout& layout, std::uint64_t members, std::uint64_t row)
{
    Row at;
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

std::uint64_t dataSlot(const Layout& layout, const Row& row, std::uint64_t k)
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

class Raid456 final : public Personality
{
public:
    explicit Raid456(std::string_view name) : m_name(name) {}

    std::string_view name() const override { return m_name; }

    std::string layoutName(const Geometry& geometry) const override
    {
        const Layout* layout = layoutOf(geometry);
        return std::string(layout == nullptr ? kUnknownLayout : layout->name);
    }

    Result<void> validate(const Geometry& geometry) const override
    {
        const int fewest = geometry.level == 6 ? 4 : 2;
        if (geometry.raidDisks < fewest || layoutOf(geometry) == nullptr)
            return fail(ErrorCode::BadGeometry);
        if (!isPowerOfTwo(geometry.chunk) || geometry.chunk < kPage)
            return fail(ErrorCode::BadGeometry);
        return {};
    }

    Sectors arraySize(const Geometry& geometry) const override
    {
        if (!validate(geometry))
            return {};
        return timesOrZero(roundedDown(geometry.componentSize, geometry.chunk),
            std::uint64_t(geometry.raidDisks) - parityCount(geometry));
    }

    bool canStart(
        const Geometry& geometry, const std::vector<bool>& inSync, bool dirty) const override
    {
        // A dirty row with a lost block cannot be rebuilt: its parity may be older than its data.
        const auto lost = std::uint64_t(std::ranges::count(inSync, false));
        return lost == 0 || (lost <= parityCount(geometry) && !dirty);
    }

    std::vector<Place> locate(const Geometry& geometry, Sectors arraySector) const override
    {
        const auto members = std::uint64_t(geometry.raidDisks);
        const std::uint64_t dataBlocks = members - parityCount(geometry);
        const std::uint64_t chunk = arraySector.count / geometry.chunk.count;
        const std::uint64_t row = chunk / dataBlocks;
        const Layout& layout = *layoutOf(geometry);
        const Sectors sector{row * geometry.chunk.count + arraySector.count % geometry.chunk.count};
        const std::uint64_t slot =
            dataSlot(layout, rowOf(layout, members, row), chunk % dataBlocks);
        return {{int(slot), sector}};
    }

    bool takesBitmap() const override { return true; }

private:
    std::string_view m_name;
};

} // namespace

const Personality& raid4()
{
    static const Raid456 kRaid4("raid4");
    return kRaid4;
}

const Personality& raid5()
{
    static const Raid456 kRaid5("raid5");
    return kRaid5;
}

const Personality& raid6()
{
    static const Raid456 kRaid6("raid6");
    return kRaid6;
}

bool holdsOnlyParity(const Geometry& geometry, int role)
{
    if (geometry.level != 4 && geometry.level != 5 && geometry.level != 6)
        return false;
    const Layout* layout = layoutOf(geometry);
    if (layout == nullptr || geometry.raidDisks < 2)
        return false;
    if (layout->q == QPlace::LastSlot && role == geometry.raidDisks - 1)
        return true;
    if (layout->turn != Turn::First && layout->turn != Turn::Last)
        return false;
    const Row row = rowOf(*layout, std::uint64_t(geometry.raidDisks), 0);
    return std::uint64_t(role) == row.p || std::uint64_t(role) == row.q;
}

} // namespace bitmend
