// SPDX-License-Identifier: Apache-2.0
// The power goes after every single write and flush of a program that writes, lets bits go, writes
// again and stops. Whatever is left starts; copies differ only where every member's bitmap says so;
// and after a resync all are equal and hold each write that had been flushed.
#include "engine/array/hot_add.h"
#include "engine/array/sync.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint32_t kChunk = 16'384;
constexpr std::uint64_t kBlock = 2048;

using Images = std::vector<std::vector<std::byte>>;

struct Written
{
    std::uint64_t offset = 0;
    std::vector<std::byte> content;
    std::size_t flushedAt = 0; // entries in the journal when the flush after it returned
};

struct Program
{
    MirrorShape shape;
    bool adds = false;            // the blank gets the vacant slot before the second half
    Sectors rebuilt = kMaxSector; // member 1 is good up to here only
    std::vector<Written> writes{};
};

void prepare(MemoryMirror& mirror, const Program& program)
{
    fillPattern(mirror.data(0), 1);
    for (std::size_t i = 1; i < program.shape.present; ++i)
        std::ranges::copy(mirror.data(0), mirror.data(i).begin());
    if (program.rebuilt == kMaxSector)
        return;
    auto superblock = mirror.superblock(1);
    superblock.featureMap |= feature::kRecoveryOffset;
    superblock.recoveryOffset = program.rebuilt;
    const auto bytes = formatOf(superblock.version).encode(superblock);
    std::ranges::copy(bytes, mirror.bytes(1).begin() + MemoryMirror::kSuperblockAt.bytes());
    std::ranges::fill(mirror.data(1).subspan(program.rebuilt.bytes()), std::byte{0x5a});
}

class Runner
{
public:
    Runner(MemoryMirror& mirror, Program& program)
        : m_mirror(mirror)
        , m_program(program)
        , m_array(mirror.running())
    {
        m_array->state().clock = [this] {
            return m_now;
        };
    }

    void run()
    {
        // Some places twice: the second write may come before the bit of the first is gone.
        for (const std::uint64_t place : {0U, 1U, 30U, 1U, 77U})
            write(place);
        sweep(2);
        write(30);
        if (m_program.adds) {
            QVERIFY(hotAdd(*m_array, *planHotAdd(*m_array, "blank0")));
            write(40);
            JobControl control;
            QVERIFY(sync(*m_array, SyncAction::Recover, control));
        }
        write(100);
        sweep(4); // and clean in between
        write(0);
        write(101);
        QVERIFY(stop(*m_array));
    }

private:
    void write(std::uint64_t place)
    {
        Written written{place * kChunk / 2 + 100, std::vector<std::byte>(kBlock + place)};
        fillPattern(written.content, ++m_seed);
        QVERIFY(m_array->writeAt(written.offset, written.content));
        if (m_seed % 2 == 0) {
            QVERIFY(m_array->flush());
            written.flushedAt = m_mirror.journal()->entries().size();
        } else {
            written.flushedAt = ~std::size_t{0};
        }
        m_program.writes.push_back(std::move(written));
    }

    void sweep(int periods)
    {
        for (int i = 0; i < periods; ++i) {
            m_now += std::chrono::seconds(5);
            QVERIFY(m_array->maintain());
        }
    }

    MemoryMirror& m_mirror;
    Program& m_program;
    std::unique_ptr<Array> m_array;
    ArrayState::Clock::time_point m_now{std::chrono::hours(1)};
    std::uint64_t m_seed = 1000;
};

// A chunk that differs is one that a resync is due for, by the bitmap of each member in sync.
QString judgeChunk(MemoryMirror& mirror, std::uint64_t chunk,
    const std::vector<std::size_t>& inSync, bool resyncDue)
{
    const bool differs = std::ranges::any_of(inSync, [&](std::size_t i) {
        return !std::ranges::equal(mirror.chunk(i, chunk), mirror.chunk(inSync.front(), chunk));
    });
    if (!differs)
        return {};
    if (!resyncDue)
        return QStringLiteral("chunk %1 differs in a clean array").arg(chunk);
    for (const auto holder : inSync) {
        if (!mirror.bit(holder, chunk))
            return QStringLiteral("chunk %1 differs, not named by %2").arg(chunk).arg(holder);
    }
    return {};
}

// Between members in sync, and below a rebuilt one's offset, before anything starts again.
QString judgeCut(MemoryMirror& mirror, const Program& program)
{
    const auto plan = mirror.plan();
    if (!plan || !plan->array.canStart)
        return QStringLiteral("does not start");
    std::vector<std::size_t> inSync;
    for (std::size_t i = 0; i < mirror.devices(); ++i) {
        const auto member = std::ranges::find(plan->array.members, mirror.name(i), &Member::path);
        if (member == plan->array.members.end())
            continue;
        if (member->state == MemberState::Stale || member->state == MemberState::Damaged)
            return QStringLiteral("member %1 is left out").arg(i);
        if (member->state == MemberState::InSync)
            inSync.push_back(i);
    }
    const auto chunks = program.shape.component.bytes() / kChunk;
    for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
        const bool due = plan->array.needs == Needs::Resync;
        if (const auto wrong = judgeChunk(mirror, chunk, inSync, due); !wrong.isEmpty())
            return wrong;
    }
    return {};
}

