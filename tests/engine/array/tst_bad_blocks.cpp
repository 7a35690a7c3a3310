// SPDX-License-Identifier: Apache-2.0
// Members whose bad block logs list sectors: nothing of those is believed, what is written to them
// becomes good, and a recovery lists what nobody gives. What lies in a listed sector is 0xbb.
#include "engine/array/hot_add.h"
#include "engine/array/read_stripe.h"
#include "engine/array/sync.h"
#include "engine/base/job_control.h"
#include "tests/engine/array/array_damage.h"
#include "tests/engine/array/shape_rows.h"

#include <QTest>

#include <random>
#include <set>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kBitmapChunk = 16'384;
constexpr std::byte kSpoilt{0xbb};
constexpr std::uint64_t kFar = 1024; // sectors from one copy to the other of two far ones

std::vector<ArrayShape> shapes()
{
    return {
        {.level = 1, .layout = 0, .raidDisks = 2, .chunk = {}, .bitmapChunk = kBitmapChunk},
        {.level = 4, .layout = 0, .raidDisks = 3, .bitmapChunk = kBitmapChunk},
        {.level = 5, .raidDisks = 4, .bitmapChunk = kBitmapChunk},
        {.level = 6, .raidDisks = 5, .bitmapChunk = kBitmapChunk},
        {.level = 10, .layout = 0x102, .raidDisks = 4, .bitmapChunk = kBitmapChunk},
        {.level = 10, .layout = 0x201, .raidDisks = 3, .bitmapChunk = kBitmapChunk},
    };
}

void addRows() { addShapeRows(shapes()); }

// In the middle of pages as well; those of one member beside those of no other.
BadBlocks placesOf(std::uint32_t member)
{
    const std::uint64_t at = 64 + 128 * member;
    return {{{at}, {at + 8}}, {{at + 19}, {at + 22}}, {{at + 704}, {at + 790}}};
}

BadBlocks listedOn(const MemoryArray& members, const std::string& path)
{
    for (const auto& source : members.scan().sources) {
        if (source.path == path && !source.found.empty())
            return source.found.front().badBlocks;
    }
    return {};
}

std::uint64_t sectorsIn(const BadBlocks& blocks)
{
    std::uint64_t count = 0;
    for (const auto& range : blocks)
        count += range.length().count;
    return count;
}

std::uint64_t sectorsListed(const MemoryArray& members)
{
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < members.devices(); ++i)
        count += sectorsIn(listedOn(members, members.name(i)));
    return count;
}

// Each of them lists places of its own.
MemoryArray listing(const ArrayShape& shape, Bytes& content, bool journaled = false)
{
    MemoryArray members(shape, journaled);
    content = members.fill(1);
    for (std::uint32_t i = 0; i < shape.raidDisks; ++i)
        listBad(members, i, placesOf(i));
    return members;
}

bool holdsNoneOf(std::span<const std::byte> bytes, std::byte value)
{
    return std::search_n(bytes.begin(), bytes.end(), 64, value) == bytes.end();
}

} // namespace

class TestBadBlocks : public QObject
{
    Q_OBJECT

private slots:
    void read_goesRoundWhatIsListed_data() { addRows(); }
    void read_goesRoundWhatIsListed();
    void read_ofWhatNobodyElseGivesFails_data() { addRows(); }
    void read_ofWhatNobodyElseGivesFails();
    void write_makesGoodWhatItCovers_data() { addRows(); }
    void write_makesGoodWhatItCovers();
    void check_writesNothingAndRepairMakesGood_data() { addRows(); }
    void check_writesNothingAndRepairMakesGood();
    void recovery_listsWhatNobodyGives_data() { addRows(); }
    void recovery_listsWhatNobodyGives();
    void recovery_withoutALogIsNotComplete_data() { addRows(); }
    void recovery_withoutALogIsNotComplete();
    void cut_afterAnyWriteBelievesNothingSpoilt_data() { addRows(); }
    void cut_afterAnyWriteBelievesNothingSpoilt();
    void log_ofManySectorsKeepsWhatStaysListed();
    void stripe_saysWhatIsListed();
    void level0_isReadAsMdReadsIt();
    void frame_marksTheChunks_data() { addRows(); }
    void frame_marksTheChunks();
    void member_withAnUnreadableLogIsRefused();
};

