// SPDX-License-Identifier: Apache-2.0
#include "ui/array_jobs.h"

#include "ui/mount_folder.h"
#include "ui/text.h"
#include "ui/widgets/log_panel.h"

#include <QFutureWatcher>

#include <algorithm>
#include <type_traits>
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
    state.limited = control.bytesPerSecond() != 0;
    return state;
}

bool isBeside(Activity activity)
{
    return activity == Activity::Writing || activity == Activity::Mounting;
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
    const JobBar::Id row = m_bar.add(std::move(view));
    m_running[row] = {uuid, activity, title};
    emit activityChanged(uuid, this->activity(uuid));

    auto* watcher = new QFutureWatcher<Result<T>>(this);
    connect(watcher, &QFutureWatcher<Result<T>>::finished, this, [this, watcher, row, uuid] {
        const Result<T> result = watcher->result();
        const auto report = m_engine.array(uuid).value_or(ArrayView{}).report;
        watcher->deleteLater();
        conclude(row, result ? outcomeOf(*result) : outcomeOf(result.error(), report));
        if constexpr (std::is_same_v<T, SyncOutcome>) {
            if (result)
                offerDifferences(row, uuid, *result);
        }
        if constexpr (std::is_same_v<T, MountOutcome>) {
            if (result)
                showMount(row, *result);
        }
    });
    watcher->setFuture(job.result);
}

void ArrayJobs::conclude(JobBar::Id row, const Outcome& outcome)
{
    const auto job = m_running.extract(row);
    const Running& was = job.mapped();
    m_bar.finish(row, outcome.tone, outcome.sentence);
    m_log.add(QStringLiteral("%1: %2").arg(was.title, outcome.sentence));
    emit activityChanged(was.uuid, activity(was.uuid));
    emit finished(was.uuid, outcome);
}

void ArrayJobs::offerDifferences(JobBar::Id row, const Uuid& uuid, const SyncOutcome& outcome)
{
    if (outcome.action != SyncAction::Check && outcome.action != SyncAction::Repair)
        return;
    emit compared(uuid, std::make_shared<const SyncOutcome>(outcome));
    if (!outcome.differing.empty() || !outcome.unreadable.empty()) {
        m_bar.offer(row, tr("&Show where"), [this, uuid] { emit differencesAsked(uuid); });
    }
}

void ArrayJobs::showMount(JobBar::Id row, const MountOutcome& mount)
{
    const auto address = QString::fromStdString(mount.address);
    if (address.isEmpty()) {
        emit mounted(QString::fromStdString(mount.folder.string()));
    } else {
        m_bar.offer(row, tr("&Copy the address"), [address] { copyAddress(address); });
    }
}

void ArrayJobs::assemble(const AssemblyPlan& plan, const std::filesystem::path& overlay)
{
    run(plan.array.uuid, Activity::Assembling,
        tr("Assemble %1").arg(QString::fromStdString(plan.array.name)),
        m_engine.assemble(plan, overlay), Steering::None);
}

void ArrayJobs::sync(const ArrayReport& array, SyncAction action)
{
    const QString name = QString::fromStdString(array.name);
    const auto [activity, title] = [action, &name]() -> std::pair<Activity, QString> {
        switch (action) {
        case SyncAction::Resync:
            return {Activity::Resyncing, tr("Resync %1").arg(name)};
        case SyncAction::Recover:
            return {Activity::Recovering, tr("Recover %1").arg(name)};
        case SyncAction::Check:
            return {Activity::Checking, tr("Check %1").arg(name)};
        case SyncAction::Repair:
            return {Activity::Repairing, tr("Repair %1").arg(name)};
        }
        return {};
    }();
    run(array.uuid, activity, title, m_engine.sync(array.uuid, action), Steering::PauseAndCancel);
}

void ArrayJobs::hotAdd(const ArrayReport& array, const HotAddPlan& plan)
{
    const QString title = plan.replaces.empty()
                              ? tr("Hot-add to %1").arg(QString::fromStdString(array.name))
                              : tr("Replace %1").arg(nameOf(plan.replaces));
    run(array.uuid, Activity::Adding, title, m_engine.hotAdd(array.uuid, plan),
        Steering::PauseAndCancel);
}

void ArrayJobs::reAdd(const ArrayReport& array, const ReAddPlan& plan)
{
    run(array.uuid, Activity::Adding,
        tr("Re-add %1 to %2").arg(nameOf(plan.path), QString::fromStdString(array.name)),
        m_engine.reAdd(array.uuid, plan), Steering::PauseAndCancel);
}

void ArrayJobs::failMember(const ArrayReport& array, const std::string& path)
{
    run(array.uuid, Activity::Changing, tr("Fail %1").arg(nameOf(path)),
        m_engine.failMember(array.uuid, path), Steering::None);
}

void ArrayJobs::removeMember(const ArrayReport& array, const std::string& path)
{
    run(array.uuid, Activity::Changing, tr("Remove %1").arg(nameOf(path)),
        m_engine.removeMember(array.uuid, path), Steering::None);
}

void ArrayJobs::addBitmap(const ArrayReport& array, const BitmapAddPlan& plan)
{
    run(array.uuid, Activity::Changing,
        tr("Add a bitmap to %1").arg(QString::fromStdString(array.name)),
        m_engine.addBitmap(array.uuid, plan), Steering::None);
}

void ArrayJobs::removeBitmap(const ArrayReport& array)
{
    run(array.uuid, Activity::Changing,
        tr("Remove the bitmap of %1").arg(QString::fromStdString(array.name)),
        m_engine.removeBitmap(array.uuid), Steering::None);
}

void ArrayJobs::writeSomething(const ArrayReport& array)
{
    run(array.uuid, Activity::Writing, tr("Write to %1").arg(QString::fromStdString(array.name)),
        m_engine.writeSomething(array.uuid), Steering::PauseAndCancel);
}

void ArrayJobs::mount(const ArrayReport& array, const std::filesystem::path& folder)
{
    run(array.uuid, Activity::Mounting, tr("Mount %1").arg(QString::fromStdString(array.name)),
        m_engine.mount(array.uuid, folder), Steering::None);
}

void ArrayJobs::unmount(const ArrayReport& array)
{
    run(array.uuid, Activity::Mounting, tr("Unmount %1").arg(QString::fromStdString(array.name)),
        m_engine.unmount(array.uuid), Steering::None);
}

void ArrayJobs::pullPlug(const ArrayReport& array)
{
    run(array.uuid, Activity::Stopping,
        tr("Pull the plug on %1").arg(QString::fromStdString(array.name)),
        m_engine.pullPlug(array.uuid), Steering::None);
}

void ArrayJobs::stop(const ArrayReport& array)
{
    run(array.uuid, Activity::Stopping, tr("Stop %1").arg(QString::fromStdString(array.name)),
        m_engine.stop(array.uuid), Steering::None);
}

Activity ArrayJobs::activity(const Uuid& uuid) const
{
    for (const auto& [row, job] : m_running) {
        if (job.uuid == uuid && !isBeside(job.activity))
            return job.activity;
    }
    return Activity::None;
}

bool ArrayJobs::isRunning(const Uuid& uuid, Activity activity) const
{
    return std::ranges::any_of(m_running, [&uuid, activity](const auto& entry) {
        return entry.second.uuid == uuid && entry.second.activity == activity;
    });
}

QStringList ArrayJobs::running() const
{
    QStringList titles;
    for (const auto& [row, job] : m_running)
        titles += job.title;
    return titles;
}

} // namespace bitmend
