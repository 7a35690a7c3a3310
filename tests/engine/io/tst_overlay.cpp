// SPDX-License-Identifier: Apache-2.0
#include "engine/io/container.h"
#include "engine/io/file_device.h"
#include "engine/io/overlay.h"
#include "engine/io/overlay_log.h"
#include "tests/support/memory_device.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <filesystem>

using namespace bitmend;
using test::MemoryDevice;

namespace {

using Bytes = std::vector<std::byte>;

Bytes filled(std::size_t size, int value) { return Bytes(size, std::byte(value)); }

Bytes bytesAt(const BlockSource& source, std::uint64_t offset, std::size_t size)
{
    Bytes bytes(size);
    return source.readAt(offset, bytes) ? bytes : Bytes();
}

} // namespace

class TestOverlay : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_base = m_folder->filePath(QStringLiteral("disk.img")).toStdString();
        m_store = m_folder->filePath(QStringLiteral("overlay")).toStdString();
        QFile file(QString::fromStdString(m_base));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(QByteArray(1 << 20, 'b'));
    }

    void written_isReadBackAndBaseIsNot()
    {
        auto overlay = openOverlay(*openSource(m_base), m_store);
        QVERIFY(overlay.has_value());
        QVERIFY((*overlay)->writeAt(8192, filled(4096, 'w')).has_value());
        QCOMPARE(bytesAt(**overlay, 8192, 4096), filled(4096, 'w'));
        QCOMPARE(bytesAt(**overlay, 4096, 4096), filled(4096, 'b'));
        QCOMPARE(bytesAt(**openSource(m_base), 8192, 4096), filled(4096, 'b'));
    }

    void reopened_showsWhatWasFlushed()
    {
        {
            auto overlay = openOverlay(*openSource(m_base), m_store);
            QVERIFY((*overlay)->writeAt(8192, filled(4096, 0)).has_value());
            QVERIFY((*overlay)->flush().has_value());
        }
        auto overlay = openOverlay(*openSource(m_base), m_store);
        QVERIFY(overlay.has_value());
        QCOMPARE(bytesAt(**overlay, 8192, 4096), filled(4096, 0));
        const auto ranges = overlaidRanges(**openSource(m_base), m_store);
        QCOMPARE(*ranges, (std::vector<SectorRange>{{{16}, {24}}}));
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    std::string m_base;
    std::string m_store;
};

QTEST_GUILESS_MAIN(TestOverlay)
#include "tst_overlay.moc"
