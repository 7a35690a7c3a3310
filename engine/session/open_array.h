// SPDX-License-Identifier: Apache-2.0
// One assembled array with its strand: everything that changes who is a member or brings members in
// line runs on one thread, in the order it was asked for. Arrays do not wait for each other. What
// is written into the array comes from a thread beside the strand, and a third one does what is due
// when nobody writes any more.
#pragma once

#include "engine/array/array.h"
#include "engine/base/frame_box.h"
#include "engine/export/mount.h"
#include "engine/session/array_view.h"

#include <QThreadPool>

#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace bitmend {

// What the window is shown of it.
struct OpenView
{
    ArraySnapshot snapshot;
    std::vector<Returning> returning;
    std::filesystem::path mounted; // where its contents are files; empty: nowhere
    std::string address;           // of NBD's, when they are no files there
};

struct MountOutcome
{
    std::filesystem::path folder;
    std::vector<std::string> files; // names in it, or NBD addresses
    std::string address;            // of all of it, when they are that
    bool writable = false;
};

struct UnmountOutcome
{
    std::filesystem::path folder; // empty: it was not mounted any more
};

class OpenArray
{
public:
    OpenArray();

    QThreadPool& strand() { return m_strand; }
    QThreadPool& foreground() { return m_foreground; }

    // From any thread. Null before assembling and after a stop.
    std::shared_ptr<Array> array() const;
    FrameBox<OpenView>::Pointer view() const { return m_view.load(); }
    std::filesystem::path overlay() const;

    // Its contents as files in a folder, or where there is no FUSE through a socket there, to be
    // written when the array is. From the foreground, and unmount() from the strand as well. Errors
    // of mountFiles(); InUse when it is mounted already. In place a person has agreed before that
    // programs may write anywhere on the members.
    Result<MountOutcome> mount(const std::filesystem::path& folder);
    Result<UnmountOutcome> unmount();
    void leave(); // the same at any price
    unsigned openFiles() const;

    // From the strand.
    void opened(std::unique_ptr<Array> array, std::filesystem::path overlay);
    void publish();
    void closed(); // closes the members, releases the overlays

private:
    void keepUp(const std::stop_token& stop, Array& array);

    void showMount(OpenView& view) const;
    void forgetMount();

    mutable std::mutex m_mutex;
    std::shared_ptr<Array> m_array;
    std::filesystem::path m_overlay;
    mutable std::mutex m_mounting; // never taken before one of the others
    std::unique_ptr<Mount> m_mount;
    std::mutex m_publishing; // an older view never replaces a newer one
    FrameBox<OpenView> m_view;
    QThreadPool m_foreground;
    QThreadPool m_strand; // near the end: it waits for its thread before the rest goes
    std::jthread m_upkeep;
};

} // namespace bitmend
