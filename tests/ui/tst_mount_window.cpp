// SPDX-License-Identifier: Apache-2.0
// An array that is mounted from the window: the folder opens, what a program writes there shows in
// the bitmap and is in the array, and leaving cleans up.
#include "tests/support/member_files.h"
#include "tests/ui/window_driver.h"
#include "ui/widgets/job_bar.h"

#include <QDesktopServices>
#include <QFile>
#include <QFileInfo>
#include <QLabel>
#include <QMessageBox>

using namespace bitmend;
using namespace bitmend::test;

class TestMountWindow : public QObject
{
    Q_OBJECT

public:
    static void initMain() { useOwnHome(); }

public slots: // QDesktopServices calls it by name
    void noteOpened(const QUrl& url) { m_opened.append(url.toLocalFile()); }

private slots:
    void initTestCase()
    {
        qputenv("XDG_RUNTIME_DIR", m_runtime.path().toUtf8());
        QDesktopServices::setUrlHandler(QStringLiteral("file"), this, "noteOpened");
    }

    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_overlays = std::make_unique<QTemporaryDir>();
        m_opened.clear();
        m_uuid.bytes.fill(1);
        writeMembers(m_folder->path().toStdString(), {.name = "nas:photos", .component = {65'536}});
        m_engine = std::make_unique<Engine>();
        m_window = openWindow(*m_engine, m_folder->path());
    }

    void cleanup()
    {
        m_window.reset();
        m_engine.reset();
    }

    void mounting_opensTheFolderAndTheBitmapFollowsWhatIsWritten()
    {
        QVERIFY(!action(*m_window, "mount").isEnabled());
        assemble();
        QVERIFY(!action(*m_window, "unmount").isEnabled());
        const QString file = mount();
        QCOMPARE(m_opened, QStringList{QFileInfo(file).path()});
        QVERIFY(subtitle().contains(QStringLiteral("mounted at")));
        QVERIFY(status().contains(QStringLiteral("to be read and written: nas-photos.img")));

        const QByteArray bytes(300'000, 'w');
        write(file, 5'000'000, bytes);
        QTRY_VERIFY_WITH_TIMEOUT(
            m_engine->frame(m_uuid)->in(ChunkState::Dirty).total() > 0, kPatience);
        picture(*m_window, QStringLiteral("mounted"));
        // Once more it only opens the folder.
        action(*m_window, "mount").trigger();
        QCOMPARE(m_opened.size(), 2);

        action(*m_window, "unmount").trigger();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(status().contains(QStringLiteral("is unmounted")));
        QVERIFY(!subtitle().contains(QStringLiteral("mounted at")));
        QVERIFY(!QFileInfo::exists(QFileInfo(file).path()));
        QVERIFY(!action(*m_window, "unmount").isEnabled());

        QCOMPARE(read(mount(), 5'000'000, bytes.size()), bytes);
    }

    void stoppingWhileAFileIsOpen_isRefusedInASentence()
    {
        assemble();
        QFile file(mount());
        QVERIFY(file.open(QIODevice::ReadWrite | QIODevice::Unbuffered));
        click(toolButton(*m_window, "stop"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(status().contains(QStringLiteral("still in use")));
        picture(*m_window, QStringLiteral("mount-busy"));
        QCOMPARE(file.write("still here"), 10);
        file.close();
        click(toolButton(*m_window, "stop"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(!shown(*m_engine, m_uuid).assembled.has_value());
        assemble();
        QCOMPARE(read(mount(), 0, 10), QByteArray("still here"));
    }

    void closingTheWindow_leavesNothingMounted()
    {
        assemble();
        const QString file = mount();
        QVERIFY(m_window->close());
        QVERIFY(!QFileInfo::exists(QFileInfo(file).path()));
    }

    void closingTheWindowWhileAFileIsOpen_asks()
    {
        assemble();
        QFile file(mount());
        QVERIFY(file.open(QIODevice::ReadOnly));
        bool asked = false;
        whenAsked<QMessageBox>(*m_window, [&asked](QMessageBox& question) {
            asked = true;
            picture(question, QStringLiteral("mount-close-question"));
            QTest::keyClick(&question, Qt::Key_Escape);
        });
        QVERIFY(!m_window->close());
        QVERIFY(asked);
        file.close();
        // The kernel says so a moment later.
        QTRY_COMPARE_WITH_TIMEOUT(m_engine->openFiles(), 0U, kPatience);
        QVERIFY(m_window->close());
    }

    void inPlace_aPersonAgreesBeforeProgramsWriteToTheMembers()
    {
        assemble(true);
        bool asked = false;
        whenAsked<QMessageBox>(*m_window, [&asked](QMessageBox& question) {
            asked = true;
            picture(question, QStringLiteral("mount-in-place"));
            click(question.findChild<QPushButton*>(QStringLiteral("confirmNow")));
        });
        const QString file = mount();
        QVERIFY(asked);
        write(file, 5'000'000, QByteArray(300'000, 'w'));
        click(toolButton(*m_window, "stop"));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(!shown(*m_engine, m_uuid).assembled.has_value());
        QVERIFY(!shown(*m_engine, m_uuid).report.members.empty());
    }

private:
    void assemble(bool inPlace = false)
    {
        assembleChosen(*m_window, m_overlays->path() + QStringLiteral("/here"), inPlace);
        QVERIFY(shown(*m_engine, m_uuid).assembled.has_value());
    }

    QString mount()
    {
        action(*m_window, "mount").trigger();
        const auto isThere = [this] {
            return m_window->isIdle() && !shown(*m_engine, m_uuid).mounted.empty();
        };
        [&isThere] {
            QTRY_VERIFY_WITH_TIMEOUT(isThere(), kPatience);
        }();
        return QString::fromStdString(shown(*m_engine, m_uuid).mounted.string()) +
               QStringLiteral("/nas-photos.img");
    }

    static void write(const QString& path, qint64 offset, const QByteArray& bytes)
    {
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadWrite | QIODevice::Unbuffered));
        QVERIFY(file.seek(offset));
        QCOMPARE(file.write(bytes), bytes.size());
    }

    static QByteArray read(const QString& path, qint64 offset, qint64 length)
    {
        QFile file(path);
        return file.open(QIODevice::ReadOnly) && file.seek(offset) ? file.read(length)
                                                                   : QByteArray();
    }

    QString status() { return named<QLabel>(*m_window, "jobStatus")->text(); }
    QString subtitle() { return named<QLabel>(*m_window, "arraySubtitle")->text(); }

    Uuid m_uuid;
    QTemporaryDir m_runtime;
    QStringList m_opened;
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<QTemporaryDir> m_overlays;
    std::unique_ptr<Engine> m_engine;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(TestMountWindow)
#include "tst_mount_window.moc"
