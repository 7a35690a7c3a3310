// SPDX-License-Identifier: Apache-2.0
// A member that is replaced while it works: the newcomer gets what it holds, and what it does not
// give from the others; what is written meanwhile reaches both; it leaves when the newcomer has
// all.
#include "engine/array/hot_add.h"
#include "engine/array/membership.h"
#include "engine/array/sync.h"
#include "engine/base/job_control.h"
#include "tests/engine/array/array_damage.h"
#include "tests/engine/array/shape_rows.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kBitmapChunk = 16'384;
constexpr std::size_t kOriginal = 1;

std::vector<ArrayShape> shapes()
{
    std::vector<ArrayShape> all{
        {.level = 1, .layout = 0, .raidDisks = 2, .chunk = {}, .bitmapChunk = kBitmapChunk},
        {.level = 1, .layout = 0, .raidDisks = 3, .chunk = {}},
        {.level = 4, .layout = 0, .raidDisks = 3, .bitmapChunk = kBitmapChunk},
        {.level = 5, .raidDisks = 4, .bitmapChunk = kBitmapChunk},
        {.level = 5, .layout = 1, .raidDisks = 3, .chunk = Sectors{128}},
        {.level = 6, .raidDisks = 5, .bitmapChunk = kBitmapChunk},
        {.level = 10, .layout = 0x102, .raidDisks = 4, .bitmapChunk = kBitmapChunk},
        {.level = 10, .layout = 0x201, .raidDisks = 3, .bitmapChunk = kBitmapChunk},
    };
    for (auto& shape : all)
        shape.blanks = 1;
    return all;
}

void addRows() { addShapeRows(shapes()); }

// Slots the blank device as the replacement of the second member.
Result<HotAddOutcome> begin(Array& array)
{
    const auto plan = BM_TRY(planReplace(array, "blank0", "m1"));
    return hotAdd(array, plan);
}

Result<SyncOutcome> recover(Array& array)
{
    JobControl control;
    return sync(array, SyncAction::Recover, control);
}

void writeAtRandom(Array& array, Bytes& content, unsigned seed)
{
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20; ++i) {
        const auto offset = random() % content.size();
        Bytes bytes(1 + random() % std::min<std::size_t>(content.size() - offset, 60'000));
        fillPattern(bytes, random());
        QVERIFY(array.writeAt(offset, bytes));
        std::ranges::copy(bytes, content.begin() + std::ptrdiff_t(offset));
    }
}

MemberState stateOf(const ArrayReport& report, const std::string& path)
{
    return std::ranges::find(report.members, path, &Member::path)->state;
}

// What the second member of an array in sync holds of this content.
bool holdsItsPart(MemoryArray& members, const ArrayShape& shape, std::span<const std::byte> content)
{
    MemoryArray expected(shape);
    expected.lay(content);
    const auto blank = members.devices() - 1;
    return std::ranges::equal(members.data(blank), expected.data(kOriginal));
}

} // namespace

class TestReplacement : public QObject
{
    Q_OBJECT

private slots:
    void replace_takesOverWhatTheOriginalHolds_data() { addRows(); }
    void replace_takesOverWhatTheOriginalHolds();
    void replace_goesRoundWhatTheOriginalDoesNotGive_data() { addRows(); }
    void replace_goesRoundWhatTheOriginalDoesNotGive();
    void write_reachesTheReplacementToo_data() { addRows(); }
    void write_reachesTheReplacementToo();
    void superblocks_sayWhatIsUnderWay_data() { addRows(); }
    void superblocks_sayWhatIsUnderWay();
    void original_thatFailsLeavesItsPlaceToTheReplacement_data() { addRows(); }
    void original_thatFailsLeavesItsPlaceToTheReplacement();
    void replacement_thatFailsHarmsNobody_data() { addRows(); }
    void replacement_thatFailsHarmsNobody();
    void resync_comesFirstAndReachesBoth();
    void cut_afterAnyWriteLosesNothing_data() { addRows(); }
    void cut_afterAnyWriteLosesNothing();
    void plan_isRefusedWhereItCannotBe();
};

