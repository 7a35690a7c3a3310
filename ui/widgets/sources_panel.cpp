// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/sources_panel.h"

#include "ui/widgets/pill.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QMenu>
#include <QPainter>
#include <QStyledItemDelegate>

namespace bitmend {

namespace {

constexpr int kMargin = 16;
constexpr int kGap = 10;
constexpr int kAccentWidth = 3;
constexpr int kRounding = 2; // text widths are fractions, and elided when a whole number is short

QFont headingFont(QFont font)
{
    font.setPointSizeF(font.pointSizeF() * 0.82);
    font.setWeight(QFont::DemiBold);
    font.setCapitalization(QFont::AllUppercase);
    font.setLetterSpacing(QFont::AbsoluteSpacing, 0.6);
    return font;
}

QFont detailFont(QFont font)
{
    font.setPointSizeF(font.pointSizeF() * 0.86);
    return font;
}

QFont nameFont(QFont font)
{
    font.setWeight(QFont::DemiBold);
    return font;
}

class SourceDelegate : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        const int line = QFontMetrics(option.font).height();
        if (!index.parent().isValid())
            return {0, line + 20};
        if (index.data(SourcesModel::BadgeRole).isValid())
            return {0, line + QFontMetrics(detailFont(option.font)).height() + 20};
        return {0, line + 13};
    }

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
        const QModelIndex& index) const override
    {
        painter->save();
        painter->setFont(option.font);
        paintBackground(*painter, option);
        const QRect inner = option.rect.adjusted(kMargin, 0, -kMargin, 0);
        if (!index.parent().isValid()) {
            paintHeading(*painter, inner, option, index);
        } else if (index.data(SourcesModel::BadgeRole).isValid()) {
            paintArray(*painter, inner, option, index);
        } else {
            paintSource(*painter, inner, option, index);
        }
        painter->restore();
    }

private:
    static void paintBackground(QPainter& painter, const QStyleOptionViewItem& option)
    {
        const QColor accent = option.palette.color(QPalette::Highlight);
        const QColor base = option.palette.color(QPalette::Base);
        if (option.state.testFlag(QStyle::State_Selected)) {
            painter.fillRect(option.rect, blend(base, accent, 0.14));
            painter.fillRect(
                QRect(option.rect.topLeft(), QSize(kAccentWidth, option.rect.height())), accent);
        } else if (option.state.testFlag(QStyle::State_MouseOver) &&
                   option.state.testFlag(QStyle::State_Enabled)) {
            painter.fillRect(option.rect, blend(base, option.palette.color(QPalette::Text), 0.04));
        }
    }

    static void paintHeading(QPainter& painter, const QRect& rect,
        const QStyleOptionViewItem& option, const QModelIndex& index)
    {
        painter.setFont(headingFont(option.font));
        painter.setPen(mutedText(option.palette));
        painter.drawText(rect.adjusted(0, 0, 0, -7), int(Qt::AlignLeft) | Qt::AlignBottom,
            index.data().toString());
    }

    static void paintArray(QPainter& painter, const QRect& rect, const QStyleOptionViewItem& option,
        const QModelIndex& index)
    {
        const QFont name = nameFont(option.font);
        const QFont detail = detailFont(option.font);
        const QFontMetrics nameMetrics(name);
        const QFontMetrics detailMetrics(detail);
        const int top = rect.center().y() - (nameMetrics.height() + detailMetrics.height()) / 2 + 1;

        // Beside the name; where that is too long, beside the second line instead.
        const auto badge = index.data(SourcesModel::BadgeRole).value<Badge>();
        const QSize pill = pillSize(badge, option.font);
        const QString words = index.data().toString();
        const int besidePill = rect.width() - pill.width() - kGap;
        const int wanted = nameMetrics.horizontalAdvance(words) + kRounding;
        const bool fits = wanted <= besidePill;
        const int nameWidth = fits ? besidePill : rect.width();
        const int detailWidth = fits ? rect.width() : besidePill;
        const int detailTop = top + nameMetrics.height() + 2;
        const int beside =
            fits ? top + nameMetrics.height() / 2 : detailTop + detailMetrics.height() / 2 + 1;
        paintPill(painter,
            QRect({rect.right() + 1 - pill.width(), beside - pill.height() / 2}, pill), badge,
            option.palette);

        painter.setFont(name);
        painter.setPen(option.palette.color(QPalette::Text));
        painter.drawText(QRect(rect.left(), top, nameWidth, nameMetrics.height()), Qt::AlignVCenter,
            nameMetrics.elidedText(words, Qt::ElideMiddle, nameWidth));
        painter.setFont(detail);
        painter.setPen(mutedText(option.palette));
        painter.drawText(QRect(rect.left(), detailTop, detailWidth, detailMetrics.height()),
            Qt::AlignVCenter,
            detailMetrics.elidedText(
                index.data(SourcesModel::DetailRole).toString(), Qt::ElideRight, detailWidth));
    }

    static void paintSource(QPainter& painter, const QRect& rect,
        const QStyleOptionViewItem& option, const QModelIndex& index)
    {
        const QString note = index.data(SourcesModel::DetailRole).toString();
        const QFont small = detailFont(option.font);
        const QFontMetrics smallMetrics(small);
        const int noteWidth =
            std::min(smallMetrics.horizontalAdvance(note) + kRounding, rect.width() / 2);
        painter.setFont(small);
        painter.setPen(mutedText(option.palette));
        painter.drawText(rect, int(Qt::AlignRight) | Qt::AlignVCenter,
            smallMetrics.elidedText(note, Qt::ElideMiddle, noteWidth));
        const int width = rect.width() - noteWidth - kGap;
        painter.setFont(option.font);
        painter.setPen(option.palette.color(QPalette::Text));
        painter.drawText(QRect(rect.left(), rect.top(), width, rect.height()), Qt::AlignVCenter,
            QFontMetrics(option.font).elidedText(index.data().toString(), Qt::ElideMiddle, width));
    }
};

} // namespace

