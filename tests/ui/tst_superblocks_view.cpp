// SPDX-License-Identifier: Apache-2.0
// The Superblocks tab: fields side by side, differences, and bytes and meaning pointing at each
// other.
#include "engine/metadata/metadata_format.h"
#include "ui/appearance.h"
#include "ui/models/superblocks_model.h"
#include "ui/widgets/hex_pane.h"
#include "ui/widgets/superblocks_view.h"

#include <QApplication>
#include <QCheckBox>
#include <QDir>
#include <QScrollBar>
#include <QStyleFactory>
#include <QTableView>
#include <QTest>

using namespace bitmend;

namespace {

// As the kernel would have written it, made by our encoder.
Member member(int role, std::uint64_t events, bool withBitmap)
{
    auto superblock = std::make_shared<Superblock>();
    superblock->location = Sectors{8};
    superblock->arrayUuid = parseUuid("6f7bf3c1:5d5a2b7e:11d4f5b0:9c7e2a44").value_or(Uuid{});
    superblock->name = "web:data";
    superblock->level = 1;
    superblock->raidDisks = 2;
    superblock->componentSize = Sectors{2097152};
    superblock->dataOffset = Sectors{2048};
    superblock->dataSize = Sectors{2097152};
    superblock->featureMap = withBitmap ? feature::kBitmapOffset : 0;
    superblock->bitmapOffset = withBitmap ? 8 : 0;
    superblock->events = events;
    superblock->ctime = 1763600000;
    superblock->utime = 1763650000;
    superblock->resyncOffset = Sectors{0};
    superblock->devNumber = std::uint32_t(role);
    superblock->deviceUuid.bytes[15] = std::uint8_t(role + 1);
    superblock->devRoles = {0, 1};
    superblock->raw = formatOf(MetadataVersion::V1_2).encode(*superblock);

    Member made;
    made.path = role == 0 ? "/images/disk-a.img" : "/images/disk-b.E01";
    made.role = role;
    made.devNumber = role;
    made.superblock = superblock;
    if (withBitmap) {
        auto bitmap = std::make_shared<BitmapCopy>();
        bitmap->header.version = 4;
        bitmap->header.events = events;
        bitmap->header.chunkBytes = 65536;
        bitmap->header.uuid = superblock->arrayUuid;
        bitmap->raw = encodeBitmapHeader(bitmap->header, {});
        made.bitmap = bitmap;
    }
    return made;
}

} // namespace

class SuperblocksTest : public QObject
{
    Q_OBJECT

private slots:
    void initTestCase();
    void init();
    void cleanup() { m_view.reset(); }
    void fields_standSideBySide_differencesMarked();
    void onlyDifferences_hidesTheRest();
    void choosingAField_marksItsBytes();
    void clickingAByte_goesToItsField();
    void bitmapHeader_isThereAsWell();
    void damagedOrMissingMembers_leaveDashes();
    void pictures_areWritten_data();
    void pictures_areWritten();

private:
    SuperblocksModel& model() { return *m_view->findChild<SuperblocksModel*>(); }
    QTableView& table() { return *m_view->findChild<QTableView*>(); }
    HexPane& hex() { return *m_view->findChild<HexPane*>(); }
    int rowOf(const char* field);

    std::unique_ptr<SuperblocksView> m_view;
};

void SuperblocksTest::initTestCase()
{
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    QApplication::setFont(QFont(QStringLiteral("DejaVu Sans"), 10));
    applyScheme(Scheme::Light);
}

void SuperblocksTest::init()
{
    m_view = std::make_unique<SuperblocksView>();
    m_view->resize(1000, 760);
    m_view->setMembers({member(0, 1041, true), member(1, 1029, true)});
    m_view->show();
    QVERIFY(QTest::qWaitForWindowExposed(m_view.get()));
}

int SuperblocksTest::rowOf(const char* field)
{
    for (int row = 0; row < model().rowCount(); ++row) {
        const QModelIndex name = model().index(row, 0);
        if (name.data(Qt::ToolTipRole).toString().section(u':', 0, 0) == QLatin1String(field))
            return row;
    }
    return -1;
}

