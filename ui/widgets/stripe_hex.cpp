// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/stripe_hex.h"

#include "ui/appearance.h"
#include "ui/text.h"
#include "ui/theme.h"
#include "ui/words_stripe.h"

#include <QFontDatabase>
#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace bitmend {

namespace {

constexpr std::size_t kPerLine = 8;
constexpr int kMargin = 10;
constexpr int kGap = 18;  // between columns
constexpr int kPad = 8;   // inside a member's head
constexpr int kBar = 4;   // its coloured edge
constexpr int kRound = 5; // and corners

ColorRole colorOf(const MemberPlace& place)
{
    if (place.region != Region::Data || !place.inData)
        return ColorRole::Unknown;
    switch (place.content.kind) {
    case Holds::Data:
        return ColorRole::Data;
    case Holds::P:
        return ColorRole::ParityP;
    case Holds::Q:
        return ColorRole::ParityQ;
    case Holds::Unused:
        return ColorRole::Unknown;
    }
    return ColorRole::Unknown;
}

char letterOf(std::byte byte)
{
    const auto value = std::to_integer<unsigned char>(byte);
    return value >= 0x20 && value < 0x7f ? char(value) : '.';
}

} // namespace

StripeHex::StripeHex(QWidget* parent)
    : QAbstractScrollArea(parent)
    , m_fixed(QFontDatabase::systemFont(QFontDatabase::FixedFont))
{
    m_fixed.setPointSizeF(font().pointSizeF() * 0.9);
    setObjectName(QStringLiteral("stripeBytes"));
    setFocusPolicy(Qt::StrongFocus);
    setFrameShape(QFrame::NoFrame);
    setAccessibleName(tr("Bytes of all members in this stripe"));
}

int StripeHex::lineHeight() const { return QFontMetrics(m_fixed).height() + 3; }

int StripeHex::digit() const { return QFontMetrics(m_fixed).horizontalAdvance(u'0'); }

int StripeHex::headHeight() const { return 3 * (fontMetrics().height() + 3) + 2 * kPad; }

// Eight bytes, and their letters.
int StripeHex::columnWidth() const { return digit() * (int(kPerLine) * 4 + 1); }

int StripeHex::addressWidth() const { return digit() * 10; }

int StripeHex::xOf(int role) const
{
    return kMargin + addressWidth() + role * (columnWidth() + kGap) -
           horizontalScrollBar()->value();
}

int StripeHex::yOf(std::size_t line) const
{
    return headHeight() + kMargin + (int(line) - verticalScrollBar()->value()) * lineHeight();
}

QSize StripeHex::sizeHint() const
{
    const int members = std::max(2, int(m_view.cells.size()));
    return {addressWidth() + members * (columnWidth() + kGap) + 2 * kMargin,
        headHeight() + 12 * lineHeight()};
}

QRect StripeHex::rectOf(int role, std::size_t offset) const
{
    const auto line = std::ranges::find_if(m_lines,
        [&](const Line& at) { return !at.expected && at.offset == offset / kPerLine * kPerLine; });
    return {xOf(role) + digit() * 3 * int(offset % kPerLine),
        yOf(std::size_t(line - m_lines.begin())), 2 * digit(), lineHeight()};
}

void StripeHex::setStripe(StripeView view, QStringList names)
{
    const bool moved = view.begin != m_view.begin || view.geometry.level != m_view.geometry.level;
    m_view = std::move(view);
    m_names = std::move(names);
    layLines();
    updateScrollBars();
    if (moved)
        verticalScrollBar()->setValue(0);
    describe();
    viewport()->update();
}

void StripeHex::markMember(int role)
{
    m_marked = role;
    showColumn(role);
    viewport()->update();
}

// Scrolls sideways where a member is not seen whole, beside the addresses that stay.
void StripeHex::showColumn(int role)
{
    if (role < 0)
        return;
    auto* bar = horizontalScrollBar();
    const int left = xOf(role) - kMargin - addressWidth();
    const int over = xOf(role) + columnWidth() + kMargin - viewport()->width();
    if (left < 0) {
        bar->setValue(bar->value() + left);
    } else if (over > 0) {
        bar->setValue(bar->value() + over);
    }
}

bool StripeHex::differsIn(std::size_t offset) const
{
    for (const auto& cell : m_view.cells) {
        for (std::size_t i = 0; i < kPerLine && !cell.expected.empty(); ++i) {
            if (cell.differsAt(offset + i))
                return true;
        }
    }
    return false;
}

void StripeHex::layLines()
{
    m_lines.clear();
    std::size_t end = 0;
    for (const auto& cell : m_view.cells)
        end = std::max(end, cell.bytes.size());
    for (std::size_t offset = 0; offset < end; offset += kPerLine) {
        m_lines.push_back({offset, false});
        if (differsIn(offset))
            m_lines.push_back({offset, true});
    }
}

