// SPDX-License-Identifier: Apache-2.0
// The window with real images: what is opened, how it is listed, what bad input looks like, the
// keyboard, and what a person who cannot see the screen is told.
#include "tests/support/member_files.h"
#include "tests/ui/window_driver.h"
#include "ui/dialogs/assembly_dialog.h"
#include "ui/text.h"
#include "ui/widgets/array_page.h"
#include "ui/widgets/members_view.h"
#include "ui/widgets/pill.h"
#include "ui/widgets/source_page.h"
#include "ui/widgets/sources_panel.h"

#include <QAccessible>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QTabWidget>
#include <QTreeWidget>

#include <fstream>

using namespace bitmend;
using namespace bitmend::test;

namespace {

// One byte of a member's file; the same again puts it back.
void spoil(const std::string& path, Sectors at)
{
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(std::streamoff(at.bytes()));
    const char byte = char(file.get() ^ 0x40);
    file.seekp(std::streamoff(at.bytes()));
    file.put(byte);
    QVERIFY(file.good());
}

} // namespace

class TestMainWindow : public QObject
{
    Q_OBJECT

public:
    static void initMain() { useOwnHome(); }

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_engine = std::make_unique<Engine>();
        m_window = showWindow(*m_engine);
    }

    void cleanup()
    {
        m_window.reset();
        m_engine.reset();
    }

    void droppedFolder_listsItsImagesAndShowsTheirArray()
    {
        writeMembers(folder(), {.name = "nas:music"});
        drop({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QCOMPARE(model().rowCount(group(SourcesModel::Arrays)), 1);
        QCOMPARE(model().rowCount(group(SourcesModel::Images)), 2);
        QCOMPARE(named<QLabel>(*m_window, "arrayTitle")->text(), QStringLiteral("nas:music"));
        QVERIFY(m_window->windowTitle().startsWith(QStringLiteral("nas:music")));
        QCOMPARE(row(SourcesModel::Images, 1).data(SourcesModel::DetailRole).toString(),
            QStringLiteral("nas:music \u00b7 1"));
    }

    void dropOfTextOnly_isRefused()
    {
        QMimeData data;
        data.setText(QStringLiteral("hello"));
        QDragEnterEvent enter({5, 5}, Qt::CopyAction, &data, Qt::LeftButton, {});
        QApplication::sendEvent(m_window.get(), &enter);
        QVERIFY(!enter.isAccepted());
    }

    void brokenArrays_comeFirstAmongTwenty()
    {
        for (std::uint8_t i = 1; i <= 18; ++i)
            writeMembers(folder(), {.name = "rack:volume-" + std::to_string(i), .number = i});
        writeMembers(folder(), {.name = "nas:photos", .number = 30, .dirty = {4, 5, 6, 20}});
        writeMembers(folder(), {.name = "backup-server-in-the-basement:raid-with-a-long-name",
                                   .number = 31,
                                   .level = 5,
                                   .disks = 4,
                                   .missing = 2});
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QCOMPARE(model().rowCount(group(SourcesModel::Arrays)), 20);
        QVERIFY(row(SourcesModel::Arrays, 0).data().toString().startsWith(u"backup-server"));
        QCOMPARE(badge(0).tone, Tone::Bad);
        QCOMPARE(row(SourcesModel::Arrays, 1).data().toString(), QStringLiteral("nas:photos"));
        QCOMPARE(badge(1).tone, Tone::Warning);
        QCOMPARE(badge(19).tone, Tone::Good);

        panel().select(row(SourcesModel::Arrays, 0));
        auto* members = named<MembersView>(*m_window, "members");
        QCOMPARE(members->model()->rowCount(), 4);
        const QModelIndex missing = members->model()->index(3, 0);
        QCOMPARE(members->model()->rowCount(missing), 1); // and why
        QVERIFY(!members->model()->index(0, 0, missing).data().toString().isEmpty());
        picture(*m_window, QStringLiteral("twenty-arrays"));

        panel().select(row(SourcesModel::Arrays, 1));
        m_window->findChild<QTabWidget*>()->setCurrentIndex(1);
        picture(*m_window, QStringLiteral("superblocks"));
    }

    void arrayThatCannotStart_saysWhyAndCannotBeAssembled()
    {
        writeMembers(folder(), {.name = "nas:half", .level = 5, .disks = 3, .missing = 2});
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        auto* assemble = toolButton(*m_window, "assemble");
        QVERIFY(!assemble->isEnabled());
        QVERIFY(assemble->toolTip().contains(QStringLiteral("too few members")));
        for (const auto* label : m_window->findChildren<QLabel*>()) // what starting would cost
            QVERIFY2(!label->text().contains(QStringLiteral("spare")), qPrintable(label->text()));
        // The safe next step is another one.
        QVERIFY(named<QPushButton>(*m_window, "step")->text().startsWith(u"Open images"));
    }

    void check_listsWhatDiffersAndGoesThere()
    {
        const auto paths =
            writeMembers(folder(), {.name = "lab:six", .number = 6, .level = 6, .disks = 5});
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        const ArrayReport report = m_engine->arrays().front().report;
        const auto spoilTwo = [&] {
            spoil(paths[1], report.members[1].superblock->dataOffset + Sectors{200});
            spoil(paths[3], report.members[3].superblock->dataOffset + Sectors{1000});
        };
        spoilTwo();
        whenAsked<AssemblyDialog>(*m_window, [](AssemblyDialog& dialog) {
            auto* button = named<QPushButton>(dialog, "assembleNow");
            QTRY_VERIFY_WITH_TIMEOUT(button->isEnabled(), kPatience);
            click(button);
        });
        click(toolButton(*m_window, "assemble"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        click(toolButton(*m_window, "check"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);

        click(named<QPushButton>(*m_window, "followJob"));
        auto* list = named<QListView>(*m_window, "differencesList");
        QVERIFY(list && m_window->focusWidget() == list);
        QCOMPARE(list->model()->rowCount(), 2);
        const auto verdict = [this] {
            return named<QLabel>(*m_window, "stripeVerdict")->text();
        };
        QTRY_VERIFY_WITH_TIMEOUT(verdict().startsWith(u"Slot 1 is wrong"), kPatience);
        QVERIFY(list->currentIndex().data().toString().endsWith(u"slot 1 wrong"));
        QTest::keyClick(list, Qt::Key_Down);
        QTRY_VERIFY_WITH_TIMEOUT(verdict().startsWith(u"Slot 3 is wrong"), kPatience);
        QCOMPARE(named<QComboBox>(*m_window, "stripeMember")->currentIndex(), 3);
        picture(*m_window, QStringLiteral("differences"));

        // Another check, of members that agree: there is nothing to show any more.
        spoilTwo();
        click(toolButton(*m_window, "check"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(!named<QPushButton>(*m_window, "followJob"));
        QVERIFY(!named<QListView>(*m_window, "differencesList"));
    }

    void badInput_isARowWithItsReason()
    {
        writeBlank(folder() / "empty.img", 0);
        writeBlank(folder() / "blank.img", 1 << 20);
        std::ofstream(folder() / "letter.doc") << "Dear reader, this is no disk image.";
        m_window->open({m_folder->path(), m_folder->path() + QStringLiteral("/gone.img")});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QCOMPARE(model().rowCount(group(SourcesModel::Images)), 4);
        QMap<QString, QString> found;
        for (int i = 0; i < 4; ++i) {
            panel().select(row(SourcesModel::Images, i));
            QVERIFY(named<QWidget>(*m_window, "sourcePage"));
            found[row(SourcesModel::Images, i).data().toString()] =
                named<QLabel>(*m_window, "findings")->text();
        }
        QVERIFY(!found[QStringLiteral("gone.img")].isEmpty());
        QVERIFY(found[QStringLiteral("empty.img")] != found[QStringLiteral("blank.img")]);
        QVERIFY(found[QStringLiteral("blank.img")].contains(QStringLiteral("No RAID")));
        picture(*m_window, QStringLiteral("bad-input"));
    }

    void vanishedMember_isSaidAndTheRestGoesOn()
    {
        writeMembers(folder(), {.name = "nas:music", .dirty = {1}});
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        std::filesystem::remove(folder() / "music-1.img");
        whenAsked<AssemblyDialog>(*m_window,
            [](AssemblyDialog& dialog) { click(named<QPushButton>(dialog, "assembleNow")); });
        click(toolButton(*m_window, "assemble"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(!m_engine->arrays().front().assembled);
        const QString outcome = named<QLabel>(*m_window, "jobStatus")->text();
        QVERIFY2(outcome.contains(QStringLiteral("music-1.img")), qPrintable(outcome));
        picture(*m_window, QStringLiteral("vanished"));

        action(*m_window, "rescan").trigger();
        QTRY_COMPARE_WITH_TIMEOUT(m_engine->arrays().front().report.missing, 1, kPatience);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QCOMPARE(model().rowCount(group(SourcesModel::Images)), 2);
        QVERIFY(m_engine->arrays().front().report.canStart);
    }

    void memberLeftOut_changesThePlanAtOnce()
    {
        writeMembers(folder(), {.name = "nas:music", .dirty = {1}});
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        whenAsked<AssemblyDialog>(*m_window, [](AssemblyDialog& dialog) {
            QCOMPARE(dialog.plan().taking.size(), std::size_t(2));
            auto* members = named<QTreeWidget>(dialog, "planMembers");
            members->setCurrentItem(members->topLevelItem(1));
            QTest::keyClick(members, Qt::Key_Space);
            QCOMPARE(members->topLevelItem(1)->checkState(0), Qt::Unchecked);
            QCOMPARE(dialog.plan().taking.size(), std::size_t(1));
            QVERIFY(!named<QComboBox>(dialog, "planReference")); // nothing to choose here
            members->setCurrentItem(members->topLevelItem(0));
            QTest::keyClick(members, Qt::Key_Space);
            auto* button = named<QPushButton>(dialog, "assembleNow");
            QVERIFY(!button->isEnabled());
            QVERIFY(!button->toolTip().isEmpty());
            picture(dialog, QStringLiteral("review-cannot-start"));
            dialog.reject();
        });
        click(toolButton(*m_window, "assemble"));
    }

    void keyboardAlone_openHelpReviewAndMove()
    {
        writeMembers(folder(), {.name = "a:one", .number = 1});
        writeMembers(folder(), {.name = "a:two", .number = 2});
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(
            named<QLabel>(*m_window, "arrayTitle") && m_window->isIdle(), kPatience);
        panel().setFocus();
        const QString first = named<QLabel>(*m_window, "arrayTitle")->text();
        QTest::keyClick(&panel(), Qt::Key_Down);
        QVERIFY(named<QLabel>(*m_window, "arrayTitle")->text() != first);
        QTest::keyClick(&panel(), Qt::Key_Down); // over the heading, to the first image
        QVERIFY(named<QWidget>(*m_window, "sourcePage"));

        QVERIFY(named<QWidget>(*m_window, "log"));
        QTest::keyClick(m_window.get(), Qt::Key_L, Qt::ControlModifier);
        QVERIFY(!named<QWidget>(*m_window, "log"));
        QTest::keyClick(m_window.get(), Qt::Key_F5);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->isIdle(), kPatience);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
    }

    void removedSource_leavesTheList()
    {
        writeMembers(folder(), {.name = "nas:music"});
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        m_engine->close((folder() / "music-1.img").string());
        QCOMPARE(model().rowCount(group(SourcesModel::Images)), 1);
        QCOMPARE(badge(0).tone, Tone::Warning); // degraded now
    }

    void everyControl_hasANameForAScreenReader()
    {
        writeMembers(folder(), {.name = "nas:music", .dirty = {1}});
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        checkNames(*m_window);
        whenAsked<AssemblyDialog>(*m_window, [this](AssemblyDialog& dialog) {
            checkNames(dialog);
            dialog.reject();
        });
        click(toolButton(*m_window, "assemble"));
    }

    void log_isSavedAsItIsShown()
    {
        writeMembers(folder(), {});
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        const QString shown = named<QPlainTextEdit>(*m_window, "log")->toPlainText();
        QVERIFY(shown.contains(QRegularExpression(QStringLiteral("\\d\\d:\\d\\d:\\d\\dZ"))));
    }

    void schemes_changeEveryColour()
    {
        const auto brightness = [this] {
            return m_window->grab().toImage().pixelColor(330, 150).lightness();
        };
        action(*m_window, "scheme2").trigger();
        QTRY_VERIFY_WITH_TIMEOUT(brightness() < 80, kPatience);
        action(*m_window, "scheme1").trigger();
        QTRY_VERIFY_WITH_TIMEOUT(brightness() > 200, kPatience);
        action(*m_window, "scheme0").trigger();
    }

private:
    std::filesystem::path folder() const { return m_folder->path().toStdString(); }
    SourcesPanel& panel() { return *m_window->findChild<SourcesPanel*>(); }
    const QAbstractItemModel& model() { return *panel().model(); }
    QModelIndex group(SourcesModel::Group group) { return model().index(group, 0); }
    QModelIndex row(SourcesModel::Group in, int row) { return model().index(row, 0, group(in)); }
    Badge badge(int at)
    {
        return row(SourcesModel::Arrays, at).data(SourcesModel::BadgeRole).value<Badge>();
    }

    void drop(const QStringList& paths)
    {
        QMimeData data;
        QList<QUrl> urls;
        for (const QString& path : paths)
            urls += QUrl::fromLocalFile(path);
        data.setUrls(urls);
        QDragEnterEvent enter({5, 5}, Qt::CopyAction, &data, Qt::LeftButton, {});
        QApplication::sendEvent(m_window.get(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent event({5, 5}, Qt::CopyAction, &data, Qt::LeftButton, {});
        QApplication::sendEvent(m_window.get(), &event);
        QVERIFY(event.isAccepted());
    }

    // Whatever takes the focus can be asked what it is.
    void checkNames(QWidget& in)
    {
        for (auto* widget : in.findChildren<QWidget*>()) {
            if (widget->focusPolicy() == Qt::NoFocus || !widget->isVisibleTo(&in) ||
                widget->focusProxy() || widget->objectName().startsWith(u"qt_"))
                continue;
            auto* accessible = QAccessible::queryAccessibleInterface(widget);
            QVERIFY(accessible);
            QVERIFY2(!accessible->text(QAccessible::Name).isEmpty(),
                qPrintable(QStringLiteral("%1 %2").arg(
                    QLatin1String(widget->metaObject()->className()), widget->objectName())));
        }
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<Engine> m_engine;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(TestMainWindow)
#include "tst_main_window.moc"
