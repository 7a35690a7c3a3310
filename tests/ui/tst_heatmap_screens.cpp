// SPDX-License-Identifier: Apache-2.0
// Pictures of the heatmap for a person to look at, light and dark, at the scale the process was
// started with. They go to the build's screenshots folder.
#include "tests/ui/heatmap_fixture.h"
#include "ui/appearance.h"
#include "ui/widgets/bitmap_heatmap.h"
#include "ui/widgets/heatmap_grid.h"
#include "ui/widgets/heatmap_tip.h"

#include <QApplication>
#include <QDir>
#include <QMouseEvent>
#include <QStyleFactory>
#include <QTest>
#include <QVBoxLayout>

using namespace bitmend;

class HeatmapScreens : public QObject
{
    Q_OBJECT

private slots:
    void initTestCase();
    void pictures_areWritten_data();
    void pictures_areWritten();

private:
    QDir m_folder;
};

void HeatmapScreens::initTestCase()
{
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    QApplication::setFont(QFont(QStringLiteral("DejaVu Sans"), 10));
    m_folder = QDir(QCoreApplication::applicationDirPath() + QStringLiteral("/../screenshots"));
    QVERIFY(m_folder.mkpath(QStringLiteral(".")));
}

void HeatmapScreens::pictures_areWritten_data()
{
    QTest::addColumn<bool>("dark");
    QTest::newRow("light") << false;
    QTest::newRow("dark") << true;
}

void HeatmapScreens::pictures_areWritten()
{
    QFETCH(bool, dark);
    applyScheme(dark ? Scheme::Dark : Scheme::Light);
    QWidget window;
    auto* layout = new QVBoxLayout(&window);
    layout->setContentsMargins(22, 16, 22, 16);
    auto* heatmap = new BitmapHeatmap;
    layout->addWidget(heatmap);
    window.resize(1092, 420);
    window.show();
    const auto save = [&](const char* what) {
        const qreal scale = window.devicePixelRatioF();
        const QString name =
            QStringLiteral("heatmap-%1-%2-%3x.png")
                .arg(QLatin1String(what), dark ? QLatin1String("dark") : QLatin1String("light"))
                .arg(scale);
        QCoreApplication::processEvents(); // lay out
        QVERIFY(window.grab().save(m_folder.filePath(name)));
    };

    BitmapFrameBuilder builder = test::resyncingArray();
    heatmap->setFrame(builder.publish());
    const QPoint cell = heatmap->grid().rectOf(665).center();
    QMouseEvent hover(QEvent::MouseMove, cell, heatmap->grid().mapToGlobal(cell), Qt::NoButton,
        Qt::NoButton, Qt::NoModifier);
    QApplication::sendEvent(&heatmap->grid(), &hover);
    QTRY_VERIFY(window.findChild<HeatmapTip*>() && window.findChild<HeatmapTip*>()->isVisible());
    save("resync");

    QEvent leave(QEvent::Leave);
    QApplication::sendEvent(&heatmap->grid(), &leave);
    heatmap->setMembersShown(true);
    heatmap->grid().setFocus();
    window.activateWindow();
    for (int i = 0; i < 4; ++i)
        QTest::keyClick(&heatmap->grid(), Qt::Key_N);
    for (int i = 0; i < 4; ++i)
        QTest::keyClick(&heatmap->grid(), Qt::Key_Plus);
    save("zoomed");

    heatmap->setMembersShown(false);
    BitmapFrameBuilder clean(test::mirrorReport(96, 1U << 20));
    clean.mark(17, 19, ChunkState::Ignored);
    clean.mark(40, 40, ChunkState::Stale);
    clean.mark(60, 61, ChunkState::Differs);
    clean.mark(70, 75, ChunkState::Dirty);
    clean.mark(80, 80, ChunkState::Bad);
    clean.mark(76, 76, ChunkState::Syncing);
    clean.setPagesDue(0, 0, true);
    heatmap->setFrame(clean.publish());
    save("few");

    heatmap->setFrame(nullptr);
    save("empty");
}

QTEST_MAIN(HeatmapScreens)
#include "tst_heatmap_screens.moc"