void StripeHex::goTo(std::size_t offset)
{
    const auto line = std::ranges::find_if(
        m_lines, [&](const Line& at) { return at.offset + kPerLine > offset; });
    verticalScrollBar()->setValue(int(line - m_lines.begin()));
    m_sector = offset / kSectorBytes;
    showColumn(m_marked); // one that was marked before there was anything to scroll
    describe();
    viewport()->update();
}

MemberPlace StripeHex::chosenPlace(const StripeCell& cell) const
{
    MemberPlace place = cell.place;
    place.region = cell.regionAt(m_sector);
    return place;
}

bool StripeHex::goToDifference(bool forward)
{
    const int from = verticalScrollBar()->value();
    const int count = int(m_lines.size());
    for (int step = 1; step <= count; ++step) {
        const int line = (from + (forward ? step : count - step)) % count;
        // The line before is the one with the bytes themselves.
        if (line > 0 && m_lines[std::size_t(line)].expected && line - 1 != from) {
            verticalScrollBar()->setValue(line - 1);
            return true;
        }
    }
    return std::ranges::any_of(m_lines, &Line::expected);
}

void StripeHex::describe()
{
    QStringList parts;
    for (const auto& cell : m_view.cells) {
        parts.append(tr("Slot %1, %2: %3, %4")
                .arg(cell.place.role)
                .arg(m_names.value(cell.place.role),
                    text(holding(chosenPlace(cell), m_view.geometry)), text(originOf(cell))));
    }
    setAccessibleDescription(parts.join(QStringLiteral("; ")));
}

void StripeHex::updateScrollBars()
{
    const int page = std::max(1, (viewport()->height() - headHeight() - kMargin) / lineHeight());
    verticalScrollBar()->setPageStep(page);
    verticalScrollBar()->setRange(0, std::max(0, int(m_lines.size()) - page));
    const int width =
        2 * kMargin + addressWidth() + int(m_view.cells.size()) * (columnWidth() + kGap) - kGap;
    horizontalScrollBar()->setPageStep(viewport()->width());
    horizontalScrollBar()->setSingleStep(columnWidth() + kGap);
    horizontalScrollBar()->setRange(0, std::max(0, width - viewport()->width()));
}

void StripeHex::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(viewport()->rect(), palette().color(QPalette::Base));
    const int members = int(m_view.cells.size());
    const QRect below = viewport()->rect().adjusted(0, headHeight() + kMargin / 2, 0, 0);
    // The addresses stay where they are; members scroll out of sight before they get there.
    const QRect beside = viewport()->rect().adjusted(kMargin + addressWidth() - kPad, 0, 0, 0);
    painter.save();
    painter.setFont(m_fixed);
    const auto first = std::size_t(verticalScrollBar()->value());
    const auto isSeen = [this](std::size_t line) {
        return line < m_lines.size() && yOf(line) < viewport()->height();
    };
    painter.setClipRect(below);
    for (auto line = first; isSeen(line); ++line)
        paintAddress(painter, m_lines[line], yOf(line));
    painter.setClipRect(below & beside);
    for (auto line = first; isSeen(line); ++line) {
        for (int role = 0; role < members; ++role)
            paintBytes(painter, m_lines[line], role, yOf(line));
    }
    painter.setClipRect(beside);
    for (int role = 0; role < members; ++role)
        paintHead(painter, role);
    painter.restore();
    if (hasFocus()) {
        painter.setPen(palette().color(QPalette::Highlight));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(viewport()->rect().adjusted(0, 0, -1, -1));
    }
}

void StripeHex::paintHead(QPainter& painter, int role) const
{
    const StripeCell& cell = m_view.cells[std::size_t(role)];
    const bool wrong = !cell.expected.empty();
    const QColor base = palette().color(QPalette::Base);
    const MemberPlace place = chosenPlace(cell);
    const QColor color = roleColor(colorOf(place), palette());
    const QRect box(xOf(role) - kPad, 0, columnWidth() + kPad, headHeight() - kPad);
    if (box.right() < 0 || box.left() > viewport()->width())
        return;
    QBrush fill(blend(base, color, 0.16));
    painter.setPen(Qt::NoPen);
    painter.setBrush(fill);
    painter.drawRoundedRect(box, kRound, kRound);
    if (cell.origin != CellOrigin::Read) {
        painter.setBrush(QBrush(blend(base, color, 0.34), Qt::BDiagPattern));
        painter.drawRoundedRect(box, kRound, kRound);
    }
    painter.setBrush(color);
    painter.drawRoundedRect(QRect(box.left(), box.top(), kBar, box.height()), 2, 2);
    if (role == m_marked || wrong) {
        painter.setPen(QPen(
            wrong ? roleColor(ColorRole::Bad, palette()) : palette().color(QPalette::Highlight),
            1.5));
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(QRectF(box).adjusted(0.75, 0.75, -0.75, -0.75), kRound, kRound);
    }

    const QRect inside = box.adjusted(kBar + kPad, kPad, -kPad, -kPad);
    const int height = inside.height() / 3;
    const auto drawLine = [&](int line, const QFont& as, const QColor& ink, const QString& words) {
        painter.setFont(as);
        painter.setPen(ink);
        painter.drawText(inside.adjusted(0, line * height, 0, 0), Qt::AlignLeft | Qt::AlignTop,
            QFontMetrics(as).elidedText(words, Qt::ElideRight, inside.width()));
    };
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    const QColor ink = palette().color(QPalette::Text);
    drawLine(0, font(), mutedText(palette()),
        tr("%1  %2").arg(cell.place.role).arg(m_names.value(role)));
    drawLine(1, bold, ink, text(holding(place, m_view.geometry)));
    drawLine(2, font(), wrong ? roleColor(ColorRole::Bad, palette()) : mutedText(palette()),
        wrong ? tr("\u2260 %1").arg(text(originOf(cell))) : text(originOf(cell)));
}

