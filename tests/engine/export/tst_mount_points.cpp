// SPDX-License-Identifier: Apache-2.0
// Reading the kernel's list of mounts.
#include "engine/export/mount_points.h"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace bitmend;

class TestMountPoints : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        std::filesystem::create_directories(proc() / "self");
        std::ofstream(proc() / "self/mountinfo")
            << "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
               "40 22 0:30 / /media/my\\040photos rw,nosuid shared:7 master:2 - fuse.bitmend "
               "bitmendctl:4711 rw,user_id=0\n"
               "41 22 0:31 / /media/twice rw - tmpfs tmpfs rw\n"
               "42 41 0:32 / /media/twice rw - fuse.sshfs host:/home rw\n"
               "a line of some later kernel\n";
    }

    void oursAreKnownByTheirType()
    {
        const auto found = mountAt("/media/my photos", proc());
        QVERIFY(found && found->isOurs());
        QCOMPARE(found->source, std::string("bitmendctl:4711"));
        QVERIFY(mountAt("/media/../media/my photos/", proc()));
    }

    void theTopmostCounts()
    {
        const auto found = mountAt("/media/twice", proc());
        QVERIFY(found && !found->isOurs());
        QCOMPARE(found->type, std::string("fuse.sshfs"));
    }

    void foldersInsideAMountAreNotMountPoints()
    {
        QVERIFY(!mountAt("/media/my photos/folder", proc()));
        QVERIFY(!mountAt("/media", proc()));
    }

private:
    std::filesystem::path proc() const { return m_top.path().toStdString(); }

    QTemporaryDir m_top;
};

QTEST_APPLESS_MAIN(TestMountPoints)
#include "tst_mount_points.moc"
