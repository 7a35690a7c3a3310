// SPDX-License-Identifier: Apache-2.0
// The order of metadata on the members, told from the journal of everything that was written while
// an array had all done to it that can be done: each update raises the events by exactly one, has
// its bitmap header on disk before its first superblock, and is on disk everywhere before the next
// one begins, so that no two active members are ever more than one apart.
#include "engine/array/bitmap_change.h"
#include "engine/array/hot_add.h"
#include "engine/array/membership.h"
#include "engine/array/sync.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

#include <set>

using namespace bitmend;
using namespace bitmend::test;

namespace {

// What one member has on disk, and what may have come there since its last flush.
struct OnDisk
{
    std::uint64_t events = 0;
    std::set<std::uint64_t> eventsOnTheirWay;
    std::uint64_t headerEvents = 0;
    std::uint64_t headerOnItsWay = 0;
    bool active = false;
};

class Walk
{
public:
    Walk(MemoryMirror& mirror, std::uint64_t events, std::size_t active) : m_mirror(mirror)
    {
        m_members.resize(mirror.devices());
        m_events = events;
        for (std::size_t i = 0; i < active; ++i)
            m_members[i] = {events, {}, mirror.header(i).events, 0, true};
    }

    QString through(const std::vector<JournalEntry>& entries)
    {
        for (std::size_t i = 0; i < entries.size() && m_wrong.isEmpty(); ++i) {
            step(entries[i]);
            if (!m_wrong.isEmpty())
                m_wrong += QStringLiteral(", at entry %1 of %2").arg(i).arg(entries.size());
        }
        return m_wrong;
    }

    int updates() const { return m_updates; }
    int superblocks() const { return m_superblocks; }

private:
    void step(const JournalEntry& entry)
    {
        auto& member = m_members[entry.device];
        if (entry.isFlush) {
            if (!member.eventsOnTheirWay.empty())
                member.events = *member.eventsOnTheirWay.rbegin();
            member.eventsOnTheirWay.clear();
            member.headerEvents = std::max(member.headerEvents, member.headerOnItsWay);
        } else if (entry.offset == MemoryMirror::kSuperblockAt.bytes()) {
            superblock(entry, member);
        } else if (entry.offset == MemoryMirror::kBitmapAt.bytes()) {
            member.headerOnItsWay = decodeBitmapHeader(entry.bytes).events;
        }
        judgeDistance();
    }

    void superblock(const JournalEntry& entry, OnDisk& member)
    {
        auto bytes = entry.bytes;
        bytes.resize(kSuperblockBytes);
        const auto decoded =
            formatOf(MetadataVersion::V1_2)
                .decode(bytes, {MetadataVersion::V1_2, MemoryMirror::kSuperblockAt},
                    {m_mirror.bytes(entry.device).size() / kSectorBytes});
        if (!decoded || anyBars(decoded->problems)) {
            m_wrong = QStringLiteral("no good superblock");
            return;
        }
        const auto& superblock = decoded->superblock;
        if (superblock.events == 0)
            return; // a newcomer's, which nobody counts
        ++m_superblocks;
        if (superblock.events == m_events + 1)
            begin(superblock);
        if (superblock.events != m_events)
            m_wrong = QStringLiteral("events %1 after %2").arg(superblock.events).arg(m_events);
        member.eventsOnTheirWay.insert(superblock.events);
        const bool hasRole = superblock.role() < kRoleLimit;
        if (hasRole && !member.active)
            member.events = superblock.events; // from here on it counts
        member.active = hasRole;
        // Whoever it calls faulty or gone is not active any more.
        for (std::size_t i = 0; i < m_members.size(); ++i) {
            const auto number = m_mirror.superblock(i).devNumber;
            const bool listed =
                number < superblock.devRoles.size() && superblock.devRoles[number] < kRoleLimit;
            m_members[i].active = m_members[i].active && listed;
        }
    }

    void begin(const Superblock& superblock)
    {
        ++m_updates;
        for (std::size_t i = 0; i < m_members.size(); ++i) {
            const auto& member = m_members[i];
            const auto number = m_mirror.superblock(i).devNumber;
            const bool stays =
                number < superblock.devRoles.size() && superblock.devRoles[number] < kRoleLimit;
            if (!member.active || !stays)
                continue;
            if (member.events != m_events || !member.eventsOnTheirWay.empty())
                m_wrong = QStringLiteral("member %1 lacks update %2 still").arg(i).arg(m_events);
            if (superblock.hasBitmap() && member.headerEvents != superblock.events) {
                m_wrong = QStringLiteral("member %1 lacks the header of %2")
                              .arg(i)
                              .arg(superblock.events);
            }
        }
        m_events = superblock.events;
    }

