// SPDX-License-Identifier: Apache-2.0
// Whose bitmap counts and what its bits mean when the array starts.
#include "tests/support/array_images.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

ArrayImages dirtyMirror(const std::vector<std::uint64_t>& set, int disks = 2)
{
    ArrayImages images(1, disks);
    images.addBitmaps(set);
    images.onAll([](Superblock& s) { s.resyncOffset = {}; });
    return images;
}

// One change in the bitmap header of every member.
ArrayReport withHeader(const std::function<void(BitmapHeader&)>& change, bool dirty = false)
{
    ArrayImages images(1, 2);
    images.addBitmaps({});
    if (dirty)
        images.onAll([](Superblock& s) { s.resyncOffset = {}; });
    for (auto& member : images.members)
        change(member.bitmap->header);
    return theArray(images.scan());
}

constexpr std::uint64_t kChunks = 30;

} // namespace

class TestBitmapMeaning : public QObject
{
    Q_OBJECT

private slots:
    void T76_toT92_headers_areAcceptedAsByTheKernel_data()
    {
        QTest::addColumn<int>("field");
        QTest::addColumn<int>("value");
        QTest::addColumn<bool>("starts");
        QTest::newRow("T76 magic") << 0 << 1 << false;
        QTest::newRow("T77 version 2") << 1 << 2 << false;
        QTest::newRow("T78 version 3") << 1 << 3 << true;
        QTest::newRow("T79 version 5 without nodes") << 1 << 5 << true;
        QTest::newRow("T80 version 6") << 1 << 6 << false;
        QTest::newRow("T81 chunk 256") << 2 << 256 << false;
        QTest::newRow("T83 chunk 96 KiB") << 2 << 98304 << false;
        QTest::newRow("T84 daemon_sleep 0") << 3 << 0 << false;
        QTest::newRow("T85 write_behind 16383") << 4 << 16383 << true;
        QTest::newRow("T86 write_behind 16384") << 4 << 16384 << false;
        QTest::newRow("T92 write error") << 5 << 4 << false;
        QTest::newRow("T93 sync_size 0") << 6 << 0 << true;
    }
    void T76_toT92_headers_areAcceptedAsByTheKernel()
    {
        QFETCH(int, field);
        QFETCH(int, value);
        QFETCH(bool, starts);
        const auto array = withHeader([&](BitmapHeader& header) {
            const auto set = std::uint32_t(value);
            switch (field) {
            case 0:
                header.magic = set;
                break;
            case 1:
                header.version = set;
                break;
            case 2:
                header.chunkBytes = set;
                break;
            case 3:
                header.daemonSleep = set;
                break;
            case 4:
                header.writeBehind = set;
                break;
            case 5:
                header.state = set;
                break;
            default:
                header.syncSize = {set};
                break;
            }
        });
        QCOMPARE(array.canStart, starts);
        QCOMPARE(array.kernelWouldStart, starts);
        if (!starts) {
            const auto code = array.remarks.front().code;
            QVERIFY(code == RemarkCode::BitmapRefused || code == RemarkCode::LocklessBitmap);
            QCOMPARE(array.remarks.front().where, "m0.img");
        }
    }

    void T87_otherUuid_isRefused()
    {
        const auto array = withHeader([](BitmapHeader& header) { header.uuid.bytes[3] ^= 1; });
        QVERIFY(!array.canStart);
        QCOMPARE(array.needs, Needs::Force);
    }

    void T88_T91_behindOrMarkedStale_isStale()
    {
        QVERIFY(withHeader([](BitmapHeader& header) { header.events -= 1; }).bitmap->stale);
        QVERIFY(withHeader([](BitmapHeader& header) { header.state = 2; }).bitmap->stale);
    }

    void T89_T90_eventsAhead_areFine()
    {
        for (const std::uint64_t ahead : {1U, 100U}) {
            const auto array =
                withHeader([ahead](BitmapHeader& header) { header.events += ahead; });
            QVERIFY(array.canStart);
            QVERIFY(!array.bitmap->stale);
        }
    }

    void T96_onlyACopyThatIsNotAskedIsBad_starts()
    {
        ArrayImages images(1, 2);
        images.addBitmaps({});
        images.members[1].bitmap->header.magic = 7;
        const auto array = theArray(images.scan());
        QVERIFY(array.canStart);
        QCOMPARE(array.bitmap->from, "m0.img");
        QVERIFY(!memberAt(array, "m1.img").bitmapIsEvidence);
    }

