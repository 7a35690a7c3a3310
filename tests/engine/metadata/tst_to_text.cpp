// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/field_words.h"
#include "engine/metadata/to_text.h"
#include "tests/engine/metadata/md_bytes.h"

#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr SuperblockSlot kAt12{MetadataVersion::V1_2, {8}};
constexpr SuperblockSlot kAt090{MetadataVersion::V0_90, {kPlace090}};

Superblock decoded(const Bytes& bytes, SuperblockSlot slot)
{
    return formatOf(slot.version).decode(bytes, slot, {kDevice})->superblock;
}

const FieldText* named(const std::vector<FieldText>& items, std::string_view name)
{
    for (const auto& item : items) {
        if (item.name == name)
            return &item;
    }
    return nullptr;
}

// Name, value, place and number.
bool covers(const std::vector<FieldText>& items, std::size_t length)
{
    std::size_t at = 0;
    for (const auto& item : items) {
        if (item.offset != at || item.length == 0 || item.name.empty() || item.field.empty())
            return false;
        at += item.length;
    }
    return at == length;
}

std::uint64_t stored(const Bytes& bytes, const FieldText& item, std::endian order)
{
    Bytes part(bytes.begin() + std::ptrdiff_t(item.offset),
        bytes.begin() + std::ptrdiff_t(item.offset + item.length));
    if (order == std::endian::big)
        std::ranges::reverse(part);
    return get(part, 0, part.size());
}

bool numbersAreThoseOnDisk(
    const std::vector<FieldText>& items, const Bytes& bytes, std::endian order)
{
    for (const auto& item : items) {
        if (!item.raw)
            continue;
        const std::uint64_t mask =
            item.length == 8 ? ~std::uint64_t(0) : (std::uint64_t(1) << item.length * 8) - 1;
        if ((*item.raw & mask) != stored(bytes, item, order))
            return false;
    }
    return true;
}

// "Name : value" lines of mdadm's output, in the locale and zone of the test.
std::map<std::string, std::string> ofMdadm(const QStringList& arguments)
{
    std::map<std::string, std::string> lines;
    const QString program = QStandardPaths::findExecutable(
        QStringLiteral("mdadm"), {QStringLiteral("/sbin"), QStringLiteral("/usr/sbin")});
    QProcess mdadm;
    mdadm.start(program, arguments);
    mdadm.waitForFinished();
    for (const auto& line : mdadm.readAllStandardOutput().split('\n')) {
        const auto colon = line.indexOf(" : ");
        if (colon > 0) {
            lines.emplace(line.left(colon).trimmed().toStdString(),
                line.mid(colon + 3).trimmed().toStdString());
        }
    }
    return lines;
}

// mdadm forgets that a bitmap was announced when it finds none.
Bytes withBitmap(Bytes superblock, const Bytes& uuid)
{
    const Bytes header = bitmapHeader(uuid, 12288);
    superblock.insert(superblock.end(), header.begin(), header.end());
    return superblock;
}

QString saved(const QTemporaryDir& folder, const Bytes& bytes, std::uint64_t at, qint64 size)
{
    QFile file(folder.filePath(QStringLiteral("member.img")));
    if (!file.open(QIODevice::ReadWrite) || !file.resize(size) || !file.seek(qint64(at)))
        return {};
    for (const auto byte : bytes)
        file.putChar(std::to_integer<char>(byte));
    return file.fileName();
}

} // namespace

class TestToText : public QObject
{
    Q_OBJECT

private slots:
    void everyByte_hasAMeaning()
    {
        const Bytes one = superblock1(2, 8);
        const auto items1 = describe(decoded(one, kAt12));
        QVERIFY(covers(items1, 256 + 2 * 128));
        QVERIFY(numbersAreThoseOnDisk(items1, one, std::endian::little));

        for (const auto order : {std::endian::little, std::endian::big}) {
            const Bytes bytes =
                order == std::endian::big ? bigEndian090(superblock090()) : superblock090();
            const auto items = describe(decoded(bytes, kAt090));
            QVERIFY(covers(items, 4096));
            QVERIFY(numbersAreThoseOnDisk(items, bytes, order));
        }

        const Bytes header = bitmapHeader(uuidOf1(one), 12288);
        const auto items = describeBitmapHeader(header);
        QVERIFY(covers(items, 256));
        QVERIFY(numbersAreThoseOnDisk(items, header, std::endian::little));
    }

    void everyFieldInUse_keepsTheListWithoutGaps()
    {
        // Everything at once: reshape, PPL, journal role, whatever the bytes are.
        Bytes bytes(4096, std::byte{0x5a});
        put32(bytes, 0, 0xa92b4efc);
        QVERIFY(covers(describe(decoded(bytes, kAt12)), 4096));
        QVERIFY(covers(describe(decoded(bytes, kAt090)), 4096));
        Superblock nothing;
        QVERIFY(describe(nothing).empty());
        QVERIFY(describeBitmapHeader(Bytes(255)).empty());
    }

