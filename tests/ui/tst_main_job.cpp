// SPDX-License-Identifier: Apache-2.0
// The job the program is for, clicked through on the bundled demo: open, review, assemble on
// overlays, write, resync with pause, resume and cancel, hot-add, fail, remove, re-add, check,
// stop. What the members hold must not change by it.
#include "tests/ui/window_driver.h"
#include "ui/demo.h"
#include "ui/dialogs/assembly_dialog.h"
#include "ui/dialogs/hot_add_dialog.h"
#include "ui/widgets/members_view.h"
#include "ui/widgets/pill.h"

#include <QContextMenuEvent>
#include <QCryptographicHash>
#include <QLabel>
#include <QListWidget>
#include <QMessageBox>
#include <QRadioButton>
#include <QRegularExpression>

using namespace bitmend;
using namespace bitmend::test;

namespace {

QMap<QString, QByteArray> hashes()
{
    QMap<QString, QByteArray> all;
    for (const QFileInfo& image : QDir(demoFolder()).entryInfoList(QDir::Files)) {
        QFile file(image.filePath());
        QCryptographicHash hash(QCryptographicHash::Sha256);
        if (file.open(QIODevice::ReadOnly) && hash.addData(&file))
            all[image.fileName()] = hash.result();
    }
    return all;
}

// What the job bar says of the jobs that are over.
QString outcomes(QWidget& window)
{
    QString all;
    for (const auto* label : window.findChildren<QLabel*>(QStringLiteral("jobStatus")))
        all += label->text() + u'\n';
    return all;
}

} // namespace

class TestMainJob : public QObject
{
    Q_OBJECT

public:
    static void initMain() { useOwnHome(); }

private slots:
    void init()
    {
        m_engine = std::make_unique<Engine>();
        m_window = showWindow(*m_engine);
    }

    void cleanup()
    {
        m_window.reset();
        m_engine.reset();
    }

    void demo_isMendedByClicks()
    {
        picture(*m_window, QStringLiteral("empty"));
        openDemo();
        const auto before = hashes();
        QCOMPARE(before.size(), 3);
        QCOMPARE(array().report.needs, Needs::Resync);
        QVERIFY(!toolButton(*m_window, "resync")->isEnabled());
        QVERIFY(!toolButton(*m_window, "resync")->toolTip().isEmpty());
        picture(*m_window, QStringLiteral("scanned"));

        assembleOnOverlays();
        QVERIFY(snapshot().resyncDue);
        QVERIFY(action("resync").text().contains(QStringLiteral("38 chunks")));
        QVERIFY(action("check").text().contains(QStringLiteral("reads 62 MiB, writes nothing")));
        picture(*m_window, QStringLiteral("assembled"));

        pauseAndCancelTheResync();
        click(toolButton(*m_window, "resync"));
        untilIdle();
        QVERIFY(!snapshot().resyncDue);
        QVERIFY(outcomes(*m_window).contains(QStringLiteral("agree again")));
        QVERIFY(!toolButton(*m_window, "resync")->isEnabled());
        picture(*m_window, QStringLiteral("resynced"));

        hotAdd();
        QCOMPARE(array().report.missing, 0);
        QCOMPARE(m_window->findChild<Pill*>()->badge().word, QStringLiteral("in sync"));
        picture(*m_window, QStringLiteral("hot-added"));

        failAndReAdd();
        click(toolButton(*m_window, "check"));
        untilIdle();
        QVERIFY(outcomes(*m_window).contains(QStringLiteral("nothing differs")));
        picture(*m_window, QStringLiteral("checked"));

        click(toolButton(*m_window, "stop"));
        QTRY_VERIFY_WITH_TIMEOUT(!array().assembled && m_window->isIdle(), kPatience);
        // What is shown now is what the overlays hold: a whole, clean array of three.
        QCOMPARE(array().report.needs, Needs::Nothing);
        QCOMPARE(array().report.missing, 0);
        picture(*m_window, QStringLiteral("stopped"));

        action("lookAtMembers").trigger();
        QTRY_COMPARE_WITH_TIMEOUT(array().report.needs, Needs::Resync, kPatience);
        untilIdle();
        QCOMPARE(hashes(), before);
        m_window->close();
    }