    void T97_T98_noBitmapIsAnnounced_thereIsNone()
    {
        ArrayImages images(1, 2);
        images.addBitmaps({1});
        images.onAll([](Superblock& s) { s.featureMap &= ~feature::kBitmapOffset; });
        QVERIFY(!theArray(images.scan()).bitmap.has_value());
    }

    void T99_clean_setBitsCauseNoCopy()
    {
        ArrayImages images(1, 2);
        images.addBitmaps({1, 2, 9});
        const auto array = theArray(images.scan());
        QCOMPARE(array.needs, Needs::Nothing);
        QCOMPARE(array.bitmap->dirty, 3u);
        QCOMPARE(array.bitmap->due, 0u);
        QCOMPARE(array.resync.writeBytes, 0u);
        QCOMPARE(remarkOf(array, RemarkCode::BitsIgnoredBecauseClean).number, 3u);
    }

    void T100_dirty_exactlyTheSetChunksAreDue()
    {
        const auto array = theArray(dirtyMirror({1, 2, 9}).scan());
        QCOMPARE(array.needs, Needs::Resync);
        QCOMPARE(array.bitmap->due, 3u);
        QCOMPARE(array.resync.chunks, 3u);
        QCOMPARE(array.resync.readBytes, 2u * 3 * 65536);
        QCOMPARE(array.resync.writeBytes, 3u * 65536);
        const auto remark = array.remarks.front();
        QCOMPARE(remark.code, RemarkCode::PowerLostResyncBitmap);
        QCOMPARE(remark.number, 3u);
        QCOMPARE(remark.other, kChunks);
    }

    void dirtyWithNoBitSet_hasNothingDue()
    {
        const auto array = theArray(dirtyMirror({}).scan());
        QCOMPARE(array.needs, Needs::Resync);
        QCOMPARE(array.resync.chunks, 0u);
        QCOMPARE(array.remarks.front().code, RemarkCode::PowerLostNothingDue);
    }

    void dirtyWithoutABitmap_everythingIsDue()
    {
        ArrayImages images(1, 2);
        images.onAll([](Superblock& s) { s.resyncOffset = {}; });
        const auto array = theArray(images.scan());
        QCOMPARE(array.remarks.front().code, RemarkCode::PowerLostResyncAll);
        QCOMPARE(array.resync.writeBytes, kComponent.bytes());
    }

    void T101_staleAndClean_nothingIsDue()
    {
        const auto array = withHeader([](BitmapHeader& header) { header.events -= 1; });
        QCOMPARE(array.bitmap->due, 0u);
        QCOMPARE(array.needs, Needs::Nothing);
    }

    void T102_staleAndDirty_everythingIsDue()
    {
        const auto array = withHeader([](BitmapHeader& header) { header.events -= 1; }, true);
        QCOMPARE(array.bitmap->due, kChunks);
        QCOMPARE(array.resync.writeBytes, kComponent.bytes());
        QVERIFY(says(array, RemarkCode::BitmapStaleAllDirty));
    }

    void T103_chunksThatEndBeforeTheCheckpoint_areNotDue()
    {
        auto images = dirtyMirror({1, 3, 4, 20});
        // Chunk 3 ends exactly there and is done again; chunk 1 is not.
        images.onAll([](Superblock& s) { s.resyncOffset = {4 * 128}; });
        const auto array = theArray(images.scan());
        QCOMPARE(array.bitmap->due, 3u);
        QCOMPARE(array.resync.writeBytes, 3u * 65536);
        QCOMPARE(remarkOf(array, RemarkCode::ResyncWillContinue).number, 512u);
    }

    void resyncOffsetWithoutABitmap_isWhereItGoesOn()
    {
        ArrayImages images(1, 2);
        images.onAll([](Superblock& s) { s.resyncOffset = {1024}; });
        const auto array = theArray(images.scan());
        QCOMPARE(array.resync.writeBytes, (kComponent - Sectors{1024}).bytes());
    }

