// SPDX-License-Identifier: Apache-2.0
// An array that is mounted from the window on a computer without FUSE: an address is shown instead,
// what a client writes there shows in the bitmap and is in the array.
#include "tests/engine/export/nbd_client.h"
#include "tests/support/member_files.h"
#include "tests/ui/window_driver.h"

#include <QClipboard>
#include <QFile>
#include <QFileInfo>
#include <QLabel>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace bitmend;
using namespace bitmend::test;

namespace {

void say(const char* path, const QByteArray& words)
{
    QFile file(QString::fromLatin1(path));
    if (file.open(QIODevice::WriteOnly))
        file.write(words);
}

// In mount and user namespaces of this process's own. While it has no threads.
void hideFuse()
{
    static const QTemporaryDir folder;
    const auto user = QByteArray::number(::getuid());
    const auto group = QByteArray::number(::getgid());
    const auto plain = (folder.path() + QStringLiteral("/fuse")).toLocal8Bit();
    say(plain.constData(), {});
    struct stat status{};
    if (::stat("/dev/fuse", &status) != 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return;
    say("/proc/self/setgroups", "deny");
    say("/proc/self/uid_map", user + ' ' + user + " 1");
    say("/proc/self/gid_map", group + ' ' + group + " 1");
    ::mount(plain.constData(), "/dev/fuse", nullptr, MS_BIND, nullptr);
}

} // namespace

class TestNbdWindow : public QObject
{
    Q_OBJECT

public:
    static void initMain()
    {
        useOwnHome();
        hideFuse();
    }

private slots:
    void initTestCase()
    {
        struct stat status{};
        QVERIFY2(::stat("/dev/fuse", &status) != 0 || !S_ISCHR(status.st_mode),
            "FUSE could not be hidden from this process");
        qputenv("XDG_RUNTIME_DIR", m_runtime.path().toUtf8());
    }

    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_overlays = std::make_unique<QTemporaryDir>();
        m_uuid.bytes.fill(1);
        writeMembers(m_folder->path().toStdString(), {.name = "nas:photos", .component = {65'536}});
        m_engine = std::make_unique<Engine>();
        m_window = openWindow(*m_engine, m_folder->path());
        assembleChosen(*m_window, m_overlays->path() + QStringLiteral("/here"), false);
        QVERIFY(shown(*m_engine, m_uuid).assembled.has_value());
    }

    void cleanup()
    {
        m_window.reset();
        m_engine.reset();
    }

    void mounting_showsAnAddressAndTheBitmapFollowsWhatIsWritten()
    {
        mount();
        const auto view = shown(*m_engine, m_uuid);
        const auto address = QString::fromStdString(view.address);
        QVERIFY(address.startsWith(QStringLiteral("nbd+unix:///nas-photos?socket=")));
        QVERIFY(status().contains(QStringLiteral("no FUSE")));
        QVERIFY(status().contains(address));
        QVERIFY(named<QLabel>(*m_window, "arraySubtitle")
                ->text()
                .contains(QStringLiteral("for NBD clients in")));
        picture(*m_window, QStringLiteral("nbd"));
        action(*m_window, "mount").trigger();
        QCOMPARE(QGuiApplication::clipboard()->text(), address);

        NbdClient client(view.mounted.string() + "/nbd.sock");
        client.choose("nas-photos");
        QCOMPARE(client.write(5'000'000, Bytes(300'000, std::byte{'w'})), 0U);
        QTRY_VERIFY_WITH_TIMEOUT(
            m_engine->frame(m_uuid)->in(ChunkState::Dirty).total() > 0, kPatience);

        action(*m_window, "unmount").trigger();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(status().contains(QStringLiteral("still in use")));
        client.leave();
        action(*m_window, "unmount").trigger();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->isIdle(), kPatience);
        QVERIFY(status().contains(QStringLiteral("is unmounted")));
        QVERIFY(!QFileInfo::exists(QString::fromStdString(view.mounted.string())));

        mount();
        const NbdClient again(shown(*m_engine, m_uuid).mounted.string() + "/nbd.sock");
        again.choose("");
        QCOMPARE(again.read(5'000'000, 300'000), Bytes(300'000, std::byte{'w'}));
    }

    void closingTheWindow_leavesNoSocket()
    {
        mount();
        const auto folder = QString::fromStdString(shown(*m_engine, m_uuid).mounted.string());
        QVERIFY(m_window->close());
        QVERIFY(!QFileInfo::exists(folder));
    }

private:
    void mount()
    {
        action(*m_window, "mount").trigger();
        QTRY_VERIFY_WITH_TIMEOUT(
            m_window->isIdle() && !shown(*m_engine, m_uuid).address.empty(), kPatience);
    }

    QString status() { return named<QLabel>(*m_window, "jobStatus")->text(); }

    Uuid m_uuid;
    QTemporaryDir m_runtime;
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<QTemporaryDir> m_overlays;
    std::unique_ptr<Engine> m_engine;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(TestNbdWindow)
#include "tst_nbd_window.moc"