void StripeHex::paintAddress(QPainter& painter, const Line& line, int y) const
{
    const QRect area(0, y, kMargin + addressWidth() - digit() * 2, lineHeight());
    painter.setPen(mutedText(palette()));
    if (line.expected) {
        painter.drawText(area, Qt::AlignRight | Qt::AlignVCenter, tr("should be"));
        return;
    }
    const std::int64_t at = m_view.begin * std::int64_t(kSectorBytes) + std::int64_t(line.offset);
    const QString digits =
        QStringLiteral("%1").arg(qulonglong(std::abs(at)), at < 0 ? 7 : 8, 16, QLatin1Char('0'));
    painter.drawText(area, Qt::AlignRight | Qt::AlignVCenter, at < 0 ? u'\u2212' + digits : digits);
}

void StripeHex::paintBytes(QPainter& painter, const Line& line, int role, int y) const
{
    const StripeCell& cell = m_view.cells[std::size_t(role)];
    const QColor ink = palette().color(QPalette::Text);
    const QColor muted = mutedText(palette());
    const QColor bad = roleColor(ColorRole::Bad, palette());
    const QColor base = palette().color(QPalette::Base);
    const bool soft = cell.origin == CellOrigin::Given;
    const auto& bytes = line.expected ? cell.expected : cell.bytes;
    for (std::size_t i = 0; i < kPerLine && line.offset + i < bytes.size(); ++i) {
        const std::byte byte = bytes[line.offset + i];
        const bool differs = cell.differsAt(line.offset + i);
        if (line.expected && !differs)
            continue;
        const QRect hex(xOf(role) + digit() * 3 * int(i), y, 2 * digit(), lineHeight());
        const QRect letter(
            xOf(role) + digit() * (3 * int(kPerLine) + 1 + int(i)), y, digit(), lineHeight());
        if (differs && !line.expected) {
            painter.fillRect(hex.adjusted(-2, 1, 2, -1), blend(base, bad, 0.28));
            painter.fillRect(letter.adjusted(0, 1, 0, -1), blend(base, bad, 0.28));
        }
        const bool faint = (byte == std::byte{0} && !differs) || soft;
        painter.setPen(line.expected ? bad : faint ? muted : ink);
        painter.drawText(hex, Qt::AlignVCenter,
            QStringLiteral("%1").arg(std::to_integer<unsigned>(byte), 2, 16, QLatin1Char('0')));
        painter.drawText(letter, Qt::AlignVCenter, QString(QLatin1Char(letterOf(byte))));
    }
}

void StripeHex::resizeEvent(QResizeEvent*) { updateScrollBars(); }

void StripeHex::mousePressEvent(QMouseEvent* event)
{
    const QPoint at = event->position().toPoint();
    if (event->button() != Qt::LeftButton)
        return;
    const int role = roleAt(at.x());
    if (role < 0)
        return;
    const int line =
        (at.y() - headHeight() - kMargin) / lineHeight() + verticalScrollBar()->value();
    if (at.y() < headHeight()) {
        emit memberChosen(role, m_sector * kSectorBytes);
    } else if (line >= 0 && std::size_t(line) < m_lines.size()) {
        const auto byte = std::size_t(std::clamp((at.x() - xOf(role)) / (3 * digit()), 0, 7));
        emit memberChosen(role, m_lines[std::size_t(line)].offset + byte);
    }
}

int StripeHex::roleAt(int x) const
{
    for (const auto& cell : m_view.cells) {
        const int role = cell.place.role;
        if (x >= xOf(role) - kPad && x < xOf(role) + columnWidth())
            return role;
    }
    return -1;
}

// All regions of a window over a member's structures, which its head has no room for.
bool StripeHex::viewportEvent(QEvent* event)
{
    if (event->type() != QEvent::ToolTip)
        return QAbstractScrollArea::viewportEvent(event);
    const auto& at = *static_cast<QHelpEvent*>(event);
    QStringList lines;
    if (const int role = roleAt(at.x()); role >= 0) {
        for (const auto& region : regionsOf(m_view.cells[std::size_t(role)]))
            lines.append(text(region));
    }
    // An empty one hides what was shown for another column.
    QToolTip::showText(at.globalPos(), lines.join(u'\n'), viewport());
    return true;
}

void StripeHex::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        updateScrollBars();
    QAbstractScrollArea::changeEvent(event);
}

} // namespace bitmend
