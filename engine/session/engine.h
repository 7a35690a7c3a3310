// SPDX-License-Identifier: Apache-2.0
// The one door between the GUI and the engine, and the only Qt in engine/. Lives on the GUI thread.
//
// Whatever changes an array's members runs on that array's own strand, one job after the other;
// arrays run side by side, scans, which only read, and what writes into an array beside them.
// Whatever comes out is a value: the window never holds a pointer to something a job may change.
// Progress and frames are there to be polled, changes of state are signalled.
#pragma once

#include "engine/array/array.h"
#include "engine/array/bitmap_change.h"
#include "engine/array/membership.h"
#include "engine/array/stripe_view.h"
#include "engine/array/sync.h"
#include "engine/base/log.h"
#include "engine/session/array_view.h"
#include "engine/session/job.h"
#include "engine/session/mailbox.h"
#include "engine/session/open_array.h"
#include "engine/session/scanner.h"
#include "engine/session/source_list.h"
#include "engine/session/writer.h"

#include <QObject>
#include <QTimer>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bitmend {

struct HotAddResult // of a re-add as well
{
    HotAddOutcome added;
    std::optional<SyncOutcome> recovery;
    std::optional<Error> recoveryError; // the member was added all the same
};

class Engine : public QObject
{
    Q_OBJECT
    Q_DISABLE_COPY_MOVE(Engine)

public:
    explicit Engine(QObject* parent = nullptr);
    ~Engine() override; // shutDown()

    // Looking. Each source is signalled when its quick look is done, and again after the deep one.
    void open(std::vector<std::string> paths); // images, devices, folders of images
    void scanDisks();
    void rescan();
    // The same sources as these overlays show them, or, with an empty folder, as they really are.
    void lookThrough(const std::vector<std::string>& paths, const std::filesystem::path& overlay);
    void close(const std::string& path);
    bool isScanning() const { return m_scanning; }
    bool isQuiet() const { return m_quiet; } // no scan, no job, nothing to deliver
    ScanProgress scanProgress() const { return m_scanner.progress(); }
    void cancelScan();
    void pauseScan() { m_scanner.pause(); }
    void resumeScan() { m_scanner.resume(); }

    const std::vector<ScannedSource>& sources() const { return m_sources.all(); }
    std::vector<ArrayView> arrays() const; // those that cannot start first
    std::optional<ArrayView> array(const Uuid& uuid) const;
    BitmapFramePtr frame(const Uuid& uuid) const; // null: no such array, or it has no bitmap

    // Pure: from what the scan found.
    Result<AssemblyPlan> plan(const Uuid& uuid, const AssemblyChoices& choices) const;

    // A stripe from all members, assembled or not, beside whatever job runs; see read_stripe.h.
    Job<StripeView> readStripe(const Uuid& uuid, std::int64_t begin, Sectors length);

    // Jobs. planOn() is plan() with the array's members read through the overlays in a folder.
    Job<AssemblyPlan> planOn(
        const Uuid& uuid, const AssemblyChoices& choices, const std::filesystem::path& overlay);
    Job<ArraySnapshot> assemble(const AssemblyPlan& plan, const std::filesystem::path& overlay);
    Job<SyncOutcome> sync(const Uuid& uuid, SyncAction action);
    Job<HotAddPlan> planHotAdd(const Uuid& uuid, const std::string& path,
        const std::string& original); // the member to be replaced; empty: none
    Job<HotAddResult> hotAdd(const Uuid& uuid, const HotAddPlan& plan); // and the recovery
    Job<HotAddResult> reAdd(const Uuid& uuid, const ReAddPlan& plan);   // likewise
    Job<MembershipOutcome> failMember(const Uuid& uuid, const std::string& path);
    Job<MembershipOutcome> removeMember(const Uuid& uuid, const std::string& path);
    Job<BitmapAddPlan> planBitmapAdd(const Uuid& uuid);
    Job<BitmapOutcome> addBitmap(const Uuid& uuid, const BitmapAddPlan& plan);
    Job<BitmapOutcome> removeBitmap(const Uuid& uuid);
    Job<WriterOutcome> writeSomething(const Uuid& uuid); // beside the strand's jobs
    // Its contents as files for other programs, beside the strand's jobs.
    Job<MountOutcome> mount(const Uuid& uuid, const std::filesystem::path& folder);
    Job<UnmountOutcome> unmount(const Uuid& uuid);
    unsigned openFiles() const;                  // that programs have open where arrays are mounted
    Job<PlugOutcome> pullPlug(const Uuid& uuid); // drops it as if the power went
    // And of whoever writes; refused (MountBusy) while a program has one of those files open.
    Job<StopOutcome> stop(const Uuid& uuid);
    // Of every job that runs or will, so many bytes of each member in a second; 0: no limit.
    void limitTo(std::uint64_t bytesPerSecond);

    // Cancels what runs, stops every assembled array cleanly and waits for it.
    void shutDown();

signals:
    void scanStarted();
    void sourceChanged(const bitmend::ScannedSource& source);
    void sourceClosed(const std::string& path);
    void scanFinished();
    void arraysChanged();
    void logged(const bitmend::LogRecord& record);

private:
    struct Closed // posted by a strand when its array was stopped
    {
        std::vector<std::string> members;
        std::filesystem::path overlay;
    };

    template <typename T, typename Function> Job<T> start(QThreadPool& pool, Function function);
    template <typename T, typename Function> Job<T> onArray(const Uuid& uuid, Function function);
    OpenArray& openArray(const Uuid& uuid);
    template <typename Add> Job<HotAddResult> addThenRecover(const Uuid& uuid, Add add);
    void wake();
    void look(ScannedSource source);
    void poll();
    void deliverScans();
    void deliverSnapshots();
    void finishScanning();
    void refreshFound();

    SourceList m_sources;
    std::vector<ArrayReport> m_found;
    mutable std::map<Uuid, BitmapFramePtr> m_stillFrames; // of arrays that are not assembled
    std::vector<std::weak_ptr<JobControl>> m_running;
    std::uint64_t m_bytesPerSecond = 0;
    std::shared_ptr<std::atomic<int>> m_jobs = std::make_shared<std::atomic<int>>(0);
    bool m_scanning = false;
    bool m_deepWanted = false;
    bool m_quiet = true;
    Mailbox<LogRecord> m_log;
    Mailbox<Closed> m_closed;
    std::map<Uuid, FrameBox<OpenView>::Pointer> m_shown; // views already signalled
    std::map<Uuid, std::weak_ptr<JobControl>> m_writers;
    QTimer m_poll;
    Scanner m_scanner;
    std::map<Uuid, std::shared_ptr<OpenArray>> m_open;
};

} // namespace bitmend
