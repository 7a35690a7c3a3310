// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/members_view.h"

#include "ui/widgets/pill.h"

#include <QContextMenuEvent>
#include <QHeaderView>
#include <QPainter>
#include <QResizeEvent>
#include <QStyledItemDelegate>

#include <algorithm>
#include <array>

namespace bitmend {

namespace {

constexpr int kRowPadding = 13;
constexpr int kMostRowsUnscrolled = 7;
constexpr int kLeastHeight = 200; // what a window that is too low leaves of the rows

QFont reasonFont(QFont font)
{
    font.setPointSizeF(font.pointSizeF() * 0.92);
    return font;
}

QFont headingFont(QFont font)
{
    font.setPointSizeF(font.pointSizeF() * 0.86);
    font.setCapitalization(QFont::AllUppercase);
    font.setLetterSpacing(QFont::AbsoluteSpacing, 0.3);
    return font;
}

class MemberDelegate : public QStyledItemDelegate
{
public:
    explicit MemberDelegate(QTreeView& view) : QStyledItemDelegate(&view), m_view(view) {}

    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        if (index.parent().isValid()) {
            const int width = m_view.viewport()->width() - indent();
            const QFontMetrics metrics(reasonFont(option.font));
            const QRect text = metrics.boundingRect(QRect(0, 0, std::max(width, 120), 10'000),
                Qt::TextWordWrap, index.data().toString());
            return {0, text.height() + 9};
        }
        int width = QFontMetrics(option.font).horizontalAdvance(index.data().toString()) + 24;
        if (const QVariant badge = index.data(MembersModel::BadgeRole); badge.isValid())
            width = pillSize(badge.value<Badge>(), option.font).width() + 24;
        return {width, QFontMetrics(option.font).height() + kRowPadding};
    }

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
        const QModelIndex& index) const override
    {
        painter->save();
        painter->setFont(option.font);
        if (index.parent().isValid()) {
            painter->setFont(reasonFont(option.font));
            painter->setPen(mutedText(option.palette));
            painter->drawText(QRect(indent(), option.rect.top(),
                                  m_view.viewport()->width() - indent(), option.rect.height()),
                int(Qt::AlignLeft | Qt::AlignTop) | Qt::TextWordWrap, index.data().toString());
        } else if (const QVariant value = index.data(MembersModel::BadgeRole); value.isValid()) {
            const auto badge = value.value<Badge>();
            const QSize size = pillSize(badge, option.font);
            paintPill(*painter,
                QRect({option.rect.left(), option.rect.center().y() - size.height() / 2 + 1}, size),
                badge, option.palette);
        } else {
            painter->setPen(option.palette.color(QPalette::WindowText));
            painter->drawText(option.rect.adjusted(0, 0, -12, 0),
                int(Qt::AlignLeft) | Qt::AlignVCenter,
                QFontMetrics(option.font)
                    .elidedText(
                        index.data().toString(), Qt::ElideMiddle, option.rect.width() - 12));
        }
        painter->restore();
    }

private:
    int indent() const { return m_view.columnWidth(MembersModel::Slot); }

    QTreeView& m_view;
};

} // namespace

MembersView::MembersView(MembersModel& model, QWidget* parent) : QTreeView(parent), m_model(model)
{
    setObjectName(QStringLiteral("members"));
    setAccessibleName(tr("Members"));
    setModel(&model);
    setItemDelegate(new MemberDelegate(*this));
    setRootIsDecorated(false);
    setIndentation(0);
    setItemsExpandable(false);
    setExpandsOnDoubleClick(false);
    setFrameShape(QFrame::NoFrame);
    setSelectionBehavior(SelectRows);
    setVerticalScrollMode(ScrollPerPixel);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Maximum);
    viewport()->setAutoFillBackground(false);
    header()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    header()->setSectionsClickable(false);
    header()->setStretchLastSection(true);
    header()->setHighlightSections(false);
    header()->setFont(headingFont(font()));
    connect(&model, &QAbstractItemModel::modelReset, this, &MembersView::arrange);
    connect(&model, &QAbstractItemModel::dataChanged, this,
        [this](const QModelIndex& first, const QModelIndex&) {
            // Counts that move all the time do not move the columns.
            if (first.column() == 0)
                arrange();
        });
    arrange();
}

