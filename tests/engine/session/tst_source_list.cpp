// SPDX-License-Identifier: Apache-2.0
#include "engine/session/source_list.h"

#include <QTest>

using namespace bitmend;

class TestSourceList : public QObject
{
    Q_OBJECT

private slots:
    void deliver_keepsWhatAnEarlierLookFoundWhenTheNextIsCancelled()
    {
        SourceList list;
        list.add(source("a.img"));
        QVERIFY(list.deliver("a.img", ScanDepth::Quick, {}, report(42)));
        SourceReport cancelled = report(0);
        cancelled.error = Error{ErrorCode::Cancelled, "a.img"};
        QVERIFY(list.deliver("a.img", ScanDepth::Deep, {}, cancelled));
        QCOMPARE(list.find("a.img")->report->sizeBytes, std::uint64_t(42));
        QVERIFY(!list.find("a.img")->report->error);
    }

    void deliver_refusesWhatWasSeenThroughOtherOverlays()
    {
        SourceList list;
        list.add(source("a.img"));
        list.add(source("a.img", "/o"));
        QVERIFY(!list.deliver("a.img", ScanDepth::Quick, {}, report(1)));
        QVERIFY(list.find("a.img")->report == nullptr);
        QVERIFY(list.deliver("a.img", ScanDepth::Quick, "/o", report(2)));
        QCOMPARE(list.find("a.img")->report->sizeBytes, std::uint64_t(2));
    }

    void deliver_refusesAClosedSource()
    {
        SourceList list;
        list.add(source("a.img"));
        list.remove("a.img");
        QVERIFY(!list.deliver("a.img", ScanDepth::Quick, {}, report(1)));
        QVERIFY(list.all().empty());
    }

    void add_knownSourceKeepsItsPlaceAndItsReportUntilTheNextLook()
    {
        SourceList list;
        list.add(source("a.img"));
        list.add(source("b.img"));
        list.deliver("a.img", ScanDepth::Deep, {}, report(7));
        list.add(source("a.img"));
        QCOMPARE(list.all().size(), std::size_t(2));
        QCOMPARE(list.all().front().path, std::string("a.img"));
        QCOMPARE(list.all().front().stage, ScanStage::Waiting);
        QCOMPARE(list.all().front().report->sizeBytes, std::uint64_t(7));
        QCOMPARE(list.report().sources.size(), std::size_t(1));
    }

private:
    static ScannedSource source(const std::string& path, const std::string& overlay = {})
    {
        ScannedSource source;
        source.path = path;
        source.overlay = overlay;
        return source;
    }

    static SourceReport report(std::uint64_t size)
    {
        SourceReport report;
        report.sizeBytes = size;
        return report;
    }
};

QTEST_GUILESS_MAIN(TestSourceList)
#include "tst_source_list.moc"
