// SPDX-License-Identifier: Apache-2.0
// Parity of one stripe: to make it, to compare it, to get lost blocks back from what is left, and
// to find the one block that is wrong. The arithmetic is ISA-L's, which picks the processor's best
// instructions itself.
//
// Blocks come as one span per role. Those that a call reads or writes have one length, below 2 GiB,
// and do not overlap; the others are not looked at and may be empty. Any address and length will
// do, but addresses and lengths that are multiples of 32 are several times faster. Calls on a const
// StripeCode may run in many threads at once, each on blocks of its own.
#pragma once

#include "engine/raid/isal.h"
#include "engine/raid/stripe.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bitmend {

using StripeBlocks = std::span<const std::span<std::byte>>;

struct ParityMatch
{
    bool p = true;
    bool q = true; // true where there is no Q

    bool all() const { return p && q; }
    bool operator==(const ParityMatch&) const = default;
};

class StripeCode
{
public:
    // `lost` names roles whose blocks are not there, in any order; canRecover() must hold.
    explicit StripeCode(StripeRoles roles, std::vector<int> lost = {});

    static bool canRecover(const StripeRoles& roles, const std::vector<int>& lost);

    const StripeRoles& roles() const { return m_roles; }
    const std::vector<int>& lost() const { return m_lost; } // ascending
    bool isLost(int role) const { return std::ranges::binary_search(m_lost, role); }

    // The roles that recover() reads: as many as there are data blocks, and Q only when it must.
    const std::vector<int>& sources() const { return m_sources; }

    // Computes P and, where there is one, Q from the data.
    void generate(StripeBlocks blocks) const;

    // Adds what a data role holds to P and, where there is one, Q: parity that counts its old
    // content does not any more, and the other way round. Parity whose span is empty is left out.
    void add(int role, std::span<const std::byte> content, StripeBlocks blocks) const;

    // Writes nothing into the blocks. Stops looking once both P and Q are known to be wrong.
    ParityMatch check(StripeBlocks blocks) const;

    // Computes the lost blocks from the sources. A lost block whose span is empty is left out.
    void recover(StripeBlocks blocks) const;

    // The role whose block alone, put right, would make P and Q agree with the data over the whole
    // length; none when they agree already, when no single block explains it, and without Q. Two
    // wrong blocks can look like a third one in a byte or two, but hardly over a page.
    std::optional<int> locateWrong(StripeBlocks blocks) const;

private:
    using Pointers = std::vector<unsigned char*>;

    std::size_t dataCount() const { return m_order.size(); }
    void prepareRecovery();
    isal::Factors generatorRow(int role) const;
    std::optional<int> explained(std::uint8_t inP, std::uint8_t inQ) const;
    void makeParity(StripeBlocks blocks, std::size_t begin, std::size_t length, unsigned char* p,
        unsigned char* q) const;

    StripeRoles m_roles;
    std::vector<int> m_lost;
    std::vector<int> m_order; // data roles by exponent, as ISA-L wants them
    bool m_plainOrder = true; // the exponents are 0, 1, 2 ..
    std::vector<unsigned char> m_parityTables;
    std::vector<int> m_sources;
    std::vector<bool> m_isPlainSum; // by lost: the exclusive or of all sources
    std::vector<unsigned char> m_recoveryTables;
};

// Whether ISA-L computes what a few lines of plain arithmetic compute, on this processor. The first
// StripeCode asks and stops the program otherwise: wrong parity is worse than none.
bool parityWorks();

} // namespace bitmend
