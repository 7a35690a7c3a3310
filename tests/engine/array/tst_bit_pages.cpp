// SPDX-License-Identifier: Apache-2.0
// BitPages against a plain vector of bits, and what it promises about sharing.
#include "engine/array/bit_pages.h"
#include "engine/base/popcount.h"
#include "tests/support/expect.h"

#include <algorithm>
#include <random>
#include <thread>

using namespace bitmend;

namespace {

constexpr std::uint64_t kBits = 4194304 + 70000; // more than a node, the last page not full

std::uint64_t plainCount(const std::vector<bool>& bits, std::uint64_t first, std::uint64_t last)
{
    return static_cast<std::uint64_t>(std::count(bits.begin() + static_cast<std::ptrdiff_t>(first),
        bits.begin() + static_cast<std::ptrdiff_t>(last) + 1, true));
}

// Lengths from one bit to several pages, as likely at one scale as at another.
ChunkRange randomRange(std::mt19937_64& random)
{
    const std::uint64_t length = (std::uint64_t{1} << (random() % 18)) + random() % 3;
    const std::uint64_t first = random() % (kBits - length);
    return {first, first + length - 1};
}

void counts_agreeWithAPlainVector_whateverWasAssigned()
{
    std::mt19937_64 random(1);
    BitPages pages(kBits);
    std::vector<bool> plain(kBits);
    for (int round = 0; round < 400; ++round) {
        const ChunkRange change = randomRange(random);
        const bool value = random() % 3 != 0;
        pages.assign(change.first, change.last, value);
        std::fill(plain.begin() + static_cast<std::ptrdiff_t>(change.first),
            plain.begin() + static_cast<std::ptrdiff_t>(change.last) + 1, value);

        const ChunkRange look = randomRange(random);
        EXPECT(pages.count(look.first, look.last) == plainCount(plain, look.first, look.last));
        EXPECT(pages.test(look.first) == plain[look.first]);
    }
    EXPECT(pages.total() == plainCount(plain, 0, kBits - 1));
    EXPECT(pages.count(0, kBits - 1) == pages.total());
    pages.assign(0, kBits - 1, true);
    EXPECT(pages.total() == kBits);
    pages.assign(0, kBits - 1, false);
    EXPECT(pages.total() == 0);
}

void search_findsTheNearestBitInBothDirections()
{
    BitPages pages(kBits);
    EXPECT(pages.next(0, true) == kBits);
    EXPECT(!pages.previous(kBits - 1, true));
    EXPECT(pages.next(5, false) == 5);

    pages.assign(40000, 70000, true);
    pages.assign(kBits - 1, kBits - 1, true);
    EXPECT(pages.next(0, true) == 40000);
    EXPECT(pages.next(40000, false) == 70001);
    EXPECT(pages.next(70001, true) == kBits - 1);
    EXPECT(pages.next(kBits - 1, false) == kBits);
    EXPECT(pages.previous(kBits - 2, true) == 70000);
    EXPECT(pages.previous(70000, false) == 39999);
    EXPECT(!pages.previous(39999, true));
}

void aCopy_doesNotSeeLaterChanges()
{
    BitPages pages(kBits);
    pages.assign(10, 20, true);
    const BitPages before = pages;
    pages.assign(15, 15, false);
    pages.assign(100000, 100000, true);
    BitPages other = before;
    other.assign(0, 0, true);

    EXPECT(before.total() == 11);
    EXPECT(before.test(15) && !before.test(100000) && !before.test(0));
    EXPECT(pages.total() == 11 && !pages.test(0));
    EXPECT(other.total() == 12);
}

void changes_nameTheWordsThatDifferAndNoOthers()
{
    BitPages before(kBits);
    before.assign(0, kBits - 1, true);
    BitPages after = before;
    after.assign(64, 64, false);
    after.assign(4194304, 4194304 + 200, false);
    after.assign(99, 99, true); // was set already

    std::vector<ChunkRange> changes;
    BitPages::appendChanges(before, after, changes);
    EXPECT((changes == std::vector<ChunkRange>{{64, 127}, {4194304, 4194304 + 255}}));

    changes.clear();
    BitPages::appendChanges(after, BitPages(after), changes);
    EXPECT(changes.empty());
}

void fromDisk_keepsEveryBit()
{
    BitmapBits bits(100001);
    for (const std::uint64_t bit : {0, 63, 64, 32767, 32768, 100000})
        bits.set(bit);
    const BitPages pages(bits);
    EXPECT(pages.size() == 100001 && pages.total() == 6);
    for (const std::uint64_t bit : {0, 63, 64, 32767, 32768, 100000})
        EXPECT(pages.test(bit));
}

void copies_areReadWhileTheOriginalChanges()
{
    BitPages pages(kBits);
    pages.assign(0, 999, true);
    for (int round = 0; round < 50; ++round) {
        std::jthread reader([copy = pages] { EXPECT(copy.count(0, kBits - 1) == 1000); });
        pages.assign(0, 999, true);
        pages.assign(1000, 1999, true);
        pages.assign(1000, 1999, false);
    }
}

void bothPopcounts_agree()
{
    std::mt19937_64 random(2);
    std::vector<std::uint64_t> words(1000);
    std::ranges::generate(words, random);
    words[3] = 0;
    words[4] = ~std::uint64_t{0};
    std::fill_n(words.begin() + 500, 100, ~std::uint64_t{0});
    for (std::size_t length = 0; length <= words.size(); length += 37) {
        const auto some = std::span(words).first(length);
        std::uint64_t bits = 0;
        for (std::uint64_t word : some) {
            for (; word != 0; word &= word - 1)
                ++bits;
        }
        EXPECT(popcountPortable(some) == bits);
        EXPECT(popcount(some) == bits);
        if (hasPopcntInstruction())
            EXPECT(popcountByInstruction(some) == bits);
    }
}

} // namespace

int main()
{
    counts_agreeWithAPlainVector_whateverWasAssigned();
    search_findsTheNearestBitInBothDirections();
    aCopy_doesNotSeeLaterChanges();
    changes_nameTheWordsThatDifferAndNoOthers();
    fromDisk_keepsEveryBit();
    copies_areReadWhileTheOriginalChanges();
    bothPopcounts_agree();
}