    void T104_bitsPastTheEnd_areIgnored()
    {
        auto images = dirtyMirror({0});
        auto report = images.scan();
        // The reader cuts them off; here is what lies on disk behind the last chunk.
        auto bytes = images.image(0);
        const std::size_t bits = 4096 + 8 * 512 + 256;
        bytes[bits + 3] |= std::byte{0xc0};
        for (std::size_t i = 4; i < 20; ++i)
            bytes[bits + i] = std::byte{0xff};
        report.sources[0] = {};
        report.sources[0].path = "m0.img";
        lookQuickly(std::make_shared<MemoryDevice>(bytes, "m0.img"), report.sources[0]);
        const auto array = theArray(report);
        QCOMPARE(array.bitmap->from, "m0.img");
        QCOMPARE(array.bitmap->due, 1u);
    }

    void T105_T106_degraded_theCheckpointOnlyFiltersWhenEventsClearedIsCurrent()
    {
        auto images = dirtyMirror({1, 20}, 3);
        images.onAll([](Superblock& s) { s.resyncOffset = {10 * 128}; });
        auto array = theArray(images.scan({0, 1}));
        QVERIFY(array.canStart);
        QCOMPARE(array.bitmap->due, 2u);

        for (auto& member : images.members)
            member.bitmap->header.eventsCleared = 100;
        array = theArray(images.scan({0, 1}));
        QCOMPARE(array.bitmap->due, 1u);
    }

    void T107_copiesDiffer_theFreshestLowestSlotCounts()
    {
        auto images = dirtyMirror({1, 2});
        images.members[1].bitmap->set = {2, 3, 4};
        const auto array = theArray(images.scan());
        QCOMPARE(array.bitmap->from, "m0.img");
        QCOMPARE(array.bitmap->dirty, 2u);
        QCOMPARE(array.bitmap->due, 2u);
        QCOMPARE(array.bitmap->differing, 3u);
        QCOMPARE(remarkOf(array, RemarkCode::BitmapsDiffer).number, 3u);
        QCOMPARE(remarkOf(array, RemarkCode::BitmapFromMember).where, "m0.img");
    }

    void unreadableCopy_theLastAddedOfTheOthersIsAsked()
    {
        auto images = dirtyMirror({1}, 3);
        images.members[1].bitmap->set = {2, 3};
        images.members[2].bitmap->set = {4, 5, 6};
        auto report = images.scan();
        report.sources[0].found[0].bitmap = nullptr;
        report.sources[0].found[0].bitmapError = Error{ErrorCode::Io, "m0.img", 8192, 5};
        const auto array = theArray(report);
        QCOMPARE(array.bitmap->from, "m2.img");
        QCOMPARE(array.bitmap->due, 3u);
    }

    void noCopyCanBeRead_doesNotStart()
    {
        auto report = dirtyMirror({1}).scan();
        for (auto& source : report.sources)
            source.found[0].bitmap = nullptr;
        const auto array = theArray(report);
        QVERIFY(!array.canStart);
        QVERIFY(!array.kernelWouldStart);
        QCOMPARE(array.remarks.front().code, RemarkCode::BitmapRefused);
    }

    void unreadablePage_comesFromTheNextMember()
    {
        auto images = dirtyMirror({1, 2});
        auto report = images.scan();
        // As the reader leaves it: all bits of the page set, and a problem that names it.
        auto unread = *report.sources[0].found[0].bitmap;
        for (std::uint64_t chunk = 0; chunk < kChunks; ++chunk)
            unread.bits.set(chunk);
        unread.dirty = kChunks;
        unread.problems.push_back(
            {ProblemCode::BitmapPageUnreadable, Severity::Note, "page", 8192, 0, 0});
        report.sources[0].found[0].bitmap = std::make_shared<const BitmapCopy>(unread);
        auto array = theArray(report);
        QCOMPARE(array.bitmap->from, "m0.img");
        QCOMPARE(array.bitmap->dirty, 2u);
        QCOMPARE(array.bitmap->due, 2u);

        // Nobody else can help: then every chunk of the page has to be taken as dirty.
        report.sources[1].found[0].bitmap = report.sources[0].found[0].bitmap;
        array = theArray(report);
        QCOMPARE(array.bitmap->due, kChunks);
    }

    void idleSparesBitmap_isNoEvidence()
    {
        ArrayImages images(1, 2, MetadataVersion::V1_2, 1);
        images.addBitmaps({});
        for (std::uint64_t chunk = 0; chunk < kChunks; ++chunk)
            images.members[2].bitmap->set.push_back(chunk);
        images.members[2].bitmap->header.events = 0;
        const auto array = theArray(images.scan());
        QVERIFY(memberAt(array, "m2.img").bitmap != nullptr);
        QVERIFY(!memberAt(array, "m2.img").bitmapIsEvidence);
        QVERIFY(memberAt(array, "m1.img").bitmapIsEvidence);
        QCOMPARE(array.bitmap->dirty, 0u);
        QCOMPARE(array.bitmap->differing, 0u);
    }

