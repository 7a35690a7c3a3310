// SPDX-License-Identifier: Apache-2.0
// Tn: the rule of that number in the accept/reject list that was measured with the real kernel.
#include "engine/metadata/metadata_format.h"
#include "engine/metadata/superblock1_format.h"
#include "tests/engine/metadata/md_bytes.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr SuperblockSlot kAt12{MetadataVersion::V1_2, {8}};
constexpr SuperblockSlot kAt11{MetadataVersion::V1_1, {0}};
constexpr SuperblockSlot kAt10{MetadataVersion::V1_0, {kDevice - 16}};
constexpr Sectors kSize{kDevice};

Bytes valid(SuperblockSlot slot = kAt12)
{
    const unsigned minor = slot.version == MetadataVersion::V1_0   ? 0
                           : slot.version == MetadataVersion::V1_1 ? 1
                                                                   : 2;
    return superblock1(minor, slot.sector.count);
}

DecodedSuperblock decode(const Bytes& bytes, SuperblockSlot slot = kAt12, Sectors size = kSize)
{
    auto decoded = formatOf(slot.version).decode(bytes, slot, size);
    return decoded ? *std::move(decoded) : DecodedSuperblock{};
}

// The problem of that code; a Note about nothing when there is none.
Problem problem(const DecodedSuperblock& decoded, ProblemCode code)
{
    for (const auto& found : decoded.problems) {
        if (found.code == code)
            return found;
    }
    return {ProblemCode::BitmapPageUnreadable, Severity::Note, {}, -2, 0, 0};
}

// Changes one field, seals, decodes.
DecodedSuperblock changed(
    std::size_t offset, std::size_t size, std::uint64_t value, SuperblockSlot slot = kAt12)
{
    Bytes bytes = valid(slot);
    put(bytes, offset, size, value);
    seal1(bytes);
    return decode(bytes, slot);
}

Bytes encoded(const DecodedSuperblock& decoded)
{
    return formatOf(decoded.superblock.version).encode(decoded.superblock);
}

bool isPrefix(const Bytes& start, const Bytes& whole)
{
    return start.size() <= whole.size() && std::equal(start.begin(), start.end(), whole.begin());
}

} // namespace

class TestSuperblock1 : public QObject
{
    Q_OBJECT

private slots:
    void validSuperblock_hasNoProblemAtAnyPlace()
    {
        for (const auto slot : {kAt10, kAt11, kAt12}) {
            const auto decoded = decode(valid(slot), slot);
            for (const auto& found : decoded.problems)
                qInfo() << int(found.code) << found.field.data() << found.found << found.expected;
            QVERIFY(decoded.problems.empty());
            QCOMPARE(decoded.superblock.raidDisks, 2u);
        }
    }

    void T8_dataSize9_isRefused()
    {
        const auto found = problem(changed(136, 8, 9), ProblemCode::DataSizeTooSmall);
        QCOMPARE(found.severity, Severity::KernelRefuses);
        QCOMPARE(found.offset, std::int64_t(4096 + 136));
        QCOMPARE(found.found, std::uint64_t(9));
    }

    void encode_givesTheSameBytes()
    {
        for (const auto slot : {kAt10, kAt11, kAt12}) {
            const Bytes bytes = valid(slot);
            const Bytes again = encoded(decode(bytes, slot));
            QCOMPARE(again.size(), std::size_t(512));
            QVERIFY(isPrefix(again, bytes));
        }
    }
};

QTEST_GUILESS_MAIN(TestSuperblock1)
#include "tst_superblock1.moc"
