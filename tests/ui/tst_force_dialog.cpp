// SPDX-License-Identifier: Apache-2.0
// The review of arrays that md starts only by force: what is offered, that nothing is chosen
// beforehand, and that the plan follows each choice.
#include "tests/support/array_images.h"
#include "tests/ui/window_driver.h"
#include "ui/dialogs/assembly_dialog.h"

#include <QCheckBox>
#include <QLabel>
#include <QSpinBox>
#include <QTabWidget>
#include <QTreeWidget>

#include <bit>
#include <fstream>

using namespace bitmend;
using namespace bitmend::test;

namespace {

// RAID 5 whose members left one after the other while it was written to.
ArrayImages lostInSteps()
{
    ArrayImages images(5, 3);
    images.onAll([](Superblock& s) { s.name = "nas:photos"; });
    images.addBitmaps({3, 4, 9});
    for (const std::size_t left : {2, 1}) {
        for (std::size_t i = 0; i < left; ++i) {
            images[i].events += 5;
            images[i].utime += 4'000;
            images[i].devRoles[left] = kRoleFaulty;
            images.members[i].bitmap->header.events = images[i].events;
        }
    }
    return images;
}

ArrayImages lostPower()
{
    ArrayImages images(5, 3);
    images.onAll([](Superblock& s) {
        s.name = "nas:photos";
        s.resyncOffset = {};
        s.devRoles[2] = kRoleFaulty;
    });
    images.addBitmaps({3, 4, 9});
    images.members.pop_back();
    return images;
}

} // namespace

class TestForceDialog : public QObject
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

    void aStaleMember_isOfferedUncheckedAndStartsTheArrayWhenTaken()
    {
        review(lostInSteps(), [](AssemblyDialog& dialog) {
            auto* assemble = named<QPushButton>(dialog, "assembleNow");
            QVERIFY(!assemble->isEnabled());
            const auto offered = dialog.findChildren<QCheckBox*>(QStringLiteral("acceptStale"));
            QCOMPARE(offered.size(), 2);
            for (const auto* box : offered)
                QVERIFY(!box->isChecked());
            QVERIFY(!named<QCheckBox>(dialog, "acceptDirty"));
            QVERIFY(offered[0]->text().contains(QStringLiteral("5 events behind")));
            picture(dialog, QStringLiteral("force-offered"));

            click(offered[0]);
            QVERIFY(assemble->isEnabled());
            QCOMPARE(dialog.plan().taking.size(), std::size_t(2));
            QVERIFY(dialog.plan().force.has_value());
            picture(dialog, QStringLiteral("force-taken"));
            auto* results = named<QTabWidget>(dialog, "planResults");
            QCOMPARE(results->count(), 2);
            results->setCurrentIndex(1);
            QVERIFY(named<QLabel>(dialog, "forceWords")->text().contains(QStringLiteral("mdadm")));
            QVERIFY(named<QTreeWidget>(dialog, "forceFields")->topLevelItemCount() > 4);
            picture(dialog, QStringLiteral("force-changes"));

            click(offered[0]);
            QVERIFY(!assemble->isEnabled());
            QVERIFY(!dialog.plan().force.has_value());
            dialog.reject();
        });
    }

    void aSlotThatIsGiven_isPartOfThePlan()
    {
        auto images = lostInSteps();
        images[1].devRoles[1] = kRoleFaulty;
        images[1].events = images[0].events;
        review(images, [](AssemblyDialog& dialog) {
            const auto wanted = dialog.findChildren<QSpinBox*>(QStringLiteral("giveSlot"));
            QCOMPARE(wanted.size(), 2);
            for (const auto* slot : wanted)
                QCOMPARE(slot->value(), -1);
            auto* assemble = named<QPushButton>(dialog, "assembleNow");
            QVERIFY(!assemble->isEnabled());
            for (auto* slot : wanted) {
                if (slot->accessibleName().contains(QStringLiteral("m1.img")))
                    slot->setValue(1);
            }
            QVERIFY(assemble->isEnabled());
            QCOMPARE(dialog.plan().force->roles.size(), std::size_t(1));
            dialog.reject();
        });
    }

    void dirtyAndDegraded_isExplainedAndStartsWhenAccepted()
    {
        review(lostPower(), [](AssemblyDialog& dialog) {
            auto* assemble = named<QPushButton>(dialog, "assembleNow");
            QVERIFY(!assemble->isEnabled());
            auto* accept = named<QCheckBox>(dialog, "acceptDirty");
            QVERIFY(accept && !accept->isChecked());
            click(accept);
            QVERIFY(assemble->isEnabled());
            QVERIFY(dialog.plan().force->dirtyDegraded);
            picture(dialog, QStringLiteral("force-dirty"));
            dialog.reject();
        });
    }

    void anArrayThatStarts_isNotOfferedForce()
    {
        review(ArrayImages(5, 3), [](AssemblyDialog& dialog) {
            QVERIFY(!named<QWidget>(dialog, "forceChoices"));
            dialog.reject();
        });
    }

private:
    void review(const ArrayImages& images, std::function<void(AssemblyDialog&)> act)
    {
        for (std::size_t i = 0; i < images.members.size(); ++i) {
            const auto bytes = images.image(i);
            std::ofstream out(
                m_folder->filePath(QString::fromStdString(images.path(i))).toStdString(),
                std::ios::binary);
            out.write(std::bit_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
        }
        m_window->open({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        whenAsked<AssemblyDialog>(*m_window, std::move(act));
        click(toolButton(*m_window, "assemble"));
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<Engine> m_engine;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(TestForceDialog)
#include "tst_force_dialog.moc"
