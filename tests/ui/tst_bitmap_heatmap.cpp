// SPDX-License-Identifier: Apache-2.0
// The heatmap as a person uses it: what is visible, where the mouse and the keys lead.
#include "tests/ui/heatmap_fixture.h"
#include "ui/appearance.h"
#include "ui/theme.h"
#include "ui/widgets/bitmap_heatmap.h"
#include "ui/widgets/heatmap_grid.h"
#include "ui/widgets/heatmap_legend.h"
#include "ui/widgets/heatmap_overview.h"
#include "ui/widgets/heatmap_tip.h"
#include "ui/widgets/offset_dialog.h"

#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QLineEdit>
#include <QSignalSpy>
#include <QStyleFactory>
#include <QTest>
#include <QWheelEvent>

using namespace bitmend;

namespace {

constexpr std::uint64_t kMillion = 1'000'000;

bool isNear(QColor a, QColor b, int tolerance)
{
    return std::abs(a.red() - b.red()) <= tolerance &&
           std::abs(a.green() - b.green()) <= tolerance &&
           std::abs(a.blue() - b.blue()) <= tolerance;
}

} // namespace

class HeatmapTest : public QObject
{
    Q_OBJECT

private slots:
    void initTestCase();
    void init();
    void cleanup() { m_heatmap.reset(); }
    void heatmap_oneDirtyChunkAmongAMillion_isVisible();
    void heatmap_newFrame_repaintsAsARebuildWould();
    void heatmap_paletteChange_recolours();
    void click_selectsTheCellsChunks();
    void drag_selectsARange();
    void shiftAndArrows_extendTheSelection();
    void arrowsHomeAndEnd_move();
    void keysNAndShiftN_goFromRunToRun();
    void controlWheel_zoomsAboutTheCursor();
    void wheel_scrollsByRows();
    void doubleClickAndBackspace_zoomInAndOut();
    void controlG_goesToAPlace();
    void controlC_copiesTheRange();
    void hover_namesChunksPlacesAndMembers();
    void overview_clickMovesTheCells();
    void legend_listsOnlyWhatTheFrameHas();
    void screenReader_readsATableOfCells();
    void noBitmap_saysSo();

private:
    HeatmapGrid& grid() { return m_heatmap->grid(); }
    ChunkRange selected() { return m_heatmap->selection().value_or(ChunkRange{}); }
    QPoint middleOf(std::uint64_t chunk);
    QColor colorAt(std::uint64_t chunk);
    void show(BitmapFramePtr frame);
    void moveMouse(QPoint to, Qt::MouseButtons buttons);
    void wheel(QPoint at, int notches, Qt::KeyboardModifiers modifiers);

    std::unique_ptr<BitmapHeatmap> m_heatmap;
};

void HeatmapTest::initTestCase()
{
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    QApplication::setFont(QFont(QStringLiteral("DejaVu Sans"), 10));
}

void HeatmapTest::init()
{
    applyScheme(Scheme::Light);
    m_heatmap = std::make_unique<BitmapHeatmap>();
    m_heatmap->resize(1048, 400);
}

void HeatmapTest::show(BitmapFramePtr frame)
{
    m_heatmap->setFrame(std::move(frame));
    m_heatmap->show();
    QVERIFY(QTest::qWaitForWindowExposed(m_heatmap.get()));
    m_heatmap->activateWindow();
    grid().setFocus();
    QCoreApplication::processEvents();
}

QPoint HeatmapTest::middleOf(std::uint64_t chunk)
{
    const auto index = grid().layoutOfCells().indexOf(grid().layoutOfCells().cellOf(chunk));
    return index ? grid().rectOf(*index).center() : QPoint(-1, -1);
}

QColor HeatmapTest::colorAt(std::uint64_t chunk)
{
    const QImage picture = grid().grab().toImage();
    return picture.pixelColor(middleOf(chunk) * picture.devicePixelRatio());
}

