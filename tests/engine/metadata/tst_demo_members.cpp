// SPDX-License-Identifier: Apache-2.0
// The members of the bundled demo were written by the kernel and mdadm: bytes that no code of ours
// has touched.
#include "engine/metadata/to_text.h"
#include "engine/metadata/write_intent_bitmap.h"
#include "tests/engine/metadata/md_bytes.h"

#include <QProcess>
#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr SuperblockSlot kAt12{MetadataVersion::V1_2, {8}};

// The unpacked image, empty when it cannot be had.
MemorySource unpacked(const char* name)
{
    QProcess zstd;
    zstd.start(QStringLiteral("zstd"),
        {QStringLiteral("-dc"),
            QStringLiteral(BITMEND_DEMO) + QLatin1Char('/') + QLatin1StringView(name)});
    zstd.waitForFinished();
    const QByteArray bytes = zstd.readAllStandardOutput();
    MemorySource source(static_cast<std::uint64_t>(bytes.size()));
    std::memcpy(source.bytes().data(), bytes.data(), source.sizeBytes());
    return source;
}

Bytes superblockOf(const MemorySource& member)
{
    Bytes bytes(kSuperblockBytes);
    return member.readAt(4096, bytes) ? bytes : Bytes{};
}

} // namespace

class TestDemoMembers : public QObject
{
    Q_OBJECT

private slots:
    void kernelsSuperblock_hasNoProblemAndIsEncodedTheSame_data() { members(); }

    void kernelsSuperblock_hasNoProblemAndIsEncodedTheSame()
    {
        QFETCH(QByteArray, file);
        const MemorySource member = unpacked(file.constData());
        const Bytes bytes = superblockOf(member);
        QVERIFY2(!bytes.empty(), "no demo member to read: is zstd installed?");
        const auto decoded =
            formatOf(kAt12.version).decode(bytes, kAt12, {member.sizeBytes() / 512});
        QVERIFY(decoded && decoded->problems.empty());
        const Bytes again = formatOf(kAt12.version).encode(decoded->superblock);
        QVERIFY(std::equal(again.begin(), again.end(), bytes.begin()));
        QVERIFY(!describe(decoded->superblock).empty());
    }

    void kernelsBitmap_isReadAndEncodedTheSame_data() { members(); }

    void kernelsBitmap_isReadAndEncodedTheSame()
    {
        QFETCH(QByteArray, file);
        const MemorySource member = unpacked(file.constData());
        const auto decoded =
            formatOf(kAt12.version).decode(superblockOf(member), kAt12, {member.sizeBytes() / 512});
        QVERIFY(decoded.has_value());
        const auto& superblock = decoded->superblock;
        const auto copy = readBitmap(
            member, superblock, bitmapSyncSize(superblock, superblock.componentSize), false);
        QVERIFY(copy && copy->problems.empty() && copy->usable());
        QVERIFY(copy->dirty > 0 && copy->dirty < copy->bits.chunks); // its power was cut

        Bytes page(kBitmapPageBytes);
        encodeBitmapPage(copy->bits, 0, page);
        std::ranges::copy(encodeBitmapHeader(copy->header, copy->raw), page.begin());
        const std::size_t used = std::min<std::uint64_t>(4096, bitmapBytes(copy->bits.chunks) - 1);
        const auto* disk = member.bytes().data() + copy->location.byteOffset;
        QVERIFY(std::equal(page.begin(), page.begin() + std::ptrdiff_t(used), disk));
    }

private:
    static void members()
    {
        QTest::addColumn<QByteArray>("file");
        QTest::newRow("a") << QByteArray("disk-a.img.zst");
        QTest::newRow("b") << QByteArray("disk-b.img.zst");
    }
};

QTEST_GUILESS_MAIN(TestDemoMembers)
#include "tst_demo_members.moc"
