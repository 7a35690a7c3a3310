// SPDX-License-Identifier: Apache-2.0
#include "engine/array/hot_add.h"
#include "engine/array/sync.h"
#include "engine/base/log.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

#include <cerrno>

using namespace bitmend;
using namespace bitmend::test;

namespace {

// A bitmap of two pages: 512-byte chunks over more than 30720 of them.
MirrorShape degraded()
{
    return {.raidDisks = 2,
        .present = 1,
        .component = Sectors{32'768},
        .bitmapChunk = 512,
        .resyncOffset = kMaxSector};
}

constexpr std::size_t kNewcomer = 1; // behind the one member of degraded()

void fill(MemoryMirror& mirror)
{
    fillPattern(mirror.data(0), 1);
    // A long stretch of zeros, as on most disks.
    std::ranges::fill(mirror.data(0).subspan(4 << 20, 6 << 20), std::byte{});
    for (const std::uint64_t chunk : {5U, 300U, 31'000U, 32'700U})
        mirror.setBit(chunk);
    // Rubbish where its superblock, bitmap and data will be.
    fillPattern(mirror.bytes(kNewcomer), 99);
    std::ranges::fill(std::span(mirror.bytes(kNewcomer)).first(8192), std::byte{});
}

bool sameBitmap(MemoryMirror& mirror, std::size_t left, std::size_t right)
{
    const auto bytes = 256 + 32'768 / 8;
    return std::ranges::equal(
        mirror.bitmapArea(left).first(bytes), mirror.bitmapArea(right).first(bytes));
}

// By feature_map, at byte 8: RECOVERY_OFFSET, which is 0 in a superblock that was never in sync.
bool saysEmpty(std::span<const std::byte> superblock)
{
    return (std::to_integer<unsigned>(superblock[8]) & feature::kRecoveryOffset) != 0;
}

bool add(Array& array, const std::string& path)
{
    const auto plan = planHotAdd(array, path);
    return plan && hotAdd(array, *plan).has_value();
}

} // namespace

class TestHotAdd : public QObject
{
    Q_OBJECT

private slots:
    void hotAdd_writesEveryBitmapPageToNewMember();
    void hotAdd_pagesAreDurableBeforeAnyRole();
    void hotAdd_othersNameANewcomerThatSaysItIsEmpty();
    void hotAdd_changesNoBit();
    void hotAdd_raisesEventsByOneEverywhere();
    void hotAdd_bitmapGoesToARecoveringMember();
    void hotAdd_leavesAnIdleSparesBitmapAlone();
    void hotAdd_showsThePagesDue();
    void hotAdd_withoutBitmapWritesNoPage();
    void planHotAdd_takesTheNextFreeNumber();
    void planHotAdd_writesNothing();
    void planHotAdd_isTheSameOnAnArrayThatIsOnlyRead();
    void planHotAdd_namesEveryByteThatIsWritten();
    void planHotAdd_refusesAMemberOfAnArray();
    void planHotAdd_refusesWhatIsTooSmall();
    void planHotAdd_refusesAFullArray();
    void hotAdd_cutShortCanBeDoneAgain();
    void hotAdd_failingNewcomerLeavesTheArrayAsItWas();
    void recover_makesTheNewcomerEqual();
    void recover_keepsABlankNewcomerSparse();
    void recover_cancelledGoesOnFromItsOffset();
    void recover_checkpointsEverySixteenth();
    void recover_clearsTheBitsOnlyWhenNothingIsMissing();
    void recover_unreadableSourceKeepsWhatIsDone();
    void recover_slotsAnIdleSpareByItself();
    void recover_byBitmapCopiesOnlySetChunks();
    void recover_beforeADueResyncKeepsItsBits();
};

void TestHotAdd::hotAdd_writesEveryBitmapPageToNewMember()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    const auto plan = planHotAdd(*array, "blank0");
    QVERIFY(plan);
    QCOMPARE(plan->bitmapPages, 2U);
    const auto outcome = hotAdd(*array, *plan);
    QVERIFY(outcome);
    QCOMPARE(outcome->pagesWritten, 2U);
    QVERIFY(sameBitmap(mirror, 0, kNewcomer));
    QCOMPARE(mirror.setBits(kNewcomer), 4U);
}

