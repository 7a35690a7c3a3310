// SPDX-License-Identifier: Apache-2.0
#include "engine/session/open_array.h"

#include "engine/array/planned_writes.h"
#include "engine/io/merged_writes.h"
#include "engine/raid/personality.h"

#include <chrono>
#include <condition_variable>
#include <utility>

namespace bitmend {

namespace {

constexpr std::chrono::milliseconds kUpkeepInterval{100};

bool isOut(const Member& member)
{
    return !member.path.empty() && member.superblock && member.state != MemberState::InSync &&
           member.state != MemberState::Rebuilding && member.state != MemberState::Replacement &&
           member.state != MemberState::Spare;
}

// Who is out and could be asked back. One whose superblock is of another array cannot.
std::vector<Returning> findReturning(const Array& array, const ArraySnapshot& snapshot)
{
    std::vector<Returning> returning;
    for (const auto& member : snapshot.report.members) {
        if (isOut(member))
            returning.push_back({member.path, planReAdd(array, member.path)});
    }
    return returning;
}

} // namespace

OpenArray::OpenArray()
{
    for (auto* pool : {&m_strand, &m_foreground}) {
        pool->setMaxThreadCount(1);
        pool->setExpiryTimeout(-1);
    }
}

std::shared_ptr<Array> OpenArray::array() const
{
    const std::lock_guard lock(m_mutex);
    return m_array;
}

std::filesystem::path OpenArray::overlay() const
{
    const std::lock_guard lock(m_mutex);
    return m_overlay;
}

void OpenArray::opened(std::unique_ptr<Array> array, std::filesystem::path overlay)
{
    auto& opened = *array;
    {
        const std::lock_guard lock(m_mutex);
        m_array = std::move(array);
        m_overlay = std::move(overlay);
    }
    publish();
    m_upkeep = std::jthread([this, &opened](const std::stop_token& stop) { keepUp(stop, opened); });
}

// The array outlives this: closed() waits for it.
void OpenArray::keepUp(const std::stop_token& stop, Array& array)
{
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        woken.wait_for(lock, stop, kUpkeepInterval, [] { return false; });
        // What goes wrong here the array remembers, and tells whoever writes next.
        [[maybe_unused]] const auto kept = array.maintain();
        forgetMount();
        const auto shown = view();
        if (shown && shown->snapshot.report.events != array.snapshot().report.events)
            publish();
    }
}

void OpenArray::publish()
{
    const std::lock_guard publishing(m_publishing);
    const auto array = this->array();
    if (!array)
        return;
    auto snapshot = array->snapshot();
    auto returning = findReturning(*array, snapshot);
    OpenView view{std::move(snapshot), std::move(returning), {}, {}};
    showMount(view);
    m_view.store(std::make_shared<const OpenView>(std::move(view)));
}

void OpenArray::showMount(OpenView& view) const
{
    const std::lock_guard lock(m_mounting);
    if (!m_mount)
        return;
    view.mounted = m_mount->folder();
    const auto addresses = addressesOf(*m_mount);
    if (!addresses.empty())
        view.address = addresses.front();
}

Result<MountOutcome> OpenArray::mount(const std::filesystem::path& folder)
{
    const auto array = this->array();
    if (!array)
        return fail(ErrorCode::NoSuchArray);
    const auto snapshot = array->snapshot();
    const bool isWritten = snapshot.mode != WriteMode::ReadOnly;
    MountOutcome outcome{folder, {}, {}, isWritten};
    {
        const std::lock_guard lock(m_mounting);
        if (m_mount)
            return fail(ErrorCode::InUse, snapshot.report.name);
        if (this->array() != array)
            return fail(ErrorCode::NoSuchArray);
        if (snapshot.mode == WriteMode::InPlace) {
            BM_TRY(array->authorize(
                foregroundWrites(snapshot.report, {{}, snapshot.report.arraySize})));
        }
        DevicePtr device;
        if (isWritten) {
            device = std::make_shared<MergedWrites>(
                array, wholeStripe(snapshot.report.geometry).bytes());
        }
        const auto whole = device ? SourcePtr(device) : SourcePtr(array);
        m_mount = BM_TRY(mountFiles(filesOf(whole, device, snapshot.report.name), folder, "bitmend",
            MountAs::FilesIfPossible));
        outcome.files = addressesOf(*m_mount);
        if (!outcome.files.empty())
            outcome.address = outcome.files.front();
        for (const auto& file : m_mount->files()) {
            if (outcome.address.empty())
                outcome.files.push_back(file.name);
        }
    }
    publish();
    return outcome;
}

Result<UnmountOutcome> OpenArray::unmount()
{
    UnmountOutcome outcome;
    Result<void> done;
    {
        const std::lock_guard lock(m_mounting);
        if (!m_mount)
            return outcome;
        if (m_mount->isServing())
            done = m_mount->unmount();
        if (!done && m_mount->isServing())
            return std::unexpected(done.error());
        outcome.folder = m_mount->folder();
        m_mount.reset();
    }
    publish();
    BM_TRY(done);
    return outcome;
}

unsigned OpenArray::openFiles() const
{
    const std::lock_guard lock(m_mounting);
    return m_mount ? m_mount->openFiles() : 0;
}

void OpenArray::leave()
{
    const std::lock_guard lock(m_mounting);
    m_mount.reset();
}

// Somebody else may have unmounted it.
void OpenArray::forgetMount()
{
    {
        const std::unique_lock lock(m_mounting, std::try_to_lock);
        if (!lock || !m_mount || m_mount->isServing())
            return;
        m_mount.reset();
    }
    publish();
}

void OpenArray::closed()
{
    std::shared_ptr<Array> last;
    {
        const std::lock_guard lock(m_mutex);
        last.swap(m_array);
    }
    m_upkeep = {};
    leave();
    const std::lock_guard publishing(m_publishing);
    m_view.store(nullptr);
}

} // namespace bitmend
