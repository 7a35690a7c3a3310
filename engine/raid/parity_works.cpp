// SPDX-License-Identifier: Apache-2.0
// ISA-L against arithmetic of a few lines, on blocks long enough for its widest instructions and
// with a length that leaves it a rest.
#include "engine/raid/galois.h"
#include "engine/raid/isal.h"
#include "engine/raid/parity.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace bitmend {

namespace {

constexpr std::size_t kLength = 1024 + 32;
constexpr std::size_t kSources = 5;

struct alignas(64) Block
{
    std::array<unsigned char, kLength> bytes{};
};

std::uint8_t product(std::uint8_t a, std::uint8_t b)
{
    if (a == 0 || b == 0)
        return 0;
    return powerOfTwo(int(kGalois.log[a]) + int(kGalois.log[b]));
}

struct Sample
{
    std::array<Block, kSources> sources;
    Block p;
    Block q;
    std::array<unsigned char*, kSources> vectors{};

    Sample()
    {
        std::uint32_t state = 1;
        for (std::size_t role = 0; role < kSources; ++role) {
            vectors[role] = sources[role].bytes.data();
            for (std::size_t i = 0; i < kLength; ++i) {
                state = state * 1664525 + 1013904223;
                sources[role].bytes[i] = std::uint8_t(state >> 24);
                p.bytes[i] ^= sources[role].bytes[i];
                q.bytes[i] ^= product(sources[role].bytes[i], powerOfTwo(int(role)));
            }
        }
    }
};

bool sumWorks(const Sample& sample, isal::Tables ones)
{
    Block made;
    isal::sum(sample.vectors, made.bytes.data(), kLength, ones);
    auto vectors = std::vector(sample.vectors.begin(), sample.vectors.end());
    vectors.push_back(made.bytes.data());
    const bool agrees = isal::sumsToZero(vectors, kLength).value_or(false);
    made.bytes.back() ^= 1;
    const bool sees = !isal::sumsToZero(vectors, kLength).value_or(true);
    made.bytes.back() ^= 1;
    return agrees && sees && made.bytes == sample.p.bytes;
}

bool syndromeWorks(const Sample& sample)
{
    Block p;
    Block q;
    return isal::sumAndSyndrome(sample.vectors, p.bytes.data(), q.bytes.data(), kLength) &&
           p.bytes == sample.p.bytes && q.bytes == sample.q.bytes;
}

bool combinationWorks(const Sample& sample, isal::Tables tables)
{
    Block p;
    Block q;
    const std::array targets{p.bytes.data(), q.bytes.data()};
    isal::combine(sample.vectors, targets, kLength, tables);
    return p.bytes == sample.p.bytes && q.bytes == sample.q.bytes;
}

bool additionWorks(const Sample& sample, isal::Tables tables)
{
    Block p;
    Block q;
    for (std::size_t role = 0; role < kSources; ++role) {
        const auto* source = sample.sources[role].bytes.data();
        isal::add(source, p.bytes.data(), kLength, isal::tablesOfRow(tables, 0, kSources), role,
            kSources);
        isal::add(source, q.bytes.data(), kLength, isal::tablesOfRow(tables, 1, kSources), role,
            kSources);
    }
    return p.bytes == sample.p.bytes && q.bytes == sample.q.bytes;
}

bool test()
{
    const Sample sample;
    isal::Factors factors(kSources, 1);
    for (std::size_t role = 0; role < kSources; ++role)
        factors.push_back(powerOfTwo(int(role)));
    const auto tables = isal::tablesOf(factors, kSources);
    return sumWorks(sample, isal::tablesOfRow(tables, 0, kSources)) && syndromeWorks(sample) &&
           combinationWorks(sample, tables) && additionWorks(sample, tables);
}

} // namespace

bool parityWorks()
{
    static const bool kWorks = test();
    return kWorks;
}

} // namespace bitmend
