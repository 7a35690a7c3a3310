// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/exit_code.h"

namespace bitmend::ctl {

ExitCode exitCodeOf(ErrorCode code)
{
    switch (code) {
    case ErrorCode::Cancelled:
        return ExitCode::Interrupted;
    case ErrorCode::SeveralArrays:
        return ExitCode::Usage;
    case ErrorCode::Unsupported:
    case ErrorCode::NotEnoughMembers:
    case ErrorCode::NeedsChoice:
    case ErrorCode::ChangedSincePlan:
    case ErrorCode::OutsidePlan:
    case ErrorCode::OverlayForeign:
    case ErrorCode::OverlayDamaged:
    case ErrorCode::InUse:
    case ErrorCode::Mounted:
    case ErrorCode::HeldByDevice:
    case ErrorCode::BacksLoop:
    case ErrorCode::RestoreForeign:
    case ErrorCode::MemberTooSmall:
    case ErrorCode::AlreadyMember:
    case ErrorCode::NoVacantSlot:
    case ErrorCode::NotAMember:
    case ErrorCode::MemberActive:
    case ErrorCode::CannotReAdd:
    case ErrorCode::HasBitmap:
    case ErrorCode::NoBitmap:
    case ErrorCode::NoRoomForBitmap:
    case ErrorCode::SyncDue:
    case ErrorCode::FolderInUse:
    case ErrorCode::MountBusy:
        return ExitCode::Refused;
    case ErrorCode::NothingToDo:
        return ExitCode::Done;
    case ErrorCode::Io:
    case ErrorCode::KnownBadBlock:
    case ErrorCode::ShortRead:
    case ErrorCode::CannotOpen:
    case ErrorCode::NotAStorage:
    case ErrorCode::Vanished:
    case ErrorCode::Empty:
    case ErrorCode::PartMissing:
    case ErrorCode::PartSizeDiffers:
    case ErrorCode::NoSuchPartition:
    case ErrorCode::NoSuperblock:
    case ErrorCode::BadSuperblock:
    case ErrorCode::BadBitmap:
    case ErrorCode::BadGeometry:
    case ErrorCode::NoSuchArray:
    case ErrorCode::NoSpace:
    case ErrorCode::NoSpaceInPlace:
    case ErrorCode::NoSpaceToSave:
    case ErrorCode::RestoreDamaged:
    case ErrorCode::NoFuse:
    case ErrorCode::CannotMount:
    case ErrorCode::CannotUnmount:
    case ErrorCode::ServerLost:
    case ErrorCode::NotMounted:
        return ExitCode::Failed;
    }
    return ExitCode::Failed;
}

} // namespace bitmend::ctl
