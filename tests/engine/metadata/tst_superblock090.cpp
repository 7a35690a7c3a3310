// SPDX-License-Identifier: Apache-2.0
// Tn: the rule of that number in the accept/reject list that was measured with the real kernel.
#include "engine/metadata/metadata_format.h"
#include "tests/engine/metadata/md_bytes.h"

#include <QTest>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr SuperblockSlot kSlot{MetadataVersion::V0_90, {kPlace090}};

DecodedSuperblock decode(const Bytes& bytes)
{
    auto decoded = formatOf(kSlot.version).decode(bytes, kSlot, {kDevice});
    return decoded ? *std::move(decoded) : DecodedSuperblock{};
}

Bytes encoded(const DecodedSuperblock& decoded)
{
    return formatOf(MetadataVersion::V0_90).encode(decoded.superblock);
}

} // namespace

class TestSuperblock090 : public QObject
{
    Q_OBJECT

private slots:
    void encode_givesTheSameBytesInBothOrders()
    {
        for (const Bytes& bytes : {superblock090(), bigEndian090(superblock090())}) {
            const auto decoded = decode(bytes);
            QVERIFY(!anyBars(decoded.problems));
            QVERIFY(encoded(decoded) == bytes);
            QCOMPARE(decoded.superblock.events, std::uint64_t(0x100000002));
        }
    }
};

QTEST_GUILESS_MAIN(TestSuperblock090)
#include "tst_superblock090.moc"
