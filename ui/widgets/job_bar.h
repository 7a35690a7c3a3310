// SPDX-License-Identifier: Apache-2.0
// Every long job, one row each: what, how far, how fast, how much longer, pause, cancel; afterwards
// its outcome, until it is dismissed.
#pragma once

#include "ui/appearance.h"
#include "ui/widgets/job_row.h"

#include <QTimer>
#include <QWidget>

#include <map>

class QVBoxLayout;

namespace bitmend {

class JobBar : public QWidget
{
    Q_OBJECT

public:
    using Id = int;

    explicit JobBar(QWidget* parent = nullptr);

    Id add(JobView job);
    void setTitle(Id id, const QString& title);
    void finish(Id id, Tone tone, const QString& outcome);
    // What a finished job's outcome leads to, as a button beside it.
    void offer(Id id, const QString& label, std::function<void()> follow);
    void remove(Id id);
    bool isRunning() const;
    void togglePause(); // of the newest running job that can be paused

signals:
    void runningChanged();

private:
    void poll();

    QVBoxLayout* m_rows;
    std::map<Id, JobRow*> m_jobs;
    Id m_last = 0;
    QTimer m_timer;
};

} // namespace bitmend
