// SPDX-License-Identifier: Apache-2.0
// The power goes after every single write and flush of a mend, on all devices at once. What was not
// flushed is there, is lost, or is there in part; the last sector may be torn. Every state that
// comes out must start, must be completed by doing the same again, and must have lost nothing.
#include "engine/array/bitmap_change.h"
#include "engine/array/hot_add.h"
#include "engine/array/sync.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTest>

#include <functional>
#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Images = std::vector<std::vector<std::byte>>;

struct Scenario
{
    MirrorShape shape;
    std::vector<std::uint64_t> dirty;
    bool adds = false;       // the blank is hot-added and recovered
    bool addsBitmap = false; // where there is none
    bool removesBitmap = false;
    std::size_t members = 2;               // equal at the end
    std::size_t laggard = ~std::size_t{0}; // begins one event behind
    std::uint64_t grain = kSectorBytes;    // what a disk writes whole
};

void prepare(MemoryMirror& mirror, const Scenario& scenario)
{
    for (std::size_t i = 0; i < scenario.shape.present; ++i)
        fillPattern(mirror.data(i), 1);
    std::ranges::fill(mirror.data(0).subspan(1 << 20, 1 << 20), std::byte{});
    for (std::size_t i = 1; i < scenario.shape.present; ++i)
        std::ranges::copy(mirror.data(0), mirror.data(i).begin());
    for (const auto chunk : scenario.dirty) {
        mirror.setBit(chunk);
        for (std::size_t i = 0; i < scenario.shape.present; ++i)
            fillPattern(mirror.chunk(i, chunk), 100 + chunk + 1000 * i);
    }
    if (scenario.laggard < mirror.devices()) {
        auto superblock = mirror.superblock(scenario.laggard);
        superblock.events -= 1;
        const auto bytes = formatOf(superblock.version).encode(superblock);
        std::ranges::copy(bytes, mirror.bytes(scenario.laggard).begin() +
                                     std::ptrdiff_t(scenario.shape.superblockAt().bytes()));
    }
}

