// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_legend.h"

#include "ui/theme.h"
#include "ui/widgets/heatmap_text.h"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <ranges>

namespace bitmend {

namespace {

constexpr int kSwatch = 12;
constexpr int kToWord = 5;
constexpr int kToNext = 16;
constexpr int kRowSpace = 4;

// In the order of a chunk's life, then what is unusual.
constexpr std::array kOrder = {
    ChunkState::Clean,
    ChunkState::Dirty,
    ChunkState::Syncing,
    ChunkState::Done,
    ChunkState::Ignored,
    ChunkState::Differs,
    ChunkState::Stale,
    ChunkState::Bad,
};

} // namespace

HeatmapLegend::HeatmapLegend(QWidget* parent) : QWidget(parent)
{
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    setAccessibleName(tr("Legend"));
    setFrame({});
}

void HeatmapLegend::setFrame(const BitmapFramePtr& frame)
{
    std::vector<Item> items;
    for (const ChunkState state : kOrder) {
        const bool always = state == ChunkState::Clean || state == ChunkState::Dirty;
        if (!always && (!frame || frame->in(state).total() == 0))
            continue;
        CellLook look{state, kMostlyDirty};
        if (state == ChunkState::Syncing)
            look = {ChunkState::Clean, 0, true};
        items.push_back({look, heatmap::stateWord(state), heatmap::stateMeaning(state)});
    }
    if (frame && frame->pagesDue.total() > 0) {
        CellLook due;
        due.pageDue = true;
        items.push_back({due, heatmap::pageDueWord(), heatmap::pageDueMeaning()});
    }
    if (frame && frame->chunks > 0 && frame->hasListedBad({0, frame->chunks - 1})) {
        CellLook listed;
        listed.listedBad = true;
        items.push_back({listed, heatmap::listedBadWord(), heatmap::listedBadMeaning()});
    }
    if (std::ranges::equal(items, m_items, {}, &Item::word, &Item::word))
        return;
    m_items = std::move(items);
    setAccessibleDescription(words().join(tr(", ")));
    updateGeometry();
    update();
}

QStringList HeatmapLegend::words() const
{
    QStringList words;
    for (const Item& item : m_items)
        words += item.word;
    return words;
}

int HeatmapLegend::widthOf(const Item& item) const
{
    return kSwatch + kToWord + fontMetrics().horizontalAdvance(item.word);
}

std::vector<QRect> HeatmapLegend::placesIn(int width) const
{
    const int rowHeight = std::max(fontMetrics().height(), kSwatch);
    std::vector<QRect> places;
    std::size_t rowBegin = 0;
    int x = 0;
    int y = 0;
    const auto alignRow = [&] {
        const int rest = places.empty() ? 0 : width - places.back().right() - 1;
        for (QRect& place : places | std::views::drop(rowBegin))
            place.translate(std::max(rest, 0), 0);
        rowBegin = places.size();
    };
    for (const Item& item : m_items) {
        const int needed = widthOf(item);
        if (x > 0 && x + needed > width) {
            alignRow();
            x = 0;
            y += rowHeight + kRowSpace;
        }
        places.emplace_back(x, y, needed, rowHeight);
        x += needed + kToNext;
    }
    alignRow();
    // In the middle of the height there is.
    const int free = height() - (y + rowHeight);
    for (QRect& place : places)
        place.translate(0, std::max(free / 2, 0));
    return places;
}

int HeatmapLegend::heightForWidth(int width) const
{
    const auto places = placesIn(width);
    return places.empty() ? 0 : places.back().bottom() - places.front().top() + 1;
}

QSize HeatmapLegend::sizeHint() const
{
    int width = -kToNext;
    for (const Item& item : m_items)
        width += widthOf(item) + kToNext;
    return {width, heightForWidth(width)};
}

QSize HeatmapLegend::minimumSizeHint() const
{
    int width = 0;
    for (const Item& item : m_items)
        width = std::max(width, widthOf(item));
    return {width, std::max(fontMetrics().height(), kSwatch)};
}

void HeatmapLegend::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const auto places = placesIn(width());
    for (std::size_t i = 0; i < m_items.size(); ++i) {
        const QRect& place = places[i];
        const QRectF swatch(
            place.left(), place.top() + (place.height() - kSwatch) / 2.0, kSwatch, kSwatch);
        if (m_items[i].look.pageDue) {
            painter.fillRect(QRectF(swatch.left(), swatch.bottom() - 2, kSwatch, 2),
                roleColor(ColorRole::PageDue, palette()));
        } else {
            drawCell(painter, swatch, m_items[i].look, palette());
        }
        painter.setPen(palette().color(QPalette::PlaceholderText));
        painter.drawText(
            place.adjusted(kSwatch + kToWord, 0, 2, 0), Qt::AlignVCenter, m_items[i].word);
    }
}

void HeatmapLegend::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::FontChange)
        updateGeometry();
    QWidget::changeEvent(event);
}

bool HeatmapLegend::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip)
        return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const auto places = placesIn(width());
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (places[i].contains(help->pos()))
            QToolTip::showText(help->globalPos(), m_items[i].meaning, this, places[i]);
    }
    return true;
}

} // namespace bitmend
