// SPDX-License-Identifier: Apache-2.0
// Writing to an assembled mirror: what is on disk before the data, what goes away when, and what
// becomes of a member that does not take a write. Time is the test's own.
#include "engine/array/hot_add.h"
#include "engine/array/sync.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

#include <cerrno>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::uint64_t kChunk = 65'536;
constexpr std::chrono::seconds kPeriod{5}; // the bitmap's daemon_sleep

MirrorShape clean() { return {.resyncOffset = kMaxSector}; }

std::vector<std::byte> block(std::uint64_t seed, std::size_t size = 4096)
{
    std::vector<std::byte> bytes(size);
    fillPattern(bytes, seed);
    return bytes;
}

// An array whose clock stands still until it is told.
struct Running
{
    explicit Running(MemoryMirror& mirror) : array(mirror.running())
    {
        array->state().clock = [this] {
            return now;
        };
    }

    void sweep()
    {
        now += kPeriod;
        QVERIFY(array->maintain());
    }

    std::unique_ptr<Array> array;
    ArrayState::Clock::time_point now{std::chrono::hours(1)};
};

bool isData(const JournalEntry& entry)
{
    return !entry.isFlush && entry.offset >= kMirrorData.bytes();
}

bool isBitmap(const JournalEntry& entry)
{
    const auto begin = MemoryMirror::kBitmapAt.bytes();
    return !entry.isFlush && entry.offset >= begin &&
           entry.offset < begin + MemoryMirror::kBitmapRoom.bytes();
}

bool isSuperblock(const JournalEntry& entry)
{
    return !entry.isFlush && entry.offset == MemoryMirror::kSuperblockAt.bytes();
}

// Whether `what` reached this device and was flushed there, before the first data went anywhere.
bool durableBeforeData(
    MemoryMirror& mirror, std::size_t device, const std::function<bool(const JournalEntry&)>& what)
{
    const auto number = mirror.device(device).journalNumber();
    bool written = false;
    for (const auto& entry : mirror.journal()->entries()) {
        if (isData(entry))
            return false;
        if (entry.device != number)
            continue;
        if (entry.isFlush && written)
            return true;
        written |= what(entry);
    }
    return false;
}

std::size_t count(
    MemoryMirror& mirror, std::size_t device, const std::function<bool(const JournalEntry&)>& what)
{
    const auto number = mirror.device(device).journalNumber();
    const auto entries = mirror.journal()->entries();
    return std::size_t(std::ranges::count_if(
        entries, [&](const JournalEntry& entry) { return entry.device == number && what(entry); }));
}

bool holds(MemoryMirror& mirror, std::size_t device, std::uint64_t offset,
    std::span<const std::byte> content)
{
    return std::ranges::equal(mirror.data(device).subspan(offset, content.size()), content);
}

} // namespace

class TestWrite : public QObject
{
    Q_OBJECT

private slots:
    void write_reachesEveryMember();
    void write_bitsAreOnDiskBeforeTheDataOnEveryMemberWithARole();
    void write_superblocksSayDirtyBeforeTheFirstData();
    void write_aChunkThatIsSetCostsNoBitmapWrite();
    void write_overManyChunksCostsOneRoundOfBits();
    void write_leavesTheBitsForAReader();
    void write_isRefusedWhereItCannotBe();
    void write_errorFailsTheMemberInTheOthersSuperblocks();
    void write_errorOnANewcomerFailsTheNewcomer();
    void write_errorOnTheLastCopyIsTheWritersOwn();
    void flush_errorOfTheLastCopyIsNeverSwallowed();
    void write_fullDiskFailsNobodyAndStopsTheArray();
    void write_bitmapErrorFailsTheMember();
    void write_bitmapThatNobodyTakesIsKicked();
    void maintain_bitGoesTwoToThreePeriodsAfterTheWrite();
    void maintain_writeInBetweenKeepsTheBit();
    void maintain_eventsClearedIsOnDiskBeforeAnyBitGoes();
    void maintain_keepsTheBitsOfADegradedArray();
    void maintain_bitsOfWritesBeforeALossStillGo();
    void maintain_becomesCleanWhenNobodyWrites();
    void maintain_keepsAnArrayDirtyThatHasAResyncDue();
    void stop_afterWritesLeavesNothingDue();
    void start_trustsARebuiltMemberUpToTheFirstDirtyChunkOnly();
};