void TestReplacement::replace_takesOverWhatTheOriginalHolds()
{
    const auto shape = shapeOfRow(shapes());
    MemoryArray members(shape);
    const auto content = members.fill(1);
    {
        const auto array = members.running(WriteMode::Overlay);
        QVERIFY(begin(*array).has_value());
        const auto done = recover(*array);
        QVERIFY(done.has_value());
        QVERIFY(done->completed);
        QVERIFY(contentOf(*array) == content);
        QVERIFY(!array->snapshot().recoveryDue);
    }
    QVERIFY(holdsItsPart(members, shape, content));
    const auto report = members.plan(WriteMode::Overlay)->array;
    QCOMPARE(stateOf(report, "m1"), MemberState::Faulty);
    QCOMPARE(stateOf(report, "blank0"), MemberState::InSync);
    QCOMPARE(report.missing, 0);
    QCOMPARE(report.needs, Needs::Nothing);
    QVERIFY(contentOf(*members.running(WriteMode::ReadOnly, {int(kOriginal)})) == content);
}

void TestReplacement::replace_goesRoundWhatTheOriginalDoesNotGive()
{
    const auto shape = shapeOfRow(shapes());
    MemoryArray members(shape);
    const auto content = members.fill(1);
    for (const std::uint64_t at : {0U, 40U, 41U, 900U}) {
        const auto byte = (MemoryArray::kData + Sectors{at}).bytes();
        members.device(kOriginal).failReads(byte, byte + kSectorBytes, EIO);
    }
    const auto array = members.running(WriteMode::Overlay);
    QVERIFY(begin(*array).has_value());
    const auto done = recover(*array);
    QVERIFY(done.has_value());
    QVERIFY(done->completed);
    QVERIFY(done->unreadable.empty());
    QVERIFY(holdsItsPart(members, shape, content));
}

void TestReplacement::write_reachesTheReplacementToo()
{
    const auto shape = shapeOfRow(shapes());
    MemoryArray members(shape);
    auto content = members.fill(1);
    const auto array = members.running(WriteMode::Overlay);
    QVERIFY(begin(*array).has_value());
    writeAtRandom(*array, content, 3);
    QVERIFY(recover(*array)->completed);
    QVERIFY(holdsItsPart(members, shape, content));
    writeAtRandom(*array, content, 4);
    QVERIFY(stop(*array).has_value());
    QVERIFY(holdsItsPart(members, shape, content));
    QVERIFY(contentOf(*members.running(WriteMode::ReadOnly, {int(kOriginal)})) == content);
}

void TestReplacement::superblocks_sayWhatIsUnderWay()
{
    const auto shape = shapeOfRow(shapes());
    MemoryArray members(shape);
    auto content = members.fill(1);
    {
        const auto array = members.running(WriteMode::Overlay);
        QVERIFY(begin(*array).has_value());
        QVERIFY(array->snapshot().recoveryDue);
        QCOMPARE(stateOf(array->snapshot().report, "blank0"), MemberState::Replacement);
        QVERIFY(stop(*array).has_value());
    }
    const auto report = members.plan(WriteMode::Overlay)->array;
    QCOMPARE(stateOf(report, "m1"), MemberState::InSync);
    QCOMPARE(stateOf(report, "blank0"), MemberState::Replacement);
    QCOMPARE(report.missing, 0);
    const auto found = std::ranges::find(report.members, "blank0", &Member::path);
    QVERIFY(found->superblock->has(feature::kReplacement | feature::kRecoveryOffset));
    QCOMPARE(found->role, int(kOriginal));

    // Taken up again, and written to before it is complete.
    const auto array = members.running(WriteMode::Overlay);
    writeAtRandom(*array, content, 8);
    QVERIFY(recover(*array)->completed);
    QVERIFY(stop(*array).has_value());
    QVERIFY(holdsItsPart(members, shape, content));
    const auto after = members.plan(WriteMode::Overlay)->array;
    const auto taken = std::ranges::find(after.members, "blank0", &Member::path);
    QVERIFY(!taken->superblock->has(feature::kReplacement));
    QVERIFY(!taken->superblock->has(feature::kRecoveryOffset));
}

