// SPDX-License-Identifier: Apache-2.0
// The socket on which NBD's clients find an array: "nbd.sock" in a folder that has nothing else in
// it. Only its owner may connect. The folder is locked for as long as somebody listens: so what a
// killed program left there is told from what is served.
#pragma once

#include "engine/base/result.h"

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace bitmend {

class NbdSocket
{
public:
    // The folder is made, for its owner alone, when it is not there, and what was left behind in it
    // is removed. FolderInUse when it holds anything else or somebody listens in it; CannotMount.
    static Result<NbdSocket> listenIn(const std::filesystem::path& folder);

    // Takes the socket and a folder that was made away.
    ~NbdSocket();
    NbdSocket(NbdSocket&& other) noexcept;
    NbdSocket(const NbdSocket&) = delete;
    NbdSocket& operator=(const NbdSocket&) = delete;
    NbdSocket& operator=(NbdSocket&&) = delete;

    const std::filesystem::path& folder() const { return m_folder; }
    std::filesystem::path path() const;
    int descriptor() const { return m_listener; }

private:
    NbdSocket() = default;
    Result<void> lock();
    Result<void> bind();

    std::filesystem::path m_folder;
    bool m_madeFolder = false;
    bool m_isBound = false;
    int m_lock = -1; // the folder
    int m_listener = -1;
};

// Whether such a socket is in the folder, listened to or not.
bool hasNbdSocket(const std::filesystem::path& folder);

// Who listens there; none when nobody does.
std::optional<pid_t> nbdServerIn(const std::filesystem::path& folder);

// True when a socket was there to which nobody listens any more; it is gone now.
bool removeLeftSocket(const std::filesystem::path& folder);

} // namespace bitmend
