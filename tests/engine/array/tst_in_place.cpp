// SPDX-License-Identifier: Apache-2.0
// In place every operation writes only where its own plan says, in every metadata version, and what
// it writes over is in the restore file before.
#include "engine/array/array.h"
#include "engine/array/hot_add.h"
#include "engine/array/membership.h"
#include "engine/array/planned_writes.h"
#include "engine/array/restore_file.h"
#include "engine/array/sync.h"
#include "tests/engine/array/array_damage.h"
#include "tests/engine/array/memory_mirror.h"

#include <QTemporaryDir>
#include <QTest>

#include <cerrno>
#include <filesystem>

using namespace bitmend;
using bitmend::test::fillPattern;
using bitmend::test::MemoryArray;
using bitmend::test::MemoryMirror;
using bitmend::test::MirrorShape;

namespace {

constexpr std::size_t kBlank = 2; // behind two members

class InPlaceRig
{
public:
    explicit InPlaceRig(const MirrorShape& shape) : mirror(shape, true)
    {
        for (std::size_t i = 0; i < shape.present; ++i)
            fillPattern(mirror.data(i), i + 1);
    }

    std::unique_ptr<Array> start()
    {
        AssemblyChoices choices;
        choices.mode = WriteMode::InPlace;
        choices.restoreFile = (file() / std::to_string(++m_starts)).string();
        auto plan = planAssembly(mirror.scan(), MemoryMirror::kUuid, choices);
        if (!plan)
            return nullptr;
        planned = plan->writes;
        auto array = assembleFrom(*plan, mirror.access());
        return array ? std::move(*array) : nullptr;
    }

    std::filesystem::path file() const { return m_folder.path().toStdString(); }

    // What was written since the last wrap(), as sectors of one device, against the plans.
    bool isInside(const std::vector<PlannedWrite>& writes) const
    {
        AllowedWrites allowed;
        for (const auto& write : writes)
            allowed.allow(write.path, write.offset, write.length);
        return std::ranges::all_of(mirror.journal()->entries(), [&](const JournalEntry& entry) {
            return entry.isFlush || !allowed.firstOutside(mirror.name(entry.device), entry.offset,
                                        entry.bytes.size());
        });
    }

    bool wroteAnything() const
    {
        return std::ranges::any_of(
            mirror.journal()->entries(), [](const JournalEntry& entry) { return !entry.isFlush; });
    }

    MemoryMirror mirror;
    std::vector<PlannedWrite> planned;

private:
    QTemporaryDir m_folder;
    int m_starts = 0;
};

MirrorShape dirtyShape(MetadataVersion version, bool inFile)
{
    MirrorShape shape;
    shape.version = version;
    shape.bitmapInFile = inFile;
    shape.bitmapChunk = 4096;
    return shape;
}

} // namespace

class TestInPlace : public QObject
{
    Q_OBJECT

private slots:
    void operation_writesOnlyWhatIsPlanned_data()
    {
        QTest::addColumn<int>("version");
        QTest::addColumn<bool>("inFile");
        for (const bool inFile : {false, true}) {
            for (int version = 0; version <= int(MetadataVersion::V1_2); ++version) {
                QTest::addRow("%s%s", std::string(toString(MetadataVersion(version))).c_str(),
                    inFile ? ", bitmap in a file" : "")
                    << version << inFile;
            }
        }
    }

    void operation_writesOnlyWhatIsPlanned()
    {
        QFETCH(const int, version);
        QFETCH(const bool, inFile);
        auto shape = dirtyShape(MetadataVersion(version), inFile);
        shape.raidDisks = 3;
        InPlaceRig rig(shape);
        for (const std::uint64_t chunk : {1, 7, 900})
            rig.mirror.setBit(chunk);
        JobControl control;

        auto array = rig.start();
        QVERIFY(array);
        auto reviewed = rig.planned;
        QVERIFY(sync(*array, SyncAction::Resync, control));
        QVERIFY(rig.isInside(reviewed));

        const auto report = array->snapshot().report;
        addWrites(reviewed, repairWrites(report));
        QVERIFY(sync(*array, SyncAction::Repair, control));
        QVERIFY(rig.isInside(reviewed));

        const auto blank = rig.mirror.name(kBlank);
        const auto plan = planHotAdd(*array, blank);
        QVERIFY(plan);
        addWrites(reviewed, plan->writes);
        QVERIFY(hotAdd(*array, *plan));
        QVERIFY(sync(*array, SyncAction::Recover, control));
        QVERIFY(rig.isInside(reviewed));

        QVERIFY(failMember(*array, blank));
        QVERIFY(rig.isInside(reviewed));
        QVERIFY(stop(*array));
        QVERIFY(rig.isInside(reviewed));
        QVERIFY(rig.wroteAnything());
        array.reset();

        // Read again, as by the next program.
        rig.mirror.wrap();
        array = rig.start();
        QVERIFY(array);
        const auto back = planReAdd(*array, blank);
        QVERIFY(back);
        reviewed = rig.planned;
        addWrites(reviewed, back->writes);
        QVERIFY(reAdd(*array, *back));
        const auto recovered = sync(*array, SyncAction::Recover, control);
        QVERIFY(recovered || recovered.error().code == ErrorCode::NothingToDo);
        QVERIFY(stop(*array));
        QVERIFY(rig.isInside(reviewed));
        QVERIFY(rig.wroteAnything());
    }

    void unreadableFirstCopy_isRewrittenWhereThePlanSaysSo_data()
    {
        QTest::addColumn<int>("layout");
        QTest::addColumn<bool>("bitmap");
        for (const int layout : {0x102, 0x201, 0x10201}) {
            for (const bool bitmap : {false, true})
                QTest::addRow("layout %x, bitmap %d", layout, bitmap) << layout << bitmap;
        }
    }