void TestHotAdd::hotAdd_pagesAreDurableBeforeAnyRole()
{
    MemoryMirror mirror(degraded(), true);
    fill(mirror);
    auto array = mirror.running();
    const auto before = mirror.journal()->entries().size();
    QVERIFY(add(*array, "blank0"));

    // What the newcomer holds for certain at the moment its first superblock with a role leaves.
    const auto entries = mirror.journal()->entries();
    const auto bitmapEnd = MemoryMirror::kBitmapAt.bytes() + 256 + 32'768 / 8;
    std::uint64_t durable = 0;
    std::uint64_t pending = 0;
    bool spareSeen = false;
    for (auto i = before; i < entries.size(); ++i) {
        const auto& entry = entries[i];
        if (entry.device != mirror.device(kNewcomer).journalNumber()) {
            QVERIFY2(entry.isFlush || durable >= bitmapEnd, "another member was written first");
            continue;
        }
        if (entry.isFlush) {
            durable = std::max(durable, pending);
        } else if (entry.offset == MemoryMirror::kSuperblockAt.bytes()) {
            QVERIFY2(!spareSeen || durable >= bitmapEnd, "a role before the bitmap was durable");
            spareSeen = true;
        } else {
            pending = std::max(pending, entry.offset + entry.bytes.size());
        }
    }
    QVERIFY(spareSeen);
}

void TestHotAdd::hotAdd_othersNameANewcomerThatSaysItIsEmpty()
{
    MemoryMirror mirror(degraded(), true);
    fill(mirror);
    auto array = mirror.running();
    const auto before = mirror.journal()->entries().size();
    QVERIFY(add(*array, "blank0"));
    const auto entries = mirror.journal()->entries();
    int superblocks = 0; // of the newcomer: a spare's, an empty spare's, the one with its role
    bool newcomerDurable = false;
    bool othersDurable = false;
    for (auto i = before; i < entries.size(); ++i) {
        const auto& entry = entries[i];
        const bool ofNewcomer = entry.device == mirror.device(kNewcomer).journalNumber();
        const bool isSuperblock =
            !entry.isFlush && entry.offset == MemoryMirror::kSuperblockAt.bytes();
        if (isSuperblock && ofNewcomer) {
            ++superblocks;
            QVERIFY(superblocks != 2 || saysEmpty(entry.bytes));
            QVERIFY(superblocks != 3 || othersDurable);
        } else if (isSuperblock) {
            QCOMPARE(superblocks, 2);
            QVERIFY(newcomerDurable);
        }
        (ofNewcomer ? newcomerDurable : othersDurable) = entry.isFlush;
    }
    QCOMPARE(superblocks, 3);
}

void TestHotAdd::hotAdd_changesNoBit()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    const auto bits = mirror.bitmapArea(0).subspan(256);
    const std::vector<std::byte> before(bits.begin(), bits.end());
    QVERIFY(add(*array, "blank0"));
    QVERIFY(std::ranges::equal(bits, before));
}

void TestHotAdd::hotAdd_raisesEventsByOneEverywhere()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    for (const std::size_t i : {0U, 1U}) {
        const auto superblock = mirror.superblock(i);
        QCOMPARE(superblock.events, 11U);
        QCOMPARE(mirror.header(i).events, 11U);
        QCOMPARE(superblock.devRoles[2], Role{1});
        QCOMPARE(superblock.has(feature::kRecoveryOffset), i == kNewcomer);
        QCOMPARE(superblock.recoveryOffset, Sectors{0});
        QVERIFY(mirror.decode(i)->problems.empty());
    }
    QVERIFY(array->snapshot().recoveryDue);
    QVERIFY(mirror.superblock(0).deviceUuid != mirror.superblock(1).deviceUuid);
}

void TestHotAdd::hotAdd_bitmapGoesToARecoveringMember()
{
    auto shape = degraded();
    shape.raidDisks = 3;
    MemoryMirror mirror(shape);
    fill(mirror);
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    mirror.device(kNewcomer).resetCounts();
    QVERIFY(stop(*array));
    QVERIFY(mirror.device(kNewcomer).counts().writes > 0);
    QCOMPARE(mirror.header(kNewcomer).events, mirror.superblock(0).events);
}

void TestHotAdd::hotAdd_leavesAnIdleSparesBitmapAlone()
{
    MirrorShape shape{.raidDisks = 2, .present = 2, .spares = 1};
    MemoryMirror mirror(shape);
    fillPattern(mirror.bitmapArea(2), 7);
    const auto area = mirror.bitmapArea(2);
    const std::vector<std::byte> before(area.begin(), area.end());
    mirror.setBit(0, 3);
    mirror.setBit(1, 3);
    auto array = mirror.running();
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Resync, control));
    QVERIFY(stop(*array));
    QVERIFY(std::ranges::equal(area, before));
    QCOMPARE(mirror.superblock(2).events, mirror.superblock(0).events);
}

