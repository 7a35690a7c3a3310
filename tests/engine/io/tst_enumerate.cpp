// SPDX-License-Identifier: Apache-2.0
#include "engine/io/enumerate.h"
#include "tests/support/files.h"

#include <QTemporaryDir>
#include <QTest>

#include <sys/stat.h>

using namespace bitmend;
using namespace bitmend::test;

namespace fs = std::filesystem;

using Paths = std::vector<std::string>;

class TestEnumerate : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(m_folder->isValid());
    }

    void folder_becomesItsImagesByName()
    {
        for (const char* name : {"b.img", "a.img", ".hidden", "a.map", "a.log", "notes.txt",
                 "scan.json", "set.002", "set.001", "set.003"})
            writeFile(path(name), filled(512, 'x'));
        fs::create_directories(path("deeper"));
        writeFile(path("deeper/c.img"), filled(512, 'x'));
        QCOMPARE(::mkfifo(path("pipe").c_str(), 0600), 0);
        fs::create_symlink(path("deeper/c.img"), path("link.img"));
        QCOMPARE(expandPaths({path("")}),
            (Paths{path("a.img"), path("b.img"), path("link.img"), path("set.001")}));
    }

    void order_isTheUsers()
    {
        fs::create_directories(path("folder"));
        writeFile(path("folder/2.img"), filled(512, 'x'));
        writeFile(path("folder/1.img"), filled(512, 'x'));
        QCOMPARE(expandPaths({path("z.img"), path("folder"), path("a.img")}),
            (Paths{path("z.img"), path("folder/1.img"), path("folder/2.img"), path("a.img")}));
    }

    void namedTwice_isListedOnce()
    {
        writeFile(path("a.img"), filled(512, 'x'));
        const auto folder = m_folder->path().toStdString();
        QCOMPARE(expandPaths({path("a.img"), folder, path("a.img")}), Paths{path("a.img")});
    }

    void noteNamedByHand_isKept()
    {
        QCOMPARE(expandPaths({path("odd.log")}), Paths{path("odd.log")});
    }

    void anyPart_becomesTheFirst()
    {
        writeFile(path("set.001"), filled(512, 'x'));
        writeFile(path("set.002"), filled(512, 'x'));
        QCOMPARE(expandPaths({path("set.002"), path("set.001")}), Paths{path("set.001")});
    }

    void whatCannotBeRead_isPassedOn()
    {
        const Paths gone = {path("gone.img"), path("no/such.img"), path("disk.img#2")};
        QCOMPARE(expandPaths(gone), gone);
    }

    void disks_areThoseWithASize()
    {
        addDisk("sda", "1000", {{"device/model", "ACME  \n"}, {"device/vpd_pg80", {}}});
        const Bytes page = {std::byte(0), std::byte(0x80), std::byte(0), std::byte(4),
            std::byte('S'), std::byte('1'), std::byte(' '), std::byte(' ')};
        writeFile(path("sys/sda/device/vpd_pg80"), page);
        addDisk("nvme0n1", "2000", {{"device/model", "Fast\n"}, {"device/serial", "N-7\n"}});
        addDisk("vda", "8", {{"serial", "virtual\n"}});
        addDisk("dm-0", "8", {{"dm/name", "vg-home\n"}});
        addDisk("loop0", "0", {});
        addDisk("loop1", "8", {{"loop/backing_file", "/some/disk.img\n"}});
        addDisk("sr0", "0", {});
        addDisk("ram0", "8", {});
        addDisk("zram0", "8", {});
        addDisk("md127", "8", {});
        addDisk("nvme0c0n1", "8", {{"hidden", "1\n"}});
        addDisk("cciss!c0d0", "8", {});

        std::string seen;
        for (const auto& disk : listDisks(path("sys")))
            seen += disk.path + "|" + disk.model + "|" + disk.serial + "\n";
        QCOMPARE(seen, std::string("/dev/cciss/c0d0||\n"
                                   "/dev/dm-0|vg-home|\n"
                                   "/dev/loop1|/some/disk.img|\n"
                                   "/dev/nvme0n1|Fast|N-7\n"
                                   "/dev/sda|ACME|S1\n"
                                   "/dev/vda||virtual\n"));
    }

    void withoutSysfs_thereAreNoDisks() { QVERIFY(listDisks(path("none")).empty()); }

private:
    std::string path(const char* name) const
    {
        return m_folder->filePath(QString::fromUtf8(name)).toStdString();
    }

    void addDisk(const char* name, const char* size,
        const std::vector<std::pair<std::string, std::string>>& files) const
    {
        const fs::path folder = fs::path(path("sys")) / name;
        const auto write = [&](const std::string& file, const std::string& text) {
            fs::create_directories((folder / file).parent_path());
            writeFile(folder / file, std::as_bytes(std::span(text)));
        };
        write("size", std::string(size) + "\n");
        for (const auto& [file, text] : files)
            write(file, text);
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TestEnumerate)
#include "tst_enumerate.moc"
