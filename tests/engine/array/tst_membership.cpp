// SPDX-License-Identifier: Apache-2.0
#include "engine/array/membership.h"
#include "engine/array/sync.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

#include <cerrno>
#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

MirrorShape clean(std::uint32_t disks)
{
    return {.raidDisks = disks,
        .present = disks,
        .component = Sectors{4096},
        .bitmapChunk = 16'384,
        .resyncOffset = kMaxSector};
}

void fill(MemoryMirror& mirror, std::size_t members)
{
    for (std::size_t i = 0; i < members; ++i)
        fillPattern(mirror.data(i), 1);
}

// As after a fail and writes without it: the others' bits say where.
void writeWithout(MemoryMirror& mirror, std::size_t absent, std::initializer_list<unsigned> chunks)
{
    for (std::size_t i = 0; i < mirror.devices(); ++i) {
        if (i == absent || !mirror.decode(i))
            continue;
        for (const auto chunk : chunks) {
            mirror.setBit(i, chunk);
            fillPattern(mirror.chunk(i, chunk), 500 + chunk);
        }
    }
}

void failAndStop(MemoryMirror& mirror, const std::string& path)
{
    auto array = mirror.running();
    const bool failed = failMember(*array, path).has_value();
    const bool stopped = stop(*array).has_value();
    QVERIFY(failed && stopped);
}

QString addAgain(MemoryMirror& mirror, const std::string& path)
{
    auto array = mirror.assemble();
    if (!array)
        return QStringLiteral("does not start");
    const auto report = (*array)->snapshot();
    if (!report.recoveryDue) {
        const auto plan = planReAdd(**array, path);
        if (!plan && plan.error().code != ErrorCode::MemberActive)
            return QStringLiteral("no plan: %1").arg(int(plan.error().code));
        if (plan && !reAdd(**array, *plan))
            return QStringLiteral("not taken");
    }
    if ((*array)->snapshot().recoveryDue) {
        JobControl control;
        if (!sync(**array, SyncAction::Recover, control))
            return QStringLiteral("not recovered");
    }
    return stop(**array) ? QString() : QStringLiteral("not stopped");
}

} // namespace

class TestMembership : public QObject
{
    Q_OBJECT

private slots:
    void fail_isRecordedByTheOthersOnly();
    void fail_leavesTheMemberTwoBehind();
    void fail_refusesTheLastCopyAndStrangers();
    void remove_forgetsAFailedMember();
    void remove_forgetsASpareAndRefusesAnActiveMember();
    void reAdd_copiesOnlySetChunks();
    void reAdd_writesItsBitmapBeforeItsRole();
    void reAdd_refusesAMemberOlderThanTheBitmap();
    void reAdd_withoutBitmapWantsEqualEvents();
    void reAdd_takesBackWhoLeftInTheSameRun();
    void planReAdd_writesNothing();
    void failAndRemove_surviveEveryCut();
    void reAdd_survivesEveryCut();
};

void TestMembership::fail_isRecordedByTheOthersOnly()
{
    MemoryMirror mirror(clean(3));
    fill(mirror, 3);
    const auto before = mirror.superblock(2).raw;
    failAndStop(mirror, "m2");
    QCOMPARE(mirror.superblock(2).raw, before);
    for (const std::size_t i : {0U, 1U}) {
        QCOMPARE(mirror.superblock(i).devRoles[2], kRoleFaulty);
        QCOMPARE(mirror.superblock(i).role(), Role(i));
    }
}

void TestMembership::fail_leavesTheMemberTwoBehind()
{
    for (const auto version : {MetadataVersion::V0_90, MetadataVersion::V1_2}) {
        auto shape = clean(2);
        shape.version = version;
        MemoryMirror mirror(shape);
        fill(mirror, 2);
        failAndStop(mirror, "m1");
        QVERIFY(mirror.superblock(0).events >= mirror.superblock(1).events + 2);
        const auto plan = mirror.plan();
        QVERIFY(plan && plan->array.canStart);
        QCOMPARE(plan->array.missing, 1);
    }
}

void TestMembership::fail_refusesTheLastCopyAndStrangers()
{
    auto shape = clean(2);
    shape.present = 1;
    MemoryMirror mirror(shape);
    auto array = mirror.running();
    QCOMPARE(failMember(*array, "m0").error().code, ErrorCode::NotEnoughMembers);
    QCOMPARE(failMember(*array, "blank0").error().code, ErrorCode::NotAMember);
}