void TestHotAdd::hotAdd_showsThePagesDue()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    const auto plan = planHotAdd(*array, "blank0");
    BitmapFramePtr during;
    setLogSink([&](const LogRecord& record) {
        if (record.event == LogEvent::BitmapPagesWritten)
            during = array->frames().load();
    });
    QVERIFY(hotAdd(*array, *plan));
    setLogSink(nullptr);
    QVERIFY(during && during->pagesDue.test(0) && during->pagesDue.test(1));
    const auto after = array->frames().load();
    QVERIFY(!after->pagesDue.test(0) && !after->pagesDue.test(1));
    QCOMPARE(after->members.size(), std::size_t{2});
    QVERIFY(after->members[1].set.test(31'000));
}

void TestHotAdd::hotAdd_withoutBitmapWritesNoPage()
{
    auto shape = degraded();
    shape.bitmapChunk = 0;
    MemoryMirror mirror(shape);
    fillPattern(mirror.data(0), 1);
    auto array = mirror.running();
    const auto plan = planHotAdd(*array, "blank0");
    QVERIFY(plan);
    const auto outcome = hotAdd(*array, *plan);
    QVERIFY(outcome);
    QCOMPARE(outcome->pagesWritten, 0U);
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Recover, control));
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
}

void TestHotAdd::planHotAdd_takesTheNextFreeNumber()
{
    auto shape = degraded();
    shape.raidDisks = 4;
    shape.blanks = 2;
    MemoryMirror mirror(shape);
    fill(mirror);
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    const auto plan = planHotAdd(*array, "blank1");
    QVERIFY(plan);
    QCOMPARE(plan->devNumber, 5U);
    QCOMPARE(plan->role, 2);
    QVERIFY(hotAdd(*array, *plan));
    QCOMPARE(mirror.superblock(0).devRoles[4], Role{1});
    QCOMPARE(mirror.superblock(0).devRoles[5], Role{2});
}

void TestHotAdd::planHotAdd_writesNothing()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    mirror.device(0).resetCounts();
    QVERIFY(planHotAdd(*array, "blank0"));
    QCOMPARE(mirror.device(0).counts().writes + mirror.device(1).counts().writes, 0U);
}

void TestHotAdd::planHotAdd_isTheSameOnAnArrayThatIsOnlyRead()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    const auto reading = mirror.running(WriteMode::ReadOnly);
    const auto asked = planHotAdd(*reading, "blank0");
    QVERIFY(asked);
    QCOMPARE(mirror.device(0).counts().writes, 0U);
    QVERIFY(!hotAdd(*reading, *asked));
    const auto array = mirror.running();
    const auto plan = planHotAdd(*array, "blank0");
    QCOMPARE(asked->bitmapPages, plan->bitmapPages);
    QCOMPARE(asked->writes.size(), plan->writes.size());
}

void TestHotAdd::planHotAdd_namesEveryByteThatIsWritten()
{
    MemoryMirror mirror(degraded(), true);
    fill(mirror);
    auto array = mirror.running();
    const auto before = mirror.journal()->entries().size();
    const auto plan = planHotAdd(*array, "blank0");
    QVERIFY(plan);
    QVERIFY(hotAdd(*array, *plan));
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Recover, control));
    const auto entries = mirror.journal()->entries();
    for (auto i = before; i < entries.size(); ++i) {
        const auto& entry = entries[i];
        const bool planned =
            entry.isFlush || std::ranges::any_of(plan->writes, [&](const auto& write) {
                return write.path == mirror.name(entry.device) && write.offset <= entry.offset &&
                       entry.offset + entry.bytes.size() <= write.offset + write.length;
            });
        QVERIFY2(planned, qPrintable(QString::number(entry.offset)));
    }
}

void TestHotAdd::planHotAdd_refusesAMemberOfAnArray()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    QCOMPARE(planHotAdd(*array, "m0").error().code, ErrorCode::AlreadyMember);
    // Any magic counts, and this one is not even valid.
    const std::array<std::byte, 8> magic{std::byte{0xfc}, std::byte{0x4e}, std::byte{0x2b},
        std::byte{0xa9}, std::byte{1}, {}, {}, {}};
    std::ranges::copy(magic, mirror.bytes(kNewcomer).begin() + 4096);
    QCOMPARE(planHotAdd(*array, "blank0").error().code, ErrorCode::AlreadyMember);
}