void TestReplacement::original_thatFailsLeavesItsPlaceToTheReplacement()
{
    const auto shape = shapeOfRow(shapes());
    MemoryArray members(shape);
    auto content = members.fill(1);
    const auto array = members.running(WriteMode::Overlay);
    QVERIFY(begin(*array).has_value());
    members.device(kOriginal).failWrites(0, ~std::uint64_t{0}, EIO);
    writeAtRandom(*array, content, 5);
    QVERIFY(contentOf(*array) == content);
    const auto report = array->snapshot().report;
    QCOMPARE(stateOf(report, "m1"), MemberState::Faulty);
    QCOMPARE(stateOf(report, "blank0"), MemberState::Rebuilding);
    QVERIFY(recover(*array)->completed);
    QVERIFY(stop(*array).has_value());
    QVERIFY(holdsItsPart(members, shape, content));
    QVERIFY(contentOf(*members.running(WriteMode::ReadOnly, {int(kOriginal)})) == content);
}

void TestReplacement::replacement_thatFailsHarmsNobody()
{
    const auto shape = shapeOfRow(shapes());
    MemoryArray members(shape);
    auto content = members.fill(1);
    const auto array = members.running(WriteMode::Overlay);
    QVERIFY(begin(*array).has_value());
    members.device(members.devices() - 1).failWrites(0, ~std::uint64_t{0}, EIO);
    writeAtRandom(*array, content, 6);
    QVERIFY(contentOf(*array) == content);
    const auto report = array->snapshot().report;
    QCOMPARE(stateOf(report, "m1"), MemberState::InSync);
    QCOMPARE(stateOf(report, "blank0"), MemberState::Faulty);
    QVERIFY(!array->snapshot().recoveryDue);
    QVERIFY(stop(*array).has_value());
    QVERIFY(contentOf(*members.running(WriteMode::ReadOnly)) == content);
}

void TestReplacement::resync_comesFirstAndReachesBoth()
{
    const ArrayShape shape{.level = 5, .raidDisks = 4, .bitmapChunk = kBitmapChunk, .blanks = 1};
    MemoryArray members(shape);
    const auto content = members.fill(1);
    {
        const auto array = members.running(WriteMode::Overlay);
        QVERIFY(begin(*array).has_value());
        QVERIFY(stop(*array).has_value());
    }
    // Parity of the second row is wrong, as after a power cut.
    for (std::uint32_t i = 0; i < shape.raidDisks; ++i) {
        auto dirty = *members.scan().sources[i].found.front().superblock;
        dirty.resyncOffset = {};
        std::ranges::copy(formatOf(dirty.version).encode(dirty),
            members.bytes(i).begin() + std::ptrdiff_t(dirty.location.bytes()));
    }
    setBits(members, 0);
    const auto parity = std::size_t(stripeRoles(members.geometry(), 1).p);
    members.data(parity)[shape.chunk.bytes()] ^= std::byte{1};
    const auto array = members.running(WriteMode::Overlay);
    JobControl control;
    QVERIFY(sync(*array, SyncAction::Resync, control)->completed);
    QVERIFY(recover(*array)->completed);
    QVERIFY(stop(*array).has_value());
    QVERIFY(holdsItsPart(members, shape, content));
}

