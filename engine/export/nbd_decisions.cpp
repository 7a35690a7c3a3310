// SPDX-License-Identifier: Apache-2.0
#include "engine/export/nbd_decisions.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

namespace bitmend {

using namespace ondisk;

namespace {

constexpr std::uint32_t kLeastBlock = 1;
constexpr std::uint32_t kUsualBlock = 4096;
constexpr std::size_t kZeroes = 124; // what older clients wait for

template <OnDisk T> void append(std::vector<std::byte>& bytes, const T& value)
{
    const auto view = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), view.begin(), view.end());
}

void append(std::vector<std::byte>& bytes, const std::string& text)
{
    const auto view = std::as_bytes(std::span(text));
    bytes.insert(bytes.end(), view.begin(), view.end());
}

void reply(NbdAnswer& answer, std::uint32_t option, std::uint32_t type,
    const std::vector<std::byte>& content = {})
{
    append(answer.bytes,
        OptionReply{.option = option, .type = type, .length = std::uint32_t(content.size())});
    answer.bytes.insert(answer.bytes.end(), content.begin(), content.end());
}

std::uint16_t transmissionFlags(const NbdExport& of)
{
    // A flush is of the whole array, whoever asks for it: so several connections may share it.
    std::uint16_t flags =
        NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_CAN_MULTI_CONN;
    flags |= of.isWritable ? NBD_FLAG_SEND_WRITE_ZEROES : NBD_FLAG_READ_ONLY;
    return flags;
}

std::optional<std::size_t> find(std::span<const NbdExport> exports, const std::string& name)
{
    const auto found = std::ranges::find(exports, name, &NbdExport::name);
    if (found != exports.end())
        return std::size_t(found - exports.begin());
    return name.empty() && !exports.empty() ? std::optional<std::size_t>(0) : std::nullopt;
}

std::string textOf(std::span<const std::byte> bytes)
{
    return {std::bit_cast<const char*>(bytes.data()), bytes.size()};
}

template <OnDisk T> T take(std::span<const std::byte>& from)
{
    T value;
    std::memcpy(&value, from.data(), sizeof value);
    from = from.subspan(sizeof value);
    return value;
}

// NBD_OPT_INFO and NBD_OPT_GO: be32 length of the name, the name, be16 count, and as many be16.
struct Wish
{
    std::string name;
    bool wantsName = false;
};

std::optional<Wish> decodeWish(std::span<const std::byte> content)
{
    if (content.size() < sizeof(be32))
        return std::nullopt;
    const std::uint32_t length = take<be32>(content);
    if (content.size() < sizeof(be16) || length > content.size() - sizeof(be16))
        return std::nullopt;
    Wish wish{textOf(content.first(length))};
    content = content.subspan(length);
    const std::uint16_t count = take<be16>(content);
    if (content.size() != count * sizeof(be16))
        return std::nullopt;
    for (unsigned i = 0; i < count; ++i)
        wish.wantsName |= take<be16>(content) == NBD_INFO_NAME;
    return wish;
}

void describe(NbdAnswer& answer, std::uint32_t option, const NbdExport& chosen, bool withName)
{
    std::vector<std::byte> about;
    append(about, be16(NBD_INFO_EXPORT));
    append(about, be64(chosen.sizeBytes));
    append(about, be16(transmissionFlags(chosen)));
    reply(answer, option, NBD_REP_INFO, about);
    // Unasked as well: a client that does not know how much may be asked for at once guesses.
    about.clear();
    append(about, be16(NBD_INFO_BLOCK_SIZE));
    append(about, be32(kLeastBlock));
    append(about, be32(kUsualBlock));
    append(about, be32(kNbdLargestPayload));
    reply(answer, option, NBD_REP_INFO, about);
    if (!withName)
        return;
    about.clear();
    append(about, be16(NBD_INFO_NAME));
    append(about, chosen.name);
    reply(answer, option, NBD_REP_INFO, about);
}

void answerWish(NbdAnswer& answer, const NbdOffer& offer, std::uint32_t option,
    std::span<const std::byte> content)
{
    const auto wish = decodeWish(content);
    const auto chosen = wish ? find(offer.exports, wish->name) : std::nullopt;
    if (!chosen) {
        reply(answer, option, wish ? NBD_REP_ERR_UNKNOWN : NBD_REP_ERR_INVALID);
        return;
    }
    if (offer.isLeaving) {
        reply(answer, option, NBD_REP_ERR_SHUTDOWN);
        return;
    }
    describe(answer, option, offer.exports[*chosen], wish->wantsName);
    reply(answer, option, NBD_REP_ACK);
    if (option != NBD_OPT_GO)
        return;
    answer.next = NbdNext::Transmit;
    answer.chosen = *chosen;
}

