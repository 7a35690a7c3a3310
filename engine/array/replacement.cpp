// SPDX-License-Identifier: Apache-2.0
#include "engine/array/replacement.h"

#include "engine/array/member_writes.h"
#include "engine/base/log.h"

#include <algorithm>

namespace bitmend {

Result<void> followOriginal(ArrayState& state, ArrayMember& replacement)
{
    auto* original = state.holderOf(replacement.role);
    if (!original || !original->inSync)
        return fail(ErrorCode::Unsupported, replacement.path);
    const auto begin = original->dataOffset.bytes();
    replacement.following = std::make_shared<Follower>(replacement.device,
        DataStretch{begin, begin + state.componentSize.bytes()}, replacement.dataOffset.bytes());
    noteReplaced(replacement);
    original->device = followedBy(original->device, replacement.following);
    original->source = original->device;
    return {};
}

void noteReplaced(ArrayMember& replacement)
{
    if (replacement.following)
        replacement.following->setValid(replacement.recoveryOffset.bytes());
}

void takeOver(ArrayState& state, ArrayMember& replacement)
{
    if (auto* original = state.holderOf(replacement.role)) {
        log(LogEvent::MemberReplaced, state.name, original->path,
            static_cast<std::uint64_t>(original->role));
        original->fault = Error{ErrorCode::Cancelled, original->path};
        original->role = -1;
        original->inSync = false;
    }
    replacement.replaces = false;
    replacement.tookOver = true;
    replacement.following.reset();
}

void standAlone(ArrayState& state, int role)
{
    for (auto& member : state.members) {
        if (!member.replaces || member.role != role)
            continue;
        member.replaces = false;
        member.following.reset();
    }
}

bool loseFollowers(ArrayState& state)
{
    bool any = false;
    for (auto& member : state.members) {
        const auto fault = member.following ? member.following->fault() : std::nullopt;
        if (!fault)
            continue;
        loseMember(state, member, *fault);
        any = true;
    }
    return any;
}

} // namespace bitmend
