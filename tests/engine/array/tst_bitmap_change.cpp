// SPDX-License-Identifier: Apache-2.0
#include "engine/array/bitmap_change.h"
#include "engine/array/hot_add.h"
#include "engine/array/membership.h"
#include "engine/array/sync.h"
#include "engine/metadata/bitmap_room.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

#include <cerrno>

using namespace bitmend;
using namespace bitmend::test;

namespace {

MirrorShape plain(MetadataVersion version = MetadataVersion::V1_2)
{
    return {.bitmapChunk = 0, .resyncOffset = kMaxSector, .version = version};
}

Result<BitmapOutcome> add(Array& array, const BitmapChoices& choices)
{
    const auto plan = BM_TRY(planBitmapAdd(array, choices));
    return addBitmap(array, plan);
}

ErrorCode refusal(MemoryMirror& mirror, const BitmapChoices& choices = {})
{
    const auto plan = planBitmapAdd(*mirror.running(), choices);
    return plan ? ErrorCode::NothingToDo : plan.error().code;
}

std::span<const std::byte> area(MemoryMirror& mirror, std::size_t device, std::uint64_t bytes)
{
    const auto superblock = mirror.superblock(device);
    const auto at = std::int64_t(superblock.location.count) + superblock.bitmapOffset;
    return std::span(mirror.bytes(device)).subspan(std::size_t(at) * kSectorBytes, bytes);
}

bool isInPlan(const JournalEntry& entry, const std::string& path, const BitmapAddPlan& plan)
{
    return entry.isFlush || std::ranges::any_of(plan.writes, [&](const PlannedWrite& write) {
        return write.path == path && write.offset <= entry.offset &&
               entry.offset + entry.bytes.size() <= write.offset + write.length;
    });
}

} // namespace

class TestBitmapChange : public QObject
{
    Q_OBJECT

private slots:
    void room_isWhatMdadmLeaves();
    void chunk_isWhatMdadmChooses_data();
    void chunk_isWhatMdadmChooses();
    void add_leavesABitmapThatMdadmWouldMake_data();
    void add_leavesABitmapThatMdadmWouldMake();
    void add_isDurableEverywhereBeforeASuperblockNamesIt();
    void add_writesOnlyWhatThePlanNames();
    void add_neverOverlapsAnything();
    void add_refusesWhatDoesNotFit();
    void add_refusesASecondOne();
    void add_refusesWhileASyncIsDue();
    void add_worksOnADegradedArray();
    void add_leavesAnIdleSparesPlaceAlone();
    void add_ofADirtyArrayIsResyncedWholeAfterACrash();
    void add_toAFileMakesIt();
    void add_toAFileThatIsThereIsRefused();
    void add_failingMemberLeavesTheArrayWithoutABitmap();
    void add_thenWritesSetBits();
    void add_thenHotAddWritesEveryPage();
    void add_showsItsChunks();
    void remove_keepsThePlaceAndWhatLiesThere();
    void remove_thenAddIsAsNew();
    void remove_refusesWhatItCannotDo();
};

