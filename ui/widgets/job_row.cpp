// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/job_row.h"

#include "ui/text.h"

#include <QCoreApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>

#include <algorithm>
#include <cmath>

namespace bitmend {

namespace {

constexpr int kProgressSteps = 1000;

} // namespace

QString roughly(double seconds)
{
    const auto tr = [](const char* pattern) {
        return QCoreApplication::translate("JobRow", pattern);
    };
    if (seconds < 60) {
        return tr(QT_TRANSLATE_NOOP("JobRow", "about %1 s"))
            .arg(std::max(1L, std::lround(seconds)));
    }
    if (seconds < 5400) {
        return tr(QT_TRANSLATE_NOOP("JobRow", "about %1 min")).arg(std::lround(seconds / 60));
    }
    return tr(QT_TRANSLATE_NOOP("JobRow", "about %1 h")).arg(std::lround(seconds / 3600));
}

JobRow::JobRow(JobView job, QWidget* parent)
    : QWidget(parent)
    , m_job(std::move(job))
    , m_title(new QLabel(m_job.title, this))
    , m_progress(new QProgressBar(this))
    , m_status(new QLabel(this))
    , m_pauseButton(new QPushButton(tr("Pause"), this))
    , m_cancelButton(new QPushButton(tr("Cancel"), this))
{
    setObjectName(QStringLiteral("job"));
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    m_title->setFont(bold);
    m_title->setTextFormat(Qt::PlainText);
    m_status->setTextFormat(Qt::PlainText);
    m_status->setObjectName(QStringLiteral("jobStatus"));
    m_progress->setRange(0, kProgressSteps);
    m_progress->setTextVisible(false);
    m_progress->setAccessibleName(tr("Progress of %1").arg(m_job.title));
    m_pauseButton->setObjectName(QStringLiteral("pauseJob"));
    m_pauseButton->setToolTip(tr("Let the job rest where the disk is consistent (Space)"));
    m_pauseButton->setVisible(bool(m_job.pause));
    m_cancelButton->setObjectName(QStringLiteral("cancelJob"));
    m_cancelButton->setVisible(bool(m_job.cancel));
    m_cancelButton->setToolTip(tr("What was done stays done; the next run carries on from there"));

    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 8, 16, 8);
    row->setSpacing(14);
    row->addWidget(m_title);
    row->addWidget(m_progress, 1);
    row->addWidget(m_status);
    row->addWidget(m_pauseButton);
    row->addWidget(m_cancelButton);
    connect(m_pauseButton, &QPushButton::clicked, this, &JobRow::togglePause);
    connect(m_cancelButton, &QPushButton::clicked, this, &JobRow::cancel);
    m_clock.start();
    poll();
}

void JobRow::setTitle(const QString& title)
{
    m_title->setText(title);
    m_progress->setAccessibleName(tr("Progress of %1").arg(title));
}

void JobRow::togglePause()
{
    if (!canPause())
        return;
    m_wantsPause = !m_wantsPause;
    m_job.pause(m_wantsPause);
    m_pauseButton->setText(m_wantsPause ? tr("Resume") : tr("Pause"));
    poll();
}

void JobRow::cancel()
{
    if (!m_running) {
        emit dismissed();
        return;
    }
    m_cancelButton->setEnabled(false);
    m_pauseButton->setEnabled(false);
    m_cancelButton->setText(tr("Stopping\u2026"));
    m_job.cancel();
}

void JobRow::poll()
{
    if (!m_running)
        return;
    const JobState state = m_job.state();
    const std::int64_t passed = m_clock.restart();
    if (!state.paused)
        m_ranMilliseconds += passed;
    m_rate.add(m_ranMilliseconds, state.bytesDone, state.bytesTotal);
    m_progress->setValue(int(std::clamp(state.fraction, 0.0, 1.0) * kProgressSteps));
    m_status->setText(describe(state));
}

QString JobRow::describe(const JobState& state)
{
    QStringList parts{tr("%1 %").arg(int(std::clamp(state.fraction, 0.0, 1.0) * 100))};
    if (state.paused) {
        parts += tr("paused");
    } else if (m_wantsPause) {
        parts += tr("pausing\u2026");
    } else if (state.bytesTotal > 0) {
        if (const auto rate = m_rate.bytesPerSecond()) {
            parts += (state.limited ? tr("%1/s, limited") : tr("%1/s"))
                         .arg(sizeText(std::uint64_t(*rate)));
        }
        if (const auto left = m_rate.secondsLeft())
            parts += roughly(*left);
    }
    return parts.join(QStringLiteral(" \u00b7 "));
}

void JobRow::offer(const QString& label, std::function<void()> follow)
{
    auto* button = new QPushButton(label, this);
    button->setObjectName(QStringLiteral("followJob"));
    auto* row = static_cast<QHBoxLayout*>(layout());
    row->insertWidget(row->indexOf(m_cancelButton), button);
    button->show(); // a layout does so only later
    connect(button, &QPushButton::clicked, this, std::move(follow));
}

void JobRow::finish(Tone tone, const QString& outcome)
{
    m_running = false;
    m_progress->hide();
    m_pauseButton->hide();
    m_cancelButton->show();
    m_cancelButton->setEnabled(true);
    m_cancelButton->setText(tr("Dismiss"));
    m_cancelButton->setToolTip({});
    m_status->setText(outcome);
    m_status->setWordWrap(true);
    m_status->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    if (tone == Tone::Bad || tone == Tone::Warning) {
        QPalette colored = palette();
        colored.setColor(QPalette::WindowText, toneColor(tone, palette()));
        m_status->setPalette(colored);
    }
    static_cast<QHBoxLayout*>(layout())->setStretchFactor(m_status, 1);
}

} // namespace bitmend
