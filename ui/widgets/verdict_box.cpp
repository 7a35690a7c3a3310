// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/verdict_box.h"

#include <QAction>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QStyle>
#include <QVBoxLayout>

namespace bitmend {

VerdictBox::VerdictBox(QWidget* parent)
    : QWidget(parent)
    , m_headline(new QLabel(this))
    , m_explanation(new QLabel(this))
    , m_remarks(new QLabel(this))
    , m_button(new QPushButton(this))
{
    setObjectName(QStringLiteral("verdict"));
    QFont bold = font();
    bold.setWeight(QFont::Bold);
    m_headline->setFont(bold);
    for (QLabel* label : {m_headline, m_explanation, m_remarks}) {
        label->setWordWrap(true);
        label->setTextFormat(Qt::PlainText);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    }
    m_remarks->setForegroundRole(QPalette::PlaceholderText);
    m_headline->setAccessibleName(tr("Verdict"));
    m_explanation->setAccessibleName(tr("What it means"));
    m_remarks->setAccessibleName(tr("What else is known"));
    m_button->setObjectName(QStringLiteral("step"));
    m_button->setProperty("primary", true);
    m_button->setDefault(true);
    m_button->hide();

    auto* texts = new QVBoxLayout;
    texts->setSpacing(3);
    texts->addWidget(m_headline);
    texts->addWidget(m_explanation);
    texts->addWidget(m_remarks);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(15, 12, 15, 13);
    row->setSpacing(20);
    row->addLayout(texts, 1);
    row->addWidget(m_button, 0, Qt::AlignVCenter);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Minimum);
}

void VerdictBox::setVerdict(Tone tone, const Verdict& verdict)
{
    m_tone = tone;
    m_headline->setText(verdict.headline);
    m_explanation->setText(verdict.explanation);
    m_remarks->setText(verdict.remarks);
    for (QLabel* label : {m_explanation, m_remarks})
        label->setVisible(!label->text().isEmpty());
    setAccessibleName(verdict.headline);
    update();
}

void VerdictBox::setError(const QString& sentence)
{
    m_tone = Tone::Bad;
    m_headline->setText(sentence);
    m_explanation->hide();
    m_remarks->hide();
    setAccessibleName(sentence);
    update();
}

void VerdictBox::setStep(QAction* action)
{
    if (m_step != action) {
        if (m_step) {
            disconnect(m_step, nullptr, this, nullptr);
            disconnect(m_button, nullptr, m_step, nullptr);
        }
        m_step = action;
        if (m_step) {
            connect(m_step, &QAction::changed, this, &VerdictBox::follow);
            connect(m_button, &QPushButton::clicked, m_step, &QAction::trigger);
        }
    }
    follow();
}

void VerdictBox::follow()
{
    m_button->setVisible(m_step != nullptr);
    if (!m_step)
        return;
    m_button->setText(m_step->iconText());
    m_button->setToolTip(m_step->toolTip());
    m_button->setEnabled(m_step->isEnabled());
    // What the button stands for goes on: it is not one that cannot be pressed.
    const bool busy = m_step->property("busy").toBool();
    if (m_button->property("busy").toBool() != busy) {
        m_button->setProperty("busy", busy);
        m_button->style()->polish(m_button);
    }
}

void VerdictBox::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QColor tone = toneColor(m_tone, palette());
    painter.setPen(QPen(blend(palette().color(QPalette::Window), tone, 0.45), 1));
    painter.setBrush(toneBackground(m_tone, palette()));
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8);
}

void VerdictBox::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::PaletteChange)
        update();
    QWidget::changeEvent(event);
}

} // namespace bitmend
