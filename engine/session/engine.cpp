// SPDX-License-Identifier: Apache-2.0
#include "engine/session/engine.h"

#include "engine/array/read_stripe.h"
#include "engine/io/container.h"
#include "engine/io/overlay.h"

#include <QtConcurrent>

#include <set>
#include <tuple>
#include <utility>

namespace bitmend {

namespace {

constexpr int kPollMilliseconds = 33;

std::vector<std::string> pathsOf(const ArrayReport& array)
{
    std::vector<std::string> paths;
    for (const auto& member : array.members) {
        if (!member.path.empty())
            paths.push_back(member.path);
    }
    return paths;
}

ArrayView viewOf(const OpenView& open, const std::filesystem::path& overlay)
{
    return {
        open.snapshot.report, open.snapshot, overlay, open.returning, open.mounted, open.address};
}

} // namespace

Engine::Engine(QObject* parent) : QObject(parent)
{
    m_poll.setInterval(kPollMilliseconds);
    m_poll.callOnTimeout(this, &Engine::poll);
    setLogSink([this](const LogRecord& record) { m_log.post(record); });
}

Engine::~Engine()
{
    shutDown();
    setLogSink(nullptr);
}

template <typename T, typename Function> Job<T> Engine::start(QThreadPool& pool, Function function)
{
    auto control = std::make_shared<JobControl>();
    control->limitTo(m_bytesPerSecond);
    std::erase_if(m_running, [](const auto& job) { return job.expired(); });
    m_running.push_back(control);
    m_jobs->fetch_add(1, std::memory_order_relaxed);
    wake();
    return {control, QtConcurrent::run(&pool,
                         [control, jobs = m_jobs, function = std::move(function)]() -> Result<T> {
                             Result<T> result = function(*control);
                             jobs->fetch_sub(1, std::memory_order_release);
                             return result;
                         })};
}

void Engine::limitTo(std::uint64_t bytesPerSecond)
{
    m_bytesPerSecond = bytesPerSecond;
    for (const auto& job : m_running) {
        if (const auto control = job.lock())
            control->limitTo(bytesPerSecond);
    }
}

void Engine::wake()
{
    m_quiet = false;
    m_poll.start();
}

// `function` gets the open array, on its strand; without one the job fails with NoSuchArray.
template <typename T, typename Function> Job<T> Engine::onArray(const Uuid& uuid, Function function)
{
    OpenArray& open = openArray(uuid);
    return start<T>(open.strand(),
        [&open, uuid, function = std::move(function)](JobControl& control) -> Result<T> {
            const auto array = open.array();
            if (!array)
                return fail(ErrorCode::NoSuchArray, toString(uuid));
            Result<T> result = function(open, *array, control);
            open.publish();
            return result;
        });
}

// Never erased: a strand outlives the arrays that were opened on it, so jobs may refer to it.
OpenArray& Engine::openArray(const Uuid& uuid)
{
    auto& open = m_open[uuid];
    if (!open)
        open = std::make_shared<OpenArray>();
    return *open;
}

std::vector<ArrayView> Engine::arrays() const
{
    std::vector<ArrayView> views;
    std::set<Uuid> assembled;
    for (const auto& report : m_found) {
        const auto open = m_open.find(report.uuid);
        const auto shown = open == m_open.end() ? nullptr : open->second->view();
        if (shown) {
            if (assembled.insert(report.uuid).second)
                views.push_back(viewOf(*shown, open->second->overlay()));
            continue;
        }
        ArrayView view{report, std::nullopt, {}};
        for (const auto& path : pathsOf(report)) {
            if (const auto* source = m_sources.find(path); source && view.overlay.empty())
                view.overlay = source->overlay;
        }
        views.push_back(std::move(view));
    }
    // Assembled arrays stay in view when their sources were closed or went away.
    for (const auto& [uuid, open] : m_open) {
        const auto shown = open->view();
        if (shown && !assembled.contains(uuid))
            views.push_back(viewOf(*shown, open->overlay()));
    }
    return views;
}

std::optional<ArrayView> Engine::array(const Uuid& uuid) const
{
    for (auto& view : arrays()) {
        if (view.report.uuid == uuid)
            return std::move(view);
    }
    return std::nullopt;
}

BitmapFramePtr Engine::frame(const Uuid& uuid) const
{
    if (const auto open = m_open.find(uuid); open != m_open.end()) {
        if (const auto array = open->second->array())
            return array->frames().load();
    }
    if (const auto still = m_stillFrames.find(uuid); still != m_stillFrames.end())
        return still->second;
    for (const auto& report : m_found) {
        if (report.uuid == uuid && report.bitmap)
            return m_stillFrames[uuid] = BitmapFrameBuilder(report).publish();
    }
    return nullptr;
}

Result<AssemblyPlan> Engine::plan(const Uuid& uuid, const AssemblyChoices& choices) const
{
    return planAssembly(m_sources.report(), uuid, choices);
}

Job<AssemblyPlan> Engine::planOn(
    const Uuid& uuid, const AssemblyChoices& choices, const std::filesystem::path& overlay)
{
    std::vector<std::string> paths;
    for (const auto& source : m_sources.all())
        paths.push_back(source.path);
    return start<AssemblyPlan>(m_scanner.pool(),
        [paths, uuid, choices, overlay](JobControl& control) -> Result<AssemblyPlan> {
            ScanOptions options;
            options.overlay = overlay;
            return planAssembly(scan(paths, options, control, 1), uuid, choices);
        });
}

Job<StripeView> Engine::readStripe(const Uuid& uuid, std::int64_t begin, Sectors length)
{
    const auto view = array(uuid);
    const auto open = m_open.find(uuid);
    const auto running = open == m_open.end() ? nullptr : open->second->array();
    return start<StripeView>(m_scanner.pool(), [=](JobControl&) -> Result<StripeView> {
        if (running)
            return bitmend::readStripe(*running, begin, length);
        if (!view)
            return fail(ErrorCode::NoSuchArray, toString(uuid));
        const auto look = [&view](const std::string& path) -> Result<SourcePtr> {
            auto source = BM_TRY(openSource(path));
            return view->overlay.empty() ? source : viewThroughOverlay(source, view->overlay);
        };
        return bitmend::readStripe(view->report, look, begin, length);
    });
}

Job<ArraySnapshot> Engine::assemble(const AssemblyPlan& plan, const std::filesystem::path& overlay)
{
    OpenArray& open = openArray(plan.array.uuid);
    return start<ArraySnapshot>(
        open.strand(), [&open, plan, overlay](JobControl&) -> Result<ArraySnapshot> {
            if (open.array())
                return fail(ErrorCode::InUse, plan.array.name);
            auto array = BM_TRY(bitmend::assemble(plan, overlay));
            auto snapshot = array->snapshot();
            open.opened(std::move(array),
                plan.choices.mode == WriteMode::Overlay ? overlay : std::filesystem::path());
            return snapshot;
        });
}

Job<SyncOutcome> Engine::sync(const Uuid& uuid, SyncAction action)
{
    return onArray<SyncOutcome>(uuid, [action](OpenArray&, Array& array, JobControl& control) {
        return bitmend::sync(array, action, control);
    });
}

Job<HotAddPlan> Engine::planHotAdd(
    const Uuid& uuid, const std::string& path, const std::string& original)
{
    return onArray<HotAddPlan>(uuid, [path, original](OpenArray&, Array& array, JobControl&) {
        return original.empty() ? bitmend::planHotAdd(array, path)
                                : planReplace(array, path, original);
    });
}

template <typename Add> Job<HotAddResult> Engine::addThenRecover(const Uuid& uuid, Add add)
{
    return onArray<HotAddResult>(uuid,
        [add = std::move(add)](
            OpenArray& open, Array& array, JobControl& control) -> Result<HotAddResult> {
            HotAddResult result;
            result.added = BM_TRY(add(array));
            open.publish();
            auto recovery = bitmend::sync(array, SyncAction::Recover, control);
            if (recovery) {
                result.recovery = *recovery;
            } else if (recovery.error().code != ErrorCode::NothingToDo) {
                result.recoveryError = recovery.error();
            }
            return result;
        });
}

Job<HotAddResult> Engine::hotAdd(const Uuid& uuid, const HotAddPlan& plan)
{
    return addThenRecover(uuid, [plan](Array& array) { return bitmend::hotAdd(array, plan); });
}

Job<HotAddResult> Engine::reAdd(const Uuid& uuid, const ReAddPlan& plan)
{
    return addThenRecover(uuid, [plan](Array& array) { return bitmend::reAdd(array, plan); });
}

Job<MembershipOutcome> Engine::failMember(const Uuid& uuid, const std::string& path)
{
    return onArray<MembershipOutcome>(uuid,
        [path](OpenArray&, Array& array, JobControl&) { return bitmend::failMember(array, path); });
}

Job<MembershipOutcome> Engine::removeMember(const Uuid& uuid, const std::string& path)
{
    return onArray<MembershipOutcome>(uuid, [path](OpenArray&, Array& array, JobControl&) {
        return bitmend::removeMember(array, path);
    });
}

Job<BitmapAddPlan> Engine::planBitmapAdd(const Uuid& uuid)
{
    return onArray<BitmapAddPlan>(uuid,
        [](OpenArray&, Array& array, JobControl&) { return bitmend::planBitmapAdd(array, {}); });
}

Job<BitmapOutcome> Engine::addBitmap(const Uuid& uuid, const BitmapAddPlan& plan)
{
    return onArray<BitmapOutcome>(uuid,
        [plan](OpenArray&, Array& array, JobControl&) { return bitmend::addBitmap(array, plan); });
}

Job<BitmapOutcome> Engine::removeBitmap(const Uuid& uuid)
{
    return onArray<BitmapOutcome>(
        uuid, [](OpenArray&, Array& array, JobControl&) { return bitmend::removeBitmap(array); });
}

Job<WriterOutcome> Engine::writeSomething(const Uuid& uuid)
{
    OpenArray& open = openArray(uuid);
    auto job = start<WriterOutcome>(
        open.foreground(), [&open, uuid](JobControl& control) -> Result<WriterOutcome> {
            const auto array = open.array();
            if (!array)
                return fail(ErrorCode::NoSuchArray, toString(uuid));
            return bitmend::writeSomething(*array, control);
        });
    m_writers[uuid] = job.control;
    return job;
}

Job<MountOutcome> Engine::mount(const Uuid& uuid, const std::filesystem::path& folder)
{
    OpenArray& open = openArray(uuid);
    return start<MountOutcome>(
        open.foreground(), [&open, folder](JobControl&) { return open.mount(folder); });
}

Job<UnmountOutcome> Engine::unmount(const Uuid& uuid)
{
    OpenArray& open = openArray(uuid);
    return start<UnmountOutcome>(
        open.foreground(), [&open](JobControl&) { return open.unmount(); });
}

unsigned Engine::openFiles() const
{
    unsigned count = 0;
    for (const auto& [uuid, open] : m_open)
        count += open->openFiles();
    return count;
}

Job<StopOutcome> Engine::stop(const Uuid& uuid)
{
    if (const auto writer = m_writers[uuid].lock())
        writer->cancel();
    return onArray<StopOutcome>(
        uuid, [this](OpenArray& open, Array& array, JobControl&) -> Result<StopOutcome> {
            open.foreground().waitForDone(); // it was cancelled
            std::ignore = BM_TRY(open.unmount());
            Closed closed{pathsOf(array.snapshot().report), open.overlay()};
            StopOutcome outcome = BM_TRY(bitmend::stop(array));
            open.closed();
            m_closed.post(std::move(closed));
            return outcome;
        });
}

Job<PlugOutcome> Engine::pullPlug(const Uuid& uuid)
{
    if (const auto writer = m_writers[uuid].lock())
        writer->cancel();
    if (const auto array = openArray(uuid).array())
        array->cutPower();
    return onArray<PlugOutcome>(
        uuid, [this](OpenArray& open, Array& array, JobControl&) -> Result<PlugOutcome> {
            open.foreground().waitForDone(); // what writes there gets errors
            open.leave();
            PlugOutcome outcome;
            if (const auto frame = array.frames().load()) {
                for (const auto& member : frame->members)
                    outcome.chunks = std::max(outcome.chunks, member.set.total());
            }
            Closed closed{pathsOf(array.snapshot().report), open.overlay()};
            open.closed();
            m_closed.post(std::move(closed));
            return outcome;
        });
}

void Engine::shutDown()
{
    m_scanner.cancel();
    for (const auto& running : m_running) {
        if (const auto control = running.lock())
            control->cancel();
    }
    // A cancelled sync has recorded how far it came; a stop behind it keeps what is still due.
    for (const auto& [uuid, open] : m_open) {
        if (!open->array())
            continue;
        open->foreground().waitForDone();
        open->leave();
        stop(uuid);
    }
    for (const auto& [uuid, open] : m_open)
        open->strand().waitForDone();
    m_scanner.pool().waitForDone();
    poll();
    m_poll.stop();
}

} // namespace bitmend