    void member_isReplacedByClicks()
    {
        openDemo();
        const auto before = hashes();
        assembleOnOverlays();
        choose(0);
        QVERIFY(action("replace").toolTip().contains(QStringLiteral("Resync")));
        click(toolButton(*m_window, "resync"));
        untilIdle();
        QCOMPARE(action("replace").text(), QStringLiteral("Rep&lace disk-a.img\u2026"));
        whenAsked<HotAddDialog>(*m_window, [](HotAddDialog& dialog) {
            auto* button = named<QPushButton>(dialog, "addNow");
            QTRY_VERIFY_WITH_TIMEOUT(button->isEnabled(), kPatience);
            QCOMPARE(button->text(), QStringLiteral("Replace by spare.img"));
            picture(dialog, QStringLiteral("replace"));
            click(button);
        });
        action("limit1").trigger();
        action("replace").trigger();
        QTRY_COMPARE_WITH_TIMEOUT(stateOf("spare.img"), MemberState::Replacement, kPatience);
        picture(*m_window, QStringLiteral("replacing"));
        action("limit0").trigger();
        untilIdle();
        QCOMPARE(stateOf("spare.img"), MemberState::InSync);
        QCOMPARE(stateOf("disk-a.img"), MemberState::Faulty);
        QVERIFY(outcomes(*m_window).contains(QStringLiteral("in sync with the others")));
        picture(*m_window, QStringLiteral("replaced"));
        QCOMPARE(hashes(), before);
    }

    // The power goes while the demo is written to: what is left names what a resync has to look at.
    void plug_leavesWhatTheBitmapNames()
    {
        openDemo();
        const auto before = hashes();
        assembleOnOverlays();
        click(toolButton(*m_window, "resync"));
        untilIdle();
        click(toolButton(*m_window, "writeSomething"));
        QTRY_VERIFY_WITH_TIMEOUT(
            m_engine->frame(m_uuid)->in(ChunkState::Dirty).total() > 3, kPatience);
        picture(*m_window, QStringLiteral("plug-before"));
        click(toolButton(*m_window, "pullPlug"));
        QTRY_VERIFY_WITH_TIMEOUT(!array().assembled && m_window->isIdle(), kPatience);
        QCOMPARE(array().report.needs, Needs::Resync);
        const auto remark = array().report.remarks.front();
        QCOMPARE(remark.code, RemarkCode::PowerLostResyncBitmap);
        // All that is ever written, and what the missing member keeps set, is less than half.
        QVERIFY(remark.number > 3 && remark.number < remark.other / 2);
        QVERIFY(outcomes(*m_window).contains(QStringLiteral("The power is gone")));
        picture(*m_window, QStringLiteral("plug-pulled"));

        whenAsked<AssemblyDialog>(*m_window, [](AssemblyDialog& dialog) {
            auto* button = named<QPushButton>(dialog, "assembleNow");
            QTRY_VERIFY_WITH_TIMEOUT(button->isEnabled(), kPatience);
            click(button);
        });
        click(named<QPushButton>(*m_window, "step"));
        QTRY_VERIFY_WITH_TIMEOUT(array().assembled && m_window->isIdle(), kPatience);
        click(toolButton(*m_window, "resync"));
        untilIdle();
        QVERIFY(!snapshot().resyncDue);
        QVERIFY(outcomes(*m_window).contains(QStringLiteral("skipped, clean in the bitmap")));
        picture(*m_window, QStringLiteral("plug-resynced"));
        QCOMPARE(hashes(), before);
    }

