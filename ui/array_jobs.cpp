// SPDX-License-Identifier: Apache-2.0
#include "ui/array_jobs.h"

#include "ui/widgets/log_panel.h"

#include <QFutureWatcher>

#include <utility>

namespace bitmend {

namespace {

JobState stateOf(const JobControl& control)
{
    const auto [done, total] = control.progress();
    JobState state;
    state.bytesDone = done.bytes();
    state.bytesTotal = total.bytes();
    state.fraction = total.count > 0 ? double(done.count) / double(total.count) : 0;
    state.paused = control.isPaused();
    return state;
}

} // namespace

ArrayJobs::ArrayJobs(Engine& engine, JobBar& bar, LogPanel& log, QObject* parent)
    : QObject(parent)
    , m_engine(engine)
    , m_bar(bar)
    , m_log(log)
{
}

template <typename T>
void ArrayJobs::run(
    const Uuid& uuid, Activity activity, const QString& title, Job<T> job, Steering steering)
{
    JobView view{title, [control = job.control] { return stateOf(*control); }, {}, {}};
    if (steering == Steering::PauseAndCancel) {
        view.pause = [control = job.control](bool pause) {
            pause ? control->pause() : control->resume();
        };
        view.cancel = [control = job.control] {
            control->cancel();
        };
    }
    m_running[uuid] = {activity, title, m_bar.add(std::move(view))};
    emit activityChanged(uuid, activity);

    auto* watcher = new QFutureWatcher<Result<T>>(this);
    connect(watcher, &QFutureWatcher<Result<T>>::finished, this, [this, watcher, uuid] {
        const Result<T> result = watcher->result();
        watcher->deleteLater();
        conclude(uuid, result ? outcomeOf(*result) : outcomeOf(result.error()));
    });
    watcher->setFuture(job.result);
}

void ArrayJobs::conclude(const Uuid& uuid, const Outcome& outcome)
{
    const auto job = m_running.find(uuid);
    m_bar.finish(job->second.row, outcome.tone, outcome.sentence);
    m_log.add(QStringLiteral("%1: %2").arg(job->second.title, outcome.sentence));
    m_running.erase(job);
    emit activityChanged(uuid, Activity::None);
    emit finished(uuid, outcome);
}

void ArrayJobs::assemble(const AssemblyPlan& plan, const std::filesystem::path& overlay)
{
    run(plan.array.uuid, Activity::Assembling,
        tr("Assemble %1").arg(QString::fromStdString(plan.array.name)),
        m_engine.assemble(plan, overlay), Steering::None);
}

void ArrayJobs::resync(const ArrayReport& array)
{
    run(array.uuid, Activity::Resyncing, tr("Resync %1").arg(QString::fromStdString(array.name)),
        m_engine.resync(array.uuid), Steering::PauseAndCancel);
}

void ArrayJobs::recover(const ArrayReport& array)
{
    run(array.uuid, Activity::Recovering, tr("Recover %1").arg(QString::fromStdString(array.name)),
        m_engine.recover(array.uuid), Steering::PauseAndCancel);
}

void ArrayJobs::hotAdd(const ArrayReport& array, const HotAddPlan& plan)
{
    run(array.uuid, Activity::Adding, tr("Hot-add to %1").arg(QString::fromStdString(array.name)),
        m_engine.hotAdd(array.uuid, plan), Steering::PauseAndCancel);
}

void ArrayJobs::stop(const ArrayReport& array)
{
    run(array.uuid, Activity::Stopping, tr("Stop %1").arg(QString::fromStdString(array.name)),
        m_engine.stop(array.uuid), Steering::None);
}

Activity ArrayJobs::activity(const Uuid& uuid) const
{
    const auto job = m_running.find(uuid);
    return job == m_running.end() ? Activity::None : job->second.activity;
}

QStringList ArrayJobs::running() const
{
    QStringList titles;
    for (const auto& [uuid, job] : m_running)
        titles += job.title;
    return titles;
}

} // namespace bitmend