void TestHotAdd::planHotAdd_refusesWhatIsTooSmall()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    mirror.bytes(kNewcomer).resize(mirror.bytes(kNewcomer).size() - 512);
    const auto plan = planHotAdd(*array, "blank0");
    QCOMPARE(plan.error().code, ErrorCode::MemberTooSmall);
    QCOMPARE(plan.error().expected - plan.error().found, 512U);
}

void TestHotAdd::planHotAdd_refusesAFullArray()
{
    MemoryMirror mirror({.resyncOffset = kMaxSector});
    auto array = mirror.running();
    QCOMPARE(planHotAdd(*array, "blank0").error().code, ErrorCode::NoVacantSlot);
}

void TestHotAdd::hotAdd_cutShortCanBeDoneAgain()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    {
        auto array = mirror.running();
        const auto plan = planHotAdd(*array, "blank0");
        mirror.device(kNewcomer).vanishAfter(2); // superblock, and one page of the bitmap
        QVERIFY(!hotAdd(*array, *plan));
    }
    mirror.wrap();
    QCOMPARE(mirror.superblock(kNewcomer).role(), kRoleSpare);
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    QVERIFY(sameBitmap(mirror, 0, kNewcomer));
    QCOMPARE(mirror.superblock(0).devRoles[2], Role{1});
}

void TestHotAdd::hotAdd_failingNewcomerLeavesTheArrayAsItWas()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    const auto plan = planHotAdd(*array, "blank0");
    const auto page = (MemoryMirror::kBitmapAt + Sectors{8}).bytes();
    mirror.device(kNewcomer).failWrites(page, page + 1, EIO, 1);
    QVERIFY(!hotAdd(*array, *plan));
    QCOMPARE(mirror.superblock(0).events, 10U);
    QVERIFY(stop(*array));
    QCOMPARE(mirror.superblock(0).devRoles[2], kRoleSpare);
}

void TestHotAdd::recover_makesTheNewcomerEqual()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Recover, control);
    QVERIFY(outcome && outcome->completed);
    QCOMPARE(control.progress().done, control.progress().total);
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
    QVERIFY(!array->snapshot().recoveryDue);
    QCOMPARE(array->snapshot().report.needs, Needs::Nothing);
    const auto superblock = mirror.superblock(kNewcomer);
    QVERIFY(!superblock.has(feature::kRecoveryOffset));
    QCOMPARE(superblock.recoveryOffset, Sectors{0});
    QVERIFY(stop(*array));
    QCOMPARE(mirror.setBits(0) + mirror.setBits(1), 0U);
    QVERIFY(sameBitmap(mirror, 0, kNewcomer));
}

void TestHotAdd::recover_keepsABlankNewcomerSparse()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    std::ranges::fill(mirror.bytes(kNewcomer), std::byte{});
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Recover, control);
    QVERIFY(outcome);
    QCOMPARE(outcome->writtenBytes, std::uint64_t{10} << 20U); // 16 MiB, 6 of them zeros
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
}

void TestHotAdd::recover_cancelledGoesOnFromItsOffset()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    {
        auto array = mirror.running();
        QVERIFY(add(*array, "blank0"));
        JobControl control;
        setLogSink([&](const LogRecord& record) {
            if (record.event == LogEvent::Checkpoint)
                control.cancel();
        });
        const auto outcome = sync(*array, SyncAction::Recover, control, {.workers = 1});
        setLogSink(nullptr);
        QVERIFY(outcome && !outcome->completed);
        QVERIFY(stop(*array));
    }
    const auto reached = mirror.superblock(kNewcomer).recoveryOffset;
    QVERIFY(reached > Sectors{0});
    QVERIFY(mirror.superblock(kNewcomer).has(feature::kRecoveryOffset));
    QCOMPARE(mirror.superblock(0).recoveryOffset, Sectors{0});
    auto array = mirror.running();
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Recover, control);
    QVERIFY(outcome && outcome->completed);
    QCOMPARE(outcome->skippedBytes, reached.bytes());
    QCOMPARE(outcome->checkedBytes, Sectors{32'768 - reached.count}.bytes());
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
}

void TestHotAdd::recover_checkpointsEverySixteenth()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    const auto before = mirror.superblock(0).events;
    int checkpoints = 0;
    setLogSink([&](const LogRecord& record) {
        if (record.event == LogEvent::Checkpoint)
            ++checkpoints;
    });
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Recover, control, {.workers = 1}));
    setLogSink(nullptr);
    QVERIFY(checkpoints >= 7 && checkpoints <= 16);
    QCOMPARE(mirror.superblock(0).events, before + static_cast<unsigned>(checkpoints) + 1);
}