    void unreadableFirstCopy_isRewrittenWhereThePlanSaysSo()
    {
        QFETCH(const int, layout);
        QFETCH(const bool, bitmap);
        MemoryArray array({.level = 10,
                              .layout = std::uint32_t(layout),
                              .chunk = {16},
                              .bitmapChunk = bitmap ? 16'384U : 0U,
                              .resyncOffset = {}},
            true);
        const auto content = array.fill(1);
        if (bitmap)
            setBits(array, 3);
        // The third bitmap chunk, on the member that is asked first for it.
        const Sectors bad{3 * 32 + 3};
        const auto first = personality(10)->locate(array.geometry(), bad).front();
        const auto at = (MemoryArray::kData + first.sector).bytes();
        array.device(std::size_t(first.role)).failReads(at, at + 512, EIO);
        QTemporaryDir folder;
        AssemblyChoices choices;
        choices.mode = WriteMode::InPlace;
        choices.restoreFile = folder.filePath(QStringLiteral("saved")).toStdString();
        for (const auto action : {SyncAction::Resync, SyncAction::Repair}) {
            const auto plan = planAssembly(array.scan(), test::kMirrorUuid, choices);
            QVERIFY(plan);
            const auto running = assembleFrom(*plan, array.access());
            QVERIFY(running);
            auto planned = plan->writes;
            if (action == SyncAction::Repair)
                addWrites(planned, repairWrites((*running)->snapshot().report));
            JobControl control;
            const auto outcome = sync(**running, action, control);
            QVERIFY(outcome && outcome->completed);
            QCOMPARE(outcome->recomputedBytes, 4096U);
            AllowedWrites allowed;
            for (const auto& write : planned)
                allowed.allow(write.path, write.offset, write.length);
            bool isRewritten = false;
            for (const auto& entry : array.journal()->entries()) {
                QVERIFY(entry.isFlush || !allowed.firstOutside(array.name(entry.device),
                                             entry.offset, entry.bytes.size()));
                isRewritten |= !entry.isFlush && entry.device == std::size_t(first.role) &&
                               entry.offset <= at && at < entry.offset + entry.bytes.size();
            }
            QVERIFY(isRewritten);
            std::vector<std::byte> found(content.size());
            QVERIFY((*running)->readAt(0, found) && found == content);
            choices.restoreFile += "-again";
        }
    }

    void write_wantsItsRangeAuthorized()
    {
        InPlaceRig rig(dirtyShape(MetadataVersion::V1_2, false));
        auto array = rig.start();
        QVERIFY(array);
        const std::vector<std::byte> bytes(4096, std::byte{0x5a});
        const SectorRange range{{800}, {808}};
        const auto more = foregroundWrites(array->snapshot().report, range);
        QVERIFY(array->authorize(more));
        QVERIFY(array->writeAt(range.begin.bytes(), bytes));
        QVERIFY(array->flush());

        rig.mirror.wrap();
        const auto before = rig.mirror.bytes(0);
        const auto outside = array->writeAt(range.end.bytes(), bytes);
        QVERIFY(!outside);
        QVERIFY(outside.error().code == ErrorCode::OutsidePlan);
        QVERIFY(std::ranges::equal(rig.mirror.data(0).subspan(range.end.bytes(), 4096),
            std::span(before).subspan(rig.mirror.data(0).data() - rig.mirror.bytes(0).data() +
                                          std::ptrdiff_t(range.end.bytes()),
                4096)));
        // The job is over: nothing is built on a wrong place.
        QVERIFY(!array->writeAt(range.begin.bytes(), bytes));
        QVERIFY(!stop(*array));
    }

    void restoreFileThatCannotBeMade_leavesTheMembersAlone()
    {
        InPlaceRig rig(dirtyShape(MetadataVersion::V1_2, false));
        AssemblyChoices choices;
        choices.mode = WriteMode::InPlace;
        choices.restoreFile = "/dev/null/below/a/file";
        const auto plan = planAssembly(rig.mirror.scan(), MemoryMirror::kUuid, choices);
        QVERIFY(plan);
        QVERIFY(!assembleFrom(*plan, rig.mirror.access()));
        QVERIFY(!rig.wroteAnything());
    }

    void saved_areAllPlacesOfMetadata()
    {
        InPlaceRig rig(dirtyShape(MetadataVersion::V1_0, false));
        auto array = rig.start();
        QVERIFY(array);
        const auto areas = areasToSave(array->snapshot().report, rig.planned);
        for (const std::size_t device : {0, 1}) {
            for (const auto begin :
                {rig.mirror.superblock(device).location, rig.mirror.bitmapAt()}) {
                QVERIFY(std::ranges::any_of(areas, [&](const SavedArea& area) {
                    return area.path == rig.mirror.name(device) && area.offset == begin.bytes() &&
                           area.length >= kSectorBytes;
                }));
            }
        }
        QVERIFY(std::filesystem::exists(array->snapshot().restoreFile));
    }

    void overlays_areNotNeeded_andNotTaken()
    {
        InPlaceRig rig(dirtyShape(MetadataVersion::V1_2, false));
        AssemblyChoices choices;
        choices.mode = WriteMode::InPlace;
        const auto plan = planAssembly(rig.mirror.scan(), MemoryMirror::kUuid, choices);
        QVERIFY(plan);
        const auto array = assemble(*plan, rig.file());
        QVERIFY(!array);
        QVERIFY(array.error().code == ErrorCode::Unsupported);
    }
};

QTEST_GUILESS_MAIN(TestInPlace)
#include "tst_in_place.moc"
