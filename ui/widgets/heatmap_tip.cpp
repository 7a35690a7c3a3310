// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_tip.h"

#include "ui/widgets/heatmap_text.h"

#include <QHBoxLayout>
#include <QPainter>

#include <algorithm>

namespace bitmend {

namespace {

constexpr int kShadow = 10;
constexpr int kPadding = 12;
constexpr int kRadius = 6;
constexpr int kMostMembers = 4;

QString line(const QString& html) { return QStringLiteral("<div>%1</div>").arg(html); }

} // namespace

HeatmapTip::HeatmapTip(QWidget* window) : QWidget(window), m_label(new QLabel(this))
{
    setObjectName(QStringLiteral("heatmapTip"));
    setAttribute(Qt::WA_TransparentForMouseEvents);
    setFocusPolicy(Qt::NoFocus);
    m_label->setTextFormat(Qt::RichText);
    m_label->setForegroundRole(QPalette::ToolTipText);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(
        kShadow + kPadding, kShadow + kPadding - 3, kShadow + kPadding, kShadow + kPadding - 3);
    layout->addWidget(m_label);
    hide();
}

void HeatmapTip::showFor(
    const BitmapFrame& frame, ChunkRange range, const QWidget* near, QRect cell)
{
    const QString muted = palette().color(QPalette::PlaceholderText).name();
    const auto softly = [&muted](const QString& html) {
        return line(QStringLiteral("<span style=\"color:%1\">%2</span>").arg(muted, html));
    };
    const QString agreement = heatmap::agreement(frame, range);
    QStringList lines;
    lines += line(QStringLiteral("<b>%1</b> \u00b7 %2")
            .arg(heatmap::title(range), heatmap::counts(frame, range)));
    if (!agreement.isEmpty())
        lines += line(agreement);
    lines += line(heatmap::place(frame, range));
    lines += softly(heatmap::sectors(frame, range));
    const QStringList members = heatmap::members(frame, range);
    for (const QString& member : members.first(std::min<qsizetype>(members.size(), kMostMembers)))
        lines += line(member.toHtmlEscaped());
    if (members.size() > kMostMembers)
        lines += line(tr("and %n more members", nullptr, int(members.size() - kMostMembers)));
    if (frame.pageDue(range))
        lines += line(heatmap::pageDueWord());
    m_label->setText(
        QStringLiteral("<div style=\"line-height:125%\">%1</div>").arg(lines.join(QString())));
    adjustSize();

    // Below and to the right, else on the side where there is room.
    const QPoint corner = near->mapTo(parentWidget(), cell.bottomRight());
    const QPoint origin = near->mapTo(parentWidget(), cell.topLeft());
    QPoint at(corner.x() + 4 - kShadow, corner.y() + 4 - kShadow);
    if (at.x() + width() - kShadow > parentWidget()->width())
        at.setX(origin.x() - 4 + kShadow - width());
    if (at.y() + height() - kShadow > parentWidget()->height())
        at.setY(origin.y() - 4 + kShadow - height());
    move(std::max(at.x(), -kShadow), std::max(at.y(), -kShadow));
    show();
    raise();
}

void HeatmapTip::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF box = QRectF(rect()).adjusted(kShadow, kShadow, -kShadow, -kShadow);
    painter.setPen(Qt::NoPen);
    for (int ring = kShadow; ring > 0; --ring) {
        painter.setBrush(QColor(0, 0, 0, 5));
        painter.drawRoundedRect(box.adjusted(-ring, -ring + 2, ring, ring + 2 - (ring > 8 ? 2 : 0)),
            kRadius + ring, kRadius + ring);
    }
    QColor edge = palette().color(QPalette::ToolTipText);
    edge.setAlphaF(0.22F);
    painter.setPen(QPen(edge, 1));
    painter.setBrush(palette().color(QPalette::ToolTipBase));
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);
}

} // namespace bitmend
