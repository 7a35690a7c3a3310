// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/hex_pane.h"

#include "ui/appearance.h"

#include <QFontDatabase>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>

namespace bitmend {

namespace {

constexpr std::size_t kPerLine = 16;
constexpr int kAddressDigits = 4;
constexpr int kMargin = 8;

} // namespace

HexPane::HexPane(QWidget* parent) : QAbstractScrollArea(parent)
{
    QFont fixed = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    fixed.setPointSizeF(font().pointSizeF() * 0.9);
    setFont(fixed);
    setFocusPolicy(Qt::StrongFocus);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAsNeeded);
    setAccessibleName(tr("Raw bytes"));
}

int HexPane::lineHeight() const { return fontMetrics().height() + 3; }

int HexPane::digit() const { return fontMetrics().horizontalAdvance(u'0'); }

// A little more room after eight bytes.
int HexPane::xOf(std::size_t column) const
{
    return kMargin + digit() * (kAddressDigits + 2 + int(column) * 3 + (column >= 8 ? 1 : 0)) -
           horizontalScrollBar()->value();
}

int HexPane::xOfText(std::size_t column) const
{
    return xOf(kPerLine) + digit() * (1 + int(column));
}

QRect HexPane::rectOf(std::size_t offset) const
{
    const int line = int(offset / kPerLine) - verticalScrollBar()->value();
    return {xOf(offset % kPerLine), kMargin + line * lineHeight(), 2 * digit(), lineHeight()};
}

QSize HexPane::sizeHint() const
{
    const int width = digit() * (kAddressDigits + 2 + int(kPerLine) * 4 + 4) + 2 * kMargin +
                      verticalScrollBar()->sizeHint().width();
    return {width, lineHeight() * 12};
}

void HexPane::setBytes(std::span<const std::byte> bytes)
{
    m_bytes.assign(bytes.begin(), bytes.end());
    clearMark();
    updateScrollBar();
    viewport()->update();
}

void HexPane::clearMark()
{
    m_length = 0;
    setAccessibleDescription(tr("%n bytes", nullptr, int(m_bytes.size())));
    viewport()->update();
}

void HexPane::mark(std::size_t offset, std::size_t length, const QString& meaning)
{
    m_offset = std::min(offset, m_bytes.size());
    m_length = std::min(length, m_bytes.size() - m_offset);
    setAccessibleDescription(tr("Bytes %1 to %2: %3")
            .arg(m_offset)
            .arg(m_offset + std::max<std::size_t>(m_length, 1) - 1)
            .arg(meaning));
    // The least that shows its first line, with one line around it.
    const int line = int(m_offset / kPerLine);
    QScrollBar* bar = verticalScrollBar();
    if (line < bar->value()) {
        bar->setValue(line - 1);
    } else if (line >= bar->value() + bar->pageStep()) {
        bar->setValue(line - bar->pageStep() + 2);
    }
    viewport()->update();
}

void HexPane::updateScrollBar()
{
    const int lines = int((m_bytes.size() + kPerLine - 1) / kPerLine);
    const int page = std::max(1, (viewport()->height() - 2 * kMargin) / lineHeight());
    verticalScrollBar()->setPageStep(page);
    verticalScrollBar()->setRange(0, std::max(0, lines - page));
    const int width = digit() * (kAddressDigits + 2 + int(kPerLine) * 4 + 3) + 2 * kMargin;
    horizontalScrollBar()->setPageStep(viewport()->width());
    horizontalScrollBar()->setRange(0, std::max(0, width - viewport()->width()));
}

void HexPane::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    painter.fillRect(viewport()->rect(), palette().color(QPalette::Base));
    const auto first = std::size_t(verticalScrollBar()->value());
    const int lines = viewport()->height() / lineHeight() + 1;
    const auto shown = std::size_t(lines);
    for (std::size_t line = first; line < first + shown && line * kPerLine < m_bytes.size(); ++line)
        paintLine(painter, line);
    if (hasFocus()) {
        painter.setPen(palette().color(QPalette::Highlight));
        painter.drawRect(viewport()->rect().adjusted(0, 0, -1, -1));
    }
}

