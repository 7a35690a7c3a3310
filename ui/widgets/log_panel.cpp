// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/log_panel.h"

#include "ui/appearance.h"
#include "ui/text.h"

#include <QDateTime>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QPlainTextEdit>
#include <QSaveFile>
#include <QScrollBar>
#include <QToolButton>

namespace bitmend {

namespace {

constexpr int kLinesKept = 20'000;
constexpr std::int64_t kMicrosPerSecond = 1'000'000;

} // namespace

LogPanel::LogPanel(QWidget* parent) : QWidget(parent), m_text(new QPlainTextEdit(this))
{
    m_text->setObjectName(QStringLiteral("log"));
    m_text->setAccessibleName(tr("Log"));
    m_text->setReadOnly(true);
    m_text->setFrameShape(QFrame::NoFrame);
    m_text->setMaximumBlockCount(kLinesKept);
    QFont mono = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    mono.setPointSizeF(font().pointSizeF() * 0.9);
    m_text->setFont(mono);
    m_text->setPlaceholderText(tr("What Bitmend reads and writes is listed here."));

    m_text->setMinimumHeight(m_text->fontMetrics().height() * 3);
    QScrollBar* scroll = m_text->verticalScrollBar();
    connect(scroll, &QScrollBar::actionTriggered, this,
        [this, scroll] { m_follows = scroll->sliderPosition() >= scroll->maximum(); });
    connect(scroll, &QScrollBar::rangeChanged, this, [this, scroll] {
        if (m_follows)
            scroll->setValue(scroll->maximum());
    });

    auto* save = new QToolButton(this);
    save->setObjectName(QStringLiteral("saveLog"));
    save->setText(tr("Save log\u2026"));
    save->setAutoRaise(true);
    connect(save, &QToolButton::clicked, this, &LogPanel::saveAsked);

    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(12, 2, 12, 6);
    row->addWidget(m_text, 1);
    row->addWidget(save, 0, Qt::AlignTop);
}

void LogPanel::append(std::int64_t seconds, const QString& sentence)
{
    const QDateTime time = QDateTime::fromSecsSinceEpoch(seconds, Qt::UTC);
    m_text->appendPlainText(
        time.toString(QStringLiteral("yyyy-MM-dd hh:mm:ss'Z'")) + QStringLiteral("  ") + sentence);
}

void LogPanel::add(const LogRecord& record)
{
    append(record.timeMicros / kMicrosPerSecond, text(sentence(record)));
}

void LogPanel::add(const QString& sentence)
{
    append(QDateTime::currentSecsSinceEpoch(), sentence);
}

QString LogPanel::contents() const { return m_text->toPlainText(); }

bool LogPanel::saveTo(const QString& path, QString* error) const
{
    QSaveFile file(path);
    const QByteArray bytes = contents().toUtf8() + '\n';
    const bool saved =
        file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.commit();
    if (!saved && error)
        *error = file.errorString();
    return saved;
}

} // namespace bitmend