    void judgeDistance()
    {
        std::uint64_t least = ~std::uint64_t{0};
        std::uint64_t most = 0;
        for (const auto& member : m_members) {
            if (!member.active)
                continue;
            least = std::min(least, member.events);
            most = std::max(most, member.events);
            if (!member.eventsOnTheirWay.empty())
                most = std::max(most, *member.eventsOnTheirWay.rbegin());
        }
        if (least != ~std::uint64_t{0} && most > least + 1)
            m_wrong = QStringLiteral("active members may be at %1 and %2").arg(least).arg(most);
    }

    MemoryMirror& m_mirror;
    std::vector<OnDisk> m_members;
    std::uint64_t m_events = 0;
    int m_updates = 0;
    int m_superblocks = 0;
    QString m_wrong;
};

void write(Array& array, std::uint64_t place)
{
    const std::vector<std::byte> data(3000, std::byte{7});
    QVERIFY(array.writeAt(place * 50'000, data));
}

void syncIfDue(Array& array)
{
    for (const auto action : {SyncAction::Resync, SyncAction::Recover}) {
        JobControl control;
        const auto done = sync(array, action, control);
        QVERIFY(done || done.error().code == ErrorCode::NothingToDo);
    }
}

} // namespace

class TestUpdateOrder : public QObject
{
    Q_OBJECT

private slots:
    void events_riseByOneAndEverywhereBeforeTheNext();
    void events_ofAMemberThatIsBehindAreRaisedFirst();
};

void TestUpdateOrder::events_riseByOneAndEverywhereBeforeTheNext()
{
    MemoryMirror mirror(
        {.raidDisks = 3, .present = 2, .component = Sectors{8192}, .bitmapChunk = 16'384}, true);
    for (const std::uint64_t chunk : {3U, 100U, 255U})
        mirror.setBit(chunk);
    Walk walk(mirror, 10, 2);
    auto array = mirror.running();
    auto now = ArrayState::Clock::time_point(std::chrono::hours(1));
    array->state().clock = [&now] {
        return now;
    };
    const auto rest = [&] {
        for (int i = 0; i < 4; ++i) {
            now += std::chrono::seconds(5);
            QVERIFY(array->maintain());
        }
    };
    syncIfDue(*array);
    write(*array, 1);
    rest();
    write(*array, 2);
    const auto plan = planHotAdd(*array, "blank0");
    QVERIFY(plan && hotAdd(*array, *plan));
    write(*array, 3);
    syncIfDue(*array);
    rest();
    QVERIFY(failMember(*array, "blank0"));
    QVERIFY(removeMember(*array, "blank0"));
    write(*array, 4);
    QVERIFY(stop(*array));
    array = mirror.running();
    QVERIFY(removeBitmap(*array));
    write(*array, 5);
    const auto bitmap = planBitmapAdd(*array, {.chunkBytes = 16'384});
    QVERIFY(bitmap && addBitmap(*array, *bitmap));
    write(*array, 6);
    QVERIFY(stop(*array));

    QCOMPARE(walk.through(mirror.journal()->entries()), QString());
    QCOMPARE(std::uint64_t(walk.updates()), mirror.superblock(0).events - 10);
    QVERIFY(walk.updates() >= 15);
    QVERIFY(walk.superblocks() >= 2 * walk.updates());
}

void TestUpdateOrder::events_ofAMemberThatIsBehindAreRaisedFirst()
{
    for (const std::size_t laggard : {0U, 1U}) {
        MemoryMirror mirror({.component = Sectors{4096}, .resyncOffset = kMaxSector}, true);
        auto superblock = mirror.superblock(laggard);
        superblock.events -= 1;
        const auto bytes = formatOf(superblock.version).encode(superblock);
        std::ranges::copy(
            bytes, mirror.bytes(laggard).begin() + MemoryMirror::kSuperblockAt.bytes());
        auto array = mirror.running();
        write(*array, 1);
        QVERIFY(stop(*array));
        // Its own comes first and is durable before the other one's leaves.
        std::vector<std::size_t> order;
        for (const auto& entry : mirror.journal()->entries()) {
            if (entry.isFlush && entry.device == laggard && order.size() == 1)
                order.push_back(99);
            if (!entry.isFlush && entry.offset == MemoryMirror::kSuperblockAt.bytes())
                order.push_back(entry.device);
        }
        QVERIFY(order.size() >= 3);
        QCOMPARE(order[0], laggard);
        QCOMPARE(order[1], std::size_t{99});
        QCOMPARE(order[2], 1 - laggard);
    }
}

QTEST_APPLESS_MAIN(TestUpdateOrder)
#include "tst_update_order.moc"
