// SPDX-License-Identifier: Apache-2.0
// The job the program is for, clicked through on the bundled demo: open, review, assemble on
// overlays, resync, hot-add, stop. What the members hold must not change by it.
#include "tests/ui/window_driver.h"
#include "ui/demo.h"
#include "ui/dialogs/assembly_dialog.h"
#include "ui/dialogs/hot_add_dialog.h"
#include "ui/widgets/pill.h"

#include <QCryptographicHash>
#include <QLabel>
#include <QListWidget>
#include <QRadioButton>
#include <QTreeView>

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
    void demo_isMendedByClicks()
    {
        Engine engine;
        MainWindow window(engine);
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        picture(window, QStringLiteral("empty"));

        for (auto* button : window.findChildren<QPushButton*>()) {
            if (button->text().contains(QStringLiteral("demo")))
                click(button);
        }
        QTRY_VERIFY(!engine.arrays().empty() && window.isIdle());
        const auto before = hashes();
        QCOMPARE(before.size(), 3);
        const Uuid uuid = engine.arrays().front().report.uuid;
        QCOMPARE(engine.arrays().front().report.needs, Needs::Resync);
        QVERIFY(!toolButton(window, "resync")->isEnabled());
        QVERIFY(!toolButton(window, "resync")->toolTip().isEmpty());
        picture(window, QStringLiteral("scanned"));

        whenAsked<AssemblyDialog>(window, [](AssemblyDialog& dialog) {
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
        click(named<QPushButton>(window, "step"));
        QTRY_VERIFY(shown(engine, uuid).assembled && window.isIdle());
        QVERIFY(shown(engine, uuid).assembled.value_or(ArraySnapshot{}).resyncDue);
        picture(window, QStringLiteral("assembled"));

        click(toolButton(window, "resync"));
        QTRY_VERIFY(window.isIdle());
        QVERIFY(!shown(engine, uuid).assembled.value_or(ArraySnapshot{}).resyncDue);
        QVERIFY(outcomes(window).contains(QStringLiteral("agree again")));
        QVERIFY(!toolButton(window, "resync")->isEnabled());
        picture(window, QStringLiteral("resynced"));

        whenAsked<HotAddDialog>(window, [](HotAddDialog& dialog) {
            auto* list = named<QListWidget>(dialog, "candidates");
            QCOMPARE(list->count(), 1);
            QVERIFY(list->item(0)->text().contains(QStringLiteral("spare.img")));
            auto* button = named<QPushButton>(dialog, "addNow");
            QTRY_VERIFY(button->isEnabled());
            QVERIFY(!dialog.plan().writes.empty());
            picture(dialog, QStringLiteral("hot-add"));
            click(button);
        });
        click(toolButton(window, "hotAdd"));
        QTRY_VERIFY(window.isIdle());
        QCOMPARE(shown(engine, uuid).report.missing, 0);
        QCOMPARE(window.findChild<Pill*>()->badge().word, QStringLiteral("in sync"));
        picture(window, QStringLiteral("hot-added"));

        click(toolButton(window, "stop"));
        QTRY_VERIFY(!shown(engine, uuid).assembled && window.isIdle());
        // What is shown now is what the overlays hold: a whole, clean array of three.
        QCOMPARE(shown(engine, uuid).report.needs, Needs::Nothing);
        QCOMPARE(shown(engine, uuid).report.missing, 0);
        picture(window, QStringLiteral("stopped"));

        window.findChild<QAction*>(QStringLiteral("lookAtMembers"))->trigger();
        QTRY_COMPARE(shown(engine, uuid).report.needs, Needs::Resync);
        QTRY_VERIFY(window.isIdle());
        QCOMPARE(hashes(), before);
        window.close();
    }
};

QTEST_MAIN(TestMainJob)
#include "tst_main_job.moc"
