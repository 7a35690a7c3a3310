// SPDX-License-Identifier: Apache-2.0
#include "engine/array/bit_pages.h"

#include "engine/base/assert.h"
#include "engine/base/popcount.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace bitmend {

namespace {

constexpr std::uint64_t kWordBits = 64;
constexpr std::uint64_t kBlockWords = 8;
constexpr std::uint64_t kBlockBits = kBlockWords * kWordBits;
constexpr std::uint64_t kPageWords = 512;
constexpr std::uint64_t kPageBits = kPageWords * kWordBits;
constexpr std::uint64_t kPageBlocks = kPageBits / kBlockBits;
constexpr std::uint64_t kNodePages = 128;
constexpr std::uint64_t kNodeBits = kNodePages * kPageBits;

std::uint64_t newToken()
{
    static std::atomic<std::uint64_t> last = 0;
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Bits first..last of a word, both below 64.
constexpr std::uint64_t maskOf(std::uint64_t first, std::uint64_t last)
{
    return (~std::uint64_t{0} << first) & (~std::uint64_t{0} >> (kWordBits - 1 - last));
}

std::uint64_t bitsIn(std::uint64_t word) { return static_cast<std::uint64_t>(std::popcount(word)); }

// The first or last bit in a range for which `holds`, which says whether a range has one.
template <typename Holds> std::uint64_t halve(ChunkRange range, bool wantsFirst, const Holds& holds)
{
    while (range.first < range.last) {
        const std::uint64_t middle = range.first + (range.last - range.first) / 2;
        const bool lower = wantsFirst ? holds(range.first, middle) : !holds(middle + 1, range.last);
        range = lower ? ChunkRange{range.first, middle} : ChunkRange{middle + 1, range.last};
    }
    return range.first;
}

} // namespace

struct BitPages::Page
{
    std::uint64_t owner = 0;
    std::uint32_t total = 0;
    std::array<std::uint16_t, kPageBlocks> blocks{};
    alignas(64) std::array<std::uint64_t, kPageWords> words{};

    std::uint64_t countWords(std::uint64_t first, std::uint64_t last) const;
    std::uint64_t count(std::uint64_t first, std::uint64_t last) const;
    void recount();
    static const std::shared_ptr<Page>& full();

    struct Place
    {
        std::uint64_t begin; // the page's first bit
        std::uint64_t bits;  // of all pages
    };
    static void appendChanges(
        const Page* old, const Page* now, Place place, std::vector<ChunkRange>& to);
};

struct BitPages::Node
{
    std::uint64_t owner = 0;
    std::uint64_t total = 0;
    std::array<std::uint32_t, kNodePages> totals{};
    std::array<std::shared_ptr<Page>, kNodePages> pages; // null: all bits clear

