// SPDX-License-Identifier: Apache-2.0
#include "engine/io/container.h"
#include "engine/io/slice.h"
#include "engine/io/split_source.h"
#include "tests/support/files.h"
#include "tests/support/memory_device.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>

using namespace bitmend;
using namespace bitmend::test;

namespace fs = std::filesystem;

namespace {

QStringList list(std::initializer_list<const char*> suffixes)
{
    QStringList result;
    for (const char* suffix : suffixes)
        result.append(QString::fromUtf8(suffix));
    return result;
}

} // namespace

class TestSplitSource : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(m_folder->isValid());
    }

    void parts_joinToTheWhole_data()
    {
        QTest::addColumn<QStringList>("suffixes");
        QTest::newRow("from 001") << list({"001", "002", "003"});
        QTest::newRow("from 000") << list({"000", "001", "002"});
        QTest::newRow("four digits") << list({"0001", "0002", "0003"});
        QTest::newRow("letters") << list({"aa", "ab", "ac"});
    }

    void parts_joinToTheWhole()
    {
        QFETCH(const QStringList, suffixes);
        const auto whole = pattern(10'000);
        split(whole, suffixes, 4096);
        for (const auto& suffix : suffixes)
            QCOMPARE(firstPartOf(path(suffix)), std::optional(path(suffixes.front())));
        const auto source = openSource(path(suffixes.front()));
        QVERIFY(source.has_value());
        QCOMPARE((*source)->sizeBytes(), std::uint64_t(10'000));
        QCOMPARE((*source)->name(), path(suffixes.front()));
        QCOMPARE(allBytes(**source), whole);
        // Across each border.
        for (const std::uint64_t offset : {4090U, 8190U, 0U, 9990U}) {
            const auto begin = whole.begin() + std::ptrdiff_t(offset);
            QCOMPARE(bytesAt(**source, offset, 10), Bytes(begin, begin + 10));
        }
        Bytes beyond(2);
        QCOMPARE((*source)->readAt(9999, beyond).error().code, ErrorCode::ShortRead);
    }

    void gap_isNamed()
    {
        split(pattern(20'000), list({"001", "002", "003", "004", "005"}), 4096);
        fs::remove(path(QStringLiteral("003")));
        const auto source = openSource(path(QStringLiteral("001")));
        QVERIFY(!source && source.error().code == ErrorCode::PartMissing);
        QCOMPARE(source.error().where, path(QStringLiteral("003")));
    }

    void missingFirstPart_isNamed()
    {
        split(pattern(10'000), list({"001", "002", "003"}), 4096);
        fs::remove(path(QStringLiteral("001")));
        QCOMPARE(
            firstPartOf(path(QStringLiteral("003"))), std::optional(path(QStringLiteral("001"))));
        const auto source = openSource(path(QStringLiteral("001")));
        QVERIFY(!source && source.error().code == ErrorCode::PartMissing);
        QCOMPARE(source.error().where, path(QStringLiteral("001")));
    }

    void cutPart_isNamed()
    {
        split(pattern(10'000), list({"001", "002", "003"}), 4096);
        fs::resize_file(path(QStringLiteral("002")), 4000);
        const auto source = openSource(path(QStringLiteral("001")));
        QVERIFY(!source && source.error().code == ErrorCode::PartSizeDiffers);
        QCOMPARE(source.error().where, path(QStringLiteral("002")));
        QCOMPARE(source.error().found, std::uint64_t(4000));
        QCOMPARE(source.error().expected, std::uint64_t(4096));
    }

    void lastPartTooLong_isNamed()
    {
        split(pattern(8192), list({"001", "002"}), 4096);
        fs::resize_file(path(QStringLiteral("002")), 5000);
        QCOMPARE(openSource(path(QStringLiteral("001"))).error().code, ErrorCode::PartSizeDiffers);
    }

    void partThatShrinksMeanwhile_isNamed()
    {
        split(pattern(10'000), list({"001", "002", "003"}), 4096);
        const auto source = openSource(path(QStringLiteral("001")));
        fs::resize_file(path(QStringLiteral("002")), 100);
        Bytes bytes(9000);
        const auto read = (*source)->readAt(0, bytes);
        QVERIFY(!read && read.error().code == ErrorCode::ShortRead);
        QCOMPARE(read.error().where, path(QStringLiteral("002")));
        QCOMPARE(read.error().offset, std::int64_t(100));
    }

    void otherNames_areNoParts()
    {
        for (const char* name : {"100", "img", "gz", "12", "aa", "123456"}) {
            writeFile(path(QString::fromUtf8(name)), filled(512, 'x'));
            QCOMPARE(firstPartOf(path(QString::fromUtf8(name))), std::optional<std::string>());
        }
        QCOMPARE(firstPartOf("/some.001/file"), std::optional<std::string>());
    }

    void lonePart_isASetOfOne()
    {
        writeFile(path(QStringLiteral("001")), filled(700, 'x'));
        const auto source = openSource(path(QStringLiteral("001")));
        QVERIFY(source.has_value());
        QCOMPARE((*source)->sizeBytes(), std::uint64_t(700));
    }

    void slice_isItsPartAndNoMore()
    {
        const auto whole = std::make_shared<MemoryDevice>(pattern(10'000));
        const auto part = slice(whole, 1000, 5000, "memory#1");
        QCOMPARE(part->name(), std::string("memory#1"));
        QCOMPARE(part->sizeBytes(), std::uint64_t(5000));
        const auto begin = whole->bytes().begin() + 1000;
        QCOMPARE(allBytes(*part), Bytes(begin, begin + 5000));
        Bytes bytes(2);
        const auto read = part->readAt(4999, bytes);
        QVERIFY(!read && read.error().code == ErrorCode::ShortRead);
        QCOMPARE(read.error().where, std::string("memory#1"));
        QCOMPARE(part->descriptor(), -1);
    }

private:
    std::string path(const QString& suffix) const
    {
        return m_folder->filePath(QStringLiteral("disk.") + suffix).toStdString();
    }

    void split(const Bytes& whole, const QStringList& suffixes, std::size_t partBytes) const
    {
        std::size_t offset = 0;
        for (const auto& suffix : suffixes) {
            const auto length = std::min(partBytes, whole.size() - offset);
            writeFile(path(suffix), std::span(whole).subspan(offset, length));
            offset += length;
        }
        QCOMPARE(offset, whole.size());
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TestSplitSource)
#include "tst_split_source.moc"