QString mend(MemoryMirror& mirror)
{
    auto array = mirror.assemble();
    if (!array)
        return QStringLiteral("does not start: %1").arg(int(array.error().code));
    JobControl control;
    if ((*array)->snapshot().resyncDue && !sync(**array, SyncAction::Resync, control))
        return QStringLiteral("resync failed");
    if ((*array)->snapshot().recoveryDue && !sync(**array, SyncAction::Recover, control))
        return QStringLiteral("recovery failed");
    return stop(**array) ? QString() : QStringLiteral("stop failed");
}

QString judgeEnd(MemoryMirror& mirror, const Program& program, std::size_t cut)
{
    std::vector<std::byte> content(mirror.data(0).begin(), mirror.data(0).end());
    std::size_t members = 0;
    for (std::size_t i = 0; i < mirror.devices(); ++i) {
        const auto decoded = mirror.decode(i);
        if (!decoded || decoded->superblock.role() >= kRoleLimit)
            continue;
        ++members;
        if (!std::ranges::equal(mirror.data(i), content))
            return QStringLiteral("member %1 differs after the resync").arg(i);
    }
    if (members < program.shape.present)
        return QStringLiteral("%1 members are left").arg(members);
    // A later write to the same place may have come through or not.
    for (std::size_t w = 0; w < program.writes.size(); ++w) {
        const auto& write = program.writes[w];
        if (write.flushedAt > cut)
            continue;
        const auto overwritten = std::ranges::any_of(std::span(program.writes).subspan(w + 1),
            [&write](const Written& later) { return later.offset == write.offset; });
        if (!overwritten &&
            !std::ranges::equal(
                std::span(content).subspan(write.offset, write.content.size()), write.content))
            return QStringLiteral("write %1, which was flushed, is lost").arg(w);
    }
    return {};
}

void cutEverywhere(Program program)
{
    MemoryMirror mirror(program.shape, true);
    prepare(mirror, program);
    Images before;
    for (std::size_t i = 0; i < mirror.devices(); ++i)
        before.push_back(mirror.bytes(i));
    Runner(mirror, program).run();
    const auto entries = mirror.journal()->entries();
    QCOMPARE(judgeCut(mirror, program), QString());
    QCOMPARE(mend(mirror), QString());
    QCOMPARE(judgeEnd(mirror, program, entries.size()), QString());

    std::mt19937 random(5);
    const std::vector<SectorSurvives> caches{[] { return false; }, [] { return true; },
        [&random] { return (random() & 1U) != 0; },
        [&random] {
            return random() % 8 != 0;
        }};
    MemoryMirror cut(program.shape);
    for (std::size_t k = 0; k <= entries.size(); ++k) {
        for (std::size_t cache = 0; cache < caches.size(); ++cache) {
            for (std::size_t i = 0; i < cut.devices(); ++i)
                cut.bytes(i) = afterPowerCut(before[i], entries, i, k, caches[cache]);
            const auto where = QStringLiteral("cut after %1 of %2, cache %3: ")
                                   .arg(k)
                                   .arg(entries.size())
                                   .arg(cache);
            const auto state = judgeCut(cut, program);
            QVERIFY2(state.isEmpty(), qPrintable(where + state));
            const auto again = mend(cut);
            QVERIFY2(again.isEmpty(), qPrintable(where + again));
            const auto end = judgeEnd(cut, program, k);
            QVERIFY2(end.isEmpty(), qPrintable(where + end));
        }
    }
}

} // namespace

class TestWritePowerCut : public QObject
{
    Q_OBJECT

private slots:
    void writes_surviveEveryCut();
    void writes_toThreeMembersSurviveEveryCut();
    void writes_toADegradedArraySurviveEveryCut();
    void writes_besideAHotAddSurviveEveryCut();
    void writes_toAMemberBeingRebuiltSurviveEveryCut();
};

void TestWritePowerCut::writes_surviveEveryCut()
{
    cutEverywhere(
        {.shape = {.component = Sectors{2048}, .bitmapChunk = kChunk, .resyncOffset = kMaxSector}});
}

void TestWritePowerCut::writes_toThreeMembersSurviveEveryCut()
{
    cutEverywhere({.shape = {.raidDisks = 3,
                       .present = 3,
                       .component = Sectors{2048},
                       .bitmapChunk = kChunk,
                       .resyncOffset = kMaxSector}});
}

void TestWritePowerCut::writes_toADegradedArraySurviveEveryCut()
{
    cutEverywhere({.shape = {.raidDisks = 3,
                       .present = 2,
                       .component = Sectors{2048},
                       .bitmapChunk = kChunk,
                       .resyncOffset = kMaxSector}});
}

void TestWritePowerCut::writes_besideAHotAddSurviveEveryCut()
{
    cutEverywhere({.shape = {.raidDisks = 3,
                       .present = 2,
                       .component = Sectors{2048},
                       .bitmapChunk = kChunk,
                       .resyncOffset = kMaxSector},
        .adds = true});
}

// Half rebuilt, clean, and then written to on both sides of that.
void TestWritePowerCut::writes_toAMemberBeingRebuiltSurviveEveryCut()
{
    cutEverywhere(
        {.shape = {.component = Sectors{2048}, .bitmapChunk = kChunk, .resyncOffset = kMaxSector},
            .rebuilt = Sectors{1000}});
}

QTEST_APPLESS_MAIN(TestWritePowerCut)
#include "tst_write_power_cut.moc"
