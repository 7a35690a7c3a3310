// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/empty_page.h"

#include "ui/appearance.h"

#include <QAction>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QVBoxLayout>

namespace bitmend {

namespace {

constexpr int kBoxInset = 28;
constexpr int kHintWidth = 500;

} // namespace

EmptyPage::EmptyPage(const QList<QAction*>& steps, QWidget* parent)
    : QWidget(parent)
    , m_title(new QLabel(this))
    , m_hint(new QLabel(this))
{
    setObjectName(QStringLiteral("emptyPage"));
    QFont big = font();
    big.setPointSizeF(font().pointSizeF() * 1.4);
    big.setWeight(QFont::DemiBold);
    m_title->setFont(big);
    m_title->setAlignment(Qt::AlignCenter);
    m_title->setWordWrap(true);
    m_hint->setAlignment(Qt::AlignCenter);
    m_hint->setWordWrap(true);
    m_hint->setForegroundRole(QPalette::PlaceholderText);
    m_hint->setFixedWidth(kHintWidth);

    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(10);
    buttons->addStretch(1);
    for (QAction* step : steps) {
        auto* button = new QPushButton(QString(step->text()).remove(u'&'), this);
        button->setProperty("primary", step == steps.front());
        button->setToolTip(step->toolTip());
        connect(button, &QPushButton::clicked, step, &QAction::trigger);
        buttons->addWidget(button);
    }
    buttons->addStretch(1);

    auto* page = new QVBoxLayout(this);
    page->setContentsMargins(48, 48, 48, 48);
    page->setSpacing(12);
    page->addStretch(2);
    page->addWidget(m_title);
    page->addWidget(m_hint, 0, Qt::AlignHCenter);
    page->addSpacing(10);
    page->addLayout(buttons);
    page->addStretch(3);
    setNothingFound(false);
}

void EmptyPage::setNothingFound(bool nothingFound)
{
    m_title->setText(nothingFound ? tr("No array was found")
                                  : tr("Drop member images here, or scan this computer's disks"));
    m_hint->setText(
        nothingFound
            ? tr("Choose an image or disk on the left to read what is on it, or open the images of "
                 "the other members.")
            : tr("Bitmend looks for Linux software RAID on them, says what is wrong and what it "
                 "would take to mend it. Looking changes nothing."));
    // A box layout does not ask a centred label how high it becomes at its width.
    m_hint->setFixedHeight(m_hint->heightForWidth(kHintWidth));
}

void EmptyPage::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    QPen pen(hairline(palette()), 1.5, Qt::CustomDashLine);
    pen.setDashPattern({5, 4});
    painter.setPen(pen);
    painter.drawRoundedRect(
        QRectF(rect()).adjusted(kBoxInset, kBoxInset, -kBoxInset, -kBoxInset), 12, 12);
}

} // namespace bitmend