void HeatmapTest::moveMouse(QPoint to, Qt::MouseButtons buttons)
{
    QMouseEvent event(
        QEvent::MouseMove, to, grid().mapToGlobal(to), Qt::NoButton, buttons, Qt::NoModifier);
    QApplication::sendEvent(&grid(), &event);
}

void HeatmapTest::wheel(QPoint at, int notches, Qt::KeyboardModifiers modifiers)
{
    QWheelEvent event(at, grid().mapToGlobal(at), {}, QPoint(0, notches * 120), Qt::NoButton,
        modifiers, Qt::NoScrollPhase, false);
    QApplication::sendEvent(&grid(), &event);
}

void HeatmapTest::heatmap_oneDirtyChunkAmongAMillion_isVisible()
{
    BitmapFrameBuilder builder(test::mirrorReport(kMillion, 65536));
    builder.mark(471'100, 471'100, ChunkState::Dirty);
    show(builder.publish());
    QVERIFY(grid().layoutOfCells().chunksPerCell() > 100);

    const QColor clean = roleColor(ColorRole::Clean, grid().palette());
    const QColor dirty = roleColor(ColorRole::Dirty, grid().palette());
    QVERIFY(isNear(colorAt(0), clean, 2));
    const QColor seen = colorAt(471'100);
    // Nearer to dirty than to clean.
    QVERIFY(std::abs(seen.blue() - dirty.blue()) < std::abs(seen.blue() - clean.blue()));
}

void HeatmapTest::heatmap_newFrame_repaintsAsARebuildWould()
{
    BitmapFrameBuilder builder = test::resyncingArray();
    show(builder.publish());
    builder.mark(16660, 16660, ChunkState::Syncing);
    builder.mark(200, 4000, ChunkState::Dirty);
    builder.mark(27500, 27600, ChunkState::Done);
    builder.setPagesDue(0, 0, false);
    builder.setSyncPosition(16660);
    const auto frame = builder.publish();
    m_heatmap->setFrame(frame);
    const QImage changed = grid().grab().toImage();

    m_heatmap->setFrame(nullptr);
    m_heatmap->setFrame(frame);
    QCOMPARE(changed, grid().grab().toImage());
}

void HeatmapTest::heatmap_paletteChange_recolours()
{
    BitmapFrameBuilder builder(test::mirrorReport(kMillion, 65536));
    show(builder.publish());
    QVERIFY(isNear(colorAt(500'000), QColor(0xdd, 0xe3, 0xea), 2));
    applyScheme(Scheme::Dark);
    QCoreApplication::processEvents();
    QVERIFY(isNear(colorAt(500'000), QColor(0x2f, 0x3b, 0x47), 2));
}

void HeatmapTest::click_selectsTheCellsChunks()
{
    show(test::resyncingArray().publish());
    QSignalSpy selected(m_heatmap.get(), &BitmapHeatmap::selectionChanged);
    QTest::mouseClick(&grid(), Qt::LeftButton, {}, middleOf(16660));
    QCOMPARE(selected.count(), 1);
    const HeatmapLayout& cells = grid().layoutOfCells();
    QVERIFY(m_heatmap->selection() == cells.rangeOf(cells.cellOf(16660)));
    QTest::keyClick(&grid(), Qt::Key_Escape);
    QVERIFY(!m_heatmap->selection());
}

void HeatmapTest::drag_selectsARange()
{
    show(test::resyncingArray().publish());
    QTest::mousePress(&grid(), Qt::LeftButton, {}, middleOf(9000));
    moveMouse(middleOf(7000), Qt::LeftButton);
    QTest::mouseRelease(&grid(), Qt::LeftButton, {}, middleOf(7000));
    const HeatmapLayout& cells = grid().layoutOfCells();
    QCOMPARE(selected().first, cells.rangeOf(cells.cellOf(7000)).first);
    QCOMPARE(selected().last, cells.rangeOf(cells.cellOf(9000)).last);
}

void HeatmapTest::shiftAndArrows_extendTheSelection()
{
    show(test::resyncingArray().publish());
    const HeatmapLayout& cells = grid().layoutOfCells();
    grid().setCurrentCell(100);
    for (int i = 0; i < 3; ++i)
        QTest::keyClick(&grid(), Qt::Key_Right, Qt::ShiftModifier);
    QCOMPARE(selected().first, cells.rangeOf(100).first);
    QCOMPARE(selected().last, cells.rangeOf(103).last);
    for (int i = 0; i < 5; ++i)
        QTest::keyClick(&grid(), Qt::Key_Left, Qt::ShiftModifier);
    QCOMPARE(selected().first, cells.rangeOf(98).first);
    QCOMPARE(selected().last, cells.rangeOf(100).last);
}

void HeatmapTest::arrowsHomeAndEnd_move()
{
    show(test::resyncingArray().publish());
    const auto columns = std::uint64_t(grid().layoutOfCells().columns());
    const std::uint64_t cells = grid().layoutOfCells().cells();
    QTest::keyClick(&grid(), Qt::Key_Down);
    QTest::keyClick(&grid(), Qt::Key_Right);
    QCOMPARE(grid().currentCell(), columns + 1);
    QTest::keyClick(&grid(), Qt::Key_End);
    QCOMPARE(grid().currentCell(), 2 * columns - 1);
    QTest::keyClick(&grid(), Qt::Key_Home);
    QCOMPARE(grid().currentCell(), columns);
    QTest::keyClick(&grid(), Qt::Key_End, Qt::ControlModifier);
    QCOMPARE(grid().currentCell(), cells - 1);
    QTest::keyClick(&grid(), Qt::Key_Right);
    QCOMPARE(grid().currentCell(), cells - 1);
    QTest::keyClick(&grid(), Qt::Key_Home, Qt::ControlModifier);
    QCOMPARE(grid().currentCell(), std::uint64_t{0});
}

void HeatmapTest::keysNAndShiftN_goFromRunToRun()
{
    BitmapFrameBuilder builder(test::mirrorReport(kMillion, 65536));
    builder.mark(5'000, 5'010, ChunkState::Dirty);
    builder.mark(5'020, 5'020, ChunkState::Dirty); // in the same cell
    builder.mark(900'000, 900'100, ChunkState::Bad);
    show(builder.publish());
    QTest::keyClick(&grid(), Qt::Key_N);
    QVERIFY((m_heatmap->selection() == ChunkRange{5'000, 5'010}));
    QTest::keyClick(&grid(), Qt::Key_N);
    QVERIFY((m_heatmap->selection() == ChunkRange{5'020, 5'020}));
    QTest::keyClick(&grid(), Qt::Key_N);
    QVERIFY((m_heatmap->selection() == ChunkRange{900'000, 900'100}));
    QTest::keyClick(&grid(), Qt::Key_N, Qt::ShiftModifier);
    QVERIFY((m_heatmap->selection() == ChunkRange{5'020, 5'020}));
    QTest::keyClick(&grid(), Qt::Key_N, Qt::ShiftModifier);
    QTest::keyClick(&grid(), Qt::Key_N, Qt::ShiftModifier); // around the beginning
    QVERIFY((m_heatmap->selection() == ChunkRange{900'000, 900'100}));
}

void HeatmapTest::controlWheel_zoomsAboutTheCursor()
{
    show(test::resyncingArray().publish());
    const std::uint64_t before = grid().layoutOfCells().chunksPerCell();
    const QPoint at = middleOf(16660);
    for (int i = 0; i < 3; ++i) {
        wheel(at, 1, Qt::ControlModifier);
        QVERIFY(grid().layoutOfCells().chunksPerCell() < before);
    }
    // What was under the cursor still is, to within what a cell held before.
    const HeatmapLayout& cells = grid().layoutOfCells();
    const int index = cells.indexAt(at * grid().devicePixelRatioF()).value_or(-1);
    QVERIFY(index >= 0);
    const ChunkRange under = cells.rangeOf(cells.firstCell() + std::uint64_t(index));
    QVERIFY(under.first < 16660 + before && under.last + before > 16660);
    wheel(at, -3, Qt::ControlModifier);
    QCOMPARE(grid().layoutOfCells().chunksPerCell(), before);
}

void HeatmapTest::wheel_scrollsByRows()
{
    show(test::resyncingArray().publish());
    grid().setZoom(3, 0);
    const auto columns = std::uint64_t(grid().layoutOfCells().columns());
    wheel({50, 50}, -1, {});
    QCOMPARE(grid().layoutOfCells().firstCell(), 3 * columns);
    wheel({50, 50}, 5, {});
    QCOMPARE(grid().layoutOfCells().firstCell(), std::uint64_t{0});
    wheel({50, 50}, -100'000, {});
    QCOMPARE(grid().layoutOfCells().firstCell(), grid().layoutOfCells().lastFirstCell());
}

void HeatmapTest::doubleClickAndBackspace_zoomInAndOut()
{
    show(test::resyncingArray().publish());
    QTest::mouseDClick(&grid(), Qt::LeftButton, {}, middleOf(20'000));
    QCOMPARE(grid().layoutOfCells().zoom(), 1);
    QTest::keyClick(&grid(), Qt::Key_Backspace);
    QCOMPARE(grid().layoutOfCells().zoom(), 0);
    for (int i = 0; i < 40; ++i)
        QTest::keyClick(&grid(), Qt::Key_Plus);
    QCOMPARE(grid().layoutOfCells().chunksPerCell(), std::uint64_t{1});
    QTest::keyClick(&grid(), Qt::Key_0, Qt::ControlModifier);
    QCOMPARE(grid().layoutOfCells().zoom(), 0);
}

void HeatmapTest::controlG_goesToAPlace()
{
    show(test::resyncingArray().publish()); // 64 MiB per chunk
    QTest::keyClick(&grid(), Qt::Key_G, Qt::ControlModifier);
    auto* dialog = m_heatmap->findChild<OffsetDialog*>();
    QVERIFY(dialog);
    QTest::keyClicks(dialog->findChild<QLineEdit*>(), QStringLiteral("294 GiB"));
    QTest::keyClick(dialog->findChild<QLineEdit*>(), Qt::Key_Return);
    QVERIFY((m_heatmap->selection() == ChunkRange{4704, 4704}));
}

void HeatmapTest::controlC_copiesTheRange()
{
    show(test::resyncingArray().publish());
    m_heatmap->select({18'700, 18'999});
    QTest::keyClick(&grid(), Qt::Key_C, Qt::ControlModifier);
    const QString copied = QApplication::clipboard()->text();
    QVERIFY2(copied.contains(QStringLiteral("300 of 300 dirty")), qPrintable(copied));
    QVERIFY(copied.contains(QStringLiteral("disk-b.E01 sector")));
}

void HeatmapTest::hover_namesChunksPlacesAndMembers()
{
    show(test::resyncingArray().publish());
    grid().setZoom(grid().layoutOfCells().deepestZoom(), 16660);
    QSignalSpy hovered(m_heatmap.get(), &BitmapHeatmap::hovered);
    moveMouse(middleOf(16660), {});
    auto tip = [&] {
        return m_heatmap->findChild<HeatmapTip*>();
    };
    QTRY_VERIFY(tip() && tip()->isVisible());
    QCOMPARE(hovered.last().first().toULongLong(), 16660ULL);
    QString text = tip()->text();
    text.replace(QChar(0x202f), u' ').replace(QChar(0xa0), u' ');
    for (const char* part : {"Chunk 16", "dirty", "set on 2 of 2 members", "1 041.25 GiB",
             "1 041.31 GiB", "disk-a.img sector 2", "disk-b.E01 sector"})
        QVERIFY2(text.contains(QString::fromLatin1(part)), qPrintable(text));
    QVERIFY(m_heatmap->rect().intersects(tip()->geometry()));
    QEvent leave(QEvent::Leave);
    QApplication::sendEvent(&grid(), &leave);
    QVERIFY(!tip()->isVisible());
}

void HeatmapTest::overview_clickMovesTheCells()
{
    show(test::resyncingArray().publish());
    grid().setZoom(4, 0);
    auto* overview = m_heatmap->findChild<HeatmapOverview*>();
    QTest::mouseClick(overview, Qt::LeftButton, {}, {overview->width() / 2, 5});
    const ChunkRange visible = grid().layoutOfCells().visibleRange();
    QVERIFY(visible.contains(29809 / 2));
    QVERIFY(!visible.contains(0));
}

void HeatmapTest::legend_listsOnlyWhatTheFrameHas()
{
    BitmapFrameBuilder builder(test::mirrorReport(kMillion, 65536));
    show(builder.publish());
    auto* legend = m_heatmap->findChild<HeatmapLegend*>();
    QCOMPARE(legend->words(), (QStringList{QStringLiteral("clean"), QStringLiteral("dirty")}));
    builder.mark(3, 3, ChunkState::Bad);
    builder.setPagesDue(2, 2, true);
    m_heatmap->setFrame(builder.publish());
    QCOMPARE(legend->words().mid(2),
        (QStringList{QStringLiteral("unreadable"), QStringLiteral("page to be written")}));
    QVERIFY(legend->isVisible());
    QCOMPARE(legend->accessibleName(), QStringLiteral("Legend"));
}

void HeatmapTest::screenReader_readsATableOfCells()
{
    BitmapFrameBuilder builder(test::mirrorReport(kMillion, 65536));
    builder.mark(10, 46, ChunkState::Dirty);
    show(builder.publish());
    QAccessibleInterface* table = QAccessible::queryAccessibleInterface(&grid());
    QVERIFY(table && table->tableInterface());
    QCOMPARE(table->role(), QAccessible::Table);
    QCOMPARE(table->tableInterface()->columnCount(), grid().layoutOfCells().columns());
    const std::uint64_t size = grid().layoutOfCells().chunksPerCell();
    QAccessibleInterface* cell = table->tableInterface()->cellAt(0, 0);
    QVERIFY(cell && cell->tableCellInterface());
    const QString name = cell->text(QAccessible::Name);
    QVERIFY2(
        name.startsWith(QStringLiteral("chunks 0-%1, 37 of ").arg(size - 1)), qPrintable(name));
    QVERIFY(name.endsWith(QStringLiteral(" dirty")));
    QVERIFY(table->text(QAccessible::Description).contains(QStringLiteral("37 of 1")));
    QCOMPARE(table->child(0), cell);
    QVERIFY(!table->tableInterface()->cellAt(100'000, 0));

    m_heatmap->select({0, size});
    QVERIFY(cell->tableCellInterface()->isSelected());
    QCOMPARE(table->tableInterface()->selectedCellCount(), 2);
}

void HeatmapTest::noBitmap_saysSo()
{
    show(std::make_shared<BitmapFrame>());
    QTest::keyClick(&grid(), Qt::Key_N);
    QTest::keyClick(&grid(), Qt::Key_Right);
    QTest::mouseClick(&grid(), Qt::LeftButton, {}, {30, 30});
    wheel({30, 30}, 1, Qt::ControlModifier);
    QVERIFY(!m_heatmap->selection());
    m_heatmap->setFrame(nullptr);
    QTest::keyClick(&grid(), Qt::Key_G, Qt::ControlModifier);
    QVERIFY(!m_heatmap->findChild<OffsetDialog*>());
}

QTEST_MAIN(HeatmapTest)
#include "tst_bitmap_heatmap.moc"