void TestBitmapChange::room_isWhatMdadmLeaves()
{
    Superblock superblock;
    superblock.location = {8};
    superblock.dataOffset = {2048};
    superblock.badBlockLog = {16, 8, 0};
    QCOMPARE(freeBitmapRoom(superblock).length, Sectors{8});
    QCOMPARE(freeBitmapRoom(superblock).begin, 8);
    superblock.badBlockLog = {};
    QCOMPARE(freeBitmapRoom(superblock).length, Sectors{2048 - 8 - 8 - 8});

    superblock.version = MetadataVersion::V1_0;
    superblock.location = {16'368};
    superblock.dataOffset = {};
    superblock.dataSize = {16'352};
    superblock.badBlockLog = {-8, 8, 0};
    QCOMPARE(freeBitmapRoom(superblock).length, Sectors{8});
    QCOMPARE(usualBitmapOffset(freeBitmapRoom(superblock), {16'352}, 1U << 26U), -16);
    superblock.dataSize = {16'368};
    QCOMPARE(freeBitmapRoom(superblock).begin, 2);

    superblock.version = MetadataVersion::V0_90;
    QCOMPARE(freeBitmapRoom(superblock).length, Sectors{120});
    QCOMPARE(freeBitmapRoom(superblock).begin, 8);
}

void TestBitmapChange::chunk_isWhatMdadmChooses_data()
{
    QTest::addColumn<std::uint64_t>("size");
    QTest::addColumn<std::uint64_t>("room");
    QTest::addColumn<std::uint32_t>("smallest");
    QTest::addColumn<std::uint32_t>("usual");
    constexpr std::uint64_t kGib = 1U << 21U;
    QTest::newRow("8 MiB") << kGib / 128 << std::uint64_t{8} << 4096U << (1U << 26U);
    QTest::newRow("1 GiB in 4 KiB") << kGib << std::uint64_t{8} << 65'536U << (1U << 26U);
    QTest::newRow("1 TiB in 128 KiB")
        << 1024 * kGib << std::uint64_t{256} << (1U << 21U) << (1U << 26U);
    QTest::newRow("16 TiB in 4 KiB")
        << 16'384 * kGib << std::uint64_t{8} << (1U << 30U) << (1U << 30U);
    QTest::newRow("no room") << kGib << std::uint64_t{1} << 0U << 0U;
}

void TestBitmapChange::chunk_isWhatMdadmChooses()
{
    QFETCH(std::uint64_t, size);
    QFETCH(std::uint64_t, room);
    QTEST(smallestBitmapChunk({size}, {room}), "smallest");
    QTEST(usualBitmapChunk({size}, {room}), "usual");
}

void TestBitmapChange::add_leavesABitmapThatMdadmWouldMake_data()
{
    QTest::addColumn<MetadataVersion>("version");
    QTest::addColumn<int>("offset");
    using enum MetadataVersion;
    QTest::newRow("0.90") << V0_90 << 8;
    QTest::newRow("1.0") << V1_0 << -16;
    QTest::newRow("1.1") << V1_1 << 8;
    QTest::newRow("1.2") << V1_2 << 8;
}

void TestBitmapChange::add_leavesABitmapThatMdadmWouldMake()
{
    QFETCH(MetadataVersion, version);
    QFETCH(int, offset);
    MemoryMirror mirror(plain(version));
    auto array = mirror.running();
    QVERIFY(add(*array, {.chunkBytes = 65'536}));
    QCOMPARE(mirror.superblock(0).events, 11U);
    // Out of date until it was loaded, so all set; idle, so that a clean stop clears it.
    QCOMPARE(array->state().bitmap->setCount(), 128U);
    QVERIFY(stop(*array));
    for (const std::size_t i : {0U, 1U}) {
        const auto superblock = mirror.superblock(i);
        QVERIFY(mirror.decode(i)->problems.empty());
        QVERIFY(superblock.hasBitmap() && !superblock.isDirty());
        QCOMPARE(superblock.bitmapOffset, offset);
        const auto copy = mirror.readCopy(i, superblock);
        QVERIFY(copy && copy->problems.empty());
        QCOMPARE(copy->bits.chunks, 128U);
        QCOMPARE(copy->dirty, 0U);
        QCOMPARE(copy->header.events, superblock.events);
        QCOMPARE(copy->header.eventsCleared, 10U);
        QCOMPARE(copy->header.syncSize, Sectors{16'384});
        QCOMPARE(copy->header.daemonSleep, 5U);
        // As far as mdadm writes, ones where no bit has a meaning.
        const auto whole = area(mirror, i, 4096);
        QVERIFY(std::ranges::all_of(
            whole.subspan(512), [](std::byte byte) { return byte == std::byte{0xff}; }));
    }
    QVERIFY(!mirror.running()->snapshot().resyncDue);
}

void TestBitmapChange::add_isDurableEverywhereBeforeASuperblockNamesIt()
{
    MemoryMirror mirror(plain(), true);
    auto array = mirror.running();
    QVERIFY(add(*array, {.chunkBytes = 4096}));
    const auto entries = mirror.journal()->entries();
    std::array<bool, 2> written{};
    std::array<bool, 2> durable{};
    int superblocks = 0;
    for (const auto& entry : entries) {
        if (entry.device > 1)
            continue;
        if (entry.isFlush) {
            durable.at(entry.device) |= written.at(entry.device);
        } else if (entry.offset == MemoryMirror::kSuperblockAt.bytes()) {
            QVERIFY(durable[0] && durable[1]);
            ++superblocks;
        } else {
            written.at(entry.device) = true;
        }
    }
    QCOMPARE(superblocks, 2);
}

void TestBitmapChange::add_writesOnlyWhatThePlanNames()
{
    for (const auto version : {MetadataVersion::V0_90, MetadataVersion::V1_0}) {
        MemoryMirror mirror(plain(version), true);
        auto array = mirror.running();
        const auto plan = planBitmapAdd(*array, {});
        QVERIFY(plan);
        QVERIFY(mirror.journal()->entries().empty());
        QVERIFY(addBitmap(*array, *plan));
        QVERIFY(stop(*array));
        for (const auto& entry : mirror.journal()->entries())
            QVERIFY(isInPlan(entry, mirror.name(entry.device), *plan));
    }
}

void TestBitmapChange::add_neverOverlapsAnything()
{
    auto shape = plain();
    MemoryMirror mirror(shape);
    for (const std::size_t i : {0U, 1U}) {
        auto superblock = mirror.superblock(i);
        superblock.badBlockLog = {40, 8, 0};
        const auto bytes = formatOf(superblock.version).encode(superblock);
        std::ranges::copy(bytes, mirror.bytes(i).begin() + MemoryMirror::kSuperblockAt.bytes());
    }
    auto array = mirror.running(WriteMode::ReadOnly);
    int taken = 0;
    for (std::int32_t offset = -20; offset < 300; ++offset) {
        const auto plan = planBitmapAdd(*array, {.chunkBytes = 4096, .offset = offset});
        if (!plan) {
            QCOMPARE(plan.error().code, ErrorCode::NoRoomForBitmap);
            continue;
        }
        ++taken;
        // 2048 bits and a header: a sector and a bit, or 4 KiB where it begins on one.
        const std::int64_t begin = 8 + offset;
        const std::int64_t end = begin + (offset % 8 == 0 ? 8 : 1);
        QVERIFY(begin >= 9 && end <= 256);
        QVERIFY(end <= 48 || begin >= 56);
    }
    QVERIFY(taken > 100);
}

void TestBitmapChange::add_refusesWhatDoesNotFit()
{
    MemoryMirror mirror(plain());
    QCOMPARE(refusal(mirror, {.chunkBytes = 65'536 + 1}), ErrorCode::BadBitmap);
    QCOMPARE(refusal(mirror, {.offset = 1}), ErrorCode::NothingToDo);
    QCOMPARE(refusal(mirror, {.offset = 248}), ErrorCode::NoRoomForBitmap);
    MemoryMirror old(plain(MetadataVersion::V0_90));
    QCOMPARE(refusal(old, {.offset = 16}), ErrorCode::NoRoomForBitmap);
    QCOMPARE(refusal(old, {.offset = 8}), ErrorCode::NothingToDo);
}

void TestBitmapChange::add_refusesASecondOne()
{
    MemoryMirror mirror({.resyncOffset = kMaxSector});
    QCOMPARE(refusal(mirror), ErrorCode::HasBitmap);
    QCOMPARE(refusal(mirror, {.file = "bitmap"}), ErrorCode::HasBitmap);
}

void TestBitmapChange::add_refusesWhileASyncIsDue()
{
    auto shape = plain();
    shape.resyncOffset = {0};
    MemoryMirror dirty(shape);
    QCOMPARE(refusal(dirty), ErrorCode::SyncDue);
    shape = plain();
    shape.present = 1;
    MemoryMirror mirror(shape);
    auto array = mirror.running();
    QVERIFY(hotAdd(*array, *planHotAdd(*array, "blank0")));
    QCOMPARE(planBitmapAdd(*array, {}).error().code, ErrorCode::SyncDue);
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Recover, control));
    QVERIFY(planBitmapAdd(*array, {}));
}

void TestBitmapChange::add_worksOnADegradedArray()
{
    auto shape = plain();
    shape.present = 1;
    MemoryMirror mirror(shape);
    auto array = mirror.running();
    QVERIFY(add(*array, {.chunkBytes = 65'536}));
    QVERIFY(stop(*array));
    QCOMPARE(mirror.setBits(0), 0U);
    // Whoever left before it knows nothing of what changed since: md lets nobody back by it.
    QCOMPARE(mirror.header(0).eventsCleared, 10U);
}

void TestBitmapChange::add_leavesAnIdleSparesPlaceAlone()
{
    auto shape = plain();
    shape.spares = 1;
    MemoryMirror mirror(shape);
    fillPattern(mirror.bitmapArea(2), 7);
    const auto place = mirror.bitmapArea(2);
    const std::vector<std::byte> before(place.begin(), place.end());
    auto array = mirror.running();
    QVERIFY(add(*array, {}));
    QVERIFY(stop(*array));
    QVERIFY(std::ranges::equal(place, before));
    QVERIFY(mirror.superblock(2).hasBitmap());
    QVERIFY(mirror.running());
}

void TestBitmapChange::add_ofADirtyArrayIsResyncedWholeAfterACrash()
{
    MemoryMirror mirror(plain());
    auto array = mirror.running();
    const std::vector<std::byte> data(4096, std::byte{1});
    QVERIFY(array->writeAt(0, data));
    QVERIFY(add(*array, {.chunkBytes = 65'536}));
    // The power goes here.
    auto again = mirror.running();
    QVERIFY(again->snapshot().resyncDue);
    QCOMPARE(again->snapshot().resync.chunks, 128U);
}

void TestBitmapChange::add_toAFileMakesIt()
{
    MemoryMirror mirror(plain());
    std::shared_ptr<MemoryDevice> file;
    auto access = mirror.access();
    const auto open = access.open;
    access.create = [&file](const std::string& path,
                        std::span<const std::byte> content) -> Result<void> {
        file = std::make_shared<MemoryDevice>(
            std::vector<std::byte>(content.begin(), content.end()), path);
        return {};
    };
    access.open = [&file, open](const std::string& path) -> Result<DevicePtr> {
        return file && path == file->name() ? Result<DevicePtr>(file) : open(path);
    };
    auto array = assembleFrom(*mirror.plan(), access);
    QVERIFY(array);
    QVERIFY(add(**array, {.file = "map"}));
    QVERIFY(file && file->sizeBytes() == 256 + 2048 / 8);
    QVERIFY(stop(**array));
    const auto superblock = mirror.superblock(0);
    QVERIFY(!superblock.hasBitmap());
    const auto copy = readBitmap(*file, superblock, {16'384}, true);
    QVERIFY(copy && copy->problems.empty());
    QCOMPARE(copy->header.chunkBytes, 4096U);
    QCOMPARE(copy->header.events, superblock.events);
    QCOMPARE(copy->dirty, 0U);
}

void TestBitmapChange::add_toAFileThatIsThereIsRefused()
{
    MemoryMirror mirror(plain(), true);
    auto access = mirror.access();
    access.create = [](const std::string& path, std::span<const std::byte>) -> Result<void> {
        return fail(ErrorCode::CannotOpen, path, -1, EEXIST);
    };
    auto array = assembleFrom(*mirror.plan(), access);
    QVERIFY(array);
    QCOMPARE(add(**array, {.file = "map"}).error().sysErrno, EEXIST);
    QVERIFY(mirror.journal()->entries().empty());
    QVERIFY(add(**array, {}));
}

void TestBitmapChange::add_failingMemberLeavesTheArrayWithoutABitmap()
{
    MemoryMirror mirror(plain());
    const auto begin = MemoryMirror::kBitmapAt.bytes();
    mirror.device(1).failWrites(begin, begin + 4096, EIO, 1);
    auto array = mirror.running();
    QCOMPARE(add(*array, {}).error().code, ErrorCode::Io);
    QCOMPARE(mirror.superblock(0).events, 10U);
    QVERIFY(!mirror.superblock(0).hasBitmap());
    QVERIFY(array->writeAt(0, std::vector<std::byte>(512, std::byte{3})));
    QVERIFY(add(*array, {}));
    QCOMPARE(array->state().inSyncCount(), std::size_t{2});
}

void TestBitmapChange::add_thenWritesSetBits()
{
    MemoryMirror mirror(plain());
    auto array = mirror.running();
    QVERIFY(add(*array, {.chunkBytes = 65'536}));
    QVERIFY(stop(*array));
    array = mirror.running();
    QVERIFY(array->writeAt(3 * 65'536, std::vector<std::byte>(512, std::byte{3})));
    QVERIFY(mirror.bit(0, 3) && mirror.bit(1, 3));
    QCOMPARE(mirror.setBits(0), 1U);
}

void TestBitmapChange::add_thenHotAddWritesEveryPage()
{
    auto shape = plain();
    shape.raidDisks = 3;
    MemoryMirror mirror(shape);
    auto array = mirror.running();
    QVERIFY(add(*array, {.chunkBytes = 4096}));
    const auto plan = planHotAdd(*array, "blank0");
    QVERIFY(plan);
    QCOMPARE(plan->bitmapPages, 1U);
    QVERIFY(hotAdd(*array, *plan));
    QVERIFY(std::ranges::equal(area(mirror, 0, 512), area(mirror, 2, 512)));
}

void TestBitmapChange::add_showsItsChunks()
{
    MemoryMirror mirror(plain());
    auto array = mirror.running();
    QCOMPARE(array->frames().load()->chunks, 0U);
    QVERIFY(add(*array, {.chunkBytes = 65'536}));
    QCOMPARE(array->frames().load()->chunks, 128U);
    QCOMPARE(array->snapshot().report.bitmap->chunks, 128U);
    QVERIFY(removeBitmap(*array));
    QCOMPARE(array->frames().load()->chunks, 0U);
    QVERIFY(!array->snapshot().report.bitmap);
}

void TestBitmapChange::remove_keepsThePlaceAndWhatLiesThere()
{
    MemoryMirror mirror({.resyncOffset = kMaxSector}, true);
    mirror.setBit(5);
    auto array = mirror.running();
    const auto place = mirror.bitmapArea(0);
    const std::vector<std::byte> before(place.begin(), place.end());
    QVERIFY(removeBitmap(*array));
    QVERIFY(stop(*array));
    QVERIFY(std::ranges::equal(place, before));
    for (const std::size_t i : {0U, 1U}) {
        const auto superblock = mirror.superblock(i);
        QVERIFY(!superblock.has(feature::kBitmapOffset));
        QCOMPARE(superblock.bitmapOffset, 8);
        QCOMPARE(superblock.events, 11U);
        QVERIFY(!superblock.isDirty());
    }
    QVERIFY(mirror.running()->writeAt(0, std::vector<std::byte>(512)));
    QVERIFY(std::ranges::equal(place, before));
}

void TestBitmapChange::remove_thenAddIsAsNew()
{
    MemoryMirror mirror({.resyncOffset = kMaxSector});
    auto array = mirror.running();
    QVERIFY(removeBitmap(*array));
    QVERIFY(add(*array, {.chunkBytes = 4096}));
    QVERIFY(stop(*array));
    const auto copy = mirror.readCopy(1, mirror.superblock(1));
    QVERIFY(copy && copy->problems.empty());
    QCOMPARE(copy->bits.chunks, 2048U);
    QCOMPARE(copy->header.eventsCleared, 11U);
}

void TestBitmapChange::remove_refusesWhatItCannotDo()
{
    MemoryMirror none(plain());
    QCOMPARE(removeBitmap(*none.running()).error().code, ErrorCode::NoBitmap);
    MemoryMirror dirty(MirrorShape{});
    dirty.setBit(3);
    QCOMPARE(removeBitmap(*dirty.running()).error().code, ErrorCode::SyncDue);
    MemoryMirror mirror({.resyncOffset = kMaxSector});
    QCOMPARE(
        removeBitmap(*mirror.running(WriteMode::ReadOnly)).error().code, ErrorCode::Unsupported);
}

QTEST_APPLESS_MAIN(TestBitmapChange)
#include "tst_bitmap_change.moc"
