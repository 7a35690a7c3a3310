// SPDX-License-Identifier: Apache-2.0
#include "ui/appearance.h"

#include "ui/style_sheet.h"

#include <QApplication>
#include <QStyle>

#include <cmath>

// Q_INIT_RESOURCE has to stand outside any namespace.
static void initIcons() { Q_INIT_RESOURCE(icons); }

namespace bitmend {

namespace {

struct Shades
{
    QRgb window, base, alternate, text, muted, button, line, accent, onAccent;
};

constexpr Shades kLight{0xfff4f5f8, 0xffffffff, 0xfff8f9fb, 0xff1b2027, 0xff656d7b, 0xfff7f8fa,
    0xffd5dae1, 0xff0072b2, 0xffffffff};
constexpr Shades kDark{0xff1e1e1e, 0xff252526, 0xff2a2a2b, 0xffe6e6e6, 0xffa0a0a4, 0xff2d2d2e,
    0xff3c3c3e, 0xff56b4e9, 0xff10202c};

QPalette paletteOf(const Shades& shades)
{
    const QColor text(shades.text);
    const QColor muted(shades.muted);
    const QColor line(shades.line);
    QPalette palette(text, QColor(shades.button), QColor(shades.base), line.darker(130), line, text,
        Qt::white, QColor(shades.base), QColor(shades.window));
    palette.setColor(QPalette::AlternateBase, QColor(shades.alternate));
    palette.setColor(QPalette::ButtonText, text);
    palette.setColor(QPalette::Highlight, QColor(shades.accent));
    palette.setColor(QPalette::HighlightedText, QColor(shades.onAccent));
    palette.setColor(QPalette::Link, QColor(shades.accent));
    palette.setColor(QPalette::LinkVisited, QColor(shades.accent));
    palette.setColor(QPalette::PlaceholderText, muted);
    palette.setColor(QPalette::ToolTipBase, QColor(shades.base));
    palette.setColor(QPalette::ToolTipText, text);
    palette.setColor(QPalette::Midlight, blend(line, QColor(shades.base), 0.5));
    palette.setColor(QPalette::Shadow, line.darker(160));
    const QColor faint = blend(text, QColor(shades.window), 0.62);
    for (const auto role :
        {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::HighlightedText})
        palette.setColor(QPalette::Disabled, role, faint);
    palette.setColor(QPalette::Disabled, QPalette::Highlight, line);
    return palette;
}

// The desktop's, as the application started, before anything of ours was set.
struct Platform
{
    QPalette palette = QApplication::palette();
    bool bare = QApplication::style()->name() == QLatin1String("fusion");
};

const Platform& platform()
{
    static const Platform desktop;
    return desktop;
}

} // namespace

QColor blend(const QColor& from, const QColor& to, double part)
{
    const auto mix = [part](int a, int b) {
        return int(std::lround(double(a) + (double(b) - double(a)) * part));
    };
    return {mix(from.red(), to.red()), mix(from.green(), to.green()), mix(from.blue(), to.blue())};
}

bool isDark(const QPalette& palette) { return palette.color(QPalette::Window).lightness() < 128; }

void applyScheme(Scheme scheme)
{
    initIcons();
    const auto& [desktop, bare] = platform();
    if (scheme == Scheme::System && !bare) {
        QApplication::setPalette(desktop);
        return;
    }
    const bool dark = scheme == Scheme::Dark || (scheme == Scheme::System && isDark(desktop));
    const QPalette palette = paletteOf(dark ? kDark : kLight);
    QApplication::setPalette(palette);
    if (bare)
        qApp->setStyleSheet(styleSheet(palette));
}

QColor toneColor(Tone tone, const QPalette& palette)
{
    const bool dark = isDark(palette);
    switch (tone) {
    case Tone::Neutral:
        return mutedText(palette);
    case Tone::Good:
        return dark ? QColor(0x6c, 0xd3, 0x97) : QColor(0x1c, 0x7d, 0x49);
    case Tone::Active:
        return dark ? QColor(0x56, 0xb4, 0xe9) : QColor(0x00, 0x66, 0xa1);
    case Tone::Warning:
        return dark ? QColor(0xf0, 0xad, 0x1e) : QColor(0xa1, 0x5c, 0x00);
    case Tone::Bad:
        return dark ? QColor(0xff, 0x8a, 0x62) : QColor(0x99, 0x1f, 0x4d);
    }
    return {};
}

QColor toneBackground(Tone tone, const QPalette& palette)
{
    const QColor base = palette.color(QPalette::Window);
    return blend(base, toneColor(tone, palette), isDark(palette) ? 0.10 : 0.06);
}

QColor mutedText(const QPalette& palette)
{
    return blend(palette.color(QPalette::WindowText), palette.color(QPalette::Window), 0.33);
}

QColor hairline(const QPalette& palette)
{
    return blend(palette.color(QPalette::Window), palette.color(QPalette::WindowText), 0.14);
}

} // namespace bitmend