void TestMembership::remove_forgetsAFailedMember()
{
    MemoryMirror mirror(clean(2));
    fill(mirror, 2);
    failAndStop(mirror, "m1");
    auto array = mirror.running();
    const auto events = mirror.superblock(0).events;
    QVERIFY(removeMember(*array, "m1"));
    QCOMPARE(mirror.superblock(0).devRoles[1], kRoleSpare);
    QCOMPARE(mirror.superblock(0).events, events + 1);
    auto again = mirror.running();
    QCOMPARE(removeMember(*again, "m1").error().code, ErrorCode::NothingToDo);
}

void TestMembership::remove_forgetsASpareAndRefusesAnActiveMember()
{
    auto shape = clean(2);
    shape.spares = 1;
    MemoryMirror mirror(shape);
    auto array = mirror.running();
    QCOMPARE(removeMember(*array, "m1").error().code, ErrorCode::MemberActive);
    QCOMPARE(removeMember(*array, "blank0").error().code, ErrorCode::NotAMember);
    const auto before = mirror.superblock(2).raw;
    QVERIFY(removeMember(*array, "m2"));
    QCOMPARE(mirror.superblock(2).raw, before);
}

void TestMembership::reAdd_copiesOnlySetChunks()
{
    MemoryMirror mirror(clean(2));
    fill(mirror, 2);
    failAndStop(mirror, "m1");
    writeWithout(mirror, 1, {3, 40, 127});
    auto array = mirror.running();
    const auto plan = planReAdd(*array, "m1");
    QVERIFY(plan);
    QCOMPARE(plan->recovery.chunks, 3U);
    QCOMPARE(plan->role, 1);
    QVERIFY(reAdd(*array, *plan));
    JobControl control;
    const auto outcome = sync(*array, SyncAction::Recover, control);
    QVERIFY(outcome);
    QCOMPARE(outcome->checkedBytes, std::uint64_t{3} * 16'384);
    QCOMPARE(outcome->skippedBytes, Sectors{4096}.bytes() - std::uint64_t{3} * 16'384);
    QVERIFY(std::ranges::equal(mirror.data(0), mirror.data(1)));
    QVERIFY(stop(*array));
    for (const std::size_t i : {0U, 1U}) {
        QCOMPARE(mirror.setBits(i), 0U);
        QCOMPARE(mirror.superblock(i).role(), Role(i));
    }
}

void TestMembership::reAdd_writesItsBitmapBeforeItsRole()
{
    MemoryMirror mirror(clean(2));
    fill(mirror, 2);
    failAndStop(mirror, "m1");
    writeWithout(mirror, 1, {3});
    auto array = mirror.running();
    const auto plan = planReAdd(*array, "m1");
    mirror.device(1).failWrites(MemoryMirror::kBitmapAt.bytes(), 16'384, EIO);
    QVERIFY(!reAdd(*array, *plan));
    QVERIFY(mirror.superblock(1).events + 2 <= mirror.superblock(0).events);
}

void TestMembership::reAdd_refusesAMemberOlderThanTheBitmap()
{
    MemoryMirror mirror(clean(2));
    fill(mirror, 2);
    failAndStop(mirror, "m1");
    auto header = mirror.header(0);
    header.eventsCleared = mirror.superblock(1).events + 1;
    std::ranges::copy(
        encodeBitmapHeader(header, mirror.bitmapArea(0).first(256)), mirror.bitmapArea(0).begin());
    const auto plan = planReAdd(*mirror.running(), "m1");
    QCOMPARE(plan.error().code, ErrorCode::CannotReAdd);
    QCOMPARE(plan.error().found, mirror.superblock(1).events);
    QCOMPARE(plan.error().expected, header.eventsCleared);
}

void TestMembership::reAdd_withoutBitmapWantsEqualEvents()
{
    auto shape = clean(2);
    shape.bitmapChunk = 0;
    MemoryMirror mirror(shape);
    fill(mirror, 2);
    failAndStop(mirror, "m1");
    QCOMPARE(planReAdd(*mirror.running(), "m1").error().code, ErrorCode::CannotReAdd);
}

// Its superblock is not the one that it was assembled with any more.
void TestMembership::reAdd_takesBackWhoLeftInTheSameRun()
{
    MemoryMirror mirror(clean(3));
    fill(mirror, 3);
    auto array = mirror.running();
    const std::vector<std::byte> block(4096, std::byte{7});
    QVERIFY(array->writeAt(0, block));
    QVERIFY(failMember(*array, "m2"));
    const auto members = array->snapshot().report.members;
    QCOMPARE(std::ranges::find(members, "m2", &Member::path)->state, MemberState::Faulty);
    QVERIFY(array->writeAt(65'536, block));
    QVERIFY(removeMember(*array, "m2"));
    const auto plan = planReAdd(*array, "m2");
    QVERIFY(plan);
    QCOMPARE(plan->role, 2);
    QVERIFY(reAdd(*array, *plan));
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Recover, control));
    QVERIFY(stop(*array));
    QVERIFY(std::ranges::equal(mirror.data(2), mirror.data(0)));
}

void TestMembership::planReAdd_writesNothing()
{
    MemoryMirror mirror(clean(2));
    fill(mirror, 2);
    failAndStop(mirror, "m1");
    writeWithout(mirror, 1, {3, 40});
    mirror.wrap();
    const auto plan = planReAdd(*mirror.running(WriteMode::ReadOnly), "m1");
    QVERIFY(plan);
    QCOMPARE(plan->recovery.chunks, 2U);
    for (std::size_t i = 0; i < mirror.devices(); ++i)
        QCOMPARE(mirror.device(i).counts().writes, 0U);
}

void TestMembership::failAndRemove_surviveEveryCut()
{
    MemoryMirror mirror(clean(3), true);
    fill(mirror, 3);
    const std::vector<std::vector<std::byte>> before{
        mirror.bytes(0), mirror.bytes(1), mirror.bytes(2), mirror.bytes(3)};
    failAndStop(mirror, "m2");
    {
        auto array = mirror.running();
        QVERIFY(removeMember(*array, "m2"));
        QVERIFY(stop(*array));
    }
    const auto entries = mirror.journal()->entries();
    std::mt19937 random(5);
    MemoryMirror cut(clean(3));
    for (std::size_t k = 0; k <= entries.size(); ++k) {
        for (std::size_t i = 0; i < cut.devices(); ++i) {
            cut.bytes(i) =
                afterPowerCut(before[i], entries, i, k, [&random] { return (random() & 1U) != 0; });
        }
        const auto least = std::min(cut.superblock(0).events, cut.superblock(1).events);
        const auto most = std::max(cut.superblock(0).events, cut.superblock(1).events);
        QVERIFY2(most <= least + 1, qPrintable(QString::number(k)));
        auto array = cut.running();
        if (failMember(*array, "m2")) {
            QVERIFY(stop(*array));
        }
        QVERIFY(std::ranges::equal(cut.data(0), mirror.data(0)));
        QCOMPARE(cut.plan()->array.missing, 1);
    }
}

void TestMembership::reAdd_survivesEveryCut()
{
    for (const auto version : {MetadataVersion::V1_2, MetadataVersion::V1_0}) {
        auto shape = clean(3);
        shape.version = version;
        MemoryMirror mirror(shape, true);
        fill(mirror, 3);
        failAndStop(mirror, "m2");
        writeWithout(mirror, 2, {3, 40, 41, 127});
        mirror.wrap();
        std::vector<std::vector<std::byte>> before;
        before.reserve(mirror.devices());
        for (std::size_t i = 0; i < mirror.devices(); ++i)
            before.push_back(mirror.bytes(i));
        QCOMPARE(addAgain(mirror, "m2"), QString());
        QVERIFY(std::ranges::equal(mirror.data(2), mirror.data(0)));
        const auto entries = mirror.journal()->entries();
        std::mt19937 random(5);
        MemoryMirror cut(shape);
        for (std::size_t k = 0; k <= entries.size(); ++k) {
            for (std::size_t i = 0; i < cut.devices(); ++i) {
                cut.bytes(i) = afterPowerCut(
                    before[i], entries, i, k, [&random] { return (random() & 1U) != 0; });
            }
            const auto went = addAgain(cut, "m2");
            QVERIFY2(went.isEmpty(), qPrintable(QString::number(k) + u' ' + went));
            for (const std::size_t i : {0U, 1U, 2U}) {
                QVERIFY2(std::ranges::equal(cut.data(i), mirror.data(0)),
                    qPrintable(QString::number(k)));
                QCOMPARE(cut.setBits(i), 0U);
                QVERIFY(!cut.superblock(i).has(feature::kRecoveryOffset));
            }
        }
    }
}

QTEST_APPLESS_MAIN(TestMembership)
#include "tst_membership.moc"