QString changeBitmap(Array& array, const Scenario& scenario)
{
    const bool has = array.snapshot().report.bitmap.has_value();
    if (scenario.removesBitmap && has && !removeBitmap(array))
        return QStringLiteral("the bitmap cannot be removed");
    if (!scenario.addsBitmap || has)
        return {};
    const auto plan = planBitmapAdd(array, {.chunkBytes = 16'384});
    if (!plan || !addBitmap(array, *plan))
        return QStringLiteral("no bitmap can be added");
    return {};
}

// The whole job, from wherever it stands. Empty: done; else what went wrong.
QString mend(MemoryMirror& mirror, const Scenario& scenario)
{
    const bool adds = scenario.adds;
    auto array = mirror.assemble();
    if (!array)
        return QStringLiteral("does not start: %1").arg(int(array.error().code));
    if ((*array)->snapshot().resyncDue) {
        JobControl control;
        if (!sync(**array, SyncAction::Resync, control, {.workers = 1}))
            return QStringLiteral("resync failed");
    }
    if (adds && !(*array)->snapshot().recoveryDue) {
        const auto plan = planHotAdd(**array, "blank0");
        if (!plan && plan.error().code != ErrorCode::NoVacantSlot &&
            plan.error().code != ErrorCode::AlreadyMember)
            return QStringLiteral("cannot be added: %1").arg(int(plan.error().code));
        if (plan && !hotAdd(**array, *plan))
            return QStringLiteral("hot-add failed");
    }
    if ((*array)->snapshot().recoveryDue) {
        JobControl control;
        if (!sync(**array, SyncAction::Recover, control, {.workers = 1}))
            return QStringLiteral("recovery failed");
    }
    auto changed = changeBitmap(**array, scenario);
    if (!changed.isEmpty())
        return changed;
    return stop(**array) ? QString() : QStringLiteral("stop failed");
}

// What must hold at every instant, before anything is started again.
QString judgeCut(MemoryMirror& mirror)
{
    std::uint64_t least = ~std::uint64_t{0};
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < mirror.devices(); ++i) {
        const auto decoded = mirror.decode(i);
        if (!decoded)
            continue;
        if (anyBars(decoded->problems))
            return QStringLiteral("superblock of %1 is not whole").arg(i);
        if (decoded->superblock.role() >= kRoleLimit)
            continue;
        least = std::min(least, decoded->superblock.events);
        most = std::max(most, decoded->superblock.events);
        if (!mirror.bitmapInFile() && !decoded->superblock.hasBitmap())
            continue;
        const auto bitmap = mirror.readCopy(i, decoded->superblock);
        if (!bitmap || !bitmap->usable())
            return QStringLiteral("member %1 has a role and no bitmap").arg(i);
        if (bitmap->header.events < decoded->superblock.events)
            return QStringLiteral("superblock of %1 came before its bitmap header").arg(i);
    }
    if (most > least + 1)
        return QStringLiteral("active members at events %1 and %2").arg(least).arg(most);
    const auto plan = mirror.plan();
    if (!plan || !plan->array.canStart)
        return QStringLiteral("does not start");
    for (const auto& member : plan->array.members) {
        if (member.state == MemberState::Stale || member.state == MemberState::Damaged)
            return QStringLiteral("left out: %1").arg(QString::fromStdString(member.path));
    }
    return {};
}

// Cut while a clean array's last bits were cleared: one copy of the bitmap has them, another not.
// As in the kernel that stays so, which believes one copy, rewrites the pages that change in it,
// and has no use for the bits of a clean array.
bool bitsLinger(MemoryMirror& mirror)
{
    const auto plan = mirror.plan();
    if (!plan || !plan->array.bitmap || plan->array.bitmap->differing == 0)
        return false;
    for (const auto& member : plan->array.members) {
        if (member.state != MemberState::InSync || member.superblock->isDirty())
            return false;
    }
    return plan->array.missing == 0;
}

QString judgeEnd(
    MemoryMirror& mirror, const Scenario& scenario, const Images& before, bool linger = false)
{
    const auto original = std::span(before[0]).subspan(
        scenario.shape.dataOffset().bytes(), scenario.shape.component.bytes());
    for (std::size_t i = 0; i < scenario.members; ++i) {
        if (!std::ranges::equal(mirror.data(i), original))
            return QStringLiteral("data of %1 lost").arg(i);
        const bool hasBitmap =
            (scenario.shape.bitmapChunk != 0 || scenario.addsBitmap) && !scenario.removesBitmap;
        if (!mirror.bitmapInFile() && mirror.superblock(i).hasBitmap() != hasBitmap)
            return QStringLiteral("bitmap of %1 is not as it was to be").arg(i);
        // A cut leaves a degraded array with a new bitmap all set, and md keeps such bits for the
        // member that is missing.
        const bool mayStay =
            linger || (scenario.addsBitmap && scenario.members < scenario.shape.raidDisks);
        if (hasBitmap && !mayStay && mirror.setBits(i) != 0)
            return QStringLiteral("bits left on %1").arg(i);
        if (mirror.superblock(i).isDirty() || mirror.superblock(i).has(feature::kRecoveryOffset))
            return QStringLiteral("%1 not said to be in sync").arg(i);
    }
    return {};
}

// The last sector of the write that was under way: half of it arrived. Not of a superblock, which
// md relies on being whole.
void tearLastSector(const Scenario& scenario, const JournalEntry& entry,
    const std::vector<std::byte>& older, std::vector<std::byte>& bytes)
{
    if (entry.isFlush || entry.offset == scenario.shape.superblockAt().bytes())
        return;
    const auto half = std::min<std::uint64_t>(kSectorBytes / 2, entry.bytes.size());
    const auto begin = std::ptrdiff_t(entry.offset + entry.bytes.size() - half);
    std::copy_n(older.begin() + begin, half, bytes.begin() + begin);
}

// After each of them with BITMEND_LONG, else after some fifty, and always the same ones.
std::size_t stride(std::size_t entries, std::size_t step)
{
    constexpr std::size_t kUsually = 48;
    return qEnvironmentVariableIsEmpty("BITMEND_LONG") ? std::max(step, entries / kUsually) : 1;
}

void cutEverywhere(const Scenario& scenario, std::size_t step)
{
    MemoryMirror mirror(scenario.shape, true);
    prepare(mirror, scenario);
    Images before;
    for (std::size_t i = 0; i < mirror.devices(); ++i)
        before.push_back(mirror.bytes(i));
    QCOMPARE(mend(mirror, scenario), QString());
    QCOMPARE(judgeEnd(mirror, scenario, before), QString());

    const auto entries = mirror.journal()->entries();
    std::mt19937 random(7);
    const std::vector<SectorSurvives> caches{[] { return false; }, [] { return true; },
        [&random] { return (random() & 1U) != 0; }, [&random] { return random() % 8 != 0; },
        // And the write that was under way is torn.
        [] {
            return true;
        }};
    MemoryMirror cut(scenario.shape);
    for (std::size_t k = 0; k <= entries.size(); k += stride(entries.size(), step)) {
        for (std::size_t cache = 0; cache < caches.size(); ++cache) {
            for (std::size_t i = 0; i < cut.devices(); ++i) {
                cut.bytes(i) =
                    afterPowerCut(before[i], entries, i, k, caches[cache], scenario.grain);
                if (cache + 1 < caches.size() || k == 0 || entries[k - 1].device != i)
                    continue;
                const auto older =
                    afterPowerCut(before[i], entries, i, k - 1, caches[cache], scenario.grain);
                tearLastSector(scenario, entries[k - 1], older, cut.bytes(i));
            }
            const auto where = QStringLiteral("cut after %1 of %2, cache %3: ")
                                   .arg(k)
                                   .arg(entries.size())
                                   .arg(cache);
            const auto state = judgeCut(cut);
            QVERIFY2(state.isEmpty(), qPrintable(where + state));
            const bool linger = bitsLinger(cut);
            const auto again = mend(cut, scenario);
            QVERIFY2(again.isEmpty(), qPrintable(where + again));
            const auto end = judgeEnd(cut, scenario, before, linger);
            QVERIFY2(end.isEmpty(), qPrintable(where + end));
        }
    }
}

} // namespace

