// SPDX-License-Identifier: Apache-2.0
// Superblocks whose fields are absurd but whose checksums are right: every look at them ends, soon,
// and nothing is planned outside the member.
#include "tests/support/array_images.h"
#include "tests/support/expect.h"

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

class Absurd
{
public:
    explicit Absurd(unsigned seed) : m_random(seed) {}

    std::uint64_t number(std::uint64_t usual)
    {
        const std::array<std::uint64_t, 14> choices{usual, usual + 1, usual - 1, usual * 2, 0, 1, 2,
            7, 1920, 65535, 1'000'000'000, std::uint64_t{1} << 31, std::uint64_t{1} << 62,
            ~std::uint64_t{0}};
        return choices[m_random() % choices.size()];
    }

    bool sometimes() { return m_random() % 4 == 0; }

    void spoil(Superblock& superblock)
    {
        const auto word = [&](std::uint32_t& field) {
            if (sometimes())
                field = std::uint32_t(number(field));
        };
        const auto sectors = [&](Sectors& field) {
            if (sometimes())
                field.count = number(field.count);
        };
        word(superblock.layout);
        word(superblock.raidDisks);
        word(superblock.featureMap);
        word(superblock.devNumber);
        sectors(superblock.componentSize);
        sectors(superblock.chunk);
        sectors(superblock.dataOffset);
        sectors(superblock.dataSize);
        sectors(superblock.recoveryOffset);
        sectors(superblock.resyncOffset);
        if (sometimes())
            superblock.level = int(m_random() % 14) - 4;
        if (sometimes())
            superblock.events = number(superblock.events);
        if (sometimes())
            superblock.bitmapOffset = std::int32_t(number(8));
        if (sometimes() && !superblock.devRoles.empty()) {
            superblock.devRoles[m_random() % superblock.devRoles.size()] =
                Role(number(superblock.role()));
        }
        if (superblock.has(feature::kReshapeActive)) {
            superblock.reshape = Reshape{{number(512)}, 5, 2, {number(128)},
                std::int32_t(number(1)), std::int32_t(number(0))};
        }
    }

    void spoil(BitmapHeader& header)
    {
        if (sometimes())
            header.chunkBytes = std::uint32_t(number(header.chunkBytes));
        if (sometimes())
            header.version = std::uint32_t(3 + m_random() % 4);
        if (sometimes())
            header.nodes = std::uint32_t(number(1));
        if (sometimes())
            header.events = number(header.events);
    }

    std::uint64_t next() { return m_random(); }

private:
    std::mt19937_64 m_random;
};

void look(unsigned seed)
{
    Absurd absurd(seed);
    constexpr std::array kLevels{-1, 0, 1, 4, 5, 6, 10};
    const int level = kLevels[absurd.next() % kLevels.size()];
    const auto version = MetadataVersion(absurd.next() % 4);
    ArrayImages images(level, level == 6 || level == 10 ? 4 : 3, version);
    if (level >= 1)
        images.addBitmaps({1, 2});
    ScanReport report;
    for (std::size_t index = 0; index < images.members.size(); ++index) {
        if (auto& bitmap = images.members[index].bitmap)
            absurd.spoil(bitmap->header);
        // Written as it should be, then the fields: a bitmap has to find its place.
        auto bytes = images.image(index);
        Superblock superblock = images[index];
        absurd.spoil(superblock);
        const auto encoded = formatOf(version).encode(superblock);
        const auto at = std::size_t(superblock.location.bytes());
        const std::size_t length = std::min(encoded.size(), bytes.size() - at);
        std::copy_n(encoded.begin(), length, bytes.begin() + std::ptrdiff_t(at));
        SourceReport source;
        source.path = images.path(index);
        source.sizeBytes = bytes.size();
        lookQuickly(std::make_shared<MemoryDevice>(bytes, source.path), source);
        report.sources.push_back(std::move(source));
    }
    for (const auto& array : findArrays(report)) {
        EXPECT(array.members.size() <= 4000);
        const auto plan = planAssembly(report, array.uuid, {});
        EXPECT(plan.has_value());
        for (const auto& write : plan->writes) {
            EXPECT(write.offset < kImageSectors.bytes());
            EXPECT(write.length <= kImageSectors.bytes() - write.offset);
        }
    }
}

} // namespace

int main(int count, char** arguments)
{
    const unsigned seeds = count > 1 ? unsigned(std::stoul(arguments[1])) : 2000;
    for (unsigned seed = 0; seed < seeds; ++seed)
        look(seed);
}