    void staleMembersBitmap_isNoEvidence()
    {
        auto images = dirtyMirror({1});
        images[1].events = 90;
        images.members[1].bitmap->header.events = 90;
        images.members[1].bitmap->set = {7};
        const auto array = theArray(images.scan());
        QVERIFY(!memberAt(array, "m1.img").bitmapIsEvidence);
        QCOMPARE(array.bitmap->differing, 0u);
    }

    void parityLevels_countRowsOfEachMember()
    {
        ArrayImages images(5, 3);
        images.addBitmaps({0, 29});
        images.onAll([](Superblock& s) { s.resyncOffset = {}; });
        const auto array = theArray(images.scan());
        QCOMPARE(array.bitmap->chunks, kChunks);
        QCOMPARE(array.resync.readBytes, 2u * 65536 * 3);
        QCOMPARE(array.resync.writeBytes, 2u * 65536);
    }

    void raid10_countsArraySectors()
    {
        ArrayImages images(10, 4);
        images.addBitmaps({59});
        images.onAll([](Superblock& s) { s.resyncOffset = {}; });
        const auto array = theArray(images.scan());
        QCOMPARE(array.bitmap->chunks, 60u);
        QCOMPARE(array.bitmap->due, 1u);
        QCOMPARE(array.resync.writeBytes, 65536u);
    }

    void everyVersionsBitmap_isFoundAtItsPlace_data()
    {
        QTest::addColumn<int>("version");
        for (const auto version : {MetadataVersion::V0_90, MetadataVersion::V1_0,
                 MetadataVersion::V1_1, MetadataVersion::V1_2})
            QTest::newRow(std::string(toString(version)).c_str()) << int(version);
    }
    void everyVersionsBitmap_isFoundAtItsPlace()
    {
        QFETCH(int, version);
        ArrayImages images(1, 2, MetadataVersion(version));
        images.addBitmaps({5, 17});
        images.onAll([](Superblock& s) { s.resyncOffset = {}; });
        const auto array = theArray(images.scan());
        QVERIFY(array.canStart);
        QCOMPARE(array.bitmap->due, 2u);
    }

    void bitmapFile_overridesTheMembersOwn()
    {
        auto images = dirtyMirror({1});
        auto report = images.scan();
        BitmapCopy file = *report.sources[0].found[0].bitmap;
        file.location = {true, 0, 0};
        file.bits.set(8);
        file.dirty = 2;
        report.externalBitmap = std::make_shared<const BitmapCopy>(file);
        report.externalBitmapPath = "the.bitmap";
        const auto array = theArray(report);
        QCOMPARE(array.bitmap->from, "the.bitmap");
        QVERIFY(array.bitmap->location.external);
        QCOMPARE(array.bitmap->due, 2u);
    }

    void bitmapFileOfAnotherArray_doesNotCount()
    {
        auto images = dirtyMirror({1});
        auto report = images.scan();
        BitmapCopy file = *report.sources[0].found[0].bitmap;
        file.header.uuid.bytes.fill(0x42);
        report.externalBitmap = std::make_shared<const BitmapCopy>(file);
        QCOMPARE(theArray(report).bitmap->from, "m0.img");
    }

    void T108_bitmapOnAStripedArray_warnsOfThePanic()
    {
        ArrayImages images(0, 2);
        images.onAll([](Superblock& s) {
            s.featureMap |= feature::kBitmapOffset;
            s.bitmapOffset = 8;
        });
        const auto array = theArray(images.scan());
        QVERIFY(!array.canStart);
        QVERIFY(!array.kernelWouldStart);
        QCOMPARE(array.remarks.front().code, RemarkCode::Raid0BitmapPanics);
    }

    void clusteredBitmap_isShownAndNotOurs()
    {
        const auto array = withHeader([](BitmapHeader& header) {
            header.version = 5;
            header.nodes = 1;
        });
        QVERIFY(says(array, RemarkCode::ClusteredBitmap));
        QCOMPARE(array.needs, Needs::Unsupported);
    }
};

QTEST_GUILESS_MAIN(TestBitmapMeaning)
#include "tst_bitmap_meaning.moc"