    std::uint64_t count(std::uint64_t first, std::uint64_t last) const;
};

std::uint64_t BitPages::Page::countWords(std::uint64_t first, std::uint64_t last) const
{
    const std::uint64_t firstWord = first / kWordBits;
    const std::uint64_t lastWord = last / kWordBits;
    if (firstWord == lastWord)
        return bitsIn(words[firstWord] & maskOf(first % kWordBits, last % kWordBits));

    const auto between = std::span(words).subspan(firstWord + 1, lastWord - firstWord - 1);
    return bitsIn(words[firstWord] & maskOf(first % kWordBits, kWordBits - 1)) + popcount(between) +
           bitsIn(words[lastWord] & maskOf(0, last % kWordBits));
}

std::uint64_t BitPages::Page::count(std::uint64_t first, std::uint64_t last) const
{
    // The whole blocks in between, by their counts; what sticks out on either side, by words.
    const std::uint64_t firstBlock = (first + kBlockBits - 1) / kBlockBits;
    const std::uint64_t endBlock = (last + 1) / kBlockBits;
    if (firstBlock >= endBlock)
        return countWords(first, last);

    std::uint64_t sum = 0;
    for (std::uint64_t block = firstBlock; block < endBlock; ++block)
        sum += blocks[block];
    if (first < firstBlock * kBlockBits)
        sum += countWords(first, firstBlock * kBlockBits - 1);
    if (last >= endBlock * kBlockBits)
        sum += countWords(endBlock * kBlockBits, last);
    return sum;
}

void BitPages::Page::recount()
{
    total = 0;
    for (std::uint64_t block = 0; block < kPageBlocks; ++block) {
        const auto counted = popcount(std::span(words).subspan(block * kBlockWords, kBlockWords));
        blocks[block] = static_cast<std::uint16_t>(counted);
        total += static_cast<std::uint32_t>(counted);
    }
}

const std::shared_ptr<BitPages::Page>& BitPages::Page::full()
{
    static const std::shared_ptr<Page> page = [] {
        auto ones = std::make_shared<Page>();
        ones->words.fill(~std::uint64_t{0});
        ones->recount();
        return ones;
    }();
    return page;
}

std::uint64_t BitPages::Node::count(std::uint64_t first, std::uint64_t last) const
{
    std::uint64_t sum = 0;
    for (std::uint64_t index = first / kPageBits; index <= last / kPageBits; ++index) {
        const std::uint64_t begin = index * kPageBits;
        const std::uint64_t from = std::max(first, begin) - begin;
        const std::uint64_t to = std::min(last - begin, kPageBits - 1);
        if (totals[index] == 0)
            continue;
        sum += to - from + 1 == kPageBits ? totals[index] : pages[index]->count(from, to);
    }
    return sum;
}

BitPages::BitPages(std::uint64_t bits) : m_bits(bits), m_nodes((bits + kNodeBits - 1) / kNodeBits)
{
}

BitPages::BitPages(const BitmapBits& bits) : BitPages(bits.chunks)
{
    for (std::uint64_t first = 0; first < bits.words.size(); first += kPageWords) {
        const auto words =
            std::span(bits.words).subspan(first, std::min(kPageWords, bits.words.size() - first));
        if (std::ranges::all_of(words, [](std::uint64_t word) { return word == 0; }))
            continue;
        auto filled = std::make_shared<Page>();
        std::ranges::copy(words, filled->words.begin());
        filled->recount();

        const std::uint64_t index = first / kPageWords;
        Node& node = writableNode(index / kNodePages);
        node.totals[index % kNodePages] = filled->total;
        node.total += filled->total;
        m_total += filled->total;
        node.pages[index % kNodePages] = std::move(filled);
    }
}

BitPages::BitPages(const BitPages& other)
    : m_bits(other.m_bits)
    , m_total(other.m_total)
    , m_nodes(other.m_nodes)
{
    other.m_token.store(0, std::memory_order_relaxed);
}

BitPages::BitPages(BitPages&& other) noexcept
    : m_bits(std::exchange(other.m_bits, 0))
    , m_total(std::exchange(other.m_total, 0))
    , m_nodes(std::exchange(other.m_nodes, {}))
    , m_token(other.m_token.exchange(0, std::memory_order_relaxed))
{
}

BitPages& BitPages::operator=(const BitPages& other)
{
    if (this != &other)
        *this = BitPages(other);
    return *this;
}

BitPages& BitPages::operator=(BitPages&& other) noexcept
{
    m_bits = std::exchange(other.m_bits, 0);
    m_total = std::exchange(other.m_total, 0);
    m_nodes = std::exchange(other.m_nodes, {});
    m_token.store(other.m_token.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
    return *this;
}

const BitPages::Page* BitPages::page(std::uint64_t index) const
{
    const auto& node = m_nodes[index / kNodePages];
    return node ? node->pages[index % kNodePages].get() : nullptr;
}

bool BitPages::test(std::uint64_t bit) const
{
    BM_ASSERT(bit < m_bits);
    const Page* holder = page(bit / kPageBits);
    if (!holder)
        return false;
    const std::uint64_t inPage = bit % kPageBits;
    return (holder->words[inPage / kWordBits] >> (inPage % kWordBits) & 1) != 0;
}

std::uint64_t BitPages::ownToken()
{
    std::uint64_t token = m_token.load(std::memory_order_relaxed);
    if (token == 0) {
        token = newToken();
        m_token.store(token, std::memory_order_relaxed);
    }
    return token;
}

BitPages::Node& BitPages::writableNode(std::uint64_t index)
{
    const std::uint64_t token = ownToken();
    auto& node = m_nodes[index];
    if (!node || node->owner != token) {
        node = node ? std::make_shared<Node>(*node) : std::make_shared<Node>();
        node->owner = token;
    }
    return *node;
}

void BitPages::assignInPage(std::uint64_t index, ChunkRange inPage, bool value)
{
    // Nothing is copied for a change that changes nothing.
    const Page* old = page(index);
    const std::uint64_t had = old ? old->count(inPage.first, inPage.last) : 0;
    const std::uint64_t wanted = value ? inPage.length() : 0;
    if (had == wanted)
        return;

    Node& node = writableNode(index / kNodePages);
    auto& slot = node.pages[index % kNodePages];
    std::uint32_t& total = node.totals[index % kNodePages];
    node.total += wanted - had; // modulo 2^64, as the next two
    m_total += wanted - had;
    total = static_cast<std::uint32_t>(total + wanted - had);
    if (total == 0) {
        slot.reset();
        return;
    }
    if (total == kPageBits) {
        slot = Page::full();
        return;
    }

    if (!slot || slot->owner != ownToken()) {
        slot = slot ? std::make_shared<Page>(*slot) : std::make_shared<Page>();
        slot->owner = ownToken();
    }
    Page& to = *slot;
    to.total = total;
    for (std::uint64_t word = inPage.first / kWordBits; word <= inPage.last / kWordBits; ++word) {
        const std::uint64_t begin = word * kWordBits;
        const std::uint64_t mask = maskOf(
            std::max(inPage.first, begin) - begin, std::min(inPage.last - begin, kWordBits - 1));
        const std::uint64_t before = to.words[word];
        const std::uint64_t after = value ? before | mask : before & ~mask;
        to.words[word] = after;
        auto& block = to.blocks[word / kBlockWords];
        block = static_cast<std::uint16_t>(block + bitsIn(after) - bitsIn(before));
    }
}

void BitPages::assign(std::uint64_t first, std::uint64_t last, bool value)
{
    BM_ASSERT(first <= last && last < m_bits);
    if (!value && m_total == 0)
        return;
    for (std::uint64_t index = first / kPageBits; index <= last / kPageBits; ++index) {
        const std::uint64_t begin = index * kPageBits;
        assignInPage(
            index, {std::max(first, begin) - begin, std::min(last - begin, kPageBits - 1)}, value);
    }
}

std::uint64_t BitPages::count(std::uint64_t first, std::uint64_t last) const
{
    BM_ASSERT(first <= last && last < m_bits);
    if (m_total == 0)
        return 0;
    std::uint64_t sum = 0;
    for (std::uint64_t index = first / kNodeBits; index <= last / kNodeBits; ++index) {
        const auto& node = m_nodes[index];
        if (!node)
            continue;
        const std::uint64_t begin = index * kNodeBits;
        const std::uint64_t from = std::max(first, begin) - begin;
        const std::uint64_t to = std::min(last - begin, kNodeBits - 1);
        sum += to - from + 1 == kNodeBits ? node->total : node->count(from, to);
    }
    return sum;
}

std::uint64_t BitPages::next(std::uint64_t from, bool value) const
{
    return from < m_bits ? search(from, value, true).value_or(m_bits) : m_bits;
}

std::optional<std::uint64_t> BitPages::previous(std::uint64_t from, bool value) const
{
    if (m_bits == 0)
        return {};
    return search(std::min(from, m_bits - 1), value, false);
}

// Grows the looked-at range until it holds a bit of that value, then halves it down to the bit. The
// pyramid makes every look cheap.
std::optional<std::uint64_t> BitPages::search(std::uint64_t from, bool value, bool forward) const
{
    const auto holds = [&](std::uint64_t first, std::uint64_t last) {
        const std::uint64_t set = count(first, last);
        return value ? set > 0 : set < last - first + 1;
    };
    const std::uint64_t end = forward ? m_bits - 1 : 0;
    std::uint64_t near = from;
    for (std::uint64_t step = 1;; step *= 4) {
        const std::uint64_t room = forward ? end - near : near;
        const std::uint64_t far =
            forward ? near + std::min(step, room) : near - std::min(step, room);
        if (!holds(std::min(near, far), std::max(near, far))) {
            if (far == end)
                return {};
            near = forward ? far + 1 : far - 1;
            continue;
        }
        return halve({std::min(near, far), std::max(near, far)}, forward, holds);
    }
}

// Null is a page of zeros.
void BitPages::Page::appendChanges(
    const Page* old, const Page* now, Place place, std::vector<ChunkRange>& to)
{
    static const Page none;
    const Page& was = old ? *old : none;
    const Page& is = now ? *now : none;
    for (std::uint64_t word = 0; word < kPageWords; ++word) {
        if (was.words[word] == is.words[word])
            continue;
        const std::uint64_t first = place.begin + word * kWordBits;
        const std::uint64_t last = std::min(first + kWordBits, place.bits) - 1;
        if (!to.empty() && to.back().last + 1 == first) {
            to.back().last = last;
        } else {
            to.push_back({first, last});
        }
    }
}

void BitPages::appendChanges(
    const BitPages& before, const BitPages& after, std::vector<ChunkRange>& to)
{
    BM_ASSERT(before.m_bits == after.m_bits);
    const std::uint64_t pages = (after.m_bits + kPageBits - 1) / kPageBits;
    for (std::uint64_t index = 0; index < pages; ++index) {
        const std::uint64_t node = index / kNodePages;
        if (before.m_nodes[node] == after.m_nodes[node]) {
            index = (node + 1) * kNodePages - 1; // the whole node is shared
            continue;
        }
        const Page* old = before.page(index);
        const Page* now = after.page(index);
        if (old != now)
            Page::appendChanges(old, now, {index * kPageBits, after.m_bits}, to);
    }
}

} // namespace bitmend