SourcesPanel::SourcesPanel(SourcesModel& model, QWidget* parent) : QTreeView(parent), m_model(model)
{
    setObjectName(QStringLiteral("sources"));
    setAccessibleName(tr("Sources"));
    setModel(&model);
    setItemDelegate(new SourceDelegate(this));
    setHeaderHidden(true);
    setRootIsDecorated(false);
    setIndentation(0);
    setItemsExpandable(false);
    setExpandsOnDoubleClick(false);
    setFrameShape(QFrame::NoFrame);
    setMouseTracking(true);
    setVerticalScrollMode(ScrollPerPixel);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setMinimumWidth(200);
    connect(&model, &QAbstractItemModel::rowsInserted, this, &SourcesPanel::tidy);
    connect(&model, &QAbstractItemModel::rowsRemoved, this, &SourcesPanel::tidy);
    tidy();
}

QSize SourcesPanel::sizeHint() const { return {268, 400}; }

void SourcesPanel::tidy()
{
    for (int group = 0; group < SourcesModel::Groups; ++group) {
        setRowHidden(group, {}, m_model.count(SourcesModel::Group(group)) == 0);
        setExpanded(m_model.index(group, 0), true);
    }
    viewport()->update();
}

void SourcesPanel::select(const QModelIndex& index)
{
    setCurrentIndex(index);
    scrollTo(index);
}

// Headings are passed over: they cannot be chosen.
QModelIndex SourcesPanel::moveCursor(CursorAction action, Qt::KeyboardModifiers modifiers)
{
    QModelIndex next = QTreeView::moveCursor(action, modifiers);
    const bool upwards = action == MoveUp || action == MovePrevious || action == MovePageUp;
    while (next.isValid() && !next.parent().isValid()) {
        const QModelIndex beyond = upwards ? indexAbove(next) : indexBelow(next);
        if (!beyond.isValid())
            return currentIndex();
        next = beyond;
    }
    return next;
}

void SourcesPanel::currentChanged(const QModelIndex& current, const QModelIndex& previous)
{
    QTreeView::currentChanged(current, previous);
    if (current.isValid() && current.parent().isValid())
        emit chosen(current);
}

void SourcesPanel::contextMenuEvent(QContextMenuEvent* event)
{
    const QString path = currentIndex().data(SourcesModel::PathRole).toString();
    if (path.isEmpty())
        return;
    QMenu menu(this);
    connect(menu.addAction(tr("Copy path")), &QAction::triggered, this,
        [path] { QApplication::clipboard()->setText(path); });
    connect(menu.addAction(tr("Remove from the list")), &QAction::triggered, this,
        [this, path] { emit removeAsked(path); });
    menu.exec(event->globalPos());
}

void SourcesPanel::paintEvent(QPaintEvent* event)
{
    QTreeView::paintEvent(event);
    for (int group = 0; group < SourcesModel::Groups; ++group) {
        if (m_model.count(SourcesModel::Group(group)) > 0)
            return;
    }
    QPainter painter(viewport());
    painter.setPen(mutedText(palette()));
    painter.drawText(viewport()->rect().adjusted(kMargin, kMargin, -kMargin, -kMargin),
        int(Qt::AlignLeft | Qt::AlignTop) | Qt::TextWordWrap,
        tr("Nothing opened yet.\n\nArrays, images and disks are listed here."));
}

void SourcesPanel::drawBranches(QPainter*, const QRect&, const QModelIndex&) const {}

} // namespace bitmend