void TestWrite::write_reachesEveryMember()
{
    MemoryMirror mirror({.raidDisks = 3, .present = 3, .resyncOffset = kMaxSector});
    Running running(mirror);
    const auto odd = block(1, 10'001); // neither begins nor ends with a sector
    QVERIFY(running.array->writeAt(70'003, odd));
    for (const std::size_t i : {0U, 1U, 2U})
        QVERIFY(holds(mirror, i, 70'003, odd));
    std::vector<std::byte> back(odd.size());
    QVERIFY(running.array->readAt(70'003, back));
    QVERIFY(back == odd);
}

// The claim of 2005's change gone right: a newcomer that is being rebuilt has its own copy of every
// bit. Reduced to members in sync, it would have none.
void TestWrite::write_bitsAreOnDiskBeforeTheDataOnEveryMemberWithARole()
{
    constexpr std::size_t kSpare = 2;
    constexpr std::size_t kNewcomer = 3;
    MemoryMirror mirror(
        {.raidDisks = 3, .present = 2, .spares = 1, .resyncOffset = kMaxSector}, true);
    Running running(mirror);
    QVERIFY(hotAdd(*running.array, *planHotAdd(*running.array, "blank0")));
    const auto before = mirror.journal()->entries().size();
    QVERIFY(running.array->writeAt(9 * kChunk, block(1)));

    const auto entries = mirror.journal()->entries();
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}, kNewcomer}) {
        const auto number = mirror.device(i).journalNumber();
        bool written = false;
        bool durable = false;
        bool sawData = false;
        for (std::size_t k = before; k < entries.size(); ++k) {
            if (isData(entries[k])) {
                QVERIFY(durable);
                sawData |= entries[k].device == number;
            }
            if (entries[k].device != number)
                continue;
            durable |= entries[k].isFlush && written;
            written |= isBitmap(entries[k]);
        }
        QVERIFY(sawData);
        QVERIFY(mirror.bit(i, 9));
    }
    QVERIFY(!mirror.bit(kSpare, 9));
    QCOMPARE(count(mirror, kSpare, isBitmap), 0U);
    QCOMPARE(count(mirror, kSpare, isData), 0U);
}

void TestWrite::write_superblocksSayDirtyBeforeTheFirstData()
{
    MemoryMirror mirror(clean(), true);
    Running running(mirror);
    QVERIFY(running.array->writeAt(0, block(1)));
    for (const std::size_t i : {0U, 1U}) {
        QVERIFY(durableBeforeData(mirror, i, isSuperblock));
        QVERIFY(mirror.superblock(i).isDirty());
        QCOMPARE(mirror.superblock(i).events, 11U);
        QCOMPARE(mirror.header(i).events, 11U);
    }
}

void TestWrite::write_aChunkThatIsSetCostsNoBitmapWrite()
{
    MemoryMirror mirror(clean(), true);
    Running running(mirror);
    QVERIFY(running.array->writeAt(0, block(1)));
    const auto pages = count(mirror, 0, isBitmap);
    QVERIFY(running.array->writeAt(8192, block(2)));
    QCOMPARE(count(mirror, 0, isBitmap), pages);
    QCOMPARE(count(mirror, 0, isSuperblock), 1U);
}

void TestWrite::write_overManyChunksCostsOneRoundOfBits()
{
    MemoryMirror mirror(clean(), true);
    Running running(mirror);
    QVERIFY(running.array->writeAt(0, block(1)));
    const auto pages = count(mirror, 0, isBitmap);
    QVERIFY(running.array->writeAt(kChunk - 1, block(2, 20 * kChunk)));
    QCOMPARE(count(mirror, 0, isBitmap), pages + 1);
    for (std::uint64_t chunk = 0; chunk <= 20; ++chunk)
        QVERIFY(mirror.bit(1, chunk));
    QVERIFY(!mirror.bit(1, 21));
}

void TestWrite::write_leavesTheBitsForAReader()
{
    MemoryMirror mirror(clean());
    Running running(mirror);
    QVERIFY(running.array->writeAt(5 * kChunk, block(1)));
    running.array->state().frames.publish(LiveFrames::Pace::Now);
    auto frame = running.array->frames().load();
    QCOMPARE(frame->state(5), ChunkState::Dirty);
    QVERIFY(frame->members.at(1).set.test(5));
    for (int i = 0; i < 3; ++i)
        running.sweep();
    running.array->state().frames.publish(LiveFrames::Pace::Now);
    frame = running.array->frames().load();
    QCOMPARE(frame->state(5), ChunkState::Clean);
    QVERIFY(!frame->members.at(1).set.test(5));
}

void TestWrite::write_isRefusedWhereItCannotBe()
{
    MemoryMirror mirror(clean());
    {
        auto array = mirror.running(WriteMode::ReadOnly);
        QCOMPARE(array->writeAt(0, block(1)).error().code, ErrorCode::Unsupported);
        QVERIFY(array->maintain());
    }
    Running running(mirror);
    const auto size = running.array->sizeBytes();
    QCOMPARE(running.array->writeAt(size - 100, block(1)).error().code, ErrorCode::ShortRead);
    QCOMPARE(running.array->writeAt(~0ULL - 5, block(1)).error().code, ErrorCode::ShortRead);
    QVERIFY(running.array->writeAt(size, {}));
    QVERIFY(!mirror.superblock(0).isDirty());
    QVERIFY(stop(*running.array));
    QCOMPARE(running.array->writeAt(0, block(1)).error().code, ErrorCode::Unsupported);
}

void TestWrite::write_errorFailsTheMemberInTheOthersSuperblocks()
{
    MemoryMirror mirror({.raidDisks = 3, .present = 3, .resyncOffset = kMaxSector});
    Running running(mirror);
    QVERIFY(running.array->writeAt(0, block(1)));
    mirror.device(0).failWrites(kMirrorData.bytes(), kMirrorData.bytes() + 4096, EIO);
    const auto told = mirror.superblock(0).events;
    QVERIFY(running.array->writeAt(0, block(2)));

    QCOMPARE(mirror.superblock(0).events, told); // never written again
    for (const std::size_t i : {1U, 2U}) {
        QVERIFY(holds(mirror, i, 0, block(2)));
        QCOMPARE(mirror.superblock(i).devRoles[0], kRoleFaulty);
        QCOMPARE(mirror.superblock(i).events, told + 1);
        QVERIFY(mirror.bit(i, 0));
    }
    // Whoever reads now gets what was written, though the failed member still has the old.
    std::vector<std::byte> back(4096);
    QVERIFY(running.array->readAt(0, back));
    QVERIFY(back == block(2));
    QCOMPARE(running.array->snapshot().report.missing, 1);
    QVERIFY(stop(*running.array));
    QVERIFY(mirror.bit(1, 0)); // what the failed one lacks, should it return
    QCOMPARE(mirror.running()->snapshot().report.missing, 1);
}

void TestWrite::write_errorOnANewcomerFailsTheNewcomer()
{
    MemoryMirror mirror({.raidDisks = 2, .present = 1, .resyncOffset = kMaxSector});
    Running running(mirror);
    QVERIFY(hotAdd(*running.array, *planHotAdd(*running.array, "blank0")));
    mirror.device(1).failWrites(kMirrorData.bytes(), kMirrorData.bytes() + 4096, EIO);
    QVERIFY(running.array->writeAt(0, block(2)));
    QVERIFY(holds(mirror, 0, 0, block(2)));
    QCOMPARE(mirror.superblock(0).devRoles[2], kRoleFaulty);
    JobControl control;
    QCOMPARE(
        sync(*running.array, SyncAction::Recover, control).error().code, ErrorCode::NothingToDo);
}

void TestWrite::write_errorOnTheLastCopyIsTheWritersOwn()
{
    MemoryMirror mirror({.raidDisks = 2, .present = 1, .resyncOffset = kMaxSector});
    Running running(mirror);
    mirror.device(0).failWrites(kMirrorData.bytes(), kMirrorData.bytes() + 4096, EIO, 1);
    const auto written = running.array->writeAt(0, block(1));
    QVERIFY(!written);
    QCOMPARE(written.error().sysErrno, EIO);
    QCOMPARE(mirror.superblock(0).devRoles[0], Role{0});
    QVERIFY(running.array->writeAt(0, block(1)));
    QVERIFY(stop(*running.array));
}

void TestWrite::flush_errorOfTheLastCopyIsNeverSwallowed()
{
    // By the flush itself, by the bits of the next write, and by a stop.
    for (int way = 0; way < 3; ++way) {
        MemoryMirror mirror({.raidDisks = 2, .present = 1, .resyncOffset = kMaxSector});
        Running running(mirror);
        QVERIFY(running.array->writeAt(0, block(1)));
        mirror.device(0).failFlushes(EIO, 1); // what it lost is lost, and the next one succeeds
        if (way == 1)
            QVERIFY(!running.array->writeAt(9 * kChunk, block(2)));
        if (way == 2)
            QVERIFY(!stop(*running.array));
        QVERIFY(!running.array->flush());
        QVERIFY(!running.array->writeAt(0, block(3)));
        QVERIFY(!stop(*running.array));
        QVERIFY(mirror.superblock(0).isDirty());
    }
}

void TestWrite::write_fullDiskFailsNobodyAndStopsTheArray()
{
    MemoryMirror mirror(clean());
    Running running(mirror);
    mirror.device(1).failWrites(kMirrorData.bytes(), kMirrorData.bytes() + 4096, ENOSPC, 1);
    QCOMPARE(running.array->writeAt(0, block(1)).error().code, ErrorCode::NoSpace);
    QCOMPARE(running.array->writeAt(kChunk, block(1)).error().code, ErrorCode::NoSpace);
    QVERIFY(!stop(*running.array));
    // Nothing was taken back that says where the copies may differ.
    for (const std::size_t i : {0U, 1U}) {
        QVERIFY(mirror.superblock(i).isDirty());
        QVERIFY(mirror.bit(i, 0));
        QCOMPARE(mirror.superblock(i).devRoles[1], Role{1});
    }
    auto again = mirror.running();
    JobControl control;
    QVERIFY(sync(*again, SyncAction::Resync, control));
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
}

void TestWrite::write_bitmapErrorFailsTheMember()
{
    MemoryMirror mirror(clean());
    Running running(mirror);
    const auto page = MemoryMirror::kBitmapAt.bytes();
    mirror.device(0).failWrites(page, page + 512, EIO);
    QVERIFY(running.array->writeAt(0, block(1)));
    QVERIFY(holds(mirror, 1, 0, block(1)));
    QVERIFY(!holds(mirror, 0, 0, block(1)));
    QCOMPARE(mirror.superblock(1).devRoles[0], kRoleFaulty);
    QVERIFY(mirror.bit(1, 0));
}

void TestWrite::write_bitmapThatNobodyTakesIsKicked()
{
    MemoryMirror mirror({.raidDisks = 2, .present = 1, .resyncOffset = kMaxSector});
    Running running(mirror);
    const auto page = MemoryMirror::kBitmapAt.bytes();
    mirror.device(0).failWrites(page, page + 512, EIO);
    QVERIFY(running.array->writeAt(0, block(1)));
    QVERIFY(running.array->writeAt(3 * kChunk, block(2)));
    running.sweep();
    QVERIFY(holds(mirror, 0, 3 * kChunk, block(2)));
    QVERIFY(stop(*running.array));
    mirror.wrap();
    QVERIFY(mirror.header(0).events < mirror.superblock(0).events); // stale: all bits count as set
    auto again = mirror.running();
    QVERIFY(again->state().bitmap->wasStale());
}

void TestWrite::maintain_bitGoesTwoToThreePeriodsAfterTheWrite()
{
    MemoryMirror mirror(clean());
    Running running(mirror);
    QVERIFY(running.array->writeAt(0, block(1)));
    running.now += kPeriod - std::chrono::milliseconds(1);
    QVERIFY(running.array->maintain());
    running.now += std::chrono::milliseconds(1);
    QVERIFY(running.array->maintain()); // one period: idle since
    QVERIFY(mirror.bit(0, 0));
    running.sweep(); // two: gone in memory
    QVERIFY(mirror.bit(0, 0) || mirror.setBits(0) == 0);
    running.sweep(); // three: gone on disk
    for (const std::size_t i : {0U, 1U})
        QVERIFY(!mirror.bit(i, 0));
    QVERIFY(running.array->writeAt(0, block(2)));
    QVERIFY(mirror.bit(0, 0) && mirror.bit(1, 0));
}

void TestWrite::maintain_writeInBetweenKeepsTheBit()
{
    MemoryMirror mirror(clean());
    Running running(mirror);
    for (std::uint64_t i = 0; i < 6; ++i) {
        QVERIFY(running.array->writeAt(0, block(i)));
        running.sweep();
        QVERIFY(mirror.bit(0, 0) && mirror.bit(1, 0));
    }
}

void TestWrite::maintain_eventsClearedIsOnDiskBeforeAnyBitGoes()
{
    MemoryMirror mirror(clean(), true);
    Running running(mirror);
    QVERIFY(running.array->writeAt(0, block(1)));
    const auto written = mirror.superblock(0).events;
    for (int i = 0; i < 4; ++i)
        running.sweep();
    QVERIFY(!mirror.bit(0, 0));
    bool vouched = false;
    bool durable = false;
    for (const auto& entry : mirror.journal()->entries()) {
        if (entry.device != mirror.device(0).journalNumber())
            continue;
        durable |= entry.isFlush && vouched;
        if (!isBitmap(entry) || entry.offset != MemoryMirror::kBitmapAt.bytes())
            continue;
        const auto header = decodeBitmapHeader(std::span(entry.bytes).first(256));
        const bool isSet = (entry.bytes[256] & std::byte{1}) != std::byte{};
        if (vouched && !isSet)
            QVERIFY(durable);
        vouched |= header.eventsCleared >= written;
        QVERIFY(isSet || vouched || header.events < written);
    }
    QVERIFY(durable);
}

void TestWrite::maintain_keepsTheBitsOfADegradedArray()
{
    MemoryMirror mirror({.raidDisks = 2, .present = 1, .resyncOffset = kMaxSector});
    Running running(mirror);
    QVERIFY(running.array->writeAt(7 * kChunk, block(1)));
    for (int i = 0; i < 6; ++i)
        running.sweep();
    QVERIFY(mirror.bit(0, 7));
    QCOMPARE(mirror.header(0).eventsCleared, 4U);
    QCOMPARE(stop(*running.array)->chunksKept, 1U);
    QVERIFY(mirror.bit(0, 7));
}

void TestWrite::maintain_bitsOfWritesBeforeALossStillGo()
{
    MemoryMirror mirror(clean());
    Running running(mirror);
    QVERIFY(running.array->writeAt(0, block(1)));
    QVERIFY(running.array->flush());
    const auto bad = kMirrorData.bytes() + 9 * kChunk;
    mirror.device(1).failWrites(bad, bad + 1, EIO);
    QVERIFY(running.array->writeAt(9 * kChunk, block(2)));
    for (int i = 0; i < 4; ++i)
        running.sweep();
    QVERIFY(!mirror.bit(0, 0));
    QVERIFY(mirror.bit(0, 9));
}

void TestWrite::maintain_becomesCleanWhenNobodyWrites()
{
    MemoryMirror mirror(clean());
    Running running(mirror);
    QVERIFY(running.array->writeAt(0, block(1)));
    running.now += std::chrono::milliseconds(199);
    QVERIFY(running.array->maintain());
    QVERIFY(mirror.superblock(0).isDirty());
    running.now += std::chrono::milliseconds(1);
    QVERIFY(running.array->maintain());
    for (const std::size_t i : {0U, 1U}) {
        QVERIFY(!mirror.superblock(i).isDirty());
        QCOMPARE(mirror.superblock(i).events, 12U);
    }
    QVERIFY(running.array->maintain());
    QCOMPARE(mirror.superblock(0).events, 12U);
    QVERIFY(running.array->writeAt(0, block(2)));
    QVERIFY(mirror.superblock(1).isDirty());
}

void TestWrite::maintain_keepsAnArrayDirtyThatHasAResyncDue()
{
    MemoryMirror mirror({});
    mirror.setBit(3);
    fillPattern(mirror.chunk(1, 3), 9);
    Running running(mirror);
    QVERIFY(running.array->writeAt(0, block(1)));
    running.now += std::chrono::hours(1);
    QVERIFY(running.array->maintain());
    QVERIFY(mirror.superblock(0).isDirty());
    QVERIFY(mirror.bit(0, 3));
    JobControl control;
    QVERIFY(sync(*running.array, SyncAction::Resync, control));
    QVERIFY(running.array->maintain());
    QVERIFY(!mirror.superblock(0).isDirty());
    QVERIFY(!mirror.bit(0, 3));
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
}

void TestWrite::stop_afterWritesLeavesNothingDue()
{
    MemoryMirror mirror(clean());
    Running running(mirror);
    for (std::uint64_t i = 0; i < 40; ++i)
        QVERIFY(running.array->writeAt(i * 3 * kChunk + 5, block(i)));
    QCOMPARE(stop(*running.array)->chunksKept, 0U);
    for (const std::size_t i : {0U, 1U}) {
        QVERIFY(!mirror.superblock(i).isDirty());
        QCOMPARE(mirror.setBits(i), 0U);
        QCOMPARE(mirror.header(i).events, mirror.superblock(i).events);
        QCOMPARE(mirror.header(i).eventsCleared, 11U);
    }
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
    QCOMPARE(mirror.running()->snapshot().report.needs, Needs::Nothing);
}

// Both the write and its bit were there; the power went before the newcomer had the data.
void TestWrite::start_trustsARebuiltMemberUpToTheFirstDirtyChunkOnly()
{
    MemoryMirror mirror({.resyncOffset = {}});
    fillPattern(mirror.data(0), 1);
    std::ranges::copy(mirror.data(0), mirror.data(1).begin());
    auto superblock = mirror.superblock(1);
    superblock.featureMap |= feature::kRecoveryOffset;
    superblock.recoveryOffset = Sectors{12'000};
    const auto bytes = formatOf(superblock.version).encode(superblock);
    std::ranges::copy(bytes, mirror.bytes(1).begin() + 4096);
    mirror.setBit(5);
    fillPattern(mirror.chunk(0, 5), 2);
    auto array = mirror.running();
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Recover, control));
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
}

QTEST_APPLESS_MAIN(TestWrite)
#include "tst_write.moc"
