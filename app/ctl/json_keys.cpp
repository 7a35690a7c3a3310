// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/json.h"

namespace bitmend::ctl {

std::string_view key(MemberState state)
{
    switch (state) {
    case MemberState::InSync:
        return "in_sync";
    case MemberState::Rebuilding:
        return "rebuilding";
    case MemberState::Spare:
        return "spare";
    case MemberState::Faulty:
        return "faulty";
    case MemberState::Stale:
        return "stale";
    case MemberState::Missing:
        return "missing";
    case MemberState::Journal:
        return "journal";
    case MemberState::Replacement:
        return "replacement";
    case MemberState::Foreign:
        return "foreign";
    case MemberState::Damaged:
        return "damaged";
    case MemberState::Duplicate:
        return "duplicate";
    }
    return {};
}

std::string_view key(Needs needs)
{
    switch (needs) {
    case Needs::Nothing:
        return "nothing";
    case Needs::Resync:
        return "resync";
    case Needs::Recovery:
        return "recovery";
    case Needs::Choice:
        return "choice";
    case Needs::Force:
        return "force";
    case Needs::MembersMissing:
        return "members_missing";
    case Needs::Unsupported:
        return "unsupported";
    }
    return {};
}

std::string_view key(Opens opens)
{
    switch (opens) {
    case Opens::ToWrite:
        return "to_write";
    case Opens::ReadOnly:
        return "read_only";
    case Opens::Never:
        return "never";
    }
    return {};
}

std::string_view key(WritePurpose purpose)
{
    switch (purpose) {
    case WritePurpose::Superblock:
        return "superblock";
    case WritePurpose::BitmapHeader:
        return "bitmap_header";
    case WritePurpose::Bitmap:
        return "bitmap";
    case WritePurpose::Data:
        return "data";
    case WritePurpose::DataIfUnreadable:
        return "data_if_unreadable";
    case WritePurpose::BadBlockLog:
        return "bad_block_log";
    }
    return {};
}

std::string_view key(WriteMode mode)
{
    switch (mode) {
    case WriteMode::ReadOnly:
        return "read_only";
    case WriteMode::Overlay:
        return "overlay";
    case WriteMode::InPlace:
        return "in_place";
    }
    return {};
}

std::string_view key(Severity severity)
{
    switch (severity) {
    case Severity::Note:
        return "note";
    case Severity::EngineRefuses:
        return "engine_refuses";
    case Severity::KernelRefuses:
        return "kernel_refuses";
    }
    return {};
}

} // namespace bitmend::ctl