void TestHotAdd::recover_clearsTheBitsOnlyWhenNothingIsMissing()
{
    auto shape = degraded();
    shape.raidDisks = 3;
    shape.blanks = 2;
    MemoryMirror mirror(shape);
    fill(mirror);
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Recover, control));
    QCOMPARE(mirror.setBits(0), 4U);
    QVERIFY(add(*array, "blank1"));
    JobControl second;
    QVERIFY(sync(*array, SyncAction::Recover, second));
    QCOMPARE(mirror.setBits(0), 0U);
    QCOMPARE(mirror.setBits(2), 0U);
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(2)));
}

void TestHotAdd::recover_unreadableSourceKeepsWhatIsDone()
{
    MemoryMirror mirror(degraded());
    fill(mirror);
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    const auto bad = kMirrorData.bytes() + (11U << 20U) + 4096;
    mirror.device(0).failReads(bad, bad + 1, EIO);
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Recover, control);
    QVERIFY(outcome && !outcome->completed && outcome->lost);
    QCOMPARE(outcome->lost->offset, std::int64_t(bad));
    QCOMPARE(outcome->unreadable, (std::vector<SectorRange>{{{22'536}, {22'544}}}));
    QCOMPARE(mirror.superblock(kNewcomer).recoveryOffset, Sectors{11 * 2048});
    mirror.device(0).heal();
    JobControl second;
    QVERIFY(sync(*array, SyncAction::Recover, second));
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
}

void TestHotAdd::recover_slotsAnIdleSpareByItself()
{
    auto shape = degraded();
    shape.spares = 1;
    MemoryMirror mirror(shape);
    fillPattern(mirror.data(0), 1);
    fillPattern(mirror.bitmapArea(1), 5);
    auto array = mirror.running();
    QVERIFY(array->snapshot().recoveryDue);
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Recover, control));
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
    QVERIFY(sameBitmap(mirror, 0, 1));
    QCOMPARE(mirror.superblock(0).devRoles[2], Role{1});
}

void TestHotAdd::recover_byBitmapCopiesOnlySetChunks()
{
    MemoryMirror mirror({.resyncOffset = kMaxSector});
    for (const std::size_t i : {0U, 1U})
        fillPattern(mirror.data(i), 1);
    mirror.setBit(9);
    fillPattern(mirror.chunk(1, 9), 5);
    mirror.chunk(1, 50)[0] ^= std::byte{1}; // under a clear bit: not looked at
    auto superblock = mirror.superblock(1);
    superblock.featureMap |= feature::kRecoveryOffset | feature::kRecoveryBitmap;
    const auto bytes = formatOf(superblock.version).encode(superblock);
    std::ranges::copy(bytes, mirror.bytes(1).begin() + 4096);
    auto array = mirror.running();
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Recover, control);
    QVERIFY(outcome && outcome->completed);
    QCOMPARE(outcome->writtenBytes, 65'536U);
    QVERIFY(std::ranges::equal(mirror.chunk(0, 9), mirror.chunk(1, 9)));
    QVERIFY(!std::ranges::equal(mirror.chunk(0, 50), mirror.chunk(1, 50)));
    QCOMPARE(mirror.setBits(0), 0U);
}

void TestHotAdd::recover_beforeADueResyncKeepsItsBits()
{
    MemoryMirror mirror({.raidDisks = 3, .present = 2});
    for (const std::size_t i : {0U, 1U})
        fillPattern(mirror.data(i), 1);
    mirror.setBit(9);
    fillPattern(mirror.chunk(1, 9), 5);
    auto array = mirror.running();
    QVERIFY(add(*array, "blank0"));
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Recover, control));
    QVERIFY(mirror.bit(0, 9) && mirror.bit(2, 9));
    JobControl second;
    QVERIFY(sync(*array, SyncAction::Resync, second));
    for (const std::size_t i : {1U, 2U})
        QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(i)));
    QCOMPARE(mirror.setBits(2), 0U);
}

QTEST_APPLESS_MAIN(TestHotAdd)
#include "tst_hot_add.moc"