    void unusedTableEntries_areOneItem()
    {
        const auto items = describe(decoded(superblock1(2, 8), kAt12));
        QCOMPARE(items.back().field, std::string("dev_roles[2..127]"));
        QCOMPARE(items.back().length, std::size_t(252));
        QVERIFY(!items.back().raw);
        const auto* own = named(items, "Device Role");
        QVERIFY(own != nullptr);
        QCOMPARE(own->field, std::string("dev_roles[1]"));
        QCOMPARE(own->offset, std::size_t(258));
    }

    void values_areSpelledAsByMdadm()
    {
        QCOMPARE(sizeText({14336}), std::string("14336 sectors (7.00 MiB 7.34 MB)"));
        QCOMPARE(sizeText(kMaxSector), std::string("18446744073709551615 sectors"));
        QCOMPARE(chunkText(65536), std::string("64K"));
        QCOMPARE(chunkText(64 << 20), std::string("64M"));
        QCOMPARE(levelText(10), std::string("raid10"));
        QCOMPARE(levelText(-1), std::string("linear"));
        QCOMPARE(levelText(99), std::string("99"));
        QCOMPARE(layoutText(5, 2), std::string("left-symmetric"));
        QCOMPARE(layoutText(6, 8), std::string("ddf-zero-restart"));
        QCOMPARE(layoutText(10, 0x102), std::string("near=2"));
        QCOMPARE(layoutText(10, 0x201), std::string("far=2"));
        QCOMPARE(layoutText(10, 0x10201), std::string("offset=2"));
        QCOMPARE(layoutText(0, 2), std::string("alternate"));
        QCOMPARE(timeText(1700000000), std::string("2023-11-14T22:13:20Z"));
        QCOMPARE(timeText(1700000000, 123456), std::string("2023-11-14T22:13:20.123456Z"));
        QCOMPARE(roleText(0xff17), std::string("0xff17"));
    }

    void superblock1_agreesWithMdadm()
    {
        const QTemporaryDir folder;
        const Bytes bytes = superblock1(2, 8);
        const QString file = saved(folder, withBitmap(bytes, uuidOf1(bytes)), 4096, kDevice * 512);
        const auto theirs = ofMdadm({QStringLiteral("--examine"), file});
        const auto items = describe(decoded(bytes, kAt12));
        QVERIFY2(theirs.contains("Magic"), "mdadm --examine showed nothing");
        for (const char* name : {"Magic", "Version", "Array UUID", "Raid Level", "Raid Devices",
                 "Avail Dev Size", "Used Dev Size", "Data Offset", "Super Offset", "State",
                 "Device UUID", "Internal Bitmap", "Checksum", "Events", "Device Role"}) {
            const auto* ours = named(items, name);
            QVERIFY2(ours != nullptr && theirs.contains(name), name);
            QVERIFY2(ours->value == theirs.at(name),
                (std::string(name) + ": " + ours->value + " / " + theirs.at(name)).c_str());
        }
        QVERIFY(theirs.at("Name").starts_with(named(items, "Name")->value));
        QVERIFY(named(items, "Feature Map")->value.starts_with(theirs.at("Feature Map")));
    }

    void superblock090_agreesWithMdadm()
    {
        const QTemporaryDir folder;
        const Bytes bytes = superblock090();
        const QString file =
            saved(folder, withBitmap(bytes, rawUuidOf090(bytes)), kPlace090 * 512, kDevice * 512);
        const auto theirs = ofMdadm({QStringLiteral("--examine"), file});
        const auto items = describe(decoded(bytes, kAt090));
        QVERIFY2(theirs.contains("Magic"), "mdadm --examine showed nothing");
        for (const char* name : {"Magic", "Version", "Raid Level", "Used Dev Size", "Raid Devices",
                 "Total Devices", "Preferred Minor", "Active Devices", "Working Devices",
                 "Failed Devices", "Spare Devices", "Checksum", "Events"}) {
            const auto* ours = named(items, name);
            QVERIFY2(ours != nullptr && theirs.contains(name), name);
            QVERIFY2(ours->value == theirs.at(name),
                (std::string(name) + ": " + ours->value + " / " + theirs.at(name)).c_str());
        }
        QVERIFY(theirs.at("UUID").starts_with(named(items, "UUID")->value));
    }

    void bitmapHeader_agreesWithMdadm()
    {
        const QTemporaryDir folder;
        const Bytes header = bitmapHeader(uuidOf1(superblock1(2, 8)), 12288);
        const QString file = saved(folder, header, 0, 4096);
        const auto theirs = ofMdadm({QStringLiteral("--examine-bitmap"), file});
        const auto items = describeBitmapHeader(header);
        for (const char* name :
            {"Magic", "Version", "UUID", "Events", "Events Cleared", "Daemon", "Write Mode"}) {
            const auto* ours = named(items, name);
            QVERIFY2(ours != nullptr && theirs.contains(name), name);
            QVERIFY2(ours->value == theirs.at(name),
                (std::string(name) + ": " + ours->value + " / " + theirs.at(name)).c_str());
        }
    }
};

QTEST_GUILESS_MAIN(TestToText)
#include "tst_to_text.moc"
