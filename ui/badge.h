// SPDX-License-Identifier: Apache-2.0
// A state as the window shows it: a word, a shape and a tone. The word says it, the shape says it
// without colour, the colour helps those who see it.
#pragma once

#include "engine/session/engine.h"
#include "ui/appearance.h"

#include <QMetaType>
#include <QString>

#include <optional>

namespace bitmend {

enum class Shape : std::uint8_t { Disc, Half, Ring, Triangle, Cross, Square, Diamond };

struct Badge
{
    QString word;
    Shape shape = Shape::Disc;
    Tone tone = Tone::Neutral;

    bool operator==(const Badge&) const = default;
};

// What is being done to an array at this moment.
enum class Activity : std::uint8_t {
    None,
    Assembling,
    Resyncing,
    Recovering,
    Checking,
    Repairing,
    Adding,
    Changing, // who is a member
    Stopping,
    Writing,  // beside whatever else goes on
    Mounting, // likewise
};

Badge badgeOf(MemberState state);
Badge badgeOf(const ArrayView& array, Activity activity);

// Smallest first: cannot start, needs something, degraded, all well.
int urgency(const ArrayView& array);

} // namespace bitmend

Q_DECLARE_METATYPE(bitmend::Badge)
