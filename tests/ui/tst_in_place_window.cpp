// SPDX-License-Identifier: Apache-2.0
// Writing to the members themselves, which is never what happens by itself, and giving an array a
// bitmap or taking it away.
#include "tests/support/member_files.h"
#include "tests/ui/window_driver.h"
#include "ui/dialogs/assembly_dialog.h"

#include <QCheckBox>
#include <QDirIterator>
#include <QFile>
#include <QMessageBox>
#include <QRadioButton>

using namespace bitmend;
using namespace bitmend::test;

class TestInPlaceWindow : public QObject
{
    Q_OBJECT

public:
    static void initMain()
    {
        useOwnHome();
        qputenv("XDG_STATE_HOME", qgetenv("HOME") + "/state");
    }

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_overlays = std::make_unique<QTemporaryDir>();
        m_uuid.bytes.fill(1);
        m_members =
            writeMembers(m_folder->path().toStdString(), {.name = "lab:store", .dirty = {1, 5}});
        m_engine = std::make_unique<Engine>();
        m_window = openWindow(*m_engine, m_folder->path());
    }

    void cleanup()
    {
        m_window.reset();
        m_engine.reset();
    }

    void inPlace_isOfferedNotChosenAndWantsTheListSeen()
    {
        whenAsked<AssemblyDialog>(*m_window, [](AssemblyDialog& dialog) {
            auto* inPlace = named<QRadioButton>(dialog, "inPlace");
            QVERIFY(inPlace && !inPlace->isChecked());
            click(inPlace);
            auto* button = named<QPushButton>(dialog, "assembleNow");
            QCOMPARE(button->text(), QStringLiteral("Assemble and write to 2 members"));
            QVERIFY(!button->isEnabled());
            QVERIFY(!button->toolTip().isEmpty());
            auto* seen = named<QCheckBox>(dialog, "seenWrites");
            click(seen);
            QVERIFY(button->isEnabled());
            picture(dialog, QStringLiteral("review-in-place"));

            // Another choice is another list.
            click(named<QRadioButton>(dialog, "readOnly"));
            click(inPlace);
            QVERIFY(!seen->isChecked() && !button->isEnabled());
            dialog.reject();
        });
        click(toolButton(*m_window, "assemble"));
        QVERIFY(!shown(*m_engine, m_uuid).assembled);
    }

    void inPlace_mendsTheMembersAndSavesWhatWasThere()
    {
        const QByteArray before = contents(0);
        assemble(true);
        QCOMPARE(shown(*m_engine, m_uuid).assembled->mode, WriteMode::InPlace);
        picture(*m_window, QStringLiteral("assembled-in-place"));
        click(toolButton(*m_window, "resync"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        click(toolButton(*m_window, "stop"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);

        QVERIFY(contents(0) != before);
        QCOMPARE(shown(*m_engine, m_uuid).report.needs, Needs::Nothing);
        QDirIterator saved(
            qEnvironmentVariable("XDG_STATE_HOME"), QDir::Files, QDirIterator::Subdirectories);
        QVERIFY(saved.hasNext());
    }

    void bitmap_goesAndComesBack()
    {
        const QByteArray before = contents(0);
        assemble(false);
        QVERIFY(!action("removeBitmap").isEnabled()); // a resync is due
        click(toolButton(*m_window, "resync"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(!action("addBitmap").isEnabled());

        agreeTo("removeBitmap", QStringLiteral("bitmap-remove"));
        QVERIFY(!shown(*m_engine, m_uuid).report.bitmap);
        QVERIFY(!action("removeBitmap").isEnabled());
        agreeTo("addBitmap", QStringLiteral("bitmap-add"));
        QVERIFY(shown(*m_engine, m_uuid).report.bitmap.has_value());
        picture(*m_window, QStringLiteral("bitmap-added"));
        QCOMPARE(contents(0), before);
    }

private:
    QByteArray contents(std::size_t member) const
    {
        QFile file(QString::fromStdString(m_members[member]));
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }

    QAction& action(const char* name) { return test::action(*m_window, name); }

    void assemble(bool inPlace)
    {
        assembleChosen(*m_window, m_overlays->path() + QStringLiteral("/here"), inPlace);
        QVERIFY(shown(*m_engine, m_uuid).assembled.has_value());
    }

    // Chooses it in the menu and says yes to the question.
    void agreeTo(const char* name, const QString& pictureName)
    {
        bool asked = false;
        whenAsked<QMessageBox>(*m_window, [&asked, &pictureName](QMessageBox& question) {
            picture(question, pictureName);
            asked = true;
            click(question.findChild<QPushButton*>(QStringLiteral("confirmNow")));
        });
        QVERIFY(action(name).isEnabled());
        action(name).trigger();
        QTRY_VERIFY_WITH_TIMEOUT(asked && m_window->isIdle(), kPatience);
    }

    Uuid m_uuid;
    std::vector<std::string> m_members;
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<QTemporaryDir> m_overlays;
    std::unique_ptr<Engine> m_engine;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(TestInPlaceWindow)
#include "tst_in_place_window.moc"
