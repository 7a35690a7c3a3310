// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the desktop has it; and the few colours that follow from a palette. Views take
// their colours from here or from the palette, never from a literal of their own.
#pragma once

#include <QColor>
#include <QPalette>

#include <cstdint>

namespace bitmend {

enum class Scheme : std::uint8_t { System, Light, Dark };

// On the running application. System keeps the desktop's own palette where a desktop provides a
// style; the bare Fusion style gets ours in the lightness it came with.
void applyScheme(Scheme scheme);

bool isDark(const QPalette& palette);

// What a state means to the person looking, not what it is called.
enum class Tone : std::uint8_t {
    Neutral,
    Good,
    Active, // something is going on
    Warning,
    Bad,
};

QColor toneColor(Tone tone, const QPalette& palette);
QColor toneBackground(Tone tone, const QPalette& palette); // of a box with text on it
QColor mutedText(const QPalette& palette);                 // 4.5 : 1 against Window and Base
QColor hairline(const QPalette& palette);                  // lines between rows and around boxes
QColor blend(const QColor& from, const QColor& to, double part);

} // namespace bitmend