void TestBadBlocks::read_goesRoundWhatIsListed()
{
    const auto shape = shapeOfRow(shapes());
    for (const auto mode : {WriteMode::ReadOnly, WriteMode::Overlay}) {
        Bytes content;
        auto members = listing(shape, content);
        const auto array = members.running(mode);
        QVERIFY(contentOf(*array) == content);
        QVERIFY(array->recomputedBytes() > 0);
    }
}

void TestBadBlocks::read_ofWhatNobodyElseGivesFails()
{
    const auto shape = shapeOfRow(shapes());
    MemoryArray members(shape);
    const auto content = members.fill(1);
    for (std::uint32_t i = 0; i < shape.raidDisks; ++i)
        listBad(members, i, {{{64}, {72}}, {{64 + kFar}, {72 + kFar}}});
    const auto array = members.running(WriteMode::Overlay);
    std::uint64_t lost = 0;
    Bytes block(8 * kSectorBytes);
    for (std::uint64_t at = 0; at < content.size(); at += block.size()) {
        const auto read = array->readAt(at, block);
        if (read) {
            QVERIFY(std::equal(block.begin(), block.end(), content.begin() + std::ptrdiff_t(at)));
            continue;
        }
        QCOMPARE(read.error().code, ErrorCode::KnownBadBlock);
        lost += block.size();
    }
    QVERIFY(lost > 0 && lost <= content.size() / 16);
}

void TestBadBlocks::write_makesGoodWhatItCovers()
{
    const auto shape = shapeOfRow(shapes());
    Bytes content;
    auto members = listing(shape, content);
    {
        const auto array = members.running(WriteMode::Overlay);
        // Not all of it, and not all of what is listed at its end.
        Bytes fresh(content.size() / 4 - 512);
        fillPattern(fresh, 77);
        QVERIFY(array->writeAt(0, fresh));
        std::ranges::copy(fresh, content.begin());
        QVERIFY(contentOf(*array) == content);
        QVERIFY(stop(*array));
    }
    const auto left = sectorsListed(members);
    QVERIFY(left > 0 && left < shape.raidDisks * sectorsIn(placesOf(0)));
    {
        const auto array = members.running(WriteMode::Overlay);
        QVERIFY(contentOf(*array) == content);
        QVERIFY(array->writeAt(0, content));
        QVERIFY(stop(*array));
    }
    QCOMPARE(sectorsListed(members), std::uint64_t(0));
    for (std::uint32_t i = 0; i < shape.raidDisks; ++i)
        QVERIFY(holdsNoneOf(members.data(i), kSpoilt));
    for (const auto& source : members.scan().sources)
        QVERIFY(!source.found.front().superblock->has(feature::kBadBlocks));
}

void TestBadBlocks::check_writesNothingAndRepairMakesGood()
{
    const auto shape = shapeOfRow(shapes());
    Bytes content;
    auto members = listing(shape, content);
    const auto listed = sectorsListed(members);
    JobControl control;
    const auto array = members.running(WriteMode::Overlay);
    const auto check = sync(*array, SyncAction::Check, control);
    QVERIFY(check.has_value());
    QVERIFY(check->unreadable.empty());
    QVERIFY(check->recomputedBytes > 0);
    QCOMPARE(sectorsListed(members), listed);
    QVERIFY(sync(*array, SyncAction::Repair, control).has_value());
    QVERIFY(stop(*array));
    QCOMPARE(sectorsListed(members), std::uint64_t(0));
    QVERIFY(contentOf(*members.running(WriteMode::ReadOnly)) == content);
    for (std::uint32_t i = 0; i < shape.raidDisks; ++i)
        QVERIFY(holdsNoneOf(members.data(i), kSpoilt));
}