void SuperblocksTest::fields_standSideBySide_differencesMarked()
{
    QCOMPARE(model().columnCount(), 3);
    const int events = rowOf("events");
    QVERIFY(events >= 0);
    QCOMPARE(model().index(events, 1).data().toString(), QStringLiteral("1041"));
    QCOMPARE(model().index(events, 2).data().toString(), QStringLiteral("1029"));
    QVERIFY(model().index(events, 0).data().toString().startsWith(QChar(0x2260)));
    QVERIFY(!model().differs(rowOf("set_uuid")));
    QVERIFY(!model().differs(rowOf("device_uuid"))); // each member has its own
}

void SuperblocksTest::onlyDifferences_hidesTheRest()
{
    auto* only = m_view->findChild<QCheckBox*>();
    QVERIFY(only->isEnabled());
    QTest::mouseClick(only, Qt::LeftButton, {}, {8, only->height() / 2});
    QVERIFY(only->isChecked());
    QVERIFY(!table().isRowHidden(rowOf("events")));
    QVERIFY(table().isRowHidden(rowOf("set_uuid")));

    m_view->setMembers({member(0, 1041, false)});
    QVERIFY(!only->isEnabled());
}

void SuperblocksTest::choosingAField_marksItsBytes()
{
    table().setCurrentIndex(model().index(rowOf("events"), 2));
    QCOMPARE(hex().markedOffset(), std::size_t{200});
    QCOMPARE(hex().markedLength(), std::size_t{8});
    QVERIFY(hex().accessibleDescription().startsWith(QStringLiteral("Bytes 200 to 207")));
    QTest::keyClick(&table(), Qt::Key_Down);
    QCOMPARE(hex().markedOffset(), std::size_t{208}); // resync_offset
}

void SuperblocksTest::clickingAByte_goesToItsField()
{
    table().setCurrentIndex(model().index(0, 2));
    hex().verticalScrollBar()->setValue(0);
    QTest::mouseClick(hex().viewport(), Qt::LeftButton, {}, hex().rectOf(34).center());
    QCOMPARE(table().currentIndex().row(), rowOf("set_name"));
    QCOMPARE(table().currentIndex().column(), 2);
    QTest::keyClick(&hex(), Qt::Key_Right);
    QCOMPARE(table().currentIndex().row(), rowOf("ctime"));
}

void SuperblocksTest::bitmapHeader_isThereAsWell()
{
    int row = -1;
    for (int i = 0; i < model().rowCount() && row < 0; ++i)
        row = model().kindOf(i) == RawBytes::BitmapHeader ? i : -1;
    QVERIFY(row > 0);
    table().setCurrentIndex(model().index(row, 1));
    QCOMPARE(hex().markedOffset(), std::size_t{0});
    QTest::mouseClick(hex().viewport(), Qt::LeftButton, {}, hex().rectOf(5).center());
    QVERIFY(table().currentIndex().row() > row);
    QCOMPARE(model().kindOf(table().currentIndex().row()), RawBytes::BitmapHeader);
}

void SuperblocksTest::damagedOrMissingMembers_leaveDashes()
{
    Member missing;
    missing.role = 1;
    m_view->setMembers({member(0, 7, true), missing, member(1, 7, false)});
    QCOMPARE(model().columnCount(), 3);
    const int last = model().rowCount() - 1;
    QCOMPARE(model().index(last, 2).data().toString(), QString(QChar(0x2013)));
    QVERIFY(!model().differs(last));
    table().setCurrentIndex(model().index(last, 2));
    QCOMPARE(hex().markedLength(), std::size_t{0});
    m_view->setMembers({});
    QCOMPARE(model().rowCount(), 0);
}

void SuperblocksTest::pictures_areWritten_data()
{
    QTest::addColumn<bool>("dark");
    QTest::newRow("light") << false;
    QTest::newRow("dark") << true;
}

void SuperblocksTest::pictures_areWritten()
{
    QFETCH(bool, dark);
    applyScheme(dark ? Scheme::Dark : Scheme::Light);
    table().setCurrentIndex(model().index(rowOf("events"), 1));
    QCoreApplication::processEvents();
    const QDir folder(QCoreApplication::applicationDirPath() + QStringLiteral("/../screenshots"));
    QVERIFY(folder.mkpath(QStringLiteral(".")));
    QVERIFY(m_view->grab().save(folder.filePath(QStringLiteral("superblocks-%1.png")
            .arg(dark ? QLatin1String("dark") : QLatin1String("light")))));
    applyScheme(Scheme::Light);
}

QTEST_MAIN(SuperblocksTest)
#include "tst_superblocks_view.moc"