class TestMendPowerCut : public QObject
{
    Q_OBJECT

private slots:
    void resync_survivesEveryCut();
    void resync_ofAMemberOneEventBehindSurvivesEveryCut();
    void resync_withoutBitmapSurvivesEveryCut();
    void resync_ofAStaleBitmapSurvivesEveryCut();
    void hotAddAndRecovery_surviveEveryCut();
    void hotAdd_toTwoOfThreeSurvivesEveryCut();
    void hotAdd_ofABitmapOfTwoPagesSurvivesCuts();
    void stop_survivesEveryCut();
    void bitmapAdd_survivesEveryCut_data();
    void bitmapAdd_survivesEveryCut();
    void bitmapRemove_survivesEveryCut();
    void mend_ofEveryFormatSurvivesCuts_data();
    void mend_ofEveryFormatSurvivesCuts();
};

void TestMendPowerCut::resync_survivesEveryCut()
{
    cutEverywhere({.shape = {.component = Sectors{4096}, .bitmapChunk = 16'384},
                      .dirty = {0, 1, 2, 17, 40, 41, 90, 127}},
        1);
}

void TestMendPowerCut::resync_ofAMemberOneEventBehindSurvivesEveryCut()
{
    for (const std::size_t laggard : {0U, 1U}) {
        cutEverywhere({.shape = {.component = Sectors{4096}, .bitmapChunk = 16'384},
                          .dirty = {3, 90},
                          .laggard = laggard},
            1);
    }
}

void TestMendPowerCut::resync_withoutBitmapSurvivesEveryCut()
{
    MirrorShape shape{.component = Sectors{8192}, .bitmapChunk = 0};
    MemoryMirror mirror(shape, true);
    fillPattern(mirror.data(0), 1);
    fillPattern(mirror.data(1), 2);
    const Images before{mirror.bytes(0), mirror.bytes(1), mirror.bytes(2)};
    QCOMPARE(mend(mirror, {.shape = {}, .dirty = {}}), QString());
    const auto entries = mirror.journal()->entries();
    std::mt19937 random(11);
    MemoryMirror cut(shape);
    for (std::size_t k = 0; k <= entries.size(); ++k) {
        for (std::size_t i = 0; i < cut.devices(); ++i) {
            cut.bytes(i) =
                afterPowerCut(before[i], entries, i, k, [&random] { return (random() & 1U) != 0; });
        }
        const auto again = mend(cut, {.shape = {}, .dirty = {}});
        QVERIFY2(again.isEmpty(), qPrintable(again));
        QVERIFY(std::ranges::equal(cut.data(1), mirror.data(0)));
    }
}

void TestMendPowerCut::resync_ofAStaleBitmapSurvivesEveryCut()
{
    // The header's events are those of another life: two pages have to become ones first.
    Scenario scenario{.shape = {.component = Sectors{32'768}, .bitmapChunk = 512}, .dirty = {}};
    MemoryMirror mirror(scenario.shape, true);
    prepare(mirror, scenario);
    fillPattern(mirror.data(1).subspan(1 << 20, 8192), 77);
    for (const std::size_t i : {0U, 1U}) {
        auto header = mirror.header(i);
        header.events = 3;
        const auto bytes = encodeBitmapHeader(header, mirror.bitmapArea(i).first(256));
        std::ranges::copy(bytes, mirror.bitmapArea(i).begin());
    }
    const Images before{mirror.bytes(0), mirror.bytes(1), mirror.bytes(2)};
    QCOMPARE(mend(mirror, {.shape = {}, .dirty = {}}), QString());
    const auto entries = mirror.journal()->entries();
    std::mt19937 random(11);
    MemoryMirror cut(scenario.shape);
    for (std::size_t k = 0; k <= std::min<std::size_t>(entries.size(), 24); ++k) {
        for (std::size_t i = 0; i < cut.devices(); ++i) {
            cut.bytes(i) =
                afterPowerCut(before[i], entries, i, k, [&random] { return (random() & 1U) != 0; });
        }
        QCOMPARE(mend(cut, {.shape = {}, .dirty = {}}), QString());
        QVERIFY(std::ranges::equal(cut.data(1), mirror.data(0)));
    }
}

void TestMendPowerCut::hotAddAndRecovery_surviveEveryCut()
{
    cutEverywhere({.shape = {.raidDisks = 2,
                       .present = 1,
                       .component = Sectors{8192},
                       .bitmapChunk = 16'384,
                       .resyncOffset = kMaxSector},
                      .dirty = {3, 100, 255},
                      .adds = true},
        1);
}

void TestMendPowerCut::hotAdd_toTwoOfThreeSurvivesEveryCut()
{
    cutEverywhere(
        {.shape = {.raidDisks = 3, .present = 2, .component = Sectors{4096}, .bitmapChunk = 16'384},
            .dirty = {3, 100, 127},
            .adds = true,
            .members = 3},
        1);
}

void TestMendPowerCut::hotAdd_ofABitmapOfTwoPagesSurvivesCuts()
{
    cutEverywhere({.shape = {.raidDisks = 2,
                       .present = 1,
                       .component = Sectors{32'768},
                       .bitmapChunk = 512,
                       .resyncOffset = kMaxSector},
                      .dirty = {3, 31'000, 32'767},
                      .adds = true},
        9);
}

void TestMendPowerCut::stop_survivesEveryCut()
{
    // Clean: the bits fade, and the data under them is nobody's business.
    MirrorShape shape{.component = Sectors{4096}, .bitmapChunk = 512, .resyncOffset = kMaxSector};
    Scenario scenario{.shape = shape, .dirty = {}};
    MemoryMirror mirror(shape, true);
    prepare(mirror, scenario);
    for (const std::uint64_t chunk : {5U, 700U, 4000U})
        mirror.setBit(chunk);
    const Images before{mirror.bytes(0), mirror.bytes(1), mirror.bytes(2)};
    QCOMPARE(mend(mirror, {.shape = {}, .dirty = {}}), QString());
    const auto entries = mirror.journal()->entries();
    std::mt19937 random(13);
    MemoryMirror cut(shape);
    for (std::size_t k = 0; k <= entries.size(); ++k) {
        for (std::size_t i = 0; i < cut.devices(); ++i) {
            cut.bytes(i) =
                afterPowerCut(before[i], entries, i, k, [&random] { return (random() & 1U) != 0; });
        }
        QCOMPARE(judgeCut(cut), QString());
        QCOMPARE(mend(cut, {.shape = {}, .dirty = {}}), QString());
        QCOMPARE(judgeEnd(cut, scenario, before), QString());
    }
}

void TestMendPowerCut::bitmapAdd_survivesEveryCut_data()
{
    QTest::addColumn<MetadataVersion>("version");
    using enum MetadataVersion;
    for (const auto version : {V0_90, V1_0, V1_1, V1_2})
        QTest::newRow(std::string(toString(version)).c_str()) << version;
}

void TestMendPowerCut::bitmapAdd_survivesEveryCut()
{
    QFETCH(MetadataVersion, version);
    for (const std::uint32_t present : {1U, 2U}) {
        cutEverywhere({.shape = {.present = present,
                           .component = Sectors{4096},
                           .bitmapChunk = 0,
                           .resyncOffset = kMaxSector,
                           .version = version},
                          .dirty = {},
                          .addsBitmap = true,
                          .members = present,
                          .grain = version == MetadataVersion::V0_90 ? 4096 : kSectorBytes},
            1);
    }
}

void TestMendPowerCut::bitmapRemove_survivesEveryCut()
{
    cutEverywhere(
        {.shape = {.component = Sectors{4096}, .bitmapChunk = 512, .resyncOffset = kMaxSector},
            .dirty = {},
            .removesBitmap = true},
        1);
}

void TestMendPowerCut::mend_ofEveryFormatSurvivesCuts_data()
{
    QTest::addColumn<MetadataVersion>("version");
    QTest::addColumn<bool>("bigEndian");
    QTest::addColumn<bool>("bitmapInFile");
    using enum MetadataVersion;
    QTest::newRow("0.90") << V0_90 << false << false;
    QTest::newRow("0.90, big-endian") << V0_90 << true << false;
    QTest::newRow("0.90, bitmap in a file") << V0_90 << false << true;
    QTest::newRow("1.0, bitmap before the superblock") << V1_0 << false << false;
    QTest::newRow("1.0, bitmap in a file") << V1_0 << false << true;
    QTest::newRow("1.1") << V1_1 << false << false;
    QTest::newRow("1.2, bitmap in a file") << V1_2 << false << true;
}

void TestMendPowerCut::mend_ofEveryFormatSurvivesCuts()
{
    QFETCH(MetadataVersion, version);
    QFETCH(bool, bigEndian);
    QFETCH(bool, bitmapInFile);
    // A superblock of 0.90 has eight sectors under one checksum: md relies on disks that write such
    // a block whole.
    const bool long4k = version == MetadataVersion::V0_90;
    cutEverywhere({.shape = {.raidDisks = 3,
                       .present = 2,
                       .component = Sectors{4096},
                       .bitmapChunk = 16'384,
                       .version = version,
                       .byteOrder = bigEndian ? std::endian::big : std::endian::little,
                       .bitmapInFile = bitmapInFile},
                      .dirty = {0, 3, 100, 127},
                      .adds = true,
                      .members = 3,
                      .grain = long4k ? 4096 : kSectorBytes},
        3);
}

QTEST_APPLESS_MAIN(TestMendPowerCut)
#include "tst_mend_power_cut.moc"