// As many members as the level can do without are missing, one of the others lists places.
void TestBadBlocks::recovery_listsWhatNobodyGives()
{
    auto shape = shapeOfRow(shapes());
    shape.blanks = 1;
    MemoryArray members(shape);
    auto content = members.fill(1);
    const auto last = int(shape.raidDisks) - 1;
    for (std::uint32_t i = 0; i < shape.raidDisks; ++i)
        listBad(members, i, int(i) == last ? BadBlocks() : BadBlocks{{{64}, {72}}, {{99}, {101}}});
    auto missing = std::vector<int>{last};
    if (shape.level == 6)
        missing.push_back(last - 1);
    {
        const auto array = members.running(WriteMode::Overlay, missing);
        const auto plan = planHotAdd(*array, "blank0");
        QVERIFY(plan.has_value());
        QVERIFY(std::ranges::any_of(plan->writes, [](const PlannedWrite& write) {
            return write.path == "blank0" && write.purpose == WritePurpose::BadBlockLog;
        }));
        QVERIFY(hotAdd(*array, *plan).has_value());
        JobControl control;
        const auto done = sync(*array, SyncAction::Recover, control);
        QVERIFY(done.has_value());
        QVERIFY(done->completed);
        QVERIFY(!done->lost);
        QVERIFY(!done->unreadable.empty());
        const auto listed = listedOn(members, "blank0");
        QVERIFY(!listed.empty());
        QCOMPARE(sectorsIn(listed) * kSectorBytes, done->listedBadBytes);
        QVERIFY(stop(*array));
    }
    const auto report = members.plan(WriteMode::Overlay)->array;
    const auto newcomer = std::ranges::find(report.members, "blank0", &Member::path);
    QCOMPARE(newcomer->state, MemberState::InSync);
    QVERIFY(!newcomer->badBlocks.empty());
    // What can be read is right, and writing makes the rest so.
    missing.erase(missing.begin());
    missing.push_back(last);
    const auto array = members.running(WriteMode::Overlay, missing);
    Bytes sector(kSectorBytes);
    std::uint64_t lost = 0;
    for (std::uint64_t at = 0; at < content.size(); at += kSectorBytes) {
        if (!array->readAt(at, sector))
            ++lost;
        else
            QVERIFY(std::equal(sector.begin(), sector.end(), content.begin() + std::ptrdiff_t(at)));
    }
    QVERIFY(lost > 0);
    fillPattern(content, 5);
    QVERIFY(array->writeAt(0, content));
    QVERIFY(contentOf(*array) == content);
    QVERIFY(stop(*array));
    QCOMPARE(listedOn(members, "blank0"), BadBlocks());
}

void TestBadBlocks::recovery_withoutALogIsNotComplete()
{
    auto shape = shapeOfRow(shapes());
    shape.blanks = 1;
    MemoryArray members(shape);
    members.fill(1);
    const auto last = int(shape.raidDisks) - 1;
    auto missing = std::vector<int>{last};
    if (shape.level == 6)
        missing.push_back(last - 1);
    for (std::uint32_t i = 0; i < shape.raidDisks; ++i) {
        const auto from = (MemoryArray::kData + Sectors{64}).bytes();
        members.device(i).failReads(from, from + 4096, EIO);
    }
    const auto array = members.running(WriteMode::Overlay, missing);
    QVERIFY(hotAdd(*array, *planHotAdd(*array, "blank0")).has_value());
    JobControl control;
    const auto done = sync(*array, SyncAction::Recover, control);
    QVERIFY(done.has_value());
    QVERIFY(!done->completed);
    QVERIFY(done->lost.has_value());
    QCOMPARE(done->listedBadBytes, std::uint64_t(0));
}

