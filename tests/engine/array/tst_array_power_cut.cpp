// SPDX-License-Identifier: Apache-2.0
// The power goes after every single write and flush of a program that writes to a level 5, 6 or 10,
// lets bits go, writes again and stops. Whatever is left starts; copies of a chunk differ, and
// parity is wrong, only where every member's bitmap says so; each write that had been flushed is on
// all of its copies; and a resync makes the rest agree.
#include "engine/array/sync.h"
#include "engine/base/job_control.h"
#include "tests/engine/array/memory_array.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint32_t kBitmapChunk = 16'384;
constexpr std::uint64_t kBlock = 6000; // crosses a chunk of the array

struct Written
{
    std::uint64_t offset = 0;
    std::vector<std::byte> content;
    std::size_t flushedAt = 0; // entries in the journal when the flush after it returned
};

ArrayShape shapeOf(int level, std::uint32_t layout, std::uint32_t disks)
{
    return {.level = level,
        .layout = layout,
        .raidDisks = disks,
        .component = Sectors{512},
        .bitmapChunk = kBitmapChunk};
}

class Program
{
public:
    Program(MemoryArray& members, const std::vector<int>& missing)
        : m_members(members)
        , m_array(members.running(WriteMode::Overlay, missing))
    {
        m_array->state().clock = [this] {
            return m_now;
        };
    }

    void run()
    {
        // Some places twice: the second write may come before the bit of the first is gone.
        for (const std::uint64_t place : {0U, 3U, 11U, 3U})
            write(place);
        sweep(2);
        write(11);
        sweep(4); // and clean in between
        write(0);
        write(7);
        QVERIFY(stop(*m_array));
    }

    std::vector<Written> writes;

private:
    void write(std::uint64_t place)
    {
        Written written{place * kBitmapChunk / 2 + 5000, std::vector<std::byte>(kBlock + place)};
        fillPattern(written.content, ++m_seed);
        QVERIFY(m_array->writeAt(written.offset, written.content));
        written.flushedAt = ~std::size_t{0};
        if (m_seed % 2 == 0) {
            QVERIFY(m_array->flush());
            written.flushedAt = m_members.journal()->entries().size();
        }
        writes.push_back(std::move(written));
    }

    void sweep(int periods)
    {
        for (int i = 0; i < periods; ++i) {
            m_now += std::chrono::seconds(5);
            QVERIFY(m_array->maintain());
        }
    }

    MemoryArray& m_members;
    std::unique_ptr<Array> m_array;
    ArrayState::Clock::time_point m_now{std::chrono::hours(1)};
    std::uint64_t m_seed = 1000;
};

bool isSet(std::span<const std::byte> member, std::uint64_t chunk)
{
    const auto at = MemoryArray::kBitmapAt.bytes() + 256 + chunk / 8;
    return (member[at] >> (chunk % 8) & std::byte{1}) != std::byte{};
}

// One sector of the array as each member that is there has it.
std::vector<std::span<const std::byte>> copiesOf(
    MemoryArray& members, Sectors sector, const std::vector<int>& missing)
{
    const auto geometry = members.geometry();
    std::vector<std::span<const std::byte>> copies;
    for (const auto& place : personality(geometry.level)->locate(geometry, sector)) {
        if (std::ranges::find(missing, place.role) == missing.end()) {
            copies.push_back(
                members.data(std::size_t(place.role)).subspan(place.sector.bytes(), kSectorBytes));
        }
    }
    return copies;
}

// Whether what members hold of a sync sector agrees. Without one of them parity cannot be wrong.
bool agrees(MemoryArray& members, Sectors sector, const std::vector<int>& missing)
{
    const auto geometry = members.geometry();
    if (!hasParity(geometry)) {
        const auto copies = copiesOf(members, sector, missing);
        return std::ranges::all_of(copies,
            [&copies](const auto& copy) { return std::ranges::equal(copy, copies.front()); });
    }
    std::vector<std::span<std::byte>> blocks;
    for (int role = 0; role < geometry.raidDisks; ++role)
        blocks.push_back(members.data(std::size_t(role)).subspan(sector.bytes(), kSectorBytes));
    const StripeCode code(stripeRoles(geometry, sector.count / geometry.chunk.count));
    return !missing.empty() || code.check(blocks).all();
}

