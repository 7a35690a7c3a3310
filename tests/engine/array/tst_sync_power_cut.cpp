// SPDX-License-Identifier: Apache-2.0
// The power goes after every single write and flush of a resync, a recovery and a repair of arrays
// with parity and of level 10. Every state that comes out starts, is completed by doing the same
// again, and has lost nothing.
#include "engine/array/sync.h"
#include "tests/engine/array/memory_array.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Images = std::vector<std::vector<std::byte>>;

const ArrayShape kLevel6{
    .level = 6, .layout = 2, .raidDisks = 5, .chunk = Sectors{16}, .component = Sectors{512}};
const ArrayShape kLevel10{
    .level = 10, .layout = 0x102, .raidDisks = 3, .chunk = Sectors{16}, .component = Sectors{512}};

Images imagesOf(MemoryArray& array)
{
    Images images;
    for (std::size_t i = 0; i < array.devices(); ++i)
        images.push_back(array.bytes(i));
    return images;
}

std::vector<std::byte> readAll(Array& array)
{
    std::vector<std::byte> content(array.sizeBytes());
    return array.readAt(0, content) ? content : std::vector<std::byte>();
}

// Whatever is due, from wherever it stands; `missing` have gone.
QString mend(MemoryArray& memory, const std::vector<int>& missing)
{
    auto array = memory.assemble(WriteMode::Overlay, missing);
    if (!array)
        return QStringLiteral("does not start: %1").arg(int(array.error().code));
    for (const auto action : {SyncAction::Resync, SyncAction::Recover}) {
        const auto snapshot = (*array)->snapshot();
        if (!(action == SyncAction::Resync ? snapshot.resyncDue : snapshot.recoveryDue))
            continue;
        JobControl control;
        const auto outcome = sync(**array, action, control, {.workers = 1});
        if (!outcome || !outcome->completed)
            return QStringLiteral("is not completed");
    }
    return stop(**array) ? QString() : QStringLiteral("stop failed");
}

QString judge(
    MemoryArray& memory, const std::vector<int>& missing, std::span<const std::byte> content)
{
    auto array = memory.assemble(WriteMode::ReadOnly, missing);
    if (!array)
        return QStringLiteral("does not start in the end");
    if (!std::ranges::equal(readAll(**array), content))
        return QStringLiteral("reads something else");
    JobControl control;
    const auto checked = sync(**array, SyncAction::Check, control);
    return checked && checked->mismatch.count == 0 ? QString()
                                                   : QStringLiteral("members do not agree");
}

void cutEverywhere(const ArrayShape& shape, const std::vector<int>& missing,
    const std::function<void(MemoryArray&)>& spoil)
{
    MemoryArray memory(shape, true);
    const auto content = memory.fill(1);
    spoil(memory);
    const auto before = imagesOf(memory);
    memory.wrap();
    QCOMPARE(mend(memory, missing), QString());
    QCOMPARE(judge(memory, missing, content), QString());
    const auto entries = memory.journal()->entries();
    QVERIFY(entries.size() > 20);
    std::mt19937 random(5);
    const std::vector<SectorSurvives> caches{[] { return false; }, [] { return true; },
        [&random] {
            return (random() & 1U) != 0;
        }};
    MemoryArray cut(shape);
    for (std::size_t k = 0; k <= entries.size(); ++k) {
        for (const auto& cache : caches) {
            for (std::size_t i = 0; i < cut.devices(); ++i)
                cut.bytes(i) = afterPowerCut(before[i], entries, i, k, cache);
            const auto where = QStringLiteral("cut after %1 of %2: ").arg(k).arg(entries.size());
            const auto mended = mend(cut, missing);
            QVERIFY2(mended.isEmpty(), qPrintable(where + mended));
            const auto judged = judge(cut, missing, content);
            QVERIFY2(judged.isEmpty(), qPrintable(where + judged));
        }
    }
}

// Parity, or the second copy, is not what it should be where a bit is set.
void spoilUnderBits(MemoryArray& memory)
{
    const auto geometry = memory.geometry();
    for (const std::uint64_t chunk : {0U, 3U, 4U, 9U}) {
        for (std::uint32_t i = 0; i < std::uint32_t(geometry.raidDisks); ++i) {
            const auto at = MemoryArray::kBitmapAt.bytes() + 256 + chunk / 8;
            memory.bytes(i)[at] |= std::byte{1} << (chunk % 8);
        }
        for (const std::uint64_t sector : {chunk * 32 + 3, chunk * 32 + 20}) {
            const auto at = geometry.level == 10
                                ? personality(10)->locate(geometry, {sector})[1]
                                : Place{stripeRoles(geometry, sector / 16).p, {sector}};
            fillPattern(memory.data(std::size_t(at.role)).subspan(at.sector.bytes(), 512), sector);
        }
    }
}

} // namespace

class TestSyncPowerCut : public QObject
{
    Q_OBJECT

private slots:
    void resync_survivesEveryCut_data();
    void resync_survivesEveryCut();
    void recovery_survivesEveryCut_data();
    void recovery_survivesEveryCut();
};

void TestSyncPowerCut::resync_survivesEveryCut_data()
{
    QTest::addColumn<int>("level");
    QTest::newRow("level 6") << 6;
    QTest::newRow("level 10") << 10;
}

void TestSyncPowerCut::resync_survivesEveryCut()
{
    QFETCH(int, level);
    auto shape = level == 6 ? kLevel6 : kLevel10;
    shape.bitmapChunk = 16'384;
    shape.resyncOffset = {};
    cutEverywhere(shape, {}, spoilUnderBits);
}

void TestSyncPowerCut::recovery_survivesEveryCut_data() { resync_survivesEveryCut_data(); }

void TestSyncPowerCut::recovery_survivesEveryCut()
{
    QFETCH(int, level);
    auto shape = level == 6 ? kLevel6 : kLevel10;
    shape.component = Sectors{4096};
    shape.spares = 1;
    cutEverywhere(shape, {1},
        [&shape](MemoryArray& memory) { fillPattern(memory.data(shape.raidDisks), 9); });
}

QTEST_APPLESS_MAIN(TestSyncPowerCut)
#include "tst_sync_power_cut.moc"