void HexPane::paintLine(QPainter& painter, std::size_t line) const
{
    const QColor text = palette().color(QPalette::Text);
    const QColor muted = mutedText(palette());
    const int top = rectOf(line * kPerLine).top();
    painter.setPen(muted);
    painter.drawText(
        QRect(xOf(0) - digit() * (kAddressDigits + 2), top, digit() * kAddressDigits, lineHeight()),
        Qt::AlignVCenter,
        QStringLiteral("%1").arg(line * kPerLine, kAddressDigits, 16, QLatin1Char('0')));

    const std::size_t end = std::min(m_bytes.size(), (line + 1) * kPerLine);
    for (std::size_t offset = line * kPerLine; offset < end; ++offset) {
        const auto byte = std::to_integer<unsigned>(m_bytes[offset]);
        const std::size_t column = offset % kPerLine;
        const QRect hex = rectOf(offset);
        const QRect letter(xOfText(column), top, digit(), lineHeight());
        const bool marked = offset >= m_offset && offset < m_offset + m_length;
        if (marked) {
            // Joined to the next byte of the field.
            const bool joins = column + 1 < kPerLine && offset + 1 < m_offset + m_length;
            painter.fillRect(hex.adjusted(-2, 0, joins ? xOf(column + 1) - hex.right() : 2, 0),
                palette().color(QPalette::Highlight));
            painter.fillRect(letter, palette().color(QPalette::Highlight));
        }
        painter.setPen(marked      ? palette().color(QPalette::HighlightedText)
                       : byte == 0 ? muted
                                   : text);
        painter.drawText(
            hex, Qt::AlignVCenter, QStringLiteral("%1").arg(byte, 2, 16, QLatin1Char('0')));
        painter.drawText(letter, Qt::AlignVCenter,
            QString(QLatin1Char(byte >= 0x20 && byte < 0x7f ? char(byte) : '.')));
    }
}

void HexPane::resizeEvent(QResizeEvent*) { updateScrollBar(); }

void HexPane::mousePressEvent(QMouseEvent* event)
{
    const QPoint at = event->position().toPoint();
    const int line = (at.y() - kMargin) / lineHeight() + verticalScrollBar()->value();
    if (event->button() != Qt::LeftButton || at.y() < kMargin)
        return;
    for (std::size_t column = 0; column < kPerLine; ++column) {
        const bool onHex =
            at.x() >= xOf(column) - digit() / 2 && at.x() < xOf(column) + 2 * digit() + digit() / 2;
        const bool onText = at.x() >= xOfText(column) && at.x() < xOfText(column) + digit();
        const std::size_t offset = std::size_t(line) * kPerLine + column;
        if ((onHex || onText) && offset < m_bytes.size()) {
            emit byteChosen(offset);
            return;
        }
    }
}

void HexPane::keyPressEvent(QKeyEvent* event)
{
    const auto last = std::int64_t(m_bytes.size()) - 1;
    const auto begin = std::int64_t(m_offset);
    const auto length = std::int64_t(std::max<std::size_t>(m_length, 1));
    std::int64_t to = 0;
    switch (event->key()) {
    case Qt::Key_Left:
        to = begin - 1;
        break;
    case Qt::Key_Right:
        to = begin + length;
        break;
    case Qt::Key_Up:
        to = begin - std::int64_t(kPerLine);
        break;
    case Qt::Key_Down:
        to = std::max(begin + std::int64_t(kPerLine), begin + length);
        break;
    default:
        QAbstractScrollArea::keyPressEvent(event);
        return;
    }
    if (to >= 0 && to <= last)
        emit byteChosen(quint64(to));
}

void HexPane::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        updateScrollBar();
    QAbstractScrollArea::changeEvent(event);
}

} // namespace bitmend
