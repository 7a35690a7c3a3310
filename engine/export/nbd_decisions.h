// SPDX-License-Identifier: Apache-2.0
// What an NBD server answers to options and requests, without a connection: whatever bytes a client
// sends go through here before anything is done about them. Pure functions, for any thread.
#pragma once

#include "engine/base/result.h"
#include "engine/export/nbd_format.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace bitmend {

// Of a request with bytes in it or in its reply, and of an option. Who sends more is no client.
inline constexpr std::uint32_t kNbdLargestPayload = std::uint32_t{32} << 20U;
inline constexpr std::uint32_t kNbdLargestOption = 16384;

struct NbdExport
{
    std::string name; // the first one also answers to ""
    std::uint64_t sizeBytes = 0;
    bool isWritable = false;
};

// What is there for a client that has said hello; `sendsZeroes`: it did not ask to be spared them.
struct NbdOffer
{
    std::span<const NbdExport> exports;
    bool isLeaving = false; // no export is given out any more
    bool sendsZeroes = false;
};

enum class NbdNext : std::uint8_t {
    Option,   // the next one is waited for
    Transmit, // the export was chosen, and requests come
    Close,
};

struct NbdAnswer
{
    std::vector<std::byte> bytes; // to be sent first
    NbdNext next = NbdNext::Option;
    std::size_t chosen = 0; // with Transmit: which export
};

// To the flags with which a client answers the greeting; false: it is to be left.
bool isNbdClient(std::uint32_t clientFlags);

// Whether this is the head of an option whose `length` bytes may be read.
bool isNbdOption(const ondisk::OptionHead& head);
NbdAnswer answerOption(
    const NbdOffer& offer, std::uint32_t option, std::span<const std::byte> content);

// What can be seen of a request before its bytes come.
enum class NbdAct : std::uint8_t {
    Read,
    Write,
    WriteZeroes,
    Flush,
    Refuse, // with `error`, after `payload` bytes of the client's
    Leave,  // without a reply: the client says so, or it is none
};

struct NbdDecision
{
    NbdAct act = NbdAct::Leave;
    std::uint32_t error = 0;   // NBD's
    std::uint32_t payload = 0; // bytes that follow the request
    bool isDurable = false;    // on stable storage before the reply
};

NbdDecision decide(const ondisk::Request& request, const NbdExport& from);

// Of those that may be sent, the one that says it.
std::uint32_t nbdErrorOf(int error);

} // namespace bitmend