// The power goes after every write and flush of a replacement with writes beside it; after each of
// them and with all caches with BITMEND_LONG, else after some fifty, always the same ones.
void TestReplacement::cut_afterAnyWriteLosesNothing()
{
    auto shape = shapeOfRow(shapes());
    shape.component = Sectors{256};
    MemoryArray members(shape, true);
    auto content = members.fill(1);
    std::vector<Bytes> before;
    for (std::size_t i = 0; i < members.devices(); ++i)
        before.push_back(members.bytes(i));
    Bytes fresh(30'000);
    fillPattern(fresh, 9);
    {
        const auto array = members.running(WriteMode::Overlay);
        QVERIFY(begin(*array).has_value());
        QVERIFY(array->writeAt(5'000, fresh));
        QVERIFY(recover(*array)->completed);
        QVERIFY(array->writeAt(90'000, fresh));
        QVERIFY(stop(*array).has_value());
    }
    const auto entries = members.journal()->entries();
    std::mt19937 random(5);
    const std::vector<SectorSurvives> caches{[] { return false; }, [] { return true; },
        [&random] {
            return (random() & 1U) != 0;
        }};
    MemoryArray cut(shape);
    const bool all = !qEnvironmentVariableIsEmpty("BITMEND_LONG");
    const auto step = all ? 1 : std::max<std::size_t>(entries.size() / 50 | 1U, 1);
    for (std::size_t k = 0; k <= entries.size(); k += step) {
        for (std::size_t cache = 0; cache < caches.size(); ++cache) {
            if (!all && cache != k / step % caches.size())
                continue;
            for (std::size_t i = 0; i < cut.devices(); ++i)
                cut.bytes(i) = afterPowerCut(before[i], entries, i, k, caches[cache]);
            cut.wrap();
            const auto where = QStringLiteral("cut after %1 of %2").arg(k).arg(entries.size());
            auto array = cut.assemble(WriteMode::Overlay);
            QVERIFY2(array.has_value(), qPrintable(where));
            JobControl control;
            (void)sync(**array, SyncAction::Resync, control);
            const auto found = contentOf(**array);
            QVERIFY2(found.size() == content.size(), qPrintable(where));
            for (std::size_t at = 0; at < found.size(); ++at) {
                const bool first = at >= 5'000 && at < 35'000 && found[at] == fresh[at - 5'000];
                const bool second = at >= 90'000 && at < 120'000 && found[at] == fresh[at - 90'000];
                QVERIFY2(found[at] == content[at] || first || second, qPrintable(where));
            }
            const auto done = recover(**array);
            QVERIFY2(done ? done->completed : done.error().code == ErrorCode::NothingToDo,
                qPrintable(where));
            QVERIFY2(contentOf(**array) == found, qPrintable(where));
            QVERIFY2(stop(**array).has_value(), qPrintable(where));
            JobControl check;
            const auto again = cut.running(WriteMode::ReadOnly);
            const auto checked = sync(*again, SyncAction::Check, check);
            QVERIFY2(checked.has_value() && checked->mismatch == Sectors{}, qPrintable(where));
        }
    }
}

void TestReplacement::plan_isRefusedWhereItCannotBe()
{
    MemoryArray members({.level = 5, .raidDisks = 3, .blanks = 2});
    members.fill(1);
    const auto array = members.running(WriteMode::Overlay);
    QCOMPARE(planReplace(*array, "blank0", "blank1").error().code, ErrorCode::NotAMember);
    QCOMPARE(planReplace(*array, "m0", "m1").error().code, ErrorCode::AlreadyMember);
    QVERIFY(begin(*array).has_value());
    QCOMPARE(planReplace(*array, "blank1", "m1").error().code, ErrorCode::Unsupported);
    QVERIFY(planReplace(*array, "blank1", "m2").has_value());

    MemoryArray striped({.level = 0, .layout = 2, .raidDisks = 2, .blanks = 1});
    const auto zero = striped.running(WriteMode::Overlay);
    QCOMPARE(planReplace(*zero, "blank0", "m1").error().code, ErrorCode::Unsupported);
}

QTEST_GUILESS_MAIN(TestReplacement)
#include "tst_replacement.moc"
