// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/job_bar.h"

#include <QVBoxLayout>

#include <algorithm>
#include <ranges>
#include <utility>

namespace bitmend {

namespace {

constexpr int kPollMilliseconds = 50;

} // namespace

JobBar::JobBar(QWidget* parent) : QWidget(parent), m_rows(new QVBoxLayout(this))
{
    setObjectName(QStringLiteral("jobs"));
    setAccessibleName(tr("Jobs"));
    m_rows->setContentsMargins(0, 0, 0, 0);
    m_rows->setSpacing(0);
    m_timer.setInterval(kPollMilliseconds);
    m_timer.callOnTimeout(this, &JobBar::poll);
    hide();
}

JobBar::Id JobBar::add(JobView job)
{
    const Id id = ++m_last;
    auto* row = new JobRow(std::move(job), this);
    m_jobs.emplace(id, row);
    m_rows->addWidget(row);
    row->show(); // a layout does so only later
    connect(row, &JobRow::dismissed, this, [this, id] { remove(id); });
    show();
    m_timer.start();
    emit runningChanged();
    return id;
}

void JobBar::setTitle(Id id, const QString& title)
{
    if (const auto job = m_jobs.find(id); job != m_jobs.end())
        job->second->setTitle(title);
}

void JobBar::finish(Id id, Tone tone, const QString& outcome)
{
    const auto job = m_jobs.find(id);
    if (job == m_jobs.end())
        return;
    // The outcome before this one makes room; it stays in the log.
    const auto old =
        std::ranges::find_if(m_jobs, [](const auto& entry) { return !entry.second->isRunning(); });
    if (old != m_jobs.end() && old != job)
        remove(old->first);
    job->second->finish(tone, outcome);
    emit runningChanged();
}

void JobBar::offer(Id id, const QString& label, std::function<void()> follow)
{
    if (const auto job = m_jobs.find(id); job != m_jobs.end())
        job->second->offer(label, std::move(follow));
}

void JobBar::remove(Id id)
{
    const auto job = m_jobs.find(id);
    if (job == m_jobs.end())
        return;
    job->second->hide();
    job->second->deleteLater();
    m_jobs.erase(job);
    setVisible(!m_jobs.empty());
    emit runningChanged();
}

bool JobBar::isRunning() const
{
    return std::ranges::any_of(m_jobs, [](const auto& entry) { return entry.second->isRunning(); });
}

void JobBar::togglePause()
{
    for (const auto& [id, row] : std::views::reverse(m_jobs)) {
        if (row->canPause()) {
            row->togglePause();
            return;
        }
    }
}

void JobBar::poll()
{
    if (!isRunning())
        m_timer.stop();
    for (const auto& [id, row] : m_jobs)
        row->poll();
}

} // namespace bitmend