// Errors have no reply here: the connection ends.
void answerExportName(NbdAnswer& answer, const NbdOffer& offer, std::span<const std::byte> content)
{
    answer.next = NbdNext::Close;
    const auto chosen = find(offer.exports, textOf(content));
    if (!chosen || offer.isLeaving)
        return;
    append(answer.bytes, be64(offer.exports[*chosen].sizeBytes));
    append(answer.bytes, be16(transmissionFlags(offer.exports[*chosen])));
    if (offer.sendsZeroes)
        answer.bytes.resize(answer.bytes.size() + kZeroes);
    answer.next = NbdNext::Transmit;
    answer.chosen = *chosen;
}

void answerList(NbdAnswer& answer, const NbdOffer& offer)
{
    for (const auto& one : offer.exports) {
        std::vector<std::byte> about;
        append(about, be32(std::uint32_t(one.name.size())));
        append(about, one.name);
        reply(answer, NBD_OPT_LIST, NBD_REP_SERVER, about);
    }
    reply(answer, NBD_OPT_LIST, NBD_REP_ACK);
}

NbdAct actOf(std::uint16_t type)
{
    switch (type) {
    case NBD_CMD_READ:
        return NbdAct::Read;
    case NBD_CMD_WRITE:
        return NbdAct::Write;
    case NBD_CMD_WRITE_ZEROES:
        return NbdAct::WriteZeroes;
    case NBD_CMD_FLUSH:
        return NbdAct::Flush;
    case NBD_CMD_DISC:
        return NbdAct::Leave;
    default:
        return NbdAct::Refuse;
    }
}

std::uint32_t errorIn(const Request& request, NbdAct act, const NbdExport& from)
{
    const bool writes = act == NbdAct::Write || act == NbdAct::WriteZeroes;
    // NBD_CMD_TRIM as well: md does not pass it on to every level, and zeros would be a lie.
    if (act == NbdAct::Refuse)
        return request.type == NBD_CMD_TRIM && !from.isWritable ? NBD_EPERM : NBD_EINVAL;
    if (writes && !from.isWritable)
        return NBD_EPERM;
    const std::uint16_t known =
        NBD_CMD_FLAG_FUA | (act == NbdAct::WriteZeroes ? NBD_CMD_FLAG_NO_HOLE : 0);
    if ((request.flags & ~known) != 0)
        return NBD_EINVAL;
    const std::uint64_t length = request.length;
    if (act == NbdAct::Flush)
        return request.offset != 0 || length != 0 ? NBD_EINVAL : 0;
    if (length == 0)
        return NBD_EINVAL;
    if (act == NbdAct::Read && length > kNbdLargestPayload)
        return NBD_EOVERFLOW;
    const bool isInside =
        request.offset <= from.sizeBytes && length <= from.sizeBytes - request.offset;
    if (isInside)
        return 0;
    return writes ? NBD_ENOSPC : NBD_EINVAL;
}

} // namespace

bool isNbdClient(std::uint32_t clientFlags)
{
    return (clientFlags & ~std::uint32_t{NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES}) == 0;
}

bool isNbdOption(const OptionHead& head)
{
    return head.magic == IHAVEOPT && head.length <= kNbdLargestOption;
}

NbdAnswer answerOption(
    const NbdOffer& offer, std::uint32_t option, std::span<const std::byte> content)
{
    NbdAnswer answer;
    switch (option) {
    case NBD_OPT_EXPORT_NAME:
        answerExportName(answer, offer, content);
        break;
    case NBD_OPT_ABORT:
        reply(answer, option, NBD_REP_ACK);
        answer.next = NbdNext::Close;
        break;
    case NBD_OPT_LIST:
        if (content.empty()) {
            answerList(answer, offer);
        } else {
            reply(answer, option, NBD_REP_ERR_INVALID);
        }
        break;
    case NBD_OPT_INFO:
    case NBD_OPT_GO:
        answerWish(answer, offer, option, content);
        break;
    default:
        reply(answer, option, NBD_REP_ERR_UNSUP);
        break;
    }
    return answer;
}

NbdDecision decide(const Request& request, const NbdExport& from)
{
    const auto act = actOf(request.type);
    NbdDecision decision{.act = act};
    if (request.magic != NBD_REQUEST_MAGIC)
        decision.act = NbdAct::Leave;
    if (act == NbdAct::Write) {
        decision.payload = request.length;
        // Nobody would want to read so much only to refuse it.
        if (request.length > kNbdLargestPayload)
            decision = {};
    }
    if (decision.act == NbdAct::Leave)
        return {};
    decision.error = errorIn(request, act, from);
    if (decision.error != 0)
        decision.act = NbdAct::Refuse;
    decision.isDurable = (request.flags & NBD_CMD_FLAG_FUA) != 0;
    return decision;
}

std::uint32_t nbdErrorOf(int error)
{
    switch (error) {
    case EPERM:
    case EROFS:
        return NBD_EPERM;
    case ENOMEM:
        return NBD_ENOMEM;
    case EINVAL:
        return NBD_EINVAL;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return NBD_ENOSPC;
    case EOVERFLOW:
        return NBD_EOVERFLOW;
    case ENOTSUP:
        return NBD_ENOTSUP;
    case ESHUTDOWN:
        return NBD_ESHUTDOWN;
    default:
        return NBD_EIO;
    }
}

} // namespace bitmend
