// SPDX-License-Identifier: Apache-2.0
#include "ui/theme.h"

#include "ui/appearance.h"

namespace bitmend {

namespace {

struct Pair
{
    QRgb light;
    QRgb dark;
};

Pair pairOf(ColorRole role)
{
    switch (role) {
    case ColorRole::Clean:
        return {0xffdde3ea, 0xff2f3b47};
    case ColorRole::Dirty:
        return {0xffe69f00, 0xffe69f00};
    case ColorRole::Syncing:
        return {0xff0072b2, 0xff56b4e9};
    case ColorRole::Done:
        return {0xff56b4e9, 0xff0072b2};
    case ColorRole::Bad:
        return {0xff882255, 0xffff6b3d};
    case ColorRole::Unknown:
        return {0xff9a9a9a, 0xff8a8a8a};
    case ColorRole::PageDue:
        return {0xffcc79a7, 0xffcc79a7};
    case ColorRole::Data:
        return {0xff009e73, 0xff2bb58c};
    case ColorRole::ParityP:
        return {0xff0072b2, 0xff56b4e9};
    case ColorRole::ParityQ:
        return {0xffa8518a, 0xffcc79a7};
    }
    return {};
}

} // namespace

QColor roleColor(ColorRole role, const QPalette& palette)
{
    const Pair pair = pairOf(role);
    return QColor(isDark(palette) ? pair.dark : pair.light);
}

ColorRole roleOf(ChunkState state)
{
    switch (state) {
    case ChunkState::Clean:
        return ColorRole::Clean;
    case ChunkState::Done:
        return ColorRole::Done;
    case ChunkState::Stale:
        return ColorRole::Unknown;
    case ChunkState::Ignored:
    case ChunkState::Differs:
    case ChunkState::Dirty:
        return ColorRole::Dirty;
    case ChunkState::Syncing:
        return ColorRole::Syncing;
    case ChunkState::Bad:
        return ColorRole::Bad;
    }
    return ColorRole::Clean;
}

} // namespace bitmend
