// SPDX-License-Identifier: Apache-2.0
// One job, while it runs and when it is over.
#pragma once

#include "engine/base/rate.h"
#include "ui/appearance.h"

#include <QElapsedTimer>
#include <QWidget>

#include <functional>

class QLabel;
class QProgressBar;
class QPushButton;

namespace bitmend {

struct JobState
{
    double fraction = 0;
    std::uint64_t bytesDone = 0; // 0 of 0 where a job does not count bytes: no rate, no estimate
    std::uint64_t bytesTotal = 0;
    bool paused = false;
    bool limited = false; // by a person, not by the disks
};

// How a row sees a job, without knowing what kind it is.
struct JobView
{
    QString title;
    std::function<JobState()> state;
    std::function<void(bool)> pause; // empty: it cannot be paused
    std::function<void()> cancel;    // empty: it cannot be cancelled
};

class JobRow : public QWidget
{
    Q_OBJECT

public:
    explicit JobRow(JobView job, QWidget* parent = nullptr);

    bool isRunning() const { return m_running; }
    bool canPause() const { return m_running && bool(m_job.pause); }
    void setTitle(const QString& title);
    void finish(Tone tone, const QString& outcome);
    void offer(const QString& label, std::function<void()> follow);
    void poll();
    void togglePause();

signals:
    void dismissed();

private:
    void cancel();
    QString describe(const JobState& state);

    JobView m_job;
    Rate m_rate;
    QElapsedTimer m_clock;
    std::int64_t m_ranMilliseconds = 0; // without the pauses
    bool m_running = true;
    bool m_wantsPause = false;
    QLabel* m_title;
    QProgressBar* m_progress;
    QLabel* m_status;
    QPushButton* m_pauseButton;
    QPushButton* m_cancelButton;
};

// "about 4 min"
QString roughly(double seconds);

} // namespace bitmend