// The power goes after every write and flush of a program that makes some places good again, keeps
// others, and stops; after each of them and with all caches with BITMEND_LONG, else after some
// fifty, always the same ones.
void TestBadBlocks::cut_afterAnyWriteBelievesNothingSpoilt()
{
    const auto shape = shapeOfRow(shapes());
    Bytes content;
    auto members = listing(shape, content, true);
    std::vector<Bytes> before;
    for (std::size_t i = 0; i < members.devices(); ++i)
        before.push_back(members.bytes(i));
    auto written = content;
    {
        const auto array = members.running(WriteMode::Overlay);
        std::mt19937_64 random(4);
        for (int i = 0; i < 3; ++i) {
            const auto offset = random() % (content.size() / 512) * 512;
            Bytes bytes(std::min<std::size_t>(content.size() - offset, 70'000));
            fillPattern(bytes, random());
            QVERIFY(array->writeAt(offset, bytes));
            std::ranges::copy(bytes, written.begin() + std::ptrdiff_t(offset));
        }
        QVERIFY(stop(*array));
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
            const auto array = cut.running(WriteMode::Overlay);
            JobControl control;
            for (const bool resynced : {false, true}) {
                if (resynced)
                    (void)sync(*array, SyncAction::Resync, control);
                const auto found = contentOf(*array);
                QVERIFY2(found.size() == content.size(),
                    qPrintable(QStringLiteral("cut after %1 of %2").arg(k).arg(entries.size())));
                QVERIFY2(holdsNoneOf(found, kSpoilt),
                    qPrintable(QStringLiteral("cut after %1 of %2").arg(k).arg(entries.size())));
            }
        }
    }
    QVERIFY(contentOf(*members.running(WriteMode::ReadOnly)) == written);
}

// Words move to the front when those before them go: at no time one is on the disk nowhere.
void TestBadBlocks::log_ofManySectorsKeepsWhatStaysListed()
{
    const ArrayShape shape{.level = 1, .layout = 0, .raidDisks = 2, .chunk = {}};
    MemoryArray members(shape, true);
    const auto content = members.fill(1);
    BadBlocks many;
    for (std::uint64_t i = 0; i < 200; ++i)
        many.push_back({{8 + 4 * i}, {9 + 4 * i}});
    listBad(members, 0, many);
    const std::vector<Bytes> before{members.bytes(0), members.bytes(1)};
    const auto first = content.size() / 4;
    {
        const auto array = members.running(WriteMode::Overlay);
        QVERIFY(array->writeAt(0, std::span(content).first(first)));
        QVERIFY(stop(*array));
    }
    const auto entries = members.journal()->entries();
    const auto kept = listedOn(members, "m0");
    QVERIFY(kept.size() > 64 && kept.size() < 200);
    MemoryArray cut(shape);
    for (std::size_t k = 0; k <= entries.size(); ++k) {
        for (const bool survives : {false, true}) {
            for (std::size_t i = 0; i < cut.devices(); ++i)
                cut.bytes(i) =
                    afterPowerCut(before[i], entries, i, k, [survives] { return survives; });
            const auto listed = listedOn(cut, "m0");
            for (const auto& range : kept)
                QVERIFY(std::ranges::find(listed, range) != listed.end());
        }
    }
}

void TestBadBlocks::stripe_saysWhatIsListed()
{
    const ArrayShape shape{.level = 5, .raidDisks = 3};
    MemoryArray members(shape);
    const auto content = members.fill(1);
    listBad(members, 1, {{{16}, {24}}});
    const auto array = members.running(WriteMode::ReadOnly);
    const auto view = readStripe(*array, 16, Sectors{8});
    QVERIFY(view.has_value());
    const auto& cell = view->cells[1];
    QVERIFY(cell.place.isListedBad);
    QVERIFY(!cell.place.isValid);
    QCOMPARE(std::set(cell.place.from.begin(), cell.place.from.end()), (std::set<int>{0, 2}));
    QCOMPARE(view->verdict, StripeVerdict::NothingToCompare);
    QVERIFY(holdsNoneOf(cell.bytes, kSpoilt));
}

// It does not look at the log.
void TestBadBlocks::level0_isReadAsMdReadsIt()
{
    MemoryArray members({.level = 0, .layout = 2, .raidDisks = 2});
    auto content = members.fill(1);
    listBad(members, 1, {{{16}, {24}}});
    const auto found = contentOf(*members.running(WriteMode::Overlay));
    QCOMPARE(found.size(), content.size());
    QVERIFY(!holdsNoneOf(found, kSpoilt));
}

void TestBadBlocks::frame_marksTheChunks()
{
    const auto shape = shapeOfRow(shapes());
    Bytes content;
    auto members = listing(shape, content);
    const auto array = members.running(WriteMode::Overlay);
    auto frame = array->frames().load();
    for (const auto& member : frame->members)
        QVERIFY(member.bad.total() > 0);
    QVERIFY(frame->hasListedBad({0, frame->chunks - 1}));
    QVERIFY(array->writeAt(0, content));
    QVERIFY(stop(*array));
    frame = array->frames().load();
    QVERIFY(!frame->hasListedBad({0, frame->chunks - 1}));
}

void TestBadBlocks::member_withAnUnreadableLogIsRefused()
{
    MemoryArray members({.level = 5, .raidDisks = 3});
    members.fill(1);
    listBad(members, 2, {{{16}, {24}}});
    SourceReport report;
    report.path = "m2";
    auto& device = members.device(2);
    const auto area = *badBlockLogArea(*members.scan().sources[2].found.front().superblock);
    device.failReads(area.begin.bytes(), area.end.bytes(), EIO);
    lookQuickly(SourcePtr(&device, [](const BlockSource*) {}), report);
    QCOMPARE(report.found.size(), std::size_t(1));
    const auto& problems = report.found.front().problems;
    QVERIFY(std::ranges::find(problems, ProblemCode::BadBlockLogUnreadable, &Problem::code) !=
            problems.end());
    QVERIFY(anyBars(problems));
}

QTEST_GUILESS_MAIN(TestBadBlocks)
#include "tst_bad_blocks.moc"
