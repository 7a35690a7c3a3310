// SPDX-License-Identifier: Apache-2.0
// Every code has a sentence with its facts in it, and the verdict reads as the design shows it.
#include "ui/words.h"

#include <QTest>

#include <cerrno>

using namespace bitmend;

namespace {

QString text(const Phrase& phrase) { return QString::fromStdString(plain(phrase)); }

QString text(const std::vector<Phrase>& phrases)
{
    QString words;
    for (const auto& one : phrases)
        words += text(one) + u' ';
    return words;
}

// A whole sentence, every placeholder filled, nothing shouted.
bool isProse(const Phrase& phrase)
{
    const QString words = text(phrase);
    return words.size() > 10 && words.endsWith(u'.') && !words.contains(u'%') &&
           !words.contains(u'!') && !words.contains(u"  ") && !words.contains(u"failed to") &&
           (words[0].isUpper() || words.startsWith(u"a.img") || words[0].isDigit());
}

ArrayReport crashedMirror()
{
    ArrayReport array;
    array.name = "web:data";
    array.geometry.level = 1;
    array.geometry.raidDisks = 2;
    array.geometry.componentSize = {3'906'761'728};
    array.arraySize = {3'906'761'728};
    array.needs = Needs::Resync;
    array.canStart = true;
    for (int role = 0; role < 2; ++role) {
        Member member;
        member.path = role == 0 ? "/cases/disk-a.img" : "/cases/disk-b.img";
        member.role = role;
        member.state = MemberState::InSync;
        array.members.push_back(member);
    }
    array.resync = {
        .chunks = 37, .readBytes = 37ULL * 2 * 67'108'864, .writeBytes = 37ULL * 67'108'864};
    array.remarks = {{RemarkCode::PowerLostResyncBitmap, 37, 29'809, ""}};
    return array;
}

} // namespace

class TestWords : public QObject
{
    Q_OBJECT

private slots:
    void sizes_areIecAndExactWhereTheyCanBe()
    {
        QCOMPARE(iecSize(0), std::string("0 B"));
        QCOMPARE(iecSize(512), std::string("512 B"));
        QCOMPARE(iecSize(64 << 20), std::string("64 MiB"));
        QCOMPARE(iecSize(4'966'055'936), std::string("4.6 GiB"));
        QCOMPARE(iecSize((1ULL << 30) - 1), std::string("1.0 GiB"));
        QCOMPARE(iecSize(~0ULL), std::string("16.0 EiB"));
    }

    void numbersAndTimes_haveOneForm()
    {
        QCOMPARE(grouped(7), std::string("7"));
        QCOMPARE(grouped(999), std::string("999"));
        QCOMPARE(grouped(29'809), std::string("29 809"));
        QCOMPARE(grouped(1'234'567), std::string("1 234 567"));
        QCOMPARE(utcText(1'795'183'351), std::string("2026-11-20 14:02:31"));
        QCOMPARE(utcRfc3339(1'795'183'351), std::string("2026-11-20T14:02:31Z"));
        QVERIFY(!utcText(std::numeric_limits<std::int64_t>::max()).empty());
    }

    void plain_fillsPlaceholdersInAnyOrderAndLeavesArgumentsAlone()
    {
        QCOMPARE(plain({"%2 of %1, %2", {"50 %1", "b"}}), std::string("b of 50 %1, b"));
        QCOMPARE(plain({"100 %", {}}), std::string("100 %"));
    }

    void everyError_isASentence()
    {
        for (int code = 0; code <= int(ErrorCode::NotMounted); ++code) {
            for (const std::int64_t offset : {-1, 4096}) {
                const Error error{ErrorCode(code), "a.img", offset, EIO, 3, 4, "/dev/md0"};
                QVERIFY2(isProse(sentence(error)), qPrintable(text(sentence(error))));
            }
        }
    }

    void failedAccess_saysWhatLiesThereAndWhatWasNotChanged()
    {
        Superblock superblock;
        superblock.version = MetadataVersion::V1_2;
        superblock.location = Sectors{8};
        superblock.featureMap = feature::kBitmapOffset;
        superblock.bitmapOffset = 8;
        superblock.dataOffset = Sectors{2048};
        superblock.dataSize = Sectors{4096};
        ArrayReport array = crashedMirror();
        array.members.front().superblock = std::make_shared<const Superblock>(superblock);
        const auto path = array.members.front().path;
        const auto said = [&array, &path](std::int64_t at, std::uint64_t ofAWrite) {
            return text(sentence(Error{ErrorCode::Io, path, at, EIO, ofAWrite}, array));
        };
        const std::pair<std::int64_t, QString> places[] = {{4096, QStringLiteral("(superblock)")},
            {8192, QStringLiteral("(write-intent bitmap)")}, {1'048'576, QStringLiteral("(data)")}};
        for (const auto& [at, what] : places) {
            QVERIFY2(said(at, 0).contains(what), qPrintable(said(at, 0)));
            QVERIFY(said(at, 0).contains(u"cannot be read"));
            QVERIFY(said(at, 0).contains(u"Nothing was written in its place"));
            QVERIFY(said(at, 1).contains(what));
            QVERIFY(said(at, 1).contains(u"cannot be written"));
            QVERIFY(said(at, 1).contains(u"stays due"));
        }
        // Of a source that is no member, as an overlay's file, only the byte is known.
        const Error elsewhere{ErrorCode::Io, "overlay/0.data", 4096, EIO};
        QCOMPARE(text(sentence(elsewhere, array)), text(sentence(elsewhere)));
    }

    void everyProblem_namesItsSourceAndOffset()
    {
        for (int code = 0; code <= int(ProblemCode::BitmapPageUnreadable); ++code) {
            const Problem problem{ProblemCode(code), Severity::KernelRefuses, "raid_disks", 4188,
                1'000'000'000, 2048};
            const QString words = text(sentence(problem, "a.img"));
            QVERIFY2(isProse(sentence(problem, "a.img")), qPrintable(words));
            QVERIFY2(words.startsWith(u"a.img, byte 4188: "), qPrintable(words));
        }
    }

    void problems_showChecksumsInHexAndSignedFieldsSigned()
    {
        const Problem checksum{
            ProblemCode::BadChecksum, Severity::KernelRefuses, "sb_csum", 4312, 0xdeadbeef, 0x1234};
        QVERIFY(text(sentence(checksum, "a.img")).contains(u"0xdeadbeef"));
        QVERIFY(text(sentence(checksum, "a.img")).contains(u"0x1234"));
        const Problem level{
            ProblemCode::UnknownLevel, Severity::EngineRefuses, "level", 72, std::uint64_t(-42), 0};
        QVERIFY(text(sentence(level, "a.img")).contains(u"-42"));
    }

    void everyRemark_hasAHeadlineAndAMeaning()
    {
        for (int code = 0; code <= int(RemarkCode::KernelWouldStart); ++code) {
            ArrayReport array = crashedMirror();
            array.remarks = {{RemarkCode(code), 1'200, 4'711, "/cases/disk-b.img"}};
            QVERIFY2(isProse(headline(array)), qPrintable(text(headline(array))));
            const auto meaning = explanation(array);
            QCOMPARE(meaning.size(), std::size_t(1));
            QVERIFY2(isProse(meaning[0]) || text(meaning[0]).startsWith(u"disk-"),
                qPrintable(text(meaning[0])));
            QVERIFY(text(headline(array)).size() < 70);
        }
    }

    void tooFewMembers_saysWhichWouldBeEnough()
    {
        ArrayReport array = crashedMirror();
        array.geometry.level = 5;
        array.geometry.raidDisks = 4;
        array.resyncOffset = kMaxSector;
        array.remarks = {{RemarkCode::TooFewMembers, 2, 3, {}}};
        array.lacking = {{1, {2, 3}}};
        QVERIFY(text(explanation(array).at(0))
                .startsWith(u"2 of 4 slots have no member in sync; any 1 of slot 2, slot 3 would "
                            u"be enough to start. Nothing"));
        array.lacking = {{1, {2}}, {2, {1, 3}}};
        QVERIFY(text(explanation(array).at(0)).contains(u"; slot 2, and all of slot 1, slot 3 w"));
        array.resyncOffset = {};
        QVERIFY(text(explanation(array).at(0)).contains(u"to start by force"));
        array.remarks = {{RemarkCode::DirtyAndDegraded, 2, 0, {}}};
        QVERIFY(text(explanation(array).at(0)).contains(u"with slot 2, and all of slot 1, slot 3"));
    }

    void reshape_saysWhatInWhichDirectionAndHowFar()
    {
        ArrayReport array = crashedMirror();
        auto superblock = std::make_shared<Superblock>();
        superblock->level = 5;
        superblock->raidDisks = 4;
        superblock->chunk = {128};
        superblock->reshape = Reshape{{2048}, 5, 0, {128}, 1, 0};
        array.superblock = superblock;
        array.remarks = {{RemarkCode::ReshapeUnderway, 2048, 0, {}}};
        QString words = text(explanation(array).at(0));
        QVERIFY2(words.startsWith(u"The reshape from 3 members to 4 members runs forwards"),
            qPrintable(words));
        QVERIFY(words.contains(u"had come to 1 MiB:"));

        superblock->reshape = Reshape{{2048}, 6, 0, {256}, -1, 0};
        words = text(explanation(array).at(0));
        QVERIFY2(words.startsWith(u"The reshape from RAID 5 to RAID 6, from 5 members to 4 "
                                  u"members, from chunks of 64 KiB to chunks of 128 KiB runs "
                                  u"backwards"),
            qPrintable(words));
        QVERIFY(words.contains(u"had come down to 1 MiB:"));
    }

    void logs_sayWhatIsCertain()
    {
        ArrayReport array = crashedMirror();
        const auto said = [&array](RemarkCode code, std::uint64_t missing) {
            array.remarks = {{code, missing, 0, "/cases/journal.img"}};
            return text(explanation(array).at(0));
        };
        QVERIFY(said(RemarkCode::PplTorn, 0).contains(u"Everything that was being written"));
        QVERIFY(said(RemarkCode::PplTorn, 1).contains(u"does not open the array"));
        QVERIFY(said(RemarkCode::PplClean, 0).contains(u"everything can be read"));
        QVERIFY(said(RemarkCode::JournalArray, 0).contains(u"(journal.img)"));
        QVERIFY(said(RemarkCode::JournalMissing, 0).contains(u"opens the array to be read"));
        QVERIFY(said(RemarkCode::JournalMissing, 1).contains(u"does not open the array"));
    }

    void whatIsAcceptedAnywhere_isNotCounted()
    {
        ArrayReport array = crashedMirror();
        for (const auto code : {RemarkCode::AcceptedStale, RemarkCode::AcceptedDirty}) {
            array.remarks = {{code, kAnywhere, kAnywhere, "/cases/disk-b.img"}};
            QVERIFY(text(explanation(array).at(0)).contains(u"No bitmap tells"));
        }
    }

    void consequences_sayWhatMdadmWouldDoAndWhere()
    {
        ArrayReport array = crashedMirror();
        array.events = 18;
        Force force;
        force.accepted.push_back({"/cases/disk-b.img", 1, 5, 60, {false, 1, {{{128}, {256}}}}});
        force.mdadm.raised.push_back({"/cases/disk-b.img", 13, 18});
        force.mdadm.starts = true;
        const QString words = text(consequences(force, array));
        QVERIFY2(words.contains(u"sectors 128-255 of its data area"), qPrintable(words));
        QVERIFY2(words.contains(u"disk-b.img (13 to 18)"), qPrintable(words));
        QVERIFY2(words.contains(u"with events 19"), qPrintable(words));
        QVERIFY(!words.contains(u"would not start"));
        force.mdadm = {};
        QVERIFY(text(consequences(force, array)).contains(u"would not start"));
    }

    void everyReason_isASentence()
    {
        for (int code = 0; code <= int(ReasonCode::OtherSuperblockCounts); ++code) {
            Member member;
            member.path = "b.img";
            member.updateTime = 1'795'183'351;
            member.reason = {ReasonCode(code), 12, 7'260, "/cases/a.img"};
            QVERIFY2(isProse(reasonOf(member)), qPrintable(text(reasonOf(member))));
        }
    }

    void staleMember_saysHowFarAndSinceWhen()
    {
        Member member;
        member.updateTime = 1'795'183'351;
        member.reason = {ReasonCode::EventsBehind, 12, 7'260, "/cases/a.img"};
        QCOMPARE(text(reasonOf(member)),
            QStringLiteral("12 events behind a.img: it left at about 2026-11-20 14:02:31, 2 hours "
                           "before the last update of a.img. What was written after that is not "
                           "on it."));
    }

    void everyLogEvent_hasALine()
    {
        for (int event = 0; event <= int(LogEvent::WriteFailed); ++event) {
            const LogRecord record{0, LogEvent(event), "web:data", "a.img", 5, 5};
            const QString words = text(sentence(record));
            QVERIFY2(words.size() > 10 && !words.contains(u'%'), qPrintable(words));
        }
    }

    void verdict_readsAsDesigned()
    {
        const ArrayReport array = crashedMirror();
        QCOMPARE(text(headline(array)),
            QStringLiteral("Power was lost while both members were being written."));
        QCOMPARE(text(explanation(array).at(0)),
            QStringLiteral("37 of 29 809 bitmap chunks may differ. Resync reads 4.6 GiB and writes "
                           "at most 2.3 GiB, not 1.8 TiB. According to the bitmap everything else "
                           "is the same; a check proves it."));
    }

    void membersOfOneFileName_areToldApartByPath()
    {
        ArrayReport array = crashedMirror();
        array.members[0].path = "/cases/1/sda.img";
        array.members[1].path = "/cases/2/sda.img";
        array.remarks = {{RemarkCode::BitmapFromMember, 0, 0, "/cases/2/sda.img"}};
        QVERIFY(text(explanation(array).at(0)).contains(u"/cases/2/sda.img"));
    }

    void words_areThoseOfTheTrade()
    {
        QCOMPARE(word(MemberState::InSync), std::string_view("in sync"));
        QCOMPARE(word(Needs::Resync), std::string_view("needs resync"));
        QCOMPARE(levelName(1), std::string("RAID 1"));
        QCOMPARE(levelName(-1), std::string("linear"));
    }
};

QTEST_APPLESS_MAIN(TestWords)
#include "tst_words.moc"
