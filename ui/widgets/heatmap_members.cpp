// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_members.h"

#include "ui/text.h"
#include "ui/theme.h"
#include "ui/widgets/heatmap_text.h"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>

namespace bitmend {

namespace {

constexpr int kRow = 20;
constexpr int kStrip = 11;
constexpr int kMark = 3;

QString labelOf(const MemberBits& member)
{
    const QString slot = member.role >= 0 ? QString::number(member.role) : QStringLiteral("\u2013");
    return HeatmapMembers::tr("%1  %2").arg(slot, nameOf(member.path));
}

} // namespace

HeatmapMembers::HeatmapMembers(QWidget* parent) : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setAccessibleName(tr("The members' own copies of the bitmap"));
}

std::vector<std::size_t> HeatmapMembers::rows() const
{
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; m_frame && i < m_frame->members.size(); ++i) {
        if (m_frame->members[i].set.size() > 0)
            rows.push_back(i);
    }
    return rows;
}

QSize HeatmapMembers::sizeHint() const { return {1048, int(rows().size()) * kRow}; }

void HeatmapMembers::setFrame(BitmapFramePtr frame)
{
    const BitmapFramePtr before = std::exchange(m_frame, std::move(frame));
    if (before == m_frame)
        return;
    if (before && m_frame && changedChunks(*before, *m_frame, Compare::StatesAndMembers).empty())
        return;
    findDisagreements();
    describe();
    updateGeometry();
    update();
}

void HeatmapMembers::findDisagreements()
{
    m_disagreements.clear();
    const BitPages* other = nullptr;
    for (const std::size_t row : rows()) {
        const MemberBits& member = m_frame->members[row];
        if (!member.evidence)
            continue;
        if (other && other->size() == member.set.size())
            BitPages::appendChanges(*other, member.set, m_disagreements);
        other = &member.set;
    }
    std::ranges::sort(m_disagreements, {}, &ChunkRange::first);
}

void HeatmapMembers::describe()
{
    QStringList lines;
    for (const std::size_t row : rows()) {
        const MemberBits& member = m_frame->members[row];
        lines += tr("%1: %2 of %3 set")
                     .arg(labelOf(member), numberText(member.set.total()),
                         numberText(member.set.size()));
        if (member.bad.total() > 0)
            lines.back() += tr(", %1 with known bad blocks").arg(numberText(member.bad.total()));
    }
    setAccessibleDescription(lines.join(tr("; ")));
}

void HeatmapMembers::setVisibleChunks(ChunkRange range)
{
    if (m_visible == range)
        return;
    m_visible = range;
    update();
}

// Whether the copies that count differ in a range: in one of the words known to differ, and there
// in a bit that lies in the range.
bool HeatmapMembers::disagree(ChunkRange range) const
{
    auto at = std::ranges::partition_point(
        m_disagreements, [&](const ChunkRange& words) { return words.last < range.first; });
    for (; at != m_disagreements.end() && at->first <= range.last; ++at) {
        if (range.first <= at->first && at->last <= range.last)
            return true;
        const std::uint64_t end = std::min(at->last, range.last);
        for (std::uint64_t chunk = std::max(at->first, range.first); chunk <= end; ++chunk) {
            bool set = false;
            bool clear = false;
            for (const MemberBits& member : m_frame->members) {
                if (member.evidence && member.set.size() > 0)
                    (member.set.test(chunk) ? set : clear) = true;
            }
            if (set && clear)
                return true;
        }
    }
    return false;
}

int HeatmapMembers::nameWidth() const { return std::min(180, width() / 4); }

StripColumns HeatmapMembers::columns() const
{
    return {m_visible, std::max(width() - nameWidth(), 1)};
}

void HeatmapMembers::paintEvent(QPaintEvent*)
{
    if (!m_frame || m_frame->chunks == 0)
        return;
    QPainter painter(this);
    const StripColumns strip = columns();
    std::vector<bool> marks(std::size_t(strip.count()));
    for (int column = 0; column < strip.count(); ++column)
        marks[std::size_t(column)] = disagree(strip.rangeOf(column));

    const QColor clean = roleColor(ColorRole::Clean, palette());
    int top = 0;
    for (const std::size_t row : rows()) {
        const MemberBits& member = m_frame->members[row];
        painter.setPen(
            palette().color(member.evidence ? QPalette::WindowText : QPalette::PlaceholderText));
        const QRect name(0, top, nameWidth() - 8, kStrip + 4);
        painter.drawText(name, Qt::AlignVCenter | Qt::AlignLeft,
            fontMetrics().elidedText(labelOf(member), Qt::ElideMiddle, name.width()));

        const QRectF body(nameWidth(), top + 2, width() - nameWidth(), kStrip);
        painter.fillRect(body, clean);
        // A copy that counts for nothing is drawn in the colour of the unknown.
        const QColor set =
            roleColor(member.evidence ? ColorRole::Dirty : ColorRole::Unknown, palette());
        for (int column = 0; column < strip.count(); ++column) {
            const ChunkRange range = strip.rangeOf(column);
            const QRectF span(body.left() + strip.leftOf(column), body.top(),
                strip.leftOf(column + 1) - strip.leftOf(column), kStrip);
            if (member.set.count(range.first, range.last) > 0)
                painter.fillRect(span, set);
            if (member.bad.total() > 0 && member.bad.count(range.first, range.last) > 0)
                painter.fillRect(span, roleColor(ColorRole::Bad, palette()));
            if (!marks[std::size_t(column)] || !member.evidence)
                continue;
            painter.fillRect(QRectF(span.left(), body.bottom() + 1, span.width(), kMark),
                palette().color(QPalette::WindowText));
        }
        top += kRow;
    }
}

void HeatmapMembers::resizeEvent(QResizeEvent*) { update(); }

bool HeatmapMembers::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip || !m_frame || m_frame->chunks == 0)
        return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const StripColumns strip = columns();
    const std::uint64_t chunk = strip.chunkAt(help->pos().x() - nameWidth());
    const ChunkRange range = strip.rangeOf(strip.columnAt(chunk));
    QToolTip::showText(help->globalPos(), heatmap::plainLines(*m_frame, range), this);
    return true;
}

} // namespace bitmend