QString judgeStart(MemoryArray& members, const std::vector<int>& missing)
{
    const auto plan = members.plan(WriteMode::Overlay, missing);
    if (!plan || !plan->array.canStart)
        return QStringLiteral("does not start");
    for (const auto& member : plan->array.members) {
        if (member.state == MemberState::Stale || member.state == MemberState::Damaged)
            return QStringLiteral("member %1 is left out").arg(member.role);
    }
    const auto end =
        hasParity(members.geometry()) ? members.geometry().componentSize : members.arraySize();
    for (Sectors sector; sector < end; sector = sector + Sectors{1}) {
        if (agrees(members, sector, missing))
            continue;
        if (plan->array.needs != Needs::Resync)
            return QStringLiteral("sector %1 differs in a clean array").arg(sector.count);
        for (std::size_t i = 0; i < members.devices(); ++i) {
            const bool isHere = std::ranges::find(missing, int(i)) == missing.end();
            if (isHere && !isSet(members.bytes(i), sector.bytes() / kBitmapChunk)) {
                return QStringLiteral("sector %1 differs, not named by %2")
                    .arg(sector.count)
                    .arg(i);
            }
        }
    }
    return {};
}

QString judgeWrites(MemoryArray& members, const std::vector<Written>& writes, std::size_t cut,
    const std::vector<int>& missing)
{
    for (std::size_t w = 0; w < writes.size(); ++w) {
        const auto& write = writes[w];
        // A later write to the same place may have come through or not.
        const bool overwritten = std::ranges::any_of(std::span(writes).subspan(w + 1),
            [&write](const Written& later) { return later.offset == write.offset; });
        if (write.flushedAt > cut || overwritten)
            continue;
        for (std::size_t at = 0; at < write.content.size(); ++at) {
            const auto byte = write.offset + at;
            for (const auto& copy : copiesOf(members, {byte / kSectorBytes}, missing)) {
                if (copy[byte % kSectorBytes] != write.content[at])
                    return QStringLiteral("write %1, which was flushed, is lost").arg(w);
            }
        }
    }
    return {};
}

// After a resync of what was found due everything agrees, and flushed writes are still there.
QString judgeResync(MemoryArray& members, const std::vector<Written>& writes, std::size_t cut)
{
    members.wrap();
    const auto array = members.running(WriteMode::Overlay);
    JobControl control;
    const auto done = sync(*array, SyncAction::Resync, control);
    if (!done && done.error().code != ErrorCode::NothingToDo)
        return QStringLiteral("the resync fails");
    if (!stop(*array))
        return QStringLiteral("does not stop");
    auto complaint = judgeStart(members, {});
    if (complaint.isEmpty())
        complaint = judgeWrites(members, writes, cut, {});
    return complaint;
}

void cutEverywhere(const ArrayShape& shape, const std::vector<int>& missing)
{
    MemoryArray members(shape, true);
    members.fill(1);
    std::vector<std::vector<std::byte>> before;
    before.reserve(members.devices());
    for (std::size_t i = 0; i < members.devices(); ++i)
        before.push_back(members.bytes(i));
    Program program(members, missing);
    program.run();
    const auto entries = members.journal()->entries();
    QCOMPARE(judgeStart(members, missing), QString());
    QCOMPARE(judgeWrites(members, program.writes, entries.size(), missing), QString());

    std::mt19937 random(5);
    const std::vector<SectorSurvives> caches{[] { return false; }, [] { return true; },
        [&random] {
            return (random() & 1U) != 0;
        }};
    MemoryArray cut(shape);
    for (std::size_t k = 0; k <= entries.size(); ++k) {
        for (std::size_t cache = 0; cache < caches.size(); ++cache) {
            for (std::size_t i = 0; i < cut.devices(); ++i)
                cut.bytes(i) = afterPowerCut(before[i], entries, i, k, caches[cache]);
            auto complaint = judgeStart(cut, missing);
            if (complaint.isEmpty())
                complaint = judgeWrites(cut, program.writes, k, missing);
            if (complaint.isEmpty() && missing.empty())
                complaint = judgeResync(cut, program.writes, k);
            QVERIFY2(
                complaint.isEmpty(), qPrintable(QStringLiteral("cut after %1 of %2, cache %3: %4")
                                             .arg(k)
                                             .arg(entries.size())
                                             .arg(cache)
                                             .arg(complaint)));
        }
    }
}

} // namespace

class TestArrayPowerCut : public QObject
{
    Q_OBJECT

private slots:
    void writes_toNearCopiesSurviveEveryCut() { cutEverywhere(shapeOf(10, 0x102, 4), {}); }
    void writes_toFarCopiesSurviveEveryCut() { cutEverywhere(shapeOf(10, 0x201, 3), {}); }
    void writes_toOffsetCopiesSurviveEveryCut() { cutEverywhere(shapeOf(10, 0x10201, 3), {}); }
    void writes_withoutAMemberSurviveEveryCut() { cutEverywhere(shapeOf(10, 0x103, 4), {2}); }
    void writes_toParitySurviveEveryCut() { cutEverywhere(shapeOf(5, 2, 4), {}); }
    void writes_toBothParitiesSurviveEveryCut() { cutEverywhere(shapeOf(6, 2, 5), {}); }
};

QTEST_APPLESS_MAIN(TestArrayPowerCut)
#include "tst_array_power_cut.moc"