std::string MembersView::chosen() const
{
    const Member* member = m_model.member(currentIndex());
    return member ? member->path : std::string();
}

void MembersView::choose(const std::string& path)
{
    if (chosen() != path)
        setCurrentIndex(m_model.indexOf(path));
}

void MembersView::currentChanged(const QModelIndex& current, const QModelIndex& previous)
{
    QTreeView::currentChanged(current, previous);
    emit chosenChanged();
}

void MembersView::contextMenuEvent(QContextMenuEvent* event)
{
    // By the keyboard the menu comes up at the member, not where the mouse happens to be.
    QPoint at = event->globalPos();
    if (event->reason() == QContextMenuEvent::Keyboard)
        at = viewport()->mapToGlobal(visualRect(currentIndex()).bottomLeft() + QPoint(64, 0));
    if (m_model.member(currentIndex()))
        emit menuWanted(at);
}

void MembersView::arrange()
{
    for (int row = 0; row < m_model.rowCount(); ++row) {
        const QModelIndex member = m_model.index(row, 0);
        if (m_model.rowCount(member) > 0) {
            setFirstColumnSpanned(0, member, true);
            setExpanded(member, true);
        }
    }
    // The columns keep their shares at every width; names take what is left.
    const int width = viewport()->width();
    std::array<int, MembersModel::Columns> wanted{};
    int others = 0;
    for (int column = 0; column < MembersModel::Columns; ++column) {
        const auto place = std::size_t(column);
        wanted[place] = std::max({sizeHintForColumn(column), header()->sectionSizeHint(column) + 18,
            column == MembersModel::Slot ? 64 : 0});
        if (column != MembersModel::Name)
            others += wanted[place];
    }
    auto& name = wanted[MembersModel::Name];
    const int room = width - others;
    name = std::clamp(room, 80, std::max(name, 80));
    // What is left over goes between the columns, most of it behind the names.
    const int spare = std::max(0, room - name);
    name += spare / 3;
    wanted[MembersModel::State] += spare / 8;
    wanted[MembersModel::Events] += spare / 6;
    wanted[MembersModel::Updated] += spare / 5;
    for (int column = 0; column < MembersModel::Columns; ++column)
        setColumnWidth(column, wanted[std::size_t(column)]);
    updateGeometry();
}

int MembersView::contentHeight() const
{
    int height = header()->sizeHint().height() + 2;
    int rows = 0;
    for (int row = 0; row < m_model.rowCount() && rows < kMostRowsUnscrolled; ++row, ++rows) {
        const QModelIndex member = m_model.index(row, 0);
        height += sizeHintForIndex(member).height();
        if (m_model.rowCount(member) > 0)
            height += sizeHintForIndex(m_model.index(0, 0, member)).height();
    }
    return height;
}

QSize MembersView::sizeHint() const { return {600, contentHeight()}; }

QSize MembersView::minimumSizeHint() const
{
    return {320, std::min(contentHeight(), header()->sizeHint().height() + kLeastHeight)};
}

void MembersView::resizeEvent(QResizeEvent* event)
{
    QTreeView::resizeEvent(event);
    if (event->oldSize().width() != event->size().width()) {
        scheduleDelayedItemsLayout();
        arrange();
    }
}

void MembersView::changeEvent(QEvent* event)
{
    QTreeView::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
        QPalette muted = palette();
        const QColor heading = mutedText(palette());
        muted.setColor(QPalette::ButtonText, heading);
        if (header()->palette().color(QPalette::ButtonText) != heading)
            header()->setPalette(muted);
        arrange();
    }
}

void MembersView::drawRow(
    QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    if (selectionModel()->isSelected(index) && hasFocus()) {
        painter->fillRect(option.rect,
            blend(palette().color(QPalette::Window), palette().color(QPalette::Highlight), 0.10));
    }
    QTreeView::drawRow(painter, option, index);
    // One line under a member and its reason together.
    const bool last = index.parent().isValid() || m_model.rowCount(index.siblingAtColumn(0)) == 0;
    if (last) {
        painter->setPen(hairline(palette()));
        painter->drawLine(option.rect.bottomLeft(), option.rect.bottomRight());
    }
}

void MembersView::drawBranches(QPainter*, const QRect&, const QModelIndex&) const {}

} // namespace bitmend