    void writes_moveTheBitmapAndRestOnWish()
    {
        QVERIFY(!toolButton(*m_window, "writeSomething")->isVisible());
        openDemo();
        const auto before = hashes();
        QVERIFY(!action("writeSomething").isEnabled()); // not assembled yet
        assembleOnOverlays();
        const auto dirty = [this] {
            return m_engine->frame(m_uuid)->in(ChunkState::Dirty).total();
        };
        const auto found = dirty();
        click(toolButton(*m_window, "writeSomething"));
        QVERIFY(!action("writeSomething").isEnabled());
        QTRY_VERIFY_WITH_TIMEOUT(dirty() > found + 20, kPatience);
        QTest::keyClick(m_window.get(), Qt::Key_Space);
        QTRY_VERIFY_WITH_TIMEOUT(outcomes(*m_window).contains(QStringLiteral("paused")), kPatience);
        picture(*m_window, QStringLiteral("writing"));
        QTest::keyClick(m_window.get(), Qt::Key_Space);
        QTRY_VERIFY_WITH_TIMEOUT(
            !outcomes(*m_window).contains(QStringLiteral("paused")), kPatience);

        // The resync goes on beside it, and comes by what was written meanwhile.
        click(toolButton(*m_window, "resync"));
        QTRY_VERIFY_WITH_TIMEOUT(
            outcomes(*m_window).contains(QStringLiteral("agree again")), kPatience);
        click(named<QPushButton>(*m_window, "cancelJob"));
        untilIdle();
        click(toolButton(*m_window, "stop"));
        QTRY_VERIFY_WITH_TIMEOUT(!array().assembled && m_window->isIdle(), kPatience);
        QCOMPARE(array().report.resyncOffset, kMaxSector);
        QCOMPARE(hashes(), before);
    }

private:
    void untilIdle() { QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience); }
    ArrayView array() const { return shown(*m_engine, m_uuid); }
    ArraySnapshot snapshot() const { return array().assembled.value_or(ArraySnapshot{}); }
    QAction& action(const char* name) { return test::action(*m_window, name); }

    void openDemo()
    {
        for (auto* button : m_window->findChildren<QPushButton*>()) {
            if (button->text().contains(QStringLiteral("demo")))
                click(button);
        }
        QTRY_VERIFY_WITH_TIMEOUT(!m_engine->arrays().empty() && m_window->isIdle(), kPatience);
        m_uuid = m_engine->arrays().front().report.uuid;
    }

    void assembleOnOverlays()
    {
        whenAsked<AssemblyDialog>(*m_window, [](AssemblyDialog& dialog) {
            auto* button = named<QPushButton>(dialog, "assembleNow");
            QCOMPARE(button->text(), QStringLiteral("Assemble on overlays"));
            picture(dialog, QStringLiteral("review-overlays"));
            click(named<QRadioButton>(dialog, "readOnly"));
            QCOMPARE(button->text(), QStringLiteral("Assemble read-only"));
            QVERIFY(dialog.plan().writes.empty());
            picture(dialog, QStringLiteral("review-read-only"));
            click(named<QRadioButton>(dialog, "onOverlay"));
            QVERIFY(!dialog.plan().writes.empty());
            click(button);
        });
        click(named<QPushButton>(*m_window, "step"));
        QTRY_VERIFY_WITH_TIMEOUT(array().assembled && m_window->isIdle(), kPatience);
    }

    // At a mebibyte a second the demo's 38 chunks last for more than two, which is as long as a
    // click and a key may take.
    void pauseAndCancelTheResync()
    {
        const auto chunks = [this](ChunkState state) {
            return m_engine->frame(m_uuid)->in(state).total();
        };
        const auto due = chunks(ChunkState::Dirty);
        action("limit1").trigger();
        click(toolButton(*m_window, "resync"));
        QTest::keyClick(m_window.get(), Qt::Key_Space);
        QTRY_VERIFY_WITH_TIMEOUT(outcomes(*m_window).contains(QStringLiteral("paused")), kPatience);
        const auto left = chunks(ChunkState::Dirty);
        QVERIFY(left > 0 && snapshot().resyncDue);
        QTest::qWait(200); // more than a window's time: it does not go on by itself
        QCOMPARE(chunks(ChunkState::Dirty), left);
        picture(*m_window, QStringLiteral("demo-paused"));

        click(named<QPushButton>(*m_window, "pauseJob")); // says "Resume" now
        QTRY_VERIFY_WITH_TIMEOUT(chunks(ChunkState::Dirty) < left, kPatience);
        click(named<QPushButton>(*m_window, "cancelJob"));
        untilIdle();
        QVERIFY(outcomes(*m_window).contains(QStringLiteral("carries on")));
        QVERIFY(snapshot().resyncDue);
        QVERIFY(chunks(ChunkState::Dirty) > 0 && chunks(ChunkState::Dirty) < due);
        QVERIFY(toolButton(*m_window, "resync")->isEnabled());
        picture(*m_window, QStringLiteral("demo-cancelled"));
        action("limit0").trigger();
    }

    void choose(int role)
    {
        auto* members = named<MembersView>(*m_window, "members");
        members->setFocus();
        const auto& all = array().report.members;
        while (members->chosen() != all[std::size_t(role)].path)
            QTest::keyClick(members, Qt::Key_Down);
    }

    MemberState stateOf(const char* name) const
    {
        for (const auto& member : array().report.members) {
            if (member.path.ends_with(name))
                return member.state;
        }
        return MemberState::Missing;
    }

    void hotAdd()
    {
        whenAsked<HotAddDialog>(*m_window, [](HotAddDialog& dialog) {
            auto* list = named<QListWidget>(dialog, "candidates");
            QCOMPARE(list->count(), 1);
            QVERIFY(list->item(0)->text().contains(QStringLiteral("spare.img")));
            auto* button = named<QPushButton>(dialog, "addNow");
            QTRY_VERIFY_WITH_TIMEOUT(button->isEnabled(), kPatience);
            QVERIFY(!dialog.plan().writes.empty());
            picture(dialog, QStringLiteral("hot-add"));
            click(button);
        });
        QVERIFY(action("hotAdd").text().contains(QStringLiteral("full rebuild, 31 MiB")));
        click(toolButton(*m_window, "hotAdd"));
        untilIdle();
    }

    // By the keyboard alone: the member, its menu, the question.
    void failAndReAdd()
    {
        auto* members = named<MembersView>(*m_window, "members");
        members->setFocus();
        while (members->chosen() != array().report.members.back().path)
            QTest::keyClick(members, Qt::Key_Down);
        const auto answer = [this](const char* what) {
            whenAsked<QMessageBox>(*m_window, [what](QMessageBox& question) {
                QCOMPARE(question.defaultButton(), question.button(QMessageBox::Cancel));
                picture(question, QString::fromLatin1(what));
                click(question.findChild<QPushButton*>(QStringLiteral("confirmNow")));
            });
        };
        whenMenuIsUp(*m_window, [this, answer](QMenu& menu) {
            QCOMPARE(menu.actions(), (QList<QAction*>{&action("replace"), &action("reAdd"),
                                         &action("fail"), &action("remove")}));
            QCOMPARE(action("fail").text(),
                QStringLiteral("&Fail spare.img\u2026: writes 2 superblocks"));
            picture(menu, QStringLiteral("member-menu"));
            answer("fail");
            QTest::keyClick(&menu, Qt::Key_F);
        });
        QContextMenuEvent asked(QContextMenuEvent::Keyboard, {}, members->mapToGlobal(QPoint()));
        QApplication::sendEvent(members->viewport(), &asked);
        QTRY_COMPARE_WITH_TIMEOUT(array().report.missing, 1, kPatience);
        untilIdle();
        QVERIFY(!action("reAdd").isEnabled());
        QVERIFY(!action("reAdd").toolTip().isEmpty());
        picture(*m_window, QStringLiteral("failed"));

        click(toolButton(*m_window, "writeSomething"));
        QTRY_VERIFY_WITH_TIMEOUT(
            m_engine->frame(m_uuid)->in(ChunkState::Dirty).total() > 0, kPatience);
        click(named<QPushButton>(*m_window, "cancelJob"));
        untilIdle();
        answer("remove");
        action("remove").trigger();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle() && action("reAdd").isEnabled(), kPatience);
        QVERIFY2(action("reAdd").text().contains(
                     QRegularExpression(QStringLiteral("spare\\.img: \\d+ chunks?, .* KiB"))),
            qPrintable(action("reAdd").text()));
        picture(*m_window, QStringLiteral("removed"));
        action("reAdd").trigger();
        untilIdle();
        QCOMPARE(array().report.missing, 0);
        picture(*m_window, QStringLiteral("re-added"));
    }

    Uuid m_uuid;
    std::unique_ptr<Engine> m_engine;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(TestMainJob)
#include "tst_main_job.moc"
