// SPDX-License-Identifier: Apache-2.0
// A client of a server for network block devices that sends anything: each option gets whole
// replies to itself and a last one, an export is given out only by its name, and no request that
// is let through reaches beyond the export, writes to one that is read-only, or brings more bytes
// than are made room for.
#include "engine/export/nbd_decisions.h"

#include <array>
#include <cstdlib>
#include <cstring>

using namespace bitmend;
using namespace bitmend::ondisk;

namespace {

// The input: one byte of choices, the client's flags, then options and requests as they come.
constexpr std::size_t kStreamAt = 5;

void require(bool condition)
{
    if (!condition)
        std::abort();
}

template <OnDisk T> bool take(std::span<const std::byte>& from, T& value)
{
    if (from.size() < sizeof value)
        return false;
    std::memcpy(&value, from.data(), sizeof value);
    from = from.subspan(sizeof value);
    return true;
}

void checkReplies(const NbdAnswer& answer, std::uint32_t option)
{
    std::span<const std::byte> bytes = answer.bytes;
    std::uint32_t last = 0;
    while (!bytes.empty()) {
        OptionReply reply;
        require(take(bytes, reply) && reply.magic == NBD_REP_MAGIC && reply.option == option);
        require(reply.length <= bytes.size());
        require(last == 0 || last == NBD_REP_SERVER || last == NBD_REP_INFO);
        bytes = bytes.subspan(reply.length);
        last = reply.type;
    }
    require(last == NBD_REP_ACK || last > NBD_REP_ERR_UNSUP - 1);
    require(answer.next != NbdNext::Transmit || last == NBD_REP_ACK);
}

void checkRequest(const Request& request, const NbdExport& from)
{
    const auto decision = decide(request, from);
    const bool writes = decision.act == NbdAct::Write || decision.act == NbdAct::WriteZeroes;
    const bool hasRange = writes || decision.act == NbdAct::Read;
    require(decision.payload <= kNbdLargestPayload);
    require(decision.act == NbdAct::Leave || request.magic == NBD_REQUEST_MAGIC);
    require((decision.act == NbdAct::Refuse) == (decision.error != 0));
    require(decision.act != NbdAct::Write || decision.payload == request.length);
    require(decision.act != NbdAct::Read || request.length <= kNbdLargestPayload);
    require(!writes || from.isWritable);
    if (hasRange) {
        require(request.length != 0 && request.offset < from.sizeBytes &&
                request.length <= from.sizeBytes - request.offset);
    }
}

} // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t maxSize);

// Starts from a client that looks at what is there, chooses it, reads and writes; the magic numbers
// at the places where they were are mended three times in four.
extern "C" std::size_t LLVMFuzzerCustomMutator(
    std::uint8_t* data, std::size_t size, std::size_t maxSize, unsigned int seed)
{
    const OptionHead list{IHAVEOPT, NBD_OPT_LIST, 0};
    const OptionHead go{IHAVEOPT, seed % 2 == 0 ? NBD_OPT_GO : NBD_OPT_INFO, 8};
    constexpr std::array<std::uint8_t, 8> kWish{0, 0, 0, 0, 0, 1, 0, 1}; // "", with its name
    const Request read{NBD_REQUEST_MAGIC, std::uint16_t{0}, NBD_CMD_READ, 1, 0, 4096};
    const Request write{NBD_REQUEST_MAGIC, NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 2, 4096, 0};
    constexpr std::size_t kWholeInput =
        kStreamAt + 2 * sizeof(OptionHead) + kWish.size() + 2 * sizeof(Request);
    if (maxSize < kWholeInput)
        return LLVMFuzzerMutate(data, size, maxSize);
    const auto place = [&](std::size_t& at, const auto& value, std::size_t length) {
        std::memcpy(data + at, &value, length);
        at += sizeof value;
    };
    const bool isStart = size < kWholeInput;
    if (isStart) {
        std::memset(data, 0, kStreamAt);
        data[kStreamAt - 1] = 3;
        size = kWholeInput;
    } else {
        size = std::max(LLVMFuzzerMutate(data, size, maxSize), std::size_t{1});
        if (size < kWholeInput || seed % 4 == 0)
            return size;
    }
    std::size_t at = kStreamAt;
    place(at, list, isStart ? sizeof list : 8);
    place(at, go, isStart ? sizeof go : 8);
    place(at, kWish, isStart ? sizeof kWish : 0);
    place(at, read, isStart ? sizeof read : 4);
    place(at, write, isStart ? sizeof write : 4);
    return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < kStreamAt)
        return 0;
    const std::array<NbdExport, 3> exports{{{"photos", 1U << 30U, (data[0] & 1) != 0},
        {"photos-part1", 12'345, true}, {"", 1, false}}};
    be32 flags;
    std::memcpy(&flags, data + 1, sizeof flags);
    if (!isNbdClient(flags))
        return 0;
    const NbdOffer offer{.exports = std::span(exports).first(data[0] & 2 ? 3 : 2),
        .isLeaving = (data[0] & 4) != 0,
        .sendsZeroes = (flags & NBD_FLAG_NO_ZEROES) == 0};
    auto stream = std::as_bytes(std::span(data, size)).subspan(kStreamAt);
    NbdAnswer answer;
    while (answer.next == NbdNext::Option) {
        OptionHead head;
        if (!take(stream, head) || !isNbdOption(head) || head.length > stream.size())
            return 0;
        answer = answerOption(offer, head.option, stream.first(head.length));
        stream = stream.subspan(head.length);
        require(answer.chosen < offer.exports.size());
        require(answer.next != NbdNext::Transmit || !offer.isLeaving);
        if (head.option != NBD_OPT_EXPORT_NAME)
            checkReplies(answer, head.option);
    }
    Request request;
    while (answer.next == NbdNext::Transmit && take(stream, request)) {
        const auto& chosen = offer.exports[answer.chosen];
        checkRequest(request, chosen);
        const auto decision = decide(request, chosen);
        if (decision.act == NbdAct::Leave || decision.payload > stream.size())
            return 0;
        stream = stream.subspan(decision.payload);
    }
    return 0;
}
