// SPDX-License-Identifier: Apache-2.0
// Runs the engine's jobs for the window: a row in the job bar while one runs, its outcome there and
// in the log afterwards, and the array's badge saying meanwhile what is going on.
#pragma once

#include "engine/session/engine.h"
#include "ui/badge.h"
#include "ui/outcomes.h"
#include "ui/widgets/job_bar.h"

#include <QObject>

#include <functional>
#include <map>

namespace bitmend {

class LogPanel;

class ArrayJobs : public QObject
{
    Q_OBJECT

public:
    ArrayJobs(Engine& engine, JobBar& bar, LogPanel& log, QObject* parent);

    void assemble(const AssemblyPlan& plan, const std::filesystem::path& overlay);
    void sync(const ArrayReport& array, SyncAction action);
    void hotAdd(const ArrayReport& array, const HotAddPlan& plan);
    void reAdd(const ArrayReport& array, const ReAddPlan& plan);
    void failMember(const ArrayReport& array, const std::string& path);
    void removeMember(const ArrayReport& array, const std::string& path);
    void addBitmap(const ArrayReport& array, const BitmapAddPlan& plan);
    void removeBitmap(const ArrayReport& array);
    void writeSomething(const ArrayReport& array);
    void mount(const ArrayReport& array, const std::filesystem::path& folder);
    void unmount(const ArrayReport& array);
    void pullPlug(const ArrayReport& array);
    void stop(const ArrayReport& array);

    Activity activity(const Uuid& uuid) const;                 // of its strand
    bool isRunning(const Uuid& uuid, Activity activity) const; // also beside its strand
    bool isBusy() const { return !m_running.empty(); }
    QStringList running() const; // "Resync web:data", one per job

signals:
    void activityChanged(const bitmend::Uuid& uuid, bitmend::Activity activity);
    void finished(const bitmend::Uuid& uuid, const bitmend::Outcome& outcome);
    void compared(
        const bitmend::Uuid& uuid, const std::shared_ptr<const bitmend::SyncOutcome>& outcome);
    void differencesAsked(const bitmend::Uuid& uuid); // of the outcome in the job bar
    void mounted(const QString& folder);

private:
    struct Running
    {
        Uuid uuid;
        Activity activity;
        QString title;
    };
    enum class Steering : std::uint8_t { None, PauseAndCancel };

    template <typename T>
    void run(
        const Uuid& uuid, Activity activity, const QString& title, Job<T> job, Steering steering);
    void conclude(JobBar::Id row, const Outcome& outcome);
    void showMount(JobBar::Id row, const MountOutcome& mount);
    void offerDifferences(JobBar::Id row, const Uuid& uuid, const SyncOutcome& outcome);

    Engine& m_engine;
    JobBar& m_bar;
    LogPanel& m_log;
    std::map<JobBar::Id, Running> m_running;
};

} // namespace bitmend
